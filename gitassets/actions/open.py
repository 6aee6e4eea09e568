"""Give a run a folder: the work tree of its branch."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gitassets.adapters.counting import counted
from gitassets.adapters.files import remove_incoming
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MEDIA_FOLDERS, iter_folder_entries
from gitassets.domain.rules import require_known
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.tree_rules import TreeEntry, iter_tree_problems
from gitassets.errors import ConflictError
from gitassets.making.record import write_run
from gitassets.runs.create import check_set_up
from gitassets.runs.incoming import check_incoming
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource
from gitassets.runs.transaction import Session
from gitassets.runs.work_tree import attach_folder


class OpenResult(Struct, frozen=True):
    """`restored` files were written from the cache; `missing` ones are not in it; `differing` ones were not touched."""

    run_id: str
    folder: Path
    opened: bool
    restored: tuple[str, ...]
    missing: tuple[str, ...]
    differing: tuple[str, ...]


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
    for path, md5, _ in counted(list(iter_folder_entries(session.manifest)), "files put in place"):
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
