"""The hooks as they lie in a repository: those for runs in a folder of their own, that of a server among its hooks."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.errors import ConflictError

CLIENT_HOOKS = ("pre-commit", "commit-msg", "pre-merge-commit", "post-checkout", "post-merge", "post-rewrite")
# The others that git calls at the top of a work tree. In our folder they call the user's own, which git does not find
# there; those that git calls inside its own directory when it is pushed to are found as ever.
_AT_WORK_TREES = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "reference-transaction",
    "pre-auto-gc", "post-rewrite", "sendemail-validate", "p4-changelist", "p4-prepare-changelist",
    "p4-post-changelist", "p4-pre-submit", "post-index-change",
)  # fmt: skip
SERVER_HOOK = "pre-receive"
OUR_MARK = b"# gitassets hook"
SHARED = "gitassets.sh"
# Set for the hooks by a command that concludes a merge: it holds the run's lock, and lets the files follow itself.
FOLLOWS = "GITASSETS_FOLLOWS"
_OF_THEIRS = "of-theirs"
# A folder among the hooks: what a commit of our own calls where there are no hooks of others.
ALONE = "alone"
_LONE_HOOK = f"{ALONE}/pre-commit"


class HookState(StrEnum):
    INSTALLED = "installed"
    CHAINED = "installed, an earlier hook runs first"
    OUTDATED = "from another version"
    MISSING = "missing"


@dataclass(frozen=True)
class HookStatus:
    name: str
    path: Path
    state: HookState


def shipped_hooks_dir() -> Path:
    """Where this installation keeps the hooks: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "hooks"
    return inside if inside.is_dir() else package.parent / "hooks"


def _sources() -> dict[str, str]:
    """The shipped file behind each file of the hooks folder, by name."""
    others = {name: _OF_THEIRS for name in _AT_WORK_TREES if name not in CLIENT_HOOKS}
    return {SHARED: SHARED, **others, **{name: name for name in CLIENT_HOOKS}, _LONE_HOOK: "pre-commit-alone"}


def read_status(hooks_dir: Path, theirs_dir: Path | None) -> list[HookStatus]:
    """How each hook stands that has work of its own; `theirs_dir` has those that run first. Changes nothing."""
    return [HookStatus(name, hooks_dir / name, _read_state(hooks_dir, theirs_dir, name)) for name in CLIENT_HOOKS]


def _read_state(hooks_dir: Path, theirs_dir: Path | None, name: str) -> HookState:
    if not (hooks_dir / name).is_file():
        return HookState.MISSING
    if not all(_is_current(hooks_dir / one, one) for one in (name, SHARED)):
        return HookState.OUTDATED
    chained = theirs_dir is not None and os.access(theirs_dir / name, os.X_OK)
    return HookState.CHAINED if chained else HookState.INSTALLED


def _is_current(path: Path, source: str) -> bool:
    """Whether git runs it, and it is what this version ships."""
    return os.access(path, os.X_OK) and path.read_bytes() == (shipped_hooks_dir() / source).read_bytes()


def are_whole(hooks_dir: Path) -> bool:
    """Whether all files are there, by their sizes and modes alone: asked by every command."""
    shipped = shipped_hooks_dir()
    sizes = {source: (shipped / source).stat().st_size for source in {*_sources().values()}}
    try:
        found = {one.name: one.stat() for one in os.scandir(hooks_dir)}
        found[_LONE_HOOK] = (hooks_dir / _LONE_HOOK).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    runs = 0 if os.name == "nt" else 0o100
    return all(
        name in found and found[name].st_size == sizes[source] and found[name].st_mode & runs == runs
        for name, source in _sources().items()
    )


def write_hooks(hooks_dir: Path) -> list[str]:
    """The names of the files that had to be written; the folder holds every hook."""
    written = [name for name, source in _sources().items() if not _is_current(hooks_dir / name, source)]
    for name in written:
        _write_executable(hooks_dir / name, (shipped_hooks_dir() / _sources()[name]).read_bytes())
    return written


def _write_executable(path: Path, data: bytes) -> None:
    write_atomic(path, data, mode=0o755)


def remove_hooks(hooks_dir: Path) -> list[str]:
    """The names of the files that were removed."""
    removed = [name for name in _sources() if (hooks_dir / name).exists()]
    for name in removed:
        (hooks_dir / name).unlink()
    with suppress(OSError):
        (hooks_dir / ALONE).rmdir()
    return removed


def has_lone_hook(hooks_dir: Path) -> bool:
    return os.access(hooks_dir / _LONE_HOOK, os.X_OK)


def holds_any(folder: Path) -> bool:
    """Whether git would call any hook in the folder when somebody works at a work tree."""
    return any(os.access(folder / name, os.X_OK) for name in _AT_WORK_TREES)


def has_mark(path: Path, mark: bytes) -> bool:
    """Whether it is a file that says so in its first lines."""
    return path.is_file() and mark in path.read_bytes()[:200]


def install_server_hook(hooks_dir: Path) -> Path:
    """The path of the pre-receive hook, which is ours. ConflictError where there is another one already."""
    target = hooks_dir / SERVER_HOOK
    if target.exists() and not has_mark(target, OUR_MARK):
        raise ConflictError(
            f"{target} is another hook", f"Let it call {shipped_hooks_dir() / SERVER_HOOK} with its standard input."
        )
    _write_executable(target, (shipped_hooks_dir() / SERVER_HOOK).read_bytes())
    return target
