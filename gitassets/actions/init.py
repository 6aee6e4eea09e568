"""Set up a project, or complete a clone of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from gitassets.actions.hooks import install
from gitassets.adapters.dvc.cache import create_dvc_project, find_risky_settings, write_local_config
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.setup import create_repository
from gitassets.adapters.process import CommandError
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.run_id import BRANCHES, looks_like_run
from gitassets.domain.settings_text import DEFAULT_TEXT, SETTINGS_NAME, with_look
from gitassets.errors import ConflictError, NotFoundError
from gitassets.runs.create import is_fresh_clone
from gitassets.runs.lookup import find_runs
from gitassets.runs.project import CLAUDE_STUDIO_RUNS_DIR, Project, find_project, is_bare
from gitassets.runs.tracked_texts import mend_project_texts
from gitassets.runs.work_tree import repair_links

_REMOTES = "refs/remotes/"
_USUAL = ("main", "master")
_SHARED_PATHS = (".gitignore", ".dvc/config", ".dvc/.gitignore", ".dvcignore")


class InitResult(Struct, frozen=True):
    """What was `done`, in sentences; empty if everything was set up. `uncommitted` files are the user's to commit.

    `left`: what only a person can repair; `runs_there`: runs that are only on a server; `risky`: DVC settings that
    were not replaced.
    """

    root: Path
    done: tuple[str, ...]
    uncommitted: tuple[str, ...]
    commit: str | None
    left: tuple[str, ...] = ()
    runs_there: tuple[str, ...] = ()
    risky: Mapping[str, str] = {}


def init(
    folder: Path,
    *,
    nested: bool = False,
    look: str = "",
    agrees: Callable[[Mapping[str, str]], bool] = lambda _: False,
) -> InitResult:
    """Make `folder`, or the repository around it, a project. `nested` creates a new repository even inside another.

    New settings name the `look`.

    `agrees` decides whether to replace DVC settings that are risky for locked files. In a clone of a run's branch, set
    up only what git does not track.
    """
    done: list[str] = []
    root, git_dir = _find_or_create_repository(folder, nested, done)
    git, project = Git(root), Project(root, git_dir)
    git.check_identity()
    project.state_dir.mkdir(exist_ok=True)
    undo_interrupted_commit(project)
    _check_out_branch(git, done)
    if project.is_run_clone or git.list_tracked(MANIFEST_NAME):
        write_local_config(root, project.blobs.cache_dir, project.site_cache_dir)
        return InitResult(root, tuple(done), (), None, _install_hooks(project, done))
    return _init_project(project, look, agrees, done)


def _check_out_branch(git: Git, done: list[str]) -> None:
    """Check out the server's branch in a clone that git has left empty, since the server's HEAD names no branch.

    A first commit here would begin a second history beside the project's own.
    """
    refs = {} if git.resolve("HEAD") else git.list_refs(_REMOTES)
    branches = [one for one in refs if not _is_beside_project(_name_branch(one))]
    ours = [one for one in branches if git.read_blob(one, SETTINGS_NAME) is not None] or branches
    found = [one for one in ours if _name_branch(one) in _USUAL][:1] or ours
    if len(found) > 1:
        names = [_name_branch(one) for one in found]
        raise ConflictError(
            f"The clone is empty, and its server has the branches {', '.join(names)}",
            f"Check out the one that is the project, such as by `git switch {names[0]}`, and run init again.",
        )
    for one in found:
        branch = _name_branch(one)
        git.call("checkout", "--quiet", "--track", "-b", branch, one)
        done.append(f"Checked out {branch}: the server's HEAD names no branch, so git had left the clone empty")


def _is_beside_project(name: str) -> bool:
    """Check whether the branch is a run's, or the name by which git remembers the server's HEAD."""
    return name in ("", "HEAD") or looks_like_run(f"{BRANCHES}{name}")


def _name_branch(ref: str) -> str:
    """Return the branch of a remote-tracking reference such as refs/remotes/origin/main."""
    return ref.removeprefix(_REMOTES).partition("/")[2]


def lacks_init(folder: Path) -> bool:
    """Check whether nobody has run `init` in the repository, or in a folder with runs or trials of claude-studio."""
    project = _find_around(folder)
    if project is None:
        return (folder / CLAUDE_STUDIO_RUNS_DIR).parent.is_dir()
    # In a clone whose set-up was lost, `doctor` is what helps.
    fresh = is_fresh_clone(project) and not project.hooks.folder.is_dir()
    return not project.holds_run and (fresh or not (project.root / SETTINGS_NAME).is_file())


def _init_project(
    project: Project, look: str, agrees: Callable[[Mapping[str, str]], bool], done: list[str]
) -> InitResult:
    root, state = project.root, project.git.read_state()
    done += [f"Took {name} back from git" for name in mend_project_texts(project)]
    paths = [*_write_settings(root, look, done), *_write_ignores(root, done)]
    risky = find_risky_settings(root)
    replace = bool(risky) and agrees(risky)
    if create_dvc_project(root, project.site_cache_dir, replace=replace):
        done.append("Set up DVC: reflink or copy, no autostage, a private cache")
    left = _install_hooks(project, done)
    if repair_links(project):
        done.append("Tied the runs of a copied or moved project to this one")
    paths += _list_new(project.git, _SHARED_PATHS)
    mine = [path for path in dict.fromkeys(paths) if path not in state.changed]
    uncommitted = tuple(path for path in dict.fromkeys(paths) if path in state.changed)
    commit = _commit(project, mine, first=state.head is None) if mine else None
    if commit:
        done.append(f"Committed {', '.join(mine)}")
    there = _find_remote_runs(project)
    return InitResult(root, tuple(done), uncommitted, commit, left, there, {} if replace else risky)


def _find_remote_runs(project: Project) -> tuple[str, ...]:
    """List the runs that exist only on a remote-tracking branch."""
    return tuple(run.run_id for run in find_runs(project).values() if run.ref.startswith("refs/remotes/"))


def _install_hooks(project: Project, done: list[str]) -> tuple[str, ...]:
    """Install the hooks. Return what only a person can repair."""
    result = install(project)
    if result.changed:
        done.append("Set up the hooks that guard the folders of runs, and the merge driver")
    return result.left


def _find_or_create_repository(folder: Path, nested: bool, done: list[str]) -> tuple[Path, Path]:
    """Return the root and the git directory of the repository."""
    existing = next(one for one in (folder, *folder.parents) if one.is_dir())
    around = _find_around(existing)
    if around is not None and (not nested or around.root == folder):
        return around.root, around.git_dir
    if is_bare(folder):
        raise ConflictError(f"{folder} is a bare repository, without files", "Clone it, and run init in the clone.")
    Git(existing).check_identity()
    create_repository(folder)
    done.append(f"Made a git repository in {folder}")
    return folder, folder / ".git"


def _find_around(folder: Path) -> Project | None:
    """Find the repository around `folder`; inside a run, that of its project."""
    try:
        return find_project(folder)
    except NotFoundError:
        return None


def _write_settings(root: Path, look: str, done: list[str]) -> list[str]:
    path = root / SETTINGS_NAME
    if path.exists():
        return _list_new(Git(root), (SETTINGS_NAME,))
    text = with_look(DEFAULT_TEXT, look)
    if (root / CLAUDE_STUDIO_RUNS_DIR).is_dir():
        # Videos of claude-studio have none.
        text = DEFAULT_TEXT.replace("runs_dir: runs", f"runs_dir: {CLAUDE_STUDIO_RUNS_DIR}")
    write_atomic(path, text.encode())
    done.append(f"Wrote {SETTINGS_NAME}")
    return [SETTINGS_NAME]


def _write_ignores(root: Path, done: list[str]) -> list[str]:
    from gitassets.adapters.state.settings_file import read_settings

    line = f"/{read_settings(root).runs_dir}/"
    written = [name for name in (".gitignore", ".dvcignore") if _add_line(root / name, line)]
    if ".gitignore" in written:
        done.append(f"Added {line} to .gitignore: each run there has a branch of its own")
    return written


def _add_line(path: Path, line: str) -> bool:
    data = path.read_bytes() if path.exists() else b""
    if line.encode() in data.splitlines():
        return False
    separator = b"" if not data or data.endswith(b"\n") else b"\n"
    write_atomic(path, b"%b%b%b\n" % (data, separator, line.encode()))
    return True


def _list_new(git: Git, paths: tuple[str, ...]) -> list[str]:
    """Return those of the paths that are untracked, or differ from what git tracks."""
    tracked = set(git.list_tracked(*paths))
    changed = git.read_state().changed
    return [one for one in paths if (git.folder / one).exists() and (one not in tracked or one in changed)]


def _commit(project: Project, paths: list[str], *, first: bool) -> str:
    subject = "Start the project with gitassets" if first else "Set up gitassets"
    write_atomic(_commit_marker(project), "\n".join(paths).encode())
    try:
        commit = project.git.commit_paths(paths, f"{subject}\n", new_paths=paths)
    except CommandError:
        undo_interrupted_commit(project)
        raise
    _commit_marker(project).unlink()
    return commit


def undo_interrupted_commit(project: Project) -> bool:
    """Unstage what a killed `init` was committing. Return whether there was such a commit."""
    marker = _commit_marker(project)
    try:
        paths = marker.read_text("utf-8").split("\n")
    except FileNotFoundError:
        return False
    project.git.unstage(paths)
    marker.unlink()
    return True


def _commit_marker(project: Project) -> Path:
    return project.state_dir / "init-commit"
