"""Link the folders of runs to their branches, as linked work trees."""

from __future__ import annotations

import shutil
from pathlib import Path

from gitassets.adapters.dvc.cache import make_private, write_local_config
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import (
    iter_linked_worktrees,
    link_worktree,
    read_gitfile,
)
from gitassets.domain.run_id import BRANCH_PREFIX, RUN_MARKER
from gitassets.errors import CorruptError
from gitassets.runs.lookup import find_displaced_folder, read_run_id
from gitassets.runs.project import Project, Run


def attach_folder(project: Project, run_id: str, folder: Path) -> Run:
    """Make `folder` the work tree of the run's branch. Existing files stay, unless git tracks one of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    _forget_worktrees(project, run_id)
    with project.scratch() as scratch:
        # The name of the temporary folder becomes the name of the entry in .git/worktrees.
        temporary = scratch / run_id
        project.git.add_worktree(temporary, BRANCH_PREFIX + run_id)
        admin_dir = read_gitfile(temporary)
        if admin_dir is None:
            raise CorruptError(f"git made no work tree in {temporary}")
        # Git copies the sparse checkout of the project's work tree, but a run needs all of its few small texts.
        (admin_dir / "info" / "sparse-checkout").unlink(missing_ok=True)
        write_atomic(admin_dir / RUN_MARKER, f"{run_id}\n".encode())
        guard_folder(project, admin_dir, folder)
        link_worktree(admin_dir, folder)
    fill_folder(project, folder)
    return Run(run_id, folder, f"refs/heads/{BRANCH_PREFIX}{run_id}")


def guard_folder(project: Project, admin_dir: Path, folder: Path) -> None:
    """Make git call our hooks in the folder of a run, unless they are uninstalled. The team's own hooks stay."""
    if project.hooks.wanted:
        if not project.hooks.are_ready():
            project.hooks.prepare()
        project.hooks.guard(admin_dir, folder)


def _forget_worktrees(project: Project, run_id: str) -> None:
    """Make git forget work trees of the run's branch that were deleted by hand or only half made."""
    for tree in iter_linked_worktrees(project.git_dir):
        # Only gitassets makes work trees in the state folder, and only under the lock held here.
        if read_run_id(tree) == run_id or tree.folder.is_relative_to(project.state_dir):
            shutil.rmtree(tree.admin_dir)
    half_made = project.git_dir / "worktrees" / run_id
    if half_made.is_dir() and not (half_made / "gitdir").exists():
        shutil.rmtree(half_made)


def fill_folder(project: Project, folder: Path) -> None:
    """Check out the run's branch in its folder, and make DVC there use the project's cache."""
    write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
    with project.scratch() as scratch:
        Git(folder).fill_index(scratch)


def prepare_dvc(project: Project, folder: Path) -> None:
    """Make DVC in the run's folder use the project's cache, also after `git clean`, and keep the blobs it added."""
    if folder != project.root and not (folder / ".dvc" / "config.local").is_file():
        write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
    make_private(project.site_cache_dir)
    if project.owns_cache:
        project.blobs.keep_new()


def repair_links(project: Project) -> list[str]:
    """Link the folders of runs in a copied or moved project to it, and return the ids of the runs repaired.

    Call it before anything is written: a commit in such a folder would go to the repository it was copied from.
    """
    repaired = []
    for tree in iter_linked_worktrees(project.git_dir):
        run_id = read_run_id(tree)
        if run_id is None or tree.intact:
            continue
        folder = find_displaced_folder(project, tree)
        if folder is not None:
            link_worktree(tree.admin_dir, folder)
            guard_folder(project, tree.admin_dir, folder)
            write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)
            repaired.append(run_id)
    return repaired
