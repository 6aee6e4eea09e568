"""The project and its runs: finding them, and keeping their folders and branches tied together."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from gitassets.adapters.dvc.cache import BlobStore, find_cache_dir, make_private, write_local_config
from gitassets.adapters.dvc.kept_blobs import KeptBlobs
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.run_hooks import RunHooks
from gitassets.adapters.git.work_trees import (
    LinkedWorkTree,
    Place,
    find_place,
    iter_linked_worktrees,
    link_worktree,
    read_branch,
    read_gitfile,
)
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.claude_studio.json import is_upgrade_unfinished
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import names_unknown, require_known
from gitassets.domain.run_id import LATEST, is_run_id, match_run_id, read_time
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import ConflictError, CorruptError, GitAssetsError, NotFoundError

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import Settings

BRANCH_PREFIX = "run/"
CLAUDE_STUDIO_RUNS_DIR = "artifacts/video_production"
LOCAL_CONFIG = ".dvc/config.local"
_NEVER_TRACKED = frozenset({".dvc", LOCAL_CONFIG})
_MARKER = "gitassets-run"
_ABANDONED_SEC = 7 * 24 * 60 * 60.0  # Nothing works in a scratch folder that long.


@dataclass(frozen=True)
class Run:
    """One production. `folder` is None while it is only on a branch; `ref` is that branch's full name.

    `old`: a run of claude-studio that is still to be upgraded; `view` is then what it would become, where somebody
    only wants to look. `newer`: its manifest may follow rules that are not known here.
    """

    run_id: str
    folder: Path | None
    ref: str
    old: bool = False
    newer: bool = field(default=False, compare=False)
    view: Manifest | None = field(default=None, compare=False, repr=False)

    @property
    def is_open(self) -> bool:
        return self.folder is not None

    def require_folder(self) -> Path:
        if self.folder is None:
            raise GitAssetsError(
                f"Run {self.run_id} is only on a branch", f"Open it with `gitassets open {self.run_id}`."
            )
        return self.folder


@dataclass(frozen=True)
class Project:
    """The git repository that holds gitassets.yaml and all runs."""

    root: Path
    git_dir: Path

    @property
    def state_dir(self) -> Path:
        """What is common to all runs and never committed: cache, locks, journals, indexes."""
        return self.git_dir / "gitassets"

    @cached_property
    def settings(self) -> Settings:
        from gitassets.adapters.state.settings_file import drop_spending, read_settings

        found = read_settings(self.root)
        from_branch = self.holds_run and self.git.list_tracked(f":(icase){SETTINGS_NAME}")
        return drop_spending(found) if from_branch else found

    @property
    def runs_dir(self) -> Path:
        return self.root / self.settings.runs_dir

    @cached_property
    def git(self) -> Git:
        return Git(self.root)

    @cached_property
    def hooks(self) -> RunHooks:
        return RunHooks(self.git, self.git_dir)

    @cached_property
    def blobs(self) -> BlobStore:
        own, kept = self.state_dir / "dvc-cache", KeptBlobs(self.state_dir / "kept-blobs")
        if own.is_dir() or not self.is_run_clone:
            return BlobStore(own, kept)
        # What plain DVC pulled into a clone of one run's branch lies where that clone's own settings say.
        check_local_config(self.root)
        return BlobStore(find_cache_dir(self.root), kept)

    @property
    def owns_cache(self) -> bool:
        """Whether the blobs lie in this project. Elsewhere are those of others too."""
        folder = self.blobs.cache_dir.resolve()
        return any(folder.is_relative_to(one.resolve()) for one in (self.root, self.git_dir))

    @property
    def is_run_clone(self) -> bool:
        """Whether this is a clone of one run's branch alone: the project's folder is the run's."""
        branch = read_branch(self.git_dir)
        return branch is not None and branch.startswith(BRANCH_PREFIX)

    @property
    def holds_run(self) -> bool:
        """Whether the files of a run's branch stand in place of the project's, so that they come from outside."""
        return self.is_run_clone or (self.root / MANIFEST_NAME).is_file()

    @property
    def site_cache_dir(self) -> Path:
        return self.state_dir / "dvc-site"

    @property
    def render_cache_dir(self) -> Path:
        """Rendered segments, and what files were measured to be: all of it can be made again."""
        return self.state_dir / "render-cache"

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Nobody else makes a run, or ties one to its folder, meanwhile. Held for a moment."""
        with hold_lock(self.state_dir / "lock", purpose):
            yield

    @contextmanager
    def lock_run(self, run_id: str, purpose: str) -> Iterator[None]:
        """The one lock around read, change, commit in a run. Never held while something is generated.

        Each run has its own, so that tracking a thousand files in one does not keep another from being reviewed. Who
        wants this one and that of the project takes this one first.
        """
        with hold_lock(self.state_dir / "writing" / f"{run_id}.lock", f"{purpose} {run_id}"):
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the same file system as the cache, gone afterwards; so is what kills left long ago."""
        folder = self.state_dir / "tmp" / uuid4().hex
        folder.mkdir(parents=True)
        _remove_abandoned(folder.parent)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def workshop(self, name: str) -> Iterator[Path]:
        """An empty scratch folder that one command at a time has; what a killed one left in it is gone."""
        folder = self.state_dir / "tmp" / name
        with hold_lock(self.state_dir / "workshops" / f"{name}.lock", name):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def stat_index(self, run: Run) -> StatIndex:
        return StatIndex(run.require_folder(), self.state_dir / "stat-index" / f"{run.run_id}.json")


def check_local_config(folder: Path) -> None:
    """ConflictError when git brought the settings that only the user may write, who may name any place in them."""
    found = [name for name in Git(folder).list_tracked(":(icase).dvc") if name.casefold() in _NEVER_TRACKED]
    if found:
        raise ConflictError(
            f"{folder / found[0]} came with a branch, and such settings are only the user's",
            f"If it is not yours, delete it; `git -C {folder} rm --cached {found[0]}` takes it out of the branch.",
        )


def _remove_abandoned(folder: Path) -> None:
    for one in folder.iterdir():
        with suppress(FileNotFoundError):  # Another command may be done with it just now.
            if time.time() - one.stat().st_mtime > _ABANDONED_SEC:
                shutil.rmtree(one, ignore_errors=True)


def find_project(start: Path) -> Project:
    """The project around `start`, which may lie in one of its runs. NotFoundError says how to make one."""
    place = _find_place_beyond_broken(start)
    if place is None:
        raise NotFoundError(
            f"{start} is not in a git repository", "Go to your project, or make one with `gitassets init`."
        )
    if not place.linked or not _names_run(place.git_dir):
        return Project(place.top, place.common_dir)
    if _leads_back(place) and place.common_dir.name == ".git":
        return Project(place.common_dir.parent, place.common_dir)
    return find_project(place.top.parent)


def _find_place_beyond_broken(folder: Path) -> Place | None:
    """The place of `folder`; a run whose project was moved has a `.git` file that leads nowhere: look above it."""
    for candidate in (folder, *folder.parents):
        gitfile = read_gitfile(candidate)
        if gitfile is not None and not gitfile.exists():
            continue
        if gitfile is not None or (candidate / ".git").exists():
            return find_place(candidate)
    return None


def _names_run(admin_dir: Path) -> bool:
    return (admin_dir / _MARKER).is_file()


def _leads_back(place: Place) -> bool:
    """Whether the repository knows this folder as its own; of a copied run it knows only the original."""
    recorded = (place.git_dir / "gitdir").read_text("utf-8").rstrip("\n")
    return (place.git_dir / recorded).parent.resolve() == place.top.resolve()


def find_runs(project: Project) -> dict[str, Run]:
    """Every run by id, sorted: those with a folder, then those that are only on a branch, here or on a remote."""
    runs = {run_id: Run(run_id, folder, f"refs/heads/{BRANCH_PREFIX}{run_id}") for run_id, folder in _folders(project)}
    for ref in project.git.list_refs(f"refs/heads/{BRANCH_PREFIX}*", f"refs/remotes/*/{BRANCH_PREFIX}*"):
        run_id = ref.rsplit("/", 1)[1]
        # A branch from outside may have any name, and this one becomes part of paths and of commands to copy.
        if is_run_id(run_id):
            runs.setdefault(run_id, Run(run_id, None, ref))
    return dict(sorted(runs.items()))


def _folders(project: Project) -> Iterator[tuple[str, Path]]:
    yield from ((run_id, folder) for run_id, _, folder in iter_work_trees(project))


def iter_work_trees(project: Project) -> Iterator[tuple[str, Path, Path]]:
    """Each run that has a folder: its id, the git directory of that work tree alone, and the folder. No process."""
    branch = read_branch(project.git_dir)
    if branch is not None and branch.startswith(BRANCH_PREFIX):
        # A clone of the run's branch alone.
        yield branch.removeprefix(BRANCH_PREFIX), project.git_dir, project.root
    for tree in iter_linked_worktrees(project.git_dir):
        run_id = _run_id_of(tree)
        # In the state folder lies what a command that was killed while it made a run has left.
        if run_id is None or tree.folder.is_relative_to(project.state_dir):
            continue
        folder = tree.folder if tree.intact else _find_displaced_folder(project, tree)
        if folder is not None:
            yield run_id, tree.admin_dir, folder


def _run_id_of(tree: LinkedWorkTree) -> str | None:
    """From our own marker, which holds also while HEAD is detached, else from the branch."""
    marker = tree.admin_dir / _MARKER
    if marker.is_file():
        return marker.read_text("utf-8").strip()
    if tree.branch is not None and tree.branch.startswith(BRANCH_PREFIX):
        return tree.branch.removeprefix(BRANCH_PREFIX)
    return None


def _find_displaced_folder(project: Project, tree: LinkedWorkTree) -> Path | None:
    """The run's folder in a project that was copied or moved: as deep in it as before, but its `.git` leads to the old
    place."""
    parts = tree.folder.parts
    for folder in (project.root.joinpath(*parts[start:]) for start in range(1, len(parts))):
        gitfile = read_gitfile(folder)
        if gitfile is not None and gitfile.name == tree.admin_dir.name and (folder / MANIFEST_NAME).is_file():
            return folder
    return None


def find_old_runs(project: Project) -> dict[str, Run]:
    """The folders of claude-studio that are no runs yet, by their names."""
    from gitassets.adapters.claude_studio_files import find_old_folders

    found: dict[str, Run] = {}
    for base in dict.fromkeys((project.root / CLAUDE_STUDIO_RUNS_DIR, project.runs_dir)):
        for folder in find_old_folders(base):
            found.setdefault(folder.name, _old_run(folder))
    return found


def _old_run(folder: Path) -> Run:
    return Run(folder.name, folder, f"refs/heads/{BRANCH_PREFIX}{folder.name}", old=True)


def list_runs(project: Project) -> list[Run]:
    """Every run, those of claude-studio that are still to be upgraded too."""
    runs, old = find_runs(project), find_old_runs(project)
    return [_mark_old(project, {**old, **runs}[run_id], old) for run_id in sorted({*runs, *old})]


def find_run(project: Project, wanted: str) -> Run:
    """The run that an id, a unique prefix of one, `latest` or a folder's path names; `old` says whether it is ours."""
    folder = dict(_folders(project)).get(wanted)
    if folder is not None:
        return _mark_old(project, Run(wanted, folder, f"refs/heads/{BRANCH_PREFIX}{wanted}"), {})
    runs = find_runs(project)
    if "/" in wanted or "\\" in wanted or wanted in (".", ".."):
        return _mark_old(project, _by_folder(project, runs, _folder_of(wanted)), {})
    old = find_old_runs(project)
    if wanted == LATEST:
        return _mark_old(project, _latest(project, {**old, **runs}), old)
    return _mark_old(project, {**old, **runs}[match_run_id(wanted, sorted({*runs, *old}))], old)


def _mark_old(project: Project, run: Run, old: Mapping[str, Run]) -> Run:
    """The run; as an old one where an upgrade of it was begun and not finished, or as a newer one. Costs one read of
    the manifest."""
    folder = run.folder or (old[run.run_id].folder if run.run_id in old else None)
    if run.old or folder is None:
        return run
    try:
        data = read_manifest_bytes(project, run)
    except GitAssetsError:
        return run
    if is_upgrade_unfinished(data):
        return replace(run, folder=folder, old=True)
    return replace(run, newer=run.folder is not None and names_unknown(data))


def _folder_of(wanted: str) -> Path:
    folder = Path(wanted).resolve()
    return folder if folder.exists() else Path(wanted.replace("\\", "/")).resolve()


def _by_folder(project: Project, runs: Mapping[str, Run], folder: Path) -> Run:
    for run in runs.values():
        if run.folder is not None and folder.is_relative_to(run.folder.resolve()):
            return run
    from gitassets.adapters.claude_studio_files import is_old_folder

    for one in (folder, *folder.parents):
        if one != project.root and one.is_relative_to(project.root) and is_old_folder(one):
            return _old_run(one)
    if folder.name in runs:
        return runs[folder.name]
    if folder.is_dir():
        inside = folder != project.root and folder.is_relative_to(project.root)
        hint = f"Make it one with `gitassets track {folder}`." if inside else f"The runs are: {', '.join(runs)}."
        raise NotFoundError(f"{folder} is not a run", hint if inside or runs else "")
    raise NotFoundError(f"There is no folder {folder}")


def _latest(project: Project, runs: Mapping[str, Run]) -> Run:
    """The run that was begun last, by its id where that is a time, else by its first commit; an old run has none.

    Of those begun in the same second by its folder, then name.
    """
    if not runs:
        raise NotFoundError("There are no runs yet", "`gitassets produce --script FILE` makes the first.")
    births = project.git.read_birth_times(f"refs/heads/{BRANCH_PREFIX}*", f"refs/remotes/*/{BRANCH_PREFIX}*")
    by_run = {ref.rsplit("/", 1)[1]: time for ref, time in births.items()}
    made_ns = {
        _run_id_of(tree): (tree.admin_dir / _MARKER).stat().st_mtime_ns
        for tree in iter_linked_worktrees(project.git_dir)
        if _names_run(tree.admin_dir)
    }

    def begun(run: Run) -> tuple[float, int, str]:
        named = read_time(run.run_id)
        return named.timestamp() if named else by_run.get(run.run_id, 0), made_ns.get(run.run_id, 0), run.run_id

    return max(runs.values(), key=begun)


def read_manifest(project: Project, run: Run) -> Manifest:
    """The run's manifest, from its folder or, when it is not open, from its branch."""
    if run.view is not None:
        return run.view
    data = read_manifest_bytes(project, run)
    name = f"{run.folder / MANIFEST_NAME}" if run.folder else f"{run.ref}:{MANIFEST_NAME}"
    try:
        manifest = parse_manifest(data, name)
    except CorruptError as error:
        hint = error.hint if run.folder is None else from_anywhere(error.hint, run.folder)
        raise CorruptError(error.message, hint) from error
    if manifest.run_id != run.run_id:
        raise CorruptError(f"{name} says that its run is {manifest.run_id!r}", f"Its run_id must be {run.run_id!r}.")
    return manifest


def from_anywhere(hint: str, folder: Path) -> str:
    """The hint, with git's commands as they work whatever the current folder is."""
    return hint.replace("`git ", f"`git -C {folder} ")


def require_known_rules(project: Project, run: Run) -> None:
    """GitAssetsError where the run's folder held, when it was found, a manifest of rules that are not known here."""
    if run.newer:
        require_known(read_manifest(project, run))


def read_manifest_bytes(project: Project, run: Run) -> bytes:
    if run.folder is not None:
        path = run.folder / MANIFEST_NAME
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            # Without an index the folder is half made: the branch has what a killed command did not write there.
            half_made = not ((read_gitfile(run.folder) or run.folder / ".git") / "index").exists()
            data = project.git.read_blob(run.ref, MANIFEST_NAME) if half_made else None
            if data is not None:
                return data
            raise NotFoundError(
                f"{path} is missing",
                "`gitassets doctor` brings it back.",
            ) from error
    data = project.git.read_blob(run.ref, MANIFEST_NAME)
    if data is None:
        raise CorruptError(f"{run.ref} holds no {MANIFEST_NAME}", "The branch is not a run of gitassets.")
    return data


def attach_folder(project: Project, run_id: str, folder: Path) -> Run:
    """`folder` is the work tree of the run's branch. What lay in it stays, unless it has the name of a file in git."""
    folder.mkdir(parents=True, exist_ok=True)
    _forget_worktrees(project, run_id)
    with project.scratch() as scratch:
        # The name of the scratch folder becomes the name of the work tree's administration.
        temporary = scratch / run_id
        project.git.add_worktree(temporary, BRANCH_PREFIX + run_id)
        admin_dir = read_gitfile(temporary)
        if admin_dir is None:
            raise CorruptError(f"git made no work tree in {temporary}")
        # Git hands on what the project's own work tree leaves out. All that git has of a run is a few small texts.
        (admin_dir / "info" / "sparse-checkout").unlink(missing_ok=True)
        write_atomic(admin_dir / _MARKER, f"{run_id}\n".encode())
        guard_folder(project, admin_dir, folder)
        link_worktree(admin_dir, folder)
    fill_folder(project, folder)
    return Run(run_id, folder, f"refs/heads/{BRANCH_PREFIX}{run_id}")


def guard_folder(project: Project, admin_dir: Path, folder: Path) -> None:
    """Git calls our hooks in the folder of a run, and leaves those of the team alone, unless they are uninstalled."""
    if project.hooks.wanted:
        if not project.hooks.are_ready():
            project.hooks.prepare()
        project.hooks.guard(admin_dir, folder)


def _forget_worktrees(project: Project, run_id: str) -> None:
    """Git no longer believes the run's branch to be in a folder that was deleted by hand, or only half made."""
    for tree in iter_linked_worktrees(project.git_dir):
        # In the state folder nobody else makes work trees, and who does holds the lock.
        if _run_id_of(tree) == run_id or tree.folder.is_relative_to(project.state_dir):
            shutil.rmtree(tree.admin_dir)
    half_made = project.git_dir / "worktrees" / run_id
    if half_made.is_dir() and not (half_made / "gitdir").exists():
        shutil.rmtree(half_made)


def fill_folder(project: Project, folder: Path) -> None:
    """The folder of a run has the files of its branch, and DVC there uses the project's cache."""
    write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
    with project.scratch() as scratch:
        Git(folder).fill_index(scratch)


def settle_dvc(project: Project, folder: Path) -> None:
    """DVC in the run's folder uses the project's cache, also after `git clean`; what it has brought there is kept."""
    if folder != project.root and not (folder / ".dvc" / "config.local").is_file():
        write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
    make_private(project.site_cache_dir)
    if project.owns_cache:
        project.blobs.take_in()


def repair_links(project: Project) -> list[str]:
    """The ids of the runs whose folders led to another place, since the project was copied or moved; now they are ours.

    Called before anything is written: a commit in such a folder would land in the repository it was copied from.
    """
    repaired = []
    for tree in iter_linked_worktrees(project.git_dir):
        run_id = _run_id_of(tree)
        if run_id is None or tree.intact:
            continue
        folder = _find_displaced_folder(project, tree)
        if folder is not None:
            link_worktree(tree.admin_dir, folder)
            guard_folder(project, tree.admin_dir, folder)
            write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
            repaired.append(run_id)
    return repaired
