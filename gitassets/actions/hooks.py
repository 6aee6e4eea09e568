"""Installs, removes and shows the hooks and the merge driver of a project."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from gitassets.actions.project import Project
from gitassets.adapters.git import find_bare_hooks, set_config, unset_config
from gitassets.adapters.hook_files import (
    HookState,
    HookStatus,
    install_hooks,
    install_server_hook,
    read_status,
    uninstall_hooks,
)
from gitassets.errors import ConflictError

_INTERPRETER = "gitassets.python"
_HOOKS_PATH = "core.hooksPath"
_EARLIER_HOOKS_PATH = "gitassets.earlierHooksPath"
_READY = (HookState.INSTALLED, HookState.CHAINED)


@dataclass(frozen=True)
class HooksResult:
    """`changed` names the hooks that were written or removed; `in_runs`: git finds them in the runs' folders too."""

    hooks_dir: Path
    changed: tuple[str, ...]
    hooks: tuple[HookStatus, ...]
    merge_driver: bool
    in_runs: bool

    @property
    def complete(self) -> bool:
        return self.merge_driver and self.in_runs and all(one.state in _READY for one in self.hooks)


def _settings() -> dict[str, str]:
    """What git is to know. The interpreter runs isolated, so that no file of a run is taken for a module."""
    hook = f"{shlex.quote(sys.executable)} -I -m gitassets.hook"
    return {
        _INTERPRETER: sys.executable,
        "merge.gitassets.name": "gitassets: merges manifests by asset and field",
        "merge.gitassets.driver": f"{hook} merge-driver %O %A %B",
        "merge.gitassets-dvc.name": "gitassets: .dvc files follow from the merged manifest",
        "merge.gitassets-dvc.driver": f"{hook} dvc-driver %A %P",
        # Where the program is gone, git is to show the file as it is rather than nothing.
        "diff.gitassets.textconv": f'f() {{ {hook} textconv "$1" 2>/dev/null || cat "$1"; }}; f',
    }


def show_hooks(project: Project) -> HooksResult:
    """How the hooks and the merge driver stand; changes nothing."""
    return _result(project, _hooks_dir(project), [])


def _result(project: Project, hooks_dir: Path, changed: list[str]) -> HooksResult:
    in_runs = _relative_hooks_path(project) is None
    return HooksResult(hooks_dir, tuple(changed), tuple(read_status(hooks_dir)), _has_settings(project), in_runs)


def _relative_hooks_path(project: Project) -> str | None:
    """core.hooksPath where git takes it from the top of each work tree: in a run's folder there is no such place."""
    value = project.git.read_config(_HOOKS_PATH)
    return value if value and not Path(value).expanduser().is_absolute() else None


def _has_settings(project: Project) -> bool:
    wanted = _settings()
    return {name: project.git.read_config(name) for name in wanted} == wanted


def install(project: Project, *, shared: bool = False) -> HooksResult:
    """The hooks and the merge driver are set up. ConflictError where the hooks folder serves other repositories too."""
    hooks_dir = _hooks_dir(project)
    if not shared and not any(hooks_dir.is_relative_to(one) for one in (project.git_dir, project.root)):
        raise ConflictError(
            f"core.hooksPath leads to {hooks_dir}, outside this project, where other repositories use it too",
            "`gitassets hooks install --shared` installs there all the same: outside of runs the hooks do nothing.",
        )
    changed = install_hooks(hooks_dir)
    relative = _relative_hooks_path(project)
    if relative is not None:
        set_config(project.root, {_HOOKS_PATH: str(hooks_dir), _EARLIER_HOOKS_PATH: relative})
        changed.append(_HOOKS_PATH)
    if not _has_settings(project):
        set_config(project.root, _settings())
        changed.append("merge driver")
    return _result(project, hooks_dir, changed)


def uninstall(project: Project) -> HooksResult:
    """Hooks and merge driver are gone, and hooks that were there before are back."""
    hooks_dir = _hooks_dir(project)
    changed = uninstall_hooks(hooks_dir)
    earlier = project.git.read_config(_EARLIER_HOOKS_PATH)
    if earlier and project.git.read_config(_HOOKS_PATH) == str(hooks_dir):
        set_config(project.root, {_HOOKS_PATH: earlier})
    unset_config(project.root, [*_settings(), _EARLIER_HOOKS_PATH])
    return _result(project, hooks_dir, changed)


def _hooks_dir(project: Project) -> Path:
    return Path(project.git.line("rev-parse", "--path-format=absolute", "--git-path", "hooks"))


def install_on_server(repository: Path) -> Path:
    """The bare repository rejects pushes that break a lock; returns the hook. ConflictError where it has another."""
    hooks_dir = find_bare_hooks(repository)
    path = install_server_hook(hooks_dir)
    set_config(repository, {_INTERPRETER: sys.executable})
    return path
