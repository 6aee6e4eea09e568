"""Record decisions within a merge in git's merge message. The last decision concludes the merge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.hook_files import FOLLOWS
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.state.journal import Journal, OpenMerge, Pending
from gitassets.domain.commit_message import CommitMessage, drop_comments
from gitassets.domain.conflict import iter_conflicts, iter_text_conflicts
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.message import add_decision
from gitassets.runs.git_locks import find_held_locks
from gitassets.runs.merge import list_unmerged
from gitassets.runs.project import Project, Run
from gitassets.runs.restore import update_media
from gitassets.runs.transaction import check_allowed, keep_locked, plan_texts
from gitassets.runs.write_change import OWN_FILES, read_text, restore_file, set_text

if TYPE_CHECKING:
    from gitassets.runs.transaction import Session

_MESSAGE = "MERGE_MSG"


class Settled(Struct, frozen=True):
    """The result of a decision within a merge: the `commit` that concludes it, or what is `left` in conflict."""

    commit: str | None
    left: tuple[str, ...] = ()


def settle(session: Session, after: Manifest, decision: CommitMessage) -> Settled:
    """Write the decision to the run's files and the merge message. On any error everything stays as it was.

    Nothing is staged while the manifest has another conflict, so git refuses to commit until then.
    """
    check_allowed(session.manifest, after)
    keep_locked(session, after)
    pending = _plan(session, after, decision)
    project, folder = session.project, session.folder
    journal, index_file = Journal(project.state_dir, session.run.run_id), find_git_dir(folder) / "index"
    index_before = index_file.read_bytes()
    journal.write(pending)
    try:
        settled = _carry_out(project, session.run, folder, pending)
    except BaseException:
        find_held_locks(project, folder, journal)
        if not _is_concluded(folder, pending):
            _revert(folder, pending)
            restore_file(index_file, index_before)
            journal.remove()
            raise
        # Git was killed after it moved the branch.
        settled = _follow(project, session.run, folder, pending)
    journal.remove()
    return settled


def _plan(session: Session, after: Manifest, decision: CommitMessage) -> Pending:
    git = Git(session.folder)
    merge = _read_merge(session.folder)
    if merge is None:
        raise FileNotFoundError(find_git_dir(session.folder) / "MERGE_HEAD")
    mark = git.read_config("core.commentChar")
    text = drop_comments(merge.message, "#" if mark in ("", "auto") else mark)
    message = add_decision(text.strip() or f"Merge into run/{session.run.run_id}", decision, session.manifest)
    return Pending(session.head, message, plan_texts(session, after, {}), {}, merge)


def _read_merge(folder: Path) -> OpenMerge | None:
    """Return the merge that is open in the work tree, or None."""
    head, message = (find_git_dir(folder) / name for name in ("MERGE_HEAD", _MESSAGE))
    try:
        return OpenMerge(head.read_text("ascii").strip(), head.stat().st_mtime_ns, read_text(message) or "")
    except FileNotFoundError:
        return None


def _carry_out(project: Project, run: Run, folder: Path, pending: Pending) -> Settled:
    set_text(find_git_dir(folder) / _MESSAGE, pending.message)
    for path, text in pending.texts.items():
        set_text(folder / path, text.after)
    manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    git, left = Git(folder), tuple(_iter_left(manifest))
    if not left:
        _stage(project, git, manifest)
        left = tuple(sorted(list_unmerged(git)))
    if left:
        return Settled(None, (*left, *(sorted(list_unmerged(git) - OWN_FILES - {*left}))))
    words = ("commit", "--quiet", "--cleanup=whitespace", "-F", "-")
    git.call(*words, stdin=pending.message.encode("utf-8", "surrogateescape"), env={FOLLOWS: "1"})
    return _follow(project, run, folder, pending)


def _iter_left(manifest: Manifest) -> Iterator[str]:
    yield from (str(address) for address, _ in iter_conflicts(manifest))
    yield from (f"the text of segment {number}" for number in iter_text_conflicts(manifest))


def _stage(project: Project, git: Git, manifest: Manifest) -> None:
    """Stage the manifest and the .dvc files that it implies, however git has merged them."""
    implied = imply_dvc_files(manifest).values()
    for one in implied:
        project.blobs.add_listing(one.listing, one.md5)
        write_atomic(git.folder / one.file_name, one.text.encode())
    names = {one.file_name for one in implied}
    git.call("add", "--force", "--", MANIFEST_NAME, *sorted(names))
    git.call("rm", "--quiet", "--force", "--ignore-unmatch", "--", *sorted({*DVC_FILES} - names))


def _follow(project: Project, run: Run, folder: Path, pending: Pending) -> Settled:
    """Finish a committed merge: make git forget it if it was killed before that, and update the media files."""
    git = Git(folder)
    if _is_open(folder, pending):
        git.call("merge", "--quit")
    update_media(project, run, folder, pending.head)
    return Settled(git.resolve("HEAD"))


def _is_open(folder: Path, pending: Pending) -> bool:
    """Check whether this same merge is open: somebody may have reverted it and begun another one."""
    found, merge = _read_merge(folder), pending.merge
    return found is not None and merge is not None and (found.theirs, found.began_ns) == (merge.theirs, merge.began_ns)


def _is_concluded(folder: Path, pending: Pending) -> bool:
    parents = [Git(folder).resolve(f"HEAD^{number}") for number in (1, 2)]
    return pending.merge is not None and parents == [pending.head, pending.merge.theirs]


def _revert(folder: Path, pending: Pending) -> None:
    for path, text in pending.texts.items():
        set_text(folder / path, text.before)
    if pending.merge is not None and _is_open(folder, pending):
        set_text(find_git_dir(folder) / _MESSAGE, pending.merge.message)


def complete(project: Project, run: Run, folder: Path, pending: Pending) -> str | None:
    """Conclude the merge that a killed command was concluding and return its commit; None if somebody changed it."""
    if _is_concluded(folder, pending):
        return _follow(project, run, folder, pending).commit
    touched = any(read_text(folder / path) not in (one.before, one.after) for path, one in pending.texts.items())
    if touched or not _is_open(folder, pending) or Git(folder).resolve("HEAD") != pending.head:
        return None
    return _carry_out(project, run, folder, pending).commit
