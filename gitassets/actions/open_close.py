"""Open a run in a folder, and close it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import remove_incoming
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import read_gitfile, remove_worktree
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MEDIA_FOLDERS, Manifest, iter_folder_entries
from gitassets.domain.rules import require_known
from gitassets.domain.tree_rules import TreeEntry, iter_tree_problems
from gitassets.errors import ConflictError
from gitassets.making.record import write_run
from gitassets.runs.create import check_set_up
from gitassets.runs.incoming import check_incoming
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import BRANCH_PREFIX, Project, Run
from gitassets.runs.remotes import RemoteSource
from gitassets.runs.transaction import Session, keep_bytes
from gitassets.runs.work_tree import attach_folder


class OpenResult(Struct, frozen=True):
    """`restored` files were written from the cache; `missing` ones are not in it; `differing` ones were not touched."""

    run_id: str
    folder: Path
    opened: bool
    restored: tuple[str, ...]
    missing: tuple[str, ...]
    differing: tuple[str, ...]


class CloseResult(Struct, frozen=True):
    run_id: str
    folder: Path


def open_run(project: Project, wanted: str) -> OpenResult:
    """Create the run's folder, with every file that the cache holds. Never overwrite a file."""
    check_set_up(project)
    run = find_run(project, wanted)
    opened = not run.is_open
    if opened:
        with project.lock(f"open {run.run_id}"):
            run = _attach(project, run)
    return fill_run(project, run, opened=opened)


def fill_run(project: Project, run: Run, *, opened: bool = False) -> OpenResult:
    """Write the open run's absent files from the cache. Never overwrite a file.

    Also add the folder lists to the cache, so that DVC can fetch single files.
    """
    with write_run(project, run, "open") as session:
        return _fill(session, opened)


def _attach(project: Project, run: Run) -> Run:
    _check_branch(project, run)
    require_known(read_manifest(project, run))
    folder = project.runs_dir / run.run_id
    remove_incoming(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is in the way of run {run.run_id}", "Move that folder away first.")
    if not run.ref.startswith("refs/heads/"):
        project.git.track_branch(BRANCH_PREFIX + run.run_id, run.ref)
    return attach_folder(project, run.run_id, folder)


def _check_branch(project: Project, run: Run) -> None:
    """Raise ConflictError if the branch would write files outside its folder, or is an invalid one from a server."""
    commit = None if run.ref.startswith("refs/heads/") else project.git.resolve(run.ref)
    if commit is not None:
        check_incoming(project, run, commit, None, RemoteSource(project, run, commit))
    entries = (TreeEntry(path, mode) for path, mode in project.git.list_tree(run.ref))
    for one in iter_tree_problems(entries):
        if one.code == "symlink-in-git":
            raise ConflictError(
                f"Run {run.run_id} is not opened: {one.path} {one.problem}", f"Take it out of {run.ref} first."
            )


def _fill(session: Session, opened: bool) -> OpenResult:
    restored, missing, differing = [], [], []
    for name in MEDIA_FOLDERS:
        remove_incoming(session.folder / name)
    locked = {asset.path for _, asset in session.manifest.assets() if asset.locked}
    for path, md5, _ in iter_folder_entries(session.manifest):
        found = session.hash(path)
        if found is not None:
            differing.extend([path] if found != md5 else [])
        elif session.project.blobs.has(md5):
            session.project.blobs.place(md5, session.folder / path, locked=path in locked)
            session.index.note(path, md5)
            restored.append(path)
        else:
            missing.append(path)
    for one in imply_dvc_files(session.manifest).values():
        session.project.blobs.add_listing(one.listing, one.md5)
    return OpenResult(session.run.run_id, session.folder, opened, tuple(restored), tuple(missing), tuple(differing))


def close_run(project: Project, run: Run) -> CloseResult:
    """Remove the run's folder. Nothing is lost: tracked bytes are in the cache, decisions in the branch."""
    folder = run.require_folder()
    if folder == project.root:
        raise ConflictError(f"{folder} is a clone of the run's branch, not a folder of a project's run")
    if _holds_current_folder(folder):
        raise ConflictError(f"You are in {folder}, which is to be taken away", f"Go to {project.root} first.")
    with write_run(project, run, "close") as session:
        _check_nothing_lost(session)
        for path, _, _ in iter_folder_entries(session.manifest):
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
    differing = [path for path, md5 in expected.items() if session.hash(path) not in (md5, None)]
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
