"""Install, remove and show the hooks of runs and the merge driver of a project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.git.earlier_hooks import find_superseded, holds_earlier, remove_earlier
from gitassets.adapters.git.hook_files import HookState, HookStatus, install_server_hook, read_status
from gitassets.adapters.git.run_hooks import HOOKS_PATH, INTERPRETER, describe_settings
from gitassets.adapters.git.setup import find_bare_hooks, set_config, unset_config
from gitassets.runs.lookup import iter_work_trees
from gitassets.runs.project import Project

_EARLIER_HOOKS_PATH = "gitassets.earlierHooksPath"
_READY = (HookState.INSTALLED, HookState.CHAINED)


class HooksResult(Struct, frozen=True):
    """The state of the hooks. `changed` names the hooks and settings that were written or removed.

    `in_runs`: git calls the hooks in the folders of all runs. `earlier`: hooks of 0.1.0 lie in the user's own folders;
    `left` says what only a person can repair there.
    """

    hooks_dir: Path
    changed: tuple[str, ...]
    hooks: tuple[HookStatus, ...]
    merge_driver: bool
    in_runs: bool
    earlier: bool = False
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        ready = all(one.state in _READY for one in self.hooks)
        return self.merge_driver and self.in_runs and ready and not self.earlier


def show_hooks(project: Project) -> HooksResult:
    """Return the state of the hooks and the merge driver. Change nothing."""
    return _result(project, [])


def _result(project: Project, changed: list[str]) -> HooksResult:
    hooks = project.hooks
    folders = _find_folders(project)
    return HooksResult(
        hooks.folder,
        tuple(changed),
        tuple(read_status(hooks.folder, folders.called)),
        hooks.has_settings(),
        hooks.are_ready() and not any(_iter_unguarded(project)),
        any(holds_earlier(one) for one in folders.own) or folders.recorded is not None,
        tuple(_iter_left(folders)),
    )


def find_unguarded(project: Project) -> list[str]:
    """Find the runs in whose folders git does not call our hooks; none after `uninstall`.

    Every command calls this, so it reads a few files and starts no process.
    """
    if not project.hooks.wanted:
        return []
    if not project.hooks.are_ready():
        return [run_id for run_id, _, _ in iter_work_trees(project)]
    return list(_iter_unguarded(project))


def _iter_unguarded(project: Project) -> Iterator[str]:
    for run_id, admin_dir, folder in iter_work_trees(project):
        if not project.hooks.are_called(admin_dir, folder):
            yield run_id


def install(project: Project, *, shared: bool = False) -> HooksResult:
    """Set up the hooks of all runs and the merge driver, and remove what 0.1.0 put into the user's folders.

    Clean folders outside of the project only if `shared`: other repositories may still need what is there.
    """
    with project.lock("set up the hooks"):
        changed = project.hooks.prepare()
        changed += [
            f"in {run_id}"
            for run_id, admin_dir, folder in iter_work_trees(project)
            if project.hooks.guard(admin_dir, folder)
        ]
        changed += _remove_earlier(project, shared=shared)
    return _result(project, changed)


def uninstall(project: Project) -> HooksResult:
    """Remove the hooks and the merge driver. No command installs them again unless asked to."""
    with project.lock("remove the hooks"):
        changed = project.hooks.remove()
        for _, admin_dir, _ in iter_work_trees(project):
            project.hooks.release(admin_dir)
        changed += _remove_earlier(project, shared=True)
    return _result(project, changed)


@dataclass(frozen=True)
class _HookFolders:
    """The folders in which git looks for hooks outside of runs.

    Git calls the hooks in `called` now (None: none in runs). 0.1.0 may have put hooks into `own` folders, inside the
    project, and `shared` ones, outside of it. `recorded` is the user's core.hooksPath if 0.1.0 changed it.
    """

    called: Path | None
    own: tuple[Path, ...]
    shared: tuple[Path, ...]
    recorded: str | None


def _find_folders(project: Project) -> _HookFolders:
    default = project.git_dir / "hooks"
    paths = list(project.hooks.iter_user_hook_paths())
    recorded = project.git.read_config(_EARLIER_HOOKS_PATH) or None
    named = [project.root / one for one in (*paths, *([recorded] if recorded else []))]
    folders = tuple(one for one in dict.fromkeys((default, *named)) if one.resolve() != project.hooks.folder.resolve())
    own = tuple(one for one in folders if any(one.is_relative_to(top) for top in (project.git_dir, project.root)))
    called = default if not paths else Path(paths[-1]) if Path(paths[-1]).is_absolute() else None
    return _HookFolders(called, own, tuple(one for one in folders if one not in own), recorded)


def _iter_left(folders: _HookFolders) -> Iterator[str]:
    for folder in (*folders.own, *folders.shared):
        for earlier, now in find_superseded(folder):
            yield f"{earlier} was set aside by gitassets 0.1.0, and {now} has taken its place: make one of the two"
    for folder in folders.shared:
        if holds_earlier(folder):
            yield (
                f"{folder} serves other repositories too and has hooks of gitassets 0.1.0, which do nothing here: "
                "`gitassets hooks install --shared` takes them out"
            )


def _remove_earlier(project: Project, *, shared: bool) -> list[str]:
    folders = _find_folders(project)
    done = []
    for folder in (*folders.own, *(folders.shared if shared else ())):
        done += [f"{folder / name} as it was before" for name in remove_earlier(folder)]
    if folders.recorded is not None:
        if _is_changed(project, folders.recorded):
            set_config(project.root, {HOOKS_PATH: folders.recorded})
            done.append(f"{HOOKS_PATH} as it was before")
        unset_config(project.root, [_EARLIER_HOOKS_PATH])
    return done


def _is_changed(project: Project, recorded: str) -> bool:
    """Check whether core.hooksPath is still what 0.1.0 set: the same folder, absolute, maybe of a moved project."""
    now = Path(project.git.read_config(HOOKS_PATH))
    return now.is_absolute() and now.parts[-len(Path(recorded).parts) :] == Path(recorded).parts


def install_on_server(repository: Path) -> Path:
    """Install the hook that rejects pushes which break a lock into a bare repository. Return its path.

    Raise ConflictError if the repository has another hook.
    """
    hooks_dir = find_bare_hooks(repository)
    path = install_server_hook(hooks_dir)
    set_config(repository, {INTERPRETER: describe_settings()[INTERPRETER]})
    return path
