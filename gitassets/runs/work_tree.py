"""Tie the folders of runs to their branches, as linked work trees."""

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
from gitassets.errors import CorruptError
from gitassets.runs.lookup import _find_displaced_folder, _run_id_of
from gitassets.runs.project import _MARKER, BRANCH_PREFIX, Project, Run


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
        project.blobs.keep_new()


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
