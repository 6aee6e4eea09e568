"""The hooks as they lie in a repository: installed beside whatever is there already."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gitassets.adapters.files import write_atomic
from gitassets.errors import ConflictError

CLIENT_HOOKS = ("pre-commit", "pre-merge-commit", "post-checkout", "post-merge", "post-rewrite")
SERVER_HOOK = "pre-receive"
_SHARED = "gitassets.sh"
_MARK = b"# gitassets hook"
_EARLIER = ".before-gitassets"
_LEGACY = ".legacy"  # What the pre-commit framework makes of a hook that it finds, and goes on calling.


class HookState(StrEnum):
    INSTALLED = "installed"
    CHAINED = "installed, an earlier hook runs first"
    CALLED = "installed, called by the pre-commit framework"
    OUTDATED = "from another version"
    MISSING = "missing"


@dataclass(frozen=True)
class HookStatus:
    name: str
    path: Path
    state: HookState


def shipped_hooks_dir() -> Path:
    """Where this installation keeps the hooks: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "hooks"
    return inside if inside.is_dir() else package.parent / "hooks"


def read_status(hooks_dir: Path) -> list[HookStatus]:
    """How each hook stands; changes nothing."""
    return [_read_one(hooks_dir, name) for name in CLIENT_HOOKS]


def _read_one(hooks_dir: Path, name: str) -> HookStatus:
    path = _find_ours(hooks_dir, name)
    if path is None:
        return HookStatus(name, hooks_dir / name, HookState.MISSING)
    if not _is_current(path, name) or not _is_current(hooks_dir / _SHARED, _SHARED):
        return HookStatus(name, path, HookState.OUTDATED)
    if path.name.endswith(_LEGACY):
        return HookStatus(name, path, HookState.CALLED)
    chained = (hooks_dir / f"{name}{_EARLIER}").exists()
    return HookStatus(name, path, HookState.CHAINED if chained else HookState.INSTALLED)


def _find_ours(hooks_dir: Path, name: str) -> Path | None:
    candidates = (hooks_dir / name, hooks_dir / f"{name}{_LEGACY}")
    return next((path for path in candidates if path.is_file() and _MARK in path.read_bytes()[:200]), None)


def _is_current(path: Path, name: str) -> bool:
    return path.is_file() and path.read_bytes() == (shipped_hooks_dir() / name).read_bytes()


def install_hooks(hooks_dir: Path) -> list[str]:
    """The names of the hooks that had to be written; every hook that was there before still runs, before ours."""
    written = []
    for name in CLIENT_HOOKS:
        if _read_one(hooks_dir, name).state in (HookState.MISSING, HookState.OUTDATED):
            _install_one(hooks_dir, name)
            written.append(name)
    return written


def _install_one(hooks_dir: Path, name: str) -> None:
    target = _find_ours(hooks_dir, name) or hooks_dir / name
    if target.exists() and _MARK not in target.read_bytes()[:200]:
        earlier = hooks_dir / f"{name}{_EARLIER}"
        if earlier.exists():
            raise ConflictError(
                f"{target} and {earlier} are both foreign hooks", "Make one of the two, then try again."
            )
        target.rename(earlier)
    _write_executable(hooks_dir / _SHARED, (shipped_hooks_dir() / _SHARED).read_bytes())
    _write_executable(target, (shipped_hooks_dir() / name).read_bytes())


def _write_executable(path: Path, data: bytes) -> None:
    write_atomic(path, data)
    path.chmod(0o755)


def uninstall_hooks(hooks_dir: Path) -> list[str]:
    """The names of the hooks that were removed; what was there before them is back in its place."""
    removed = []
    for name in CLIENT_HOOKS:
        path = _find_ours(hooks_dir, name)
        if path is None:
            continue
        path.unlink()
        removed.append(name)
        earlier = hooks_dir / f"{name}{_EARLIER}"
        if earlier.exists():
            earlier.rename(path)
    (hooks_dir / _SHARED).unlink(missing_ok=True)
    return removed


def install_server_hook(hooks_dir: Path) -> Path:
    """The path of the pre-receive hook, which is ours. ConflictError where there is another one already."""
    target = hooks_dir / SERVER_HOOK
    if target.exists() and _MARK not in target.read_bytes()[:200]:
        raise ConflictError(
            f"{target} is another hook", f"Let it call {shipped_hooks_dir() / SERVER_HOOK} with its standard input."
        )
    _write_executable(target, (shipped_hooks_dir() / SERVER_HOOK).read_bytes())
    return target
