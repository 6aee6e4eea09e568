"""The project: its folder, settings, state, caches and locks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from uuid import uuid4

from gitassets.adapters.dvc.cache import BlobStore, find_cache_dir
from gitassets.adapters.dvc.kept_blobs import KeptBlobs
from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.run_hooks import RunHooks
from gitassets.adapters.git.work_trees import (
    Place,
    find_place,
    read_branch,
    read_gitfile,
)
from gitassets.adapters.state.known_runs_dir import find_runs_dir
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.run_id import BRANCH_PREFIX, RUN_MARKER
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import Settings

CLAUDE_STUDIO_RUNS_DIR = "artifacts/video_production"
LOCAL_CONFIG = ".dvc/config.local"
_NEVER_TRACKED = frozenset({".dvc", LOCAL_CONFIG})
_ABANDONED_SEC = 7 * 24 * 60 * 60.0  # Nothing works in a scratch folder that long.


@dataclass(frozen=True)
class Run:
    """One production. `folder` is None while it is only on a branch; `ref` is that branch's full name.

    `old`: a run of claude-studio still to be upgraded; `view` is then the upgraded manifest, for commands that only
    read. `newer`: its manifest may follow unknown rules.
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
    """The git repository that holds gitassets.yaml and all runs.

    `reviewer` is who decides, if that is not the one who commits; commits name them.
    """

    root: Path
    git_dir: Path
    reviewer: str = field(default="", compare=False)

    @property
    def state_dir(self) -> Path:
        """The folder that all runs share and nobody commits: cache, locks, journals, indexes."""
        return self.git_dir / "gitassets"

    @cached_property
    def settings(self) -> Settings:
        from gitassets.adapters.state.settings_file import drop_spending, read_settings

        found = read_settings(self.root)
        from_branch = self.holds_run and self.git.list_tracked(f":(icase){SETTINGS_NAME}")
        return drop_spending(found) if from_branch else found

    @property
    def is_bare(self) -> bool:
        return self.root == self.git_dir

    @cached_property
    def runs_dir(self) -> Path:
        return self.root / find_runs_dir(self.root, self.state_dir, lambda: self.settings.runs_dir)

    @cached_property
    def git(self) -> Git:
        return Git(self.root)

    @cached_property
    def objects(self) -> ObjectReader:
        """Reads from branches, however many runs there are, by one process."""
        return ObjectReader(self.git)

    @cached_property
    def hooks(self) -> RunHooks:
        return RunHooks(self.git, self.git_dir)

    @cached_property
    def blobs(self) -> BlobStore:
        own, kept = self.state_dir / "dvc-cache", KeptBlobs(self.state_dir / "kept-blobs")
        if own.is_dir() or not self.is_run_clone:
            return BlobStore(own, kept)
        # In a clone of one run's branch, plain DVC pulls into the cache that its own settings name.
        check_local_config(self.root)
        return BlobStore(find_cache_dir(self.root), kept)

    @property
    def owns_cache(self) -> bool:
        """Whether the blobs lie in this project. A cache elsewhere also holds the blobs of others."""
        folder = self.blobs.cache_dir.resolve()
        return any(folder.is_relative_to(one.resolve()) for one in (self.root, self.git_dir))

    @property
    def is_run_clone(self) -> bool:
        """Whether this is a clone of one run's branch alone, so that the project's folder is the run's."""
        branch = None if self.is_bare else read_branch(self.git_dir)
        return branch is not None and branch.startswith(BRANCH_PREFIX)

    @property
    def holds_run(self) -> bool:
        """Whether the project's folder holds the files of a run's branch, which come from outside."""
        return self.is_run_clone or (self.root / MANIFEST_NAME).is_file()

    @property
    def site_cache_dir(self) -> Path:
        return self.state_dir / "dvc-site"

    @property
    def render_cache_dir(self) -> Path:
        """The cache of rendered segments and measurements of files, all of which can be made again."""
        return self.state_dir / "render-cache"

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold the project's lock for a moment, to create a run or link one to its folder."""
        with hold_lock(self.state_dir / "lock", purpose):
            yield

    @contextmanager
    def lock_run(self, run_id: str, purpose: str) -> Iterator[None]:
        """Hold the run's lock around read, change and commit. It is never held while something is generated.

        Each run has its own lock, so that tracking a thousand files in one does not block the review of another. Lock
        order: run, then project.
        """
        with hold_lock(self.state_dir / "writing" / f"{run_id}.lock", f"{purpose} {run_id}"):
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield an empty temporary folder on the cache's file system, and remove old ones that kills left."""
        folder = self.state_dir / "tmp" / uuid4().hex
        folder.mkdir(parents=True)
        _remove_abandoned(folder.parent)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def exclusive_scratch(self, name: str) -> Iterator[Path]:
        """Yield an empty scratch folder that one command at a time may use."""
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
    """Raise ConflictError if git tracks the settings that only the user may write, since they can name any path."""
    found = [name for name in Git(folder).list_tracked(":(icase).dvc") if name.casefold() in _NEVER_TRACKED]
    if found:
        raise ConflictError(
            f"{folder / found[0]} came with a branch, and such settings are only the user's",
            f"If it is not yours, delete it; `git -C {quote(str(folder))} rm --cached {found[0]}` "
            "takes it out of the branch.",
        )


def _remove_abandoned(folder: Path) -> None:
    for one in folder.iterdir():
        with suppress(FileNotFoundError):  # Another command may have removed it.
            if time.time() - one.stat().st_mtime > _ABANDONED_SEC:
                shutil.rmtree(one, ignore_errors=True)


def find_project(start: Path) -> Project:
    """Find the project around `start`, which may be in one of its runs. Raise NotFoundError outside of a project."""
    place = _find_place_beyond_broken(start)
    if place is None and is_bare(start):
        raise NotFoundError(
            f"{start} is a bare repository, without files",
            "Clone it, and work in the clone. Here only `gitassets verify` works.",
        )
    if place is None:
        raise NotFoundError(
            f"{start} is not in a git repository", "Go to your project, or make one with `gitassets init`."
        )
    if not place.linked or not names_run(place.git_dir):
        return Project(place.top, place.common_dir)
    if _leads_back(place) and place.common_dir.name == ".git":
        return Project(place.common_dir.parent, place.common_dir)
    return find_project(place.top.parent)


def is_bare(folder: Path) -> bool:
    """Check whether `folder` is a bare repository, by what git looks for in one. No process."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def find_bare_project(folder: Path) -> Project | None:
    """Return the bare repository at `folder` as a project, whose runs are all only on branches. It is for reading."""
    return Project(folder, folder) if is_bare(folder) and folder.name != ".git" else None


def _find_place_beyond_broken(folder: Path) -> Place | None:
    """Find the work tree of `folder`, ignoring `.git` files that point nowhere, as runs of a moved project have."""
    for candidate in (folder, *folder.parents):
        gitfile = read_gitfile(candidate)
        if gitfile is not None and not gitfile.exists():
            continue
        if gitfile is not None or (candidate / ".git").exists():
            return find_place(candidate)
    return None


def names_run(admin_dir: Path) -> bool:
    return (admin_dir / RUN_MARKER).is_file()


def _leads_back(place: Place) -> bool:
    """Check whether the repository records this folder. For a copied run it records only the original."""
    recorded = (place.git_dir / "gitdir").read_text("utf-8").rstrip("\n")
    return (place.git_dir / recorded).parent.resolve() == place.top.resolve()
