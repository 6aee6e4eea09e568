"""Remove the locks that our own git commands leave when they are killed.

While git writes for us, a trace file lies in the state folder. A trace whose process has ended means a kill. Once no
git works in the repository any more, the locks younger than the trace are those the kill left. On systems that do not
list processes in /proc there are no traces.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gitassets.adapters.process import CommandError

_PROCESSES = Path("/proc")
_STATE = "gitassets"
_TRACES = "git-at-work"
_READS = b"\0cat-file\0"  # Such a process may live as long as a whole command.


@contextmanager
def leave_trace(common_dir: Path) -> Iterator[None]:
    """Keep a trace while git writes in the repository, and first remove the locks of earlier kills.

    If git itself is killed inside, remove its locks too.
    """
    if not (common_dir / _STATE).is_dir() or not _PROCESSES.joinpath("self", "stat").exists():
        yield
        return
    clear_traces(common_dir)
    trace = _make_trace(common_dir)
    try:
        yield
    except BaseException as error:
        if isinstance(error, CommandError) and not error.was_killed:
            trace.unlink(missing_ok=True)
        else:
            _clear(common_dir, [trace])
        raise
    # os.unlink is faster than pathlib, and this is a part of every commit.
    os.unlink(trace)  # noqa: PTH108


def _make_trace(common_dir: Path) -> Path:
    pid = os.getpid()
    path = common_dir / _STATE / _TRACES / f"{pid}-{_read_start(str(pid))}-{threading.get_ident()}"
    path.parent.mkdir(exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return path


def clear_traces(common_dir: Path) -> list[Path]:
    """Remove the locks of our killed git commands and return them; none while git is at work."""
    abandoned = [one for one in _iter_traces(common_dir) if _is_abandoned(one)]
    return _clear(common_dir, abandoned) if abandoned else []


def _iter_traces(common_dir: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(common_dir / _STATE / _TRACES) as found:
        yield from (Path(one.path) for one in found)


def _is_abandoned(trace: Path) -> bool:
    pid, start, _ = trace.name.split("-")
    return _read_start(pid) != start


def _read_start(pid: str) -> str | None:
    """Return the start time of the process, which tells it from others with the same id; None if it has ended."""
    try:
        fields = (_PROCESSES / pid / "stat").read_text().rpartition(") ")[2].split(" ")
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _clear(common_dir: Path, traces: list[Path]) -> list[Path]:
    from gitassets.adapters.state.locks import hold_lock

    # Otherwise the second of two could remove the lock of a git that has started since.
    with hold_lock(common_dir / _STATE / f"{_TRACES}.lock", "removing the locks of a killed git"):
        times = [one.stat().st_mtime_ns for one in traces if one.exists()]
        if not times or is_git_at_work(*list_work_trees(common_dir)):
            return []
        left = [lock for lock in _iter_locks(common_dir) if _is_younger(lock, min(times))]
        for path in (*left, *traces):
            path.unlink(missing_ok=True)
        return left


def _is_younger(path: Path, time_ns: int) -> bool:
    try:
        return path.lstat().st_mtime_ns >= time_ns
    except FileNotFoundError:
        return False


def _iter_locks(common_dir: Path) -> Iterator[Path]:
    """Yield every lock of git in the repository: of indexes, references, settings and packs."""
    for base, folders, files in os.walk(common_dir):
        if Path(base) == common_dir:
            folders[:] = [one for one in folders if one not in (_STATE, "lfs", "modules")]
        elif Path(base) == common_dir / "objects":
            folders[:] = [one for one in folders if len(one) > 2]
        yield from (Path(base) / name for name in files if name.endswith(".lock") or name == "packed-refs.new")


def list_work_trees(common_dir: Path) -> list[Path]:
    """Return the folders in which a git of this repository may run: its work trees and its own directories."""
    linked = [
        (one.parent / one.read_text("utf-8").rstrip("\n")).parent for one in common_dir.glob("worktrees/*/gitdir")
    ]
    return [common_dir.parent if common_dir.name == ".git" else common_dir, common_dir, *linked]


def is_git_at_work(*folders: Path) -> bool:
    """Check whether a git process that may write runs in or below a folder. True if the system cannot tell."""
    if not _PROCESSES.joinpath("self", "cwd").exists():
        return True
    found = [folder.resolve() for folder in folders]
    return any(_runs_git_in(process, found) for process in _PROCESSES.glob("[0-9]*"))


def _runs_git_in(process: Path, folders: list[Path]) -> bool:
    try:
        if not (process / "comm").read_text().startswith("git") or _READS in (process / "cmdline").read_bytes():
            return False
        place = (process / "cwd").readlink()
        return any(place.is_relative_to(folder) for folder in folders)
    except OSError:
        return False
