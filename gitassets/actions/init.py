"""Sets a project up, and completes what a clone of one lacks."""

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
from gitassets.domain.settings_text import DEFAULT_TEXT, SETTINGS_NAME
from gitassets.errors import ConflictError, NotFoundError
from gitassets.runs.lookup import find_runs
from gitassets.runs.project import CLAUDE_STUDIO_RUNS_DIR, Project, find_project
from gitassets.runs.tracked_texts import mend_project_texts
from gitassets.runs.work_tree import repair_links

_SHARED_PATHS = (".gitignore", ".dvc/config", ".dvc/.gitignore", ".dvcignore")


class InitResult(Struct, frozen=True):
    """What was done, in sentences; empty when all was there. `uncommitted`: files left for the user to commit.

    `left`: what only a person can put right; `runs_there`: runs that are only on a server; `risky`: settings of DVC
    that were left as they are.
    """

    root: Path
    done: tuple[str, ...]
    uncommitted: tuple[str, ...]
    commit: str | None
    left: tuple[str, ...] = ()
    runs_there: tuple[str, ...] = ()
    risky: Mapping[str, str] = {}


def init(
    folder: Path, *, nested: bool = False, agrees: Callable[[Mapping[str, str]], bool] = lambda _: False
) -> InitResult:
    """`folder`, or the repository around it, is a project. `nested` makes a new repository even inside another.

    `agrees` is asked whether settings of DVC may be replaced that are risky for locked files. In a clone of a run's
    branch only what git does not track is set up.
    """
    done: list[str] = []
    root, git_dir = _take_repository(folder, nested, done)
    git, project = Git(root), Project(root, git_dir)
    git.check_identity()
    project.state_dir.mkdir(exist_ok=True)
    settle_commit(project)
    state = git.read_state()
    if project.is_run_clone or git.list_tracked(MANIFEST_NAME):
        write_local_config(root, project.blobs.cache_dir, project.site_cache_dir)
        return InitResult(root, tuple(done), (), None, _install_hooks(project, done))
    done += [f"Took {name} back from git" for name in mend_project_texts(project)]
    paths = [*_write_settings(root, done), *_write_ignores(root, done)]
    risky = find_risky_settings(root)
    replace = bool(risky) and agrees(risky)
    if create_dvc_project(root, project.site_cache_dir, replace=replace):
        done.append("Set up DVC: reflink or copy, no autostage, a private cache")
    left = _install_hooks(project, done)
    if repair_links(project):
        done.append("Tied the runs of a copied or moved project to this one")
    paths += _list_new(git, _SHARED_PATHS)
    mine = [path for path in dict.fromkeys(paths) if path not in state.changed]
    uncommitted = tuple(path for path in dict.fromkeys(paths) if path in state.changed)
    commit = _commit(project, mine, first=state.head is None) if mine else None
    if commit:
        done.append(f"Committed {', '.join(mine)}")
    there = _find_runs_there(project)
    return InitResult(root, tuple(done), uncommitted, commit, left, there, {} if replace else risky)


def _find_runs_there(project: Project) -> tuple[str, ...]:
    """The runs that the clone knows of and that nobody has brought here."""
    return tuple(run.run_id for run in find_runs(project).values() if run.ref.startswith("refs/remotes/"))


def _install_hooks(project: Project, done: list[str]) -> tuple[str, ...]:
    """What is left for a person to put right."""
    result = install(project)
    if result.changed:
        done.append("Set up the hooks that guard the folders of runs, and the merge driver")
    return result.left


def _take_repository(folder: Path, nested: bool, done: list[str]) -> tuple[Path, Path]:
    existing = next(one for one in (folder, *folder.parents) if one.is_dir())
    around = _find_around(existing)
    if around is not None and (not nested or around.root == folder):
        return around.root, around.git_dir
    if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
        raise ConflictError(f"{folder} is a bare repository, without files", "Clone it, and run init in the clone.")
    Git(existing).check_identity()
    create_repository(folder)
    done.append(f"Made a git repository in {folder}")
    return folder, folder / ".git"


def _find_around(folder: Path) -> Project | None:
    """The repository around `folder`; inside a run it is that of the project."""
    try:
        return find_project(folder)
    except NotFoundError:
        return None


def _write_settings(root: Path, done: list[str]) -> list[str]:
    path = root / SETTINGS_NAME
    if path.exists():
        return _list_new(Git(root), (SETTINGS_NAME,))
    text = DEFAULT_TEXT
    if (root / CLAUDE_STUDIO_RUNS_DIR).is_dir():
        text = text.replace("runs_dir: runs", f"runs_dir: {CLAUDE_STUDIO_RUNS_DIR}")
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
    """Those of the paths that exist and that git does not track, or that differ from what it has."""
    tracked = set(git.list_tracked(*paths))
    changed = git.read_state().changed
    return [one for one in paths if (git.folder / one).exists() and (one not in tracked or one in changed)]


def _commit(project: Project, paths: list[str], *, first: bool) -> str:
    subject = "Start the project with gitassets" if first else "Set up gitassets"
    write_atomic(_begun_file(project), "\n".join(paths).encode())
    try:
        commit = project.git.commit_paths(paths, f"{subject}\n", new_paths=paths)
    except CommandError:
        settle_commit(project)
        raise
    _begun_file(project).unlink()
    return commit


def settle_commit(project: Project) -> bool:
    """Git's index has nothing half-done of the commit of an `init` that was killed; whether one was."""
    begun = _begun_file(project)
    try:
        paths = begun.read_text("utf-8").split("\n")
    except FileNotFoundError:
        return False
    project.git.unstage(paths)
    begun.unlink()
    return True


def _begun_file(project: Project) -> Path:
    return project.state_dir / "init-commit"
