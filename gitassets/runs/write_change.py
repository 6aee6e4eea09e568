"""Write a change from the journal (texts, media and the commit), or revert it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from shlex import quote

from gitassets.adapters.counting import counted
from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.run_hooks import HOOKS_PATH
from gitassets.adapters.git.staged import format_staged
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.journal import Journal, MediaChange, Pending
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.manifest import MANIFEST_NAME, Manifest, iter_changed_assets
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.errors import ConflictError, CorruptError
from gitassets.runs.git_locks import find_held_locks
from gitassets.runs.project import Project

# Variables in which the hooks find the change and the message that the calling command has already checked.
_STAGED, _MESSAGE = "GITASSETS_STAGED", "GITASSETS_MESSAGE"
_MAX_VARIABLE = 100_000  # Linux accepts variables of up to 128 KiB.


def apply_and_commit(
    project: Project, folder: Path, index: StatIndex, pending: Pending, journal: Journal, *, checked: bool = False
) -> str:
    """Write the files, commit them and return the commit. If git or a hook refuses, revert files and index.

    After a success the journal stays for the steps that follow. If `checked`, the hooks get the change and message,
    which they need not check again.
    """
    index_file = find_git_dir(folder) / "index"
    index_before = index_file.read_bytes() if index_file.exists() else None
    git = Git(folder)
    try:
        apply_change(project, folder, index, pending, forward=True)
        return _commit(project, git, pending, checked=checked)
    except BaseException as error:
        head = git.resolve("HEAD")
        if head == pending.head:
            revert_change(project, folder, index, pending)
            if index_before is not None and index_file.read_bytes() != index_before:
                restore_file(index_file, index_before)
            find_held_locks(project, folder, journal)
            journal.remove()
            _check_overlooked(folder, pending, error)
        elif head is not None and isinstance(error, CommandError) and head_holds(git, pending, forward=True):
            # Git was killed after it moved the branch.
            find_held_locks(project, folder, journal)
            update_after_commit(project, folder, index, pending)
            return head
        raise


def _commit(project: Project, git: Git, pending: Pending, *, checked: bool) -> str:
    new_paths = [path for path, text in pending.texts.items() if path != MANIFEST_NAME and text.after is not None]
    variables = _describe_checked(pending) if checked else {}
    settings = _skip_idle_hooks(project, git.folder) if checked else {}
    return git.commit_paths(list(pending.texts), pending.message, new_paths=new_paths, env=variables, settings=settings)


def _check_overlooked(folder: Path, pending: Pending, error: BaseException) -> None:
    """Raise ConflictError if git did not commit a file because it is marked to be skipped."""
    marks = Git(folder).read_marks(*pending.texts) if isinstance(error, CommandError) else {}
    for name, found in marks.items():
        if "skip-worktree" not in found:
            continue
        raise ConflictError(
            f"Git does not commit {folder / name}, since the file is marked {' and '.join(found)}",
            f"Clear that with {format_clearing(folder, name, found)}, or by `gitassets doctor`.",
        ) from error


def format_clearing(folder: Path, name: str, marks: Iterable[str]) -> str:
    return f"`git -C {quote(str(folder))} update-index {' '.join(f'--no-{one}' for one in marks)} {name}`"


def _describe_checked(pending: Pending) -> dict[str, str]:
    changes = {path: (encode_text(one.before), encode_text(one.after)) for path, one in pending.texts.items()}
    variables = {_STAGED: format_staged(changes, like=pending.head), _MESSAGE: pending.message.rstrip("\n")}
    return {name: text for name, text in variables.items() if len(text.encode()) < _MAX_VARIABLE}


def _skip_idle_hooks(project: Project, folder: Path) -> dict[str, str]:
    """Return settings with which a commit skips those hooks that have nothing to do, if the user has no hooks.

    The staged change is still compared. The message is our own, and only a user's hook could change it.
    """
    lone = project.hooks.find_lone_path(folder)
    return {HOOKS_PATH: lone} if lone else {}


def encode_text(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def revert_change(project: Project, folder: Path, index: StatIndex, pending: Pending) -> None:
    try:
        apply_change(project, folder, index, pending, forward=False)
    except OSError:
        # On a full disk, first remove the new files: all old bytes are in the journal and in the cache.
        for path in (*pending.texts, *pending.media):
            (folder / path).unlink(missing_ok=True)
        apply_change(project, folder, index, pending, forward=False)


def restore_file(file: Path, data: bytes) -> None:
    try:
        write_atomic(file, data)
    except OSError:
        file.write_bytes(data)  # A full disk has no room for both.


def apply_change(project: Project, folder: Path, index: StatIndex, pending: Pending, *, forward: bool) -> None:
    for path, text in pending.texts.items():
        set_text(folder / path, text.after if forward else text.before)
    for path, media in counted(pending.media.items(), "files put in place"):
        set_media(project, folder, index, path, media, media.after if forward else media.before)


def set_text(path: Path, text: str | None) -> None:
    data = encode_text(text)
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_atomic(path, data)


def set_media(
    project: Project, folder: Path, index: StatIndex, path: str, change: MediaChange, md5: str | None
) -> None:
    target = folder / path
    if md5 is None:
        target.unlink(missing_ok=True)
        with suppress(OSError):
            target.parent.rmdir()
    elif index.hash(path) != md5 and project.blobs.has(md5):
        project.blobs.place(md5, target, locked=change.locked)
        index.note(path, md5)


def set_modes(index: StatIndex, before: Manifest, after: Manifest) -> None:
    """Make locked files read-only and others writable: a hint to other programs, not the lock itself."""
    for _, old, new in iter_changed_assets(before, after):
        if old is not None and new is not None and old.locked != new.locked and old.path == new.path:
            index.set_locked(new.path, new.md5, locked=new.locked)


def read_text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


OWN_FILES = frozenset({MANIFEST_NAME, *DVC_FILES})


def head_holds(git: Git, pending: Pending, *, forward: bool) -> bool:
    """Check whether HEAD holds the new texts, or, without `forward`, the old ones."""
    wanted = {f"HEAD:{path}": encode_text(one.after if forward else one.before) for path, one in pending.texts.items()}
    return git.read_blobs(list(wanted)) == wanted


def update_after_commit(project: Project, folder: Path, index: StatIndex, pending: Pending) -> None:
    """Update git's index and the files after a commit, except for files that somebody has changed since."""
    Git(folder).unstage(list(pending.texts))
    for path, text in pending.texts.items():
        if read_text(folder / path) in (text.before, None):
            set_text(folder / path, text.after)
    for path, media in pending.media.items():
        if index.hash(path) in (media.before, None):
            set_media(project, folder, index, path, media, media.after)


def finish_modes(index: StatIndex, pending: Pending) -> None:
    text = pending.texts.get(MANIFEST_NAME)
    if text is not None and text.before is not None and text.after is not None:
        # Before an upgrade the manifest is not in our format, and the upgrade sets all modes itself.
        with suppress(CorruptError):
            set_modes(index, parse_manifest(text.before.encode()), parse_manifest(text.after.encode()))


def check_untouched(folder: Path, index: StatIndex, pending: Pending) -> None:
    for path, text in pending.texts.items():
        found = read_text(folder / path)
        if found not in (text.before, text.after, None):
            raise _changed_since(folder / path, folder)
    for path, media in pending.media.items():
        if index.hash(path) not in (media.before, media.after, None):
            raise _changed_since(folder / path, folder)


def _changed_since(path: Path, folder: Path) -> ConflictError:
    return ConflictError(
        f"A command on {folder.name} was interrupted, and {path} was changed since",
        f"Move that file away, or restore it with `git -C {quote(str(folder))} checkout HEAD -- {path.name}`, "
        "and try again.",
    )
