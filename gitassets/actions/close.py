"""Remove the folder of a run, if nothing in it would be lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.counting import counted
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import read_gitfile, remove_worktree
from gitassets.domain.manifest import Manifest, iter_folder_entries
from gitassets.errors import ConflictError
from gitassets.making.record import write_run
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, keep_bytes


class CloseResult(Struct, frozen=True):
    run_id: str
    folder: Path


def close_run(project: Project, run: Run) -> CloseResult:
    """Remove the run's folder. Nothing is lost: tracked bytes are in the cache, decisions in the branch."""
    folder = run.require_folder()
    if folder == project.root:
        raise ConflictError(f"{folder} is a clone of the run's branch, not a folder of a project's run")
    if _holds_current_folder(folder):
        raise ConflictError(f"You are in {folder}, which would be removed", f"Go to {project.root} first.")
    with write_run(project, run, "close") as session:
        _check_nothing_lost(session)
        for path, _, _ in counted(list(iter_folder_entries(session.manifest)), "files kept"):
            keep_bytes(project, folder, session.index, path)
        _remove_folder(project, folder)
    return CloseResult(run.run_id, folder)


def _remove_folder(project: Project, folder: Path) -> None:
    """Remove the folder, by a rename if the file system can do that, and then git's record of the work tree."""
    admin_dir = read_gitfile(folder)
    with project.scratch() as scratch:
        try:
            folder.rename(scratch / folder.name)
        except OSError:
            remove_worktree(project.git, folder)
    if admin_dir is not None and admin_dir.exists():
        shutil.rmtree(admin_dir)


def _holds_current_folder(folder: Path) -> bool:
    return Path.cwd().is_relative_to(folder.resolve())


def _check_nothing_lost(session: Session) -> None:
    git = Git(session.folder)
    # Git does not report changes in files that it is told to overlook.
    overlooked = [path for path in git.read_marks() if (session.folder / path).exists()]
    changed = sorted({*git.read_state().changed, *overlooked})
    known = {*git.list_tracked(), ".dvc/config.local", ".git"}
    expected = _expected_files(session.manifest)
    unknown = [path for path in _list_files(session.folder) if path not in known and path not in expected]
    compared = counted(expected.items(), "files compared")
    differing = [path for path, md5 in compared if session.hash(path) not in (md5, None)]
    loss = [*changed, *unknown, *differing]
    if loss:
        raise ConflictError(
            f"Closing {session.run.run_id} would lose {', '.join(loss[:5])}{' …' if len(loss) > 5 else ''}",
            "Commit, replace or move away these files first.",
        )


def _expected_files(manifest: Manifest) -> dict[str, str]:
    return {path: md5 for path, md5, _ in iter_folder_entries(manifest)}


def _list_files(folder: Path) -> list[str]:
    """List every file in the folder except DVC's private ones."""
    found = []
    for base, folders, files in os.walk(folder):
        relative = Path(base).relative_to(folder)
        folders[:] = [one for one in folders if (relative / one).as_posix() not in (".dvc/tmp", ".dvc/cache")]
        links = [one for one in folders if (Path(base) / one).is_symlink()]
        found += [(relative / one).as_posix() for one in (*files, *links)]
    return found
