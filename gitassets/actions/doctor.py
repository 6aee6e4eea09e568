"""Find and repair what is unfinished or inconsistent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from gitassets.actions.hooks import install, show_hooks
from gitassets.actions.init import undo_interrupted_commit
from gitassets.actions.upgrade import upgrade
from gitassets.adapters.counting import counted
from gitassets.adapters.dvc.cache import create_dvc_project, set_aside_unreadable, write_local_config
from gitassets.adapters.files import hash_file, is_folder, remove_incoming
from gitassets.adapters.git.leftovers import clear_traces
from gitassets.adapters.git.repository import Git
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.conflict import iter_conflicts, iter_text_conflicts
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.manifest import MEDIA_FOLDERS, iter_folder_entries
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.errors import GitAssetsError
from gitassets.making.record import write_run
from gitassets.runs.lookup import find_runs, list_runs
from gitassets.runs.missing_blobs import find_files, suggest_fetch
from gitassets.runs.project import LOCAL_CONFIG, Project, Run
from gitassets.runs.remotes import CONFIG
from gitassets.runs.restore import restore_files
from gitassets.runs.tracked_texts import mend_project_texts, mend_run_texts
from gitassets.runs.transaction import Session, keep_locked
from gitassets.runs.work_tree import repair_links


class DoctorResult(Struct, frozen=True):
    """What was repaired, and what is `left` because only a person can repair it."""

    mended: tuple[str, ...]
    left: tuple[str, ...]


def doctor(project: Project) -> DoctorResult:
    """Repair the project and every open run, as far as the existing data allow."""
    mended = [f"Tied run {run_id} to this copy of the project" for run_id in repair_links(project)]
    left: list[str] = []
    _repair_project(project, mended, left)
    mended += [f"Removed {lock}, which a killed git had left" for lock in clear_traces(project.git_dir)]
    if undo_interrupted_commit(project):
        mended.append("Took back what an interrupted `init` had staged: run it again")
    _repair_hooks(project, mended, left)
    known = find_runs(project)
    for run in list_runs(project):
        if run.folder is None or run.run_id not in known:
            continue
        try:
            if run.old:
                upgrade(project, run, lambda _: None)
                mended.append(f"{run.run_id}: completed the upgrade that was begun")
            else:
                _repair_run(project, run, mended, left)
        except GitAssetsError as error:
            left.append(
                f"{run.run_id}: {error.message} ({error.hint})" if error.hint else f"{run.run_id}: {error.message}"
            )
    return DoctorResult(tuple(mended), tuple(left))


def _repair_project(project: Project, mended: list[str], left: list[str]) -> None:
    """Restore the project's own settings from git, and set up DVC again if that is lost."""
    if project.holds_run:
        return
    mended += [f"Took {name} back from git, since it was lost or cut off" for name in mend_project_texts(project)]
    if not (project.root / SETTINGS_NAME).is_file():
        if find_runs(project):
            left.append(f"{project.root} is not set up for gitassets (Run `gitassets init` there once.)")
        return
    try:
        mended += _set_aside_local(project, project.root, "project")
        lost = [one for one in (CONFIG, LOCAL_CONFIG) if not (project.root / one).is_file()]
        if lost and create_dvc_project(project.root, project.site_cache_dir):
            mended.append(f"Set up DVC in the project: {' and '.join(lost)} had been lost")
    except GitAssetsError as error:
        left.append(f"{error.message} ({error.hint})")


def _set_aside_local(project: Project, folder: Path, name: str) -> Iterator[str]:
    """Move unreadable local settings of the user aside."""
    aside = project.state_dir / "damaged" / f"{name}-config.local"
    if set_aside_unreadable(folder / LOCAL_CONFIG, aside):
        yield f"moved {folder / LOCAL_CONFIG} to {aside}, since it cannot be read: set what you need of it again"


def _repair_hooks(project: Project, mended: list[str], left: list[str]) -> None:
    found = show_hooks(project)
    try:
        if not found.complete:
            found = install(project)
            mended.append("Installed the hooks and the merge driver")
        left += found.left
    except GitAssetsError as error:
        left.append(f"{error.message} ({error.hint})")


def _repair_run(project: Project, run: Run, mended: list[str], left: list[str]) -> None:
    folder = run.require_folder()
    mended += [f"{run.run_id}: {line}" for line in _repair_texts(project, run, folder)]
    before = Git(folder).resolve("HEAD")
    with write_run(project, run, "doctor") as session:
        if session.head != before:
            mended.append(f"{run.run_id}: completed what an interrupted command had begun")
        mended += [f"{run.run_id}: {line}" for line in _repair_cache(session)]
        mended += [f"{run.run_id}: {line}" for line in _restore_files(session)]
        mended += [f"{run.run_id}: {line}" for line in _rebuild_derived(session)]
        left += [f"{run.run_id}: {line}" for line in _find_left(session)]


def _repair_texts(project: Project, run: Run, folder: Path) -> Iterator[str]:
    """Restore the files that git tracks, and point DVC to the project's cache."""
    yield from _clear_marks(project, run, folder)
    for name in mend_run_texts(project, run):
        yield f"took {name} back from git, since it was lost or cut off"
    yield from _set_aside_local(project, folder, run.run_id)
    if folder != project.root and not (folder / LOCAL_CONFIG).is_file():
        yield f"wrote {LOCAL_CONFIG}, which leads DVC to the cache"
    write_local_config(folder, project.blobs.cache_dir, project.site_cache_dir)


def _clear_marks(project: Project, run: Run, folder: Path) -> Iterator[str]:
    """Clear the marks that make git overlook changes to files."""
    marks = Git(folder).read_marks()
    if marks:
        with project.lock_run(run.run_id, "doctor"):
            Git(folder).clear_marks(list(marks))
    for path, names in marks.items():
        yield f"{path} is no longer marked {' and '.join(names)}, so git shows whether it was changed"


def _find_left(session: Session) -> Iterator[str]:
    for address, _ in iter_conflicts(session.manifest):
        yield f"{address} was decided differently on two branches: approve or reject it"
    for number in iter_text_conflicts(session.manifest):
        settle = f"`gitassets edit {session.run.run_id} {number} --text …`"
        yield f"the text of segment {number} was changed on two branches: {settle} settles it"
    for address, asset in counted(list(session.manifest.assets()), "files looked at"):
        restore = f"`gitassets restore {session.run.run_id} {address.option}`"
        if asset.locked and session.hash(asset.path) not in (asset.md5, None):
            yield f"{address} is locked, but {asset.path} was overwritten: {restore}"
        elif is_folder(session.folder / asset.path):
            yield f"a folder lies where the file of {address} belongs, {asset.path}: move it away, then {restore}"
    entries = iter_folder_entries(session.manifest)
    missing = {md5: path for path, md5, _ in entries if not session.project.blobs.has(md5)}
    hint = suggest_fetch(session.project, session.run, missing) if missing else ""
    yield from (f"the bytes of {path} are not here. {hint}" for path in missing.values())


def _restore_files(session: Session) -> Iterator[str]:
    """Restore locked files with outdated bytes, and absent files, from the cache.

    Keep files whose bytes no cache holds, for a person to look at.
    """
    blobs = session.project.blobs
    for name in MEDIA_FOLDERS:
        remove_incoming(session.folder / name)
    wanted = {
        asset.path: asset.md5
        for _, asset in counted(list(session.manifest.assets()), "files compared")
        if asset.locked and blobs.has(asset.md5) and blobs.has(session.hash(asset.path) or asset.md5)
    }
    files = counted(list(iter_folder_entries(session.manifest)), "files compared")
    wanted |= {path: md5 for path, md5, _ in files if blobs.has(md5) and session.hash(path) is None}
    behind = [path for path, md5 in wanted.items() if session.hash(path) != md5]
    missing = restore_files(session.project, session.folder, session.index, session.manifest, wanted)
    yield from (f"put back {path}" for path in behind if path not in missing)


def _rebuild_derived(session: Session) -> Iterator[str]:
    """Rebuild the derived fields and the .dvc files from the manifest, in a commit of their own."""
    wanted = {one.file_name: one.text for one in imply_dvc_files(session.manifest).values()}
    found = {
        name: (session.folder / name).read_text("utf-8", "replace")
        for name in DVC_FILES
        if (session.folder / name).is_file()
    }
    if wanted == found and derive(session.manifest) == session.manifest:
        return
    session.rebuild(CommitMessage(session.run.run_id, "doctor", "rebuild the .dvc files", segments=()))
    yield "rebuilt the .dvc files from the manifest"


def _repair_cache(session: Session) -> Iterator[str]:
    """Write missing folder lists to the cache, and replace damaged or absent blobs by intact files of runs."""
    blobs = session.project.blobs
    for one in imply_dvc_files(session.manifest).values():
        if blobs.has(one.md5) and blobs.path(one.md5).read_bytes() != one.listing:
            blobs.remove(one.md5)
        if not blobs.has(one.md5):
            blobs.add_listing(one.listing, one.md5)
            yield f"wrote the folder list of {one.name} into the cache"
    entries = counted(list(iter_folder_entries(session.manifest)), "cached files compared")
    wrong = {md5: path for path, md5, _ in entries if not blobs.has(md5) or hash_file(blobs.path(md5)) != md5}
    lost = [md5 for md5 in wrong if not blobs.is_whole(md5)]
    files = find_files(session.project, session.run, lost) if lost else {}
    for md5, path in wrong.items():
        if md5 in files:
            blobs.remove(md5)
            blobs.copy_in(files[md5], md5)
        if blobs.is_whole(md5):
            yield f"put the bytes of {path} back into the cache"
        elif blobs.has(md5):
            yield f"moved the damaged bytes of {path} out of the cache, to {_set_aside(session.project, md5)}"
    keep_locked(session, session.manifest)


def _set_aside(project: Project, md5: str) -> Path:
    """Move the damaged blob out of the cache, so that intact bytes can be fetched. Return its new path."""
    aside = project.state_dir / "damaged" / md5
    aside.parent.mkdir(exist_ok=True)
    project.blobs.path(md5).replace(aside)
    project.blobs.remove(md5)
    return aside
