"""The hook files in a repository: those for runs in their own folder, a server's among its other hooks."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.errors import ConflictError

CLIENT_HOOKS = ("pre-commit", "commit-msg", "pre-merge-commit", "post-checkout", "post-merge", "post-rewrite")
# All hooks that git calls at the top of a work tree. Those that we have no use for call the user's own hook, which git
# does not find in our folder. Hooks that git calls in its own directory, such as on a push, need no file of ours.
_WORK_TREE_HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "reference-transaction",
    "pre-auto-gc", "post-rewrite", "sendemail-validate", "p4-changelist", "p4-prepare-changelist",
    "p4-post-changelist", "p4-pre-submit", "post-index-change",
)  # fmt: skip
SERVER_HOOK = "pre-receive"
OUR_MARK = b"# gitassets hook"
SHARED = "gitassets.sh"
# Set for the hooks by a command that concludes a merge: it holds the run's lock, and updates the files itself.
FOLLOWS = "GITASSETS_FOLLOWS"
_FORWARDER = "of-theirs"
# A folder among the hooks, for commits of our own if the user has no hooks.
ALONE = "alone"
_LONE_HOOK = f"{ALONE}/pre-commit"


class HookState(StrEnum):
    INSTALLED = "installed"
    CHAINED = "installed, an earlier hook runs first"
    OUTDATED = "from another version"
    MISSING = "missing"


class HookStatus(Struct, frozen=True):
    name: str
    path: Path
    state: HookState


def shipped_hooks_dir() -> Path:
    """Return the folder of the shipped hooks: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "hooks"
    return inside if inside.is_dir() else package.parent / "hooks"


def _sources() -> dict[str, str]:
    """Return the shipped file for each file of the hooks folder, by name."""
    others = {name: _FORWARDER for name in _WORK_TREE_HOOKS if name not in CLIENT_HOOKS}
    return {SHARED: SHARED, **others, **{name: name for name in CLIENT_HOOKS}, _LONE_HOOK: "pre-commit-alone"}


def read_status(hooks_dir: Path, user_dir: Path | None) -> list[HookStatus]:
    """Return the state of each hook of ours. The user's hooks in `user_dir` run first. Changes nothing."""
    return [HookStatus(name, hooks_dir / name, _read_state(hooks_dir, user_dir, name)) for name in CLIENT_HOOKS]


def _read_state(hooks_dir: Path, user_dir: Path | None, name: str) -> HookState:
    if not (hooks_dir / name).is_file():
        return HookState.MISSING
    if not all(_is_current(hooks_dir / one, one) for one in (name, SHARED)):
        return HookState.OUTDATED
    chained = user_dir is not None and os.access(user_dir / name, os.X_OK)
    return HookState.CHAINED if chained else HookState.INSTALLED


def _is_current(path: Path, source: str) -> bool:
    """Check whether git runs the file and it equals the one this version ships."""
    return os.access(path, os.X_OK) and path.read_bytes() == (shipped_hooks_dir() / source).read_bytes()


def are_complete(hooks_dir: Path) -> bool:
    """Check whether all files exist, by sizes and modes alone, since every command asks."""
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
    """Write every missing or outdated hook and return the names of the files written."""
    written = [name for name, source in _sources().items() if not _is_current(hooks_dir / name, source)]
    for name in written:
        _write_executable(hooks_dir / name, (shipped_hooks_dir() / _sources()[name]).read_bytes())
    return written


def _write_executable(path: Path, data: bytes) -> None:
    write_atomic(path, data, mode=0o755)


def remove_hooks(hooks_dir: Path) -> list[str]:
    """Remove our hooks and return the names of the files removed."""
    removed = [name for name in _sources() if (hooks_dir / name).exists()]
    for name in removed:
        (hooks_dir / name).unlink()
    with suppress(OSError):
        (hooks_dir / ALONE).rmdir()
    return removed


def has_lone_hook(hooks_dir: Path) -> bool:
    return os.access(hooks_dir / _LONE_HOOK, os.X_OK)


def has_any_hook(folder: Path) -> bool:
    """Check whether the folder holds any hook that git calls in a work tree."""
    return any(os.access(folder / name, os.X_OK) for name in _WORK_TREE_HOOKS)


def has_mark(path: Path, mark: bytes) -> bool:
    """Check whether `path` is a file with the mark in its first lines."""
    return path.is_file() and mark in path.read_bytes()[:200]


def install_server_hook(hooks_dir: Path) -> Path:
    """Install the pre-receive hook and return its path. Raise ConflictError if another hook has that name."""
    target = hooks_dir / SERVER_HOOK
    if target.exists() and not has_mark(target, OUR_MARK):
        raise ConflictError(
            f"{target} is another hook", f"Let it call {shipped_hooks_dir() / SERVER_HOOK} with its standard input."
        )
    _write_executable(target, (shipped_hooks_dir() / SERVER_HOOK).read_bytes())
    return target
