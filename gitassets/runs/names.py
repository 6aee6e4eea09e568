"""Read what a shell completes from files alone: no process where it can be helped, and no heavy import.

A completion is asked for at each press of a key, so it may be out of date or incomplete, but never slow or an error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gitassets.domain.run_id import BRANCH_PREFIX, LATEST, RUN_MARKER, is_run_id, read_time

_MANIFEST = "asset_manifest.json"
_OLD_RUNS_DIR = "artifacts/video_production"
_TRIALS_DIR = "artifacts/training_output"
_PROVIDERS = b"[gitassets.providers]"
_HEADS, _REMOTES = f"refs/heads/{BRANCH_PREFIX}", "refs/remotes/"


class Names:
    """The names in the project around a folder. Outside of a project there are none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._top, self._git_dir = _find_project(self._folder)

    def list_runs(self) -> dict[str, Path | None]:
        """Return the folder of each run by id, None for runs that are only on a branch."""
        if self._git_dir is None:
            return {}
        found: dict[str, Path | None] = dict(_iter_work_trees(self._git_dir))
        for folder in self._iter_old_folders():
            found.setdefault(folder.name, folder)
        for run_id in _iter_branches(self._git_dir):
            found.setdefault(run_id, None)
        return {one: found[one] for one in sorted(found) if is_run_id(one)}

    def _iter_old_folders(self) -> Iterator[Path]:
        root = self.find_root()
        for base in (root / _OLD_RUNS_DIR, root / (self._read_setting("runs_dir") or "runs")):
            yield from (base / name for name in _list_folder(base) if (base / name / _MANIFEST).is_file())

    def find_root(self) -> Path:
        """Return the folder of the project, also from inside of a run's."""
        if self._git_dir is not None and self._git_dir.name == ".git":
            return self._git_dir.parent
        return self._top or self._folder

    def find_run(self, wanted: str | None) -> str | None:
        """Return the id of the run that a command line means, None if that is unclear.

        Without a name it is the run whose folder this is, or the only one.
        """
        runs = self.list_runs()
        if not wanted:
            here = [one for one, folder in runs.items() if folder is not None and _is_within(self._folder, folder)]
            return here[0] if here else next(iter(runs), None) if len(runs) == 1 else None
        if wanted == LATEST:
            return self._find_latest(runs)
        matches = [wanted] if wanted in runs else [one for one in runs if one.startswith(wanted)]
        return matches[0] if len(matches) == 1 else self._find_by_folder(runs, wanted)

    def _find_by_folder(self, runs: dict[str, Path | None], wanted: str) -> str | None:
        path = self._folder / wanted
        return next((one for one, folder in runs.items() if folder and _is_within(path, folder)), None)

    def _find_latest(self, runs: dict[str, Path | None]) -> str | None:
        """Return the newest run, as `latest` means it: by its id if that is a time, else by its first commit."""
        named = {one: time.timestamp() for one in runs if (time := read_time(one))}
        births = {} if len(named) == len(runs) else self._read_births()
        return max(runs, key=lambda one: (named.get(one, births.get(one, 0.0)), one), default=None)

    def _read_births(self) -> dict[str, float]:
        globs = (f"--glob={_HEADS}*", f"--glob={_REMOTES}*/{BRANCH_PREFIX}*")
        told = self._ask_git("log", "--max-parents=0", "--source", "--format=%S %ct", *globs).decode("utf-8", "replace")
        lines = (line.rsplit(" ", 1) for line in told.splitlines())
        return {_read_branch_name(ref) or "": float(time) for ref, time in lines}

    def _ask_git(self, *args: str) -> bytes:
        from gitassets.adapters.git.environment import clean_environment
        from gitassets.adapters.process import run_command

        return run_command(("git", "--git-dir", str(self._git_dir), *args), env=clean_environment())

    def read_segments(self, wanted: str | None) -> dict[int, dict[str, Any]]:
        """Return the segments of the run that is meant, by number, as they are in the manifest."""
        run_id = self.find_run(wanted)
        data = None if run_id is None else self._read_manifest(run_id)
        segments = json.loads(data).get("segments") if data else None
        found = segments if isinstance(segments, dict) else {}
        numbers = {name.rpartition("_")[2]: one for name, one in found.items() if isinstance(one, dict)}
        return {int(number): one for number, one in numbers.items() if number.isdecimal()}

    def _read_manifest(self, run_id: str) -> bytes | None:
        folder = self.list_runs()[run_id]
        if folder is not None:
            return _read(folder / _MANIFEST)
        refs = sorted(_iter_refs(Path(str(self._git_dir))))
        ref = next(ref for ref in refs if _read_branch_name(ref) == run_id)
        return self._ask_git("cat-file", "blob", f"{ref}:{_MANIFEST}")

    def list_git_remotes(self) -> list[str]:
        data = _read(self._git_dir / "config") if self._git_dir else None
        return sorted(_list_sections(data, 'remote "'))

    def list_dvc_remotes(self) -> list[str]:
        folder = self.find_root() / ".dvc"
        found = (_list_sections(_read(folder / name), "remote ") for name in ("config", "config.local"))
        return list(dict.fromkeys(name for names in found for name in names))

    def list_voices(self) -> list[str]:
        """Return the names that gitassets.yaml gives to voices."""
        lines = self._read_settings().splitlines()
        starts = [at for at, line in enumerate(lines) if line.strip() == "voices:"]
        return [name for at in starts for name in _iter_keys(lines, at)]

    def list_trials(self) -> list[str]:
        return _list_folder(self.find_root() / _TRIALS_DIR)

    def _read_setting(self, name: str) -> str | None:
        found = (line.partition(":")[2] for line in self._read_settings().splitlines() if line.startswith(f"{name}:"))
        value = next(found, "").partition(" #")[0].strip().strip("'\"")
        return value or None

    def _read_settings(self) -> str:
        return (_read(self.find_root() / "gitassets.yaml") or b"").decode("utf-8", "replace")


def list_added_providers() -> list[str]:
    """Return the providers that other packages add. `importlib.metadata` would take 50 ms to import and to ask."""
    folders = (Path(base) / one for base in sys.path for one in _list_folder(Path(base)) if one.endswith(".dist-info"))
    texts = (_read(folder / "entry_points.txt") for folder in folders)
    return [name for text in texts if text and _PROVIDERS in text for name in _list_provider_names(text)]


def _list_provider_names(text: bytes) -> list[str]:
    section = text.split(_PROVIDERS, 1)[1].split(b"\n[", 1)[0]
    return [line.partition(b"=")[0].decode("utf-8", "replace").strip() for line in section.splitlines() if b"=" in line]


def _find_project(folder: Path) -> tuple[Path | None, Path | None]:
    """Return the top of the work tree around the folder, and the git directory that all its work trees share."""
    for one in (folder, *folder.parents):
        at = one / ".git"
        if at.is_dir():
            return one, at
        text = _read(at)
        if text is not None and text.startswith(b"gitdir: "):
            return one, _find_common(one / os.fsdecode(text[8:].rstrip(b"\n")))
    return None, None


def _find_common(git_dir: Path) -> Path:
    common = _read(git_dir / "commondir")
    return (git_dir if common is None else git_dir / os.fsdecode(common.strip())).resolve()


def _iter_work_trees(git_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield the id and folder of each run that has one."""
    head = (_read(git_dir / "HEAD") or b"").decode("utf-8", "replace").strip()
    if head.startswith(f"ref: {_HEADS}"):
        yield head.removeprefix(f"ref: {_HEADS}"), git_dir.parent
    for name in _list_folder(git_dir / "worktrees"):
        admin_dir = git_dir / "worktrees" / name
        marker, gitdir = _read(admin_dir / RUN_MARKER), _read(admin_dir / "gitdir")
        if marker is None or gitdir is None:
            continue
        folder = (admin_dir / os.fsdecode(gitdir.rstrip(b"\n"))).parent
        # A command killed while it created a run leaves its work tree in git's directory.
        if folder.is_dir() and not _is_within(folder, git_dir):
            yield marker.decode("utf-8", "replace").strip(), folder


def _iter_branches(git_dir: Path) -> Iterator[str]:
    yield from (name for ref in _iter_refs(git_dir) if (name := _read_branch_name(ref)))


def _read_branch_name(ref: str) -> str | None:
    """Return the id of the run whose branch this is, here or on a remote."""
    if ref.startswith(_REMOTES):
        remote, _, branch = ref.removeprefix(_REMOTES).partition("/")
        return branch.removeprefix(BRANCH_PREFIX) if remote and branch.startswith(BRANCH_PREFIX) else None
    return ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else None


def _iter_refs(git_dir: Path) -> Iterator[str]:
    """Yield the names of all references that may be branches of runs."""
    packed = (_read(git_dir / "packed-refs") or b"").decode("utf-8", "replace")
    yield from (line.partition(" ")[2] for line in packed.splitlines() if line[:1] not in ("#", "^", ""))
    yield from (f"{_HEADS}{name}" for name in _list_folder(git_dir / _HEADS))
    for remote in _list_folder(git_dir / _REMOTES):
        base = f"{_REMOTES}{remote}/{BRANCH_PREFIX}"
        yield from (f"{base}{name}" for name in _list_folder(git_dir / base))


def _list_sections(data: bytes | None, start: str) -> list[str]:
    """Return the names of an ini file's sections that start so: `[remote "origin"]`, `['remote "store"']`."""
    heads = (line.strip() for line in (data or b"").decode("utf-8", "replace").splitlines())
    names = (head[1:-1].strip("'") for head in heads if head.startswith("[") and head.endswith("]"))
    return [name.removeprefix(start).strip('"') for name in names if name.startswith(start)]


def _iter_keys(lines: list[str], at: int) -> Iterator[str]:
    """Yield the keys one level below the line, which are indented more than it is."""
    outer = _indent(lines[at])
    for line in lines[at + 1 :]:
        if line.strip() and _indent(line) <= outer:
            return
        if ":" in line and not line.strip().startswith("#"):
            yield line.partition(":")[0].strip().strip("'\"")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _list_folder(path: Path) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def _read(path: Path) -> bytes | None:
    """Read a file, but no device or pipe, which a link in a clone may lead to."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None
