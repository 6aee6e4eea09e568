"""One command, one commit: the run's files go from one recorded state to the next, or stay as they were."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.files import find_link, remove_incoming, write_atomic
from gitassets.adapters.git.leftovers import clear_traces, is_git_at_work
from gitassets.adapters.git.repository import Git, WorkTreeState
from gitassets.adapters.git.run_hooks import HOOKS_PATH
from gitassets.adapters.git.staged import format_staged
from gitassets.adapters.git.unfinished import MERGE, find_git_locks, find_unfinished, remove_git_locks
from gitassets.adapters.git.work_trees import read_gitfile
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.journal import Journal, MediaChange, MergeJournal, Pending, TextChange
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.commit_message import CommitMessage, format_addresses, format_message, format_options
from gitassets.domain.conflict import iter_conflicts, iter_text_conflicts
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.guard import RunState, check_step
from gitassets.domain.manifest import MANIFEST_NAME, MEDIA_FOLDERS, Address, Asset, Manifest, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import follow_rules, require_known
from gitassets.domain.selection import format_ranges
from gitassets.errors import BusyError, ConflictError, CorruptError, GitAssetsError, LockedError
from gitassets.runs.locked_files import LockedFiles
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import (
    BRANCH_PREFIX,
    Project,
    Run,
    fill_folder,
    find_run,
    read_manifest,
    repair_links,
    settle_dvc,
)
from gitassets.runs.tracked_texts import describe_damage, find_damaged_state

if TYPE_CHECKING:
    from gitassets.runs.settle_merge import Settled

OWN_FILES = frozenset({MANIFEST_NAME, *DVC_FILES})
GIT_WAIT_SEC = 5.0
# Where the hooks find what the command that calls git has checked: the change, and the message that names it all.
_STAGED, _MESSAGE = "GITASSETS_STAGED", "GITASSETS_MESSAGE"
_MAX_VARIABLE = 100_000  # Linux takes no longer variable than 128 KiB.


class Session(Struct):
    """A run that is held for writing: its manifest cannot change under the holder.

    `recovered` are the assets, and `recovered_candidates` the candidates by their md5, that an interrupted command had
    made; they are recorded now.
    """

    project: Project
    run: Run
    folder: Path
    manifest: Manifest
    head: str
    index: StatIndex
    merging: bool = False
    recovered: tuple[Address, ...] = ()
    recovered_candidates: tuple[tuple[Address, str], ...] = ()

    def commit(
        self,
        after: Manifest,
        message: CommitMessage,
        *,
        beside: Mapping[str, str] | None = None,
        dropped: Collection[str] = (),
    ) -> str:
        """The id of the commit that holds `after`; the run's files are as it says. On any error all is as before.

        `beside` are texts by path that go into the same commit; `dropped` media files that are taken away with it,
        though the manifest before does not name them.
        """
        derived = follow_rules(derive(after))
        self.head = _write(self, derived, format_message(message), beside or {}, dropped)
        self.manifest = derived
        return self.head

    def settle(self, after: Manifest, message: CommitMessage) -> Settled:
        """What came of a decision within the open merge: the last one concludes it. On any error all is as before."""
        from gitassets.runs.settle_merge import settle  # It needs this module itself.

        derived = follow_rules(derive(after))
        settled = settle(self, derived, message)
        self.manifest, self.head = derived, settled.commit or self.head
        return settled

    def rebuild(self, message: CommitMessage) -> str:
        """The id of the commit in which every file that follows from the manifest is what follows from it."""
        before = {name: read_text(self.folder / name) for name in OWN_FILES}
        rebuilt = follow_rules(derive(self.manifest))
        after = _texts(rebuilt)
        texts = {name: TextChange(text, after.get(name)) for name, text in before.items() if text != after.get(name)}
        pending = Pending(self.head, format_message(message), texts, {})
        _prepare_blobs(self, self.manifest, pending)
        journal = Journal(self.project.state_dir, self.run.run_id)
        journal.write(pending)
        self.head = _carry_out(self.project, self.folder, self.index, pending, journal)
        journal.remove()
        self.manifest = rebuilt
        return self.head

    def hash(self, path: str) -> str | None:
        """The md5 of a file of the run as it is now, None when it is not there."""
        return self.index.hash(path)


@contextmanager
def begin(
    project: Project, wanted: Run, purpose: str, *, in_merge: bool = False, taken: Manifest | None = None
) -> Iterator[Session]:
    """The run is held for writing. First, what a killed command left half-done is completed.

    Only who settles conflicts (`in_merge`) may write while the run's branch is being merged. `taken` stands for the
    manifest of a run whose file is not one of ours yet.
    """
    if wanted.old and taken is None:
        raise GitAssetsError(
            f"{wanted.run_id} is a run of claude-studio that is not upgraded",
            f"`gitassets upgrade {wanted.run_id}` upgrades it.",
        )
    if MergeJournal(project.state_dir, wanted.run_id).path.exists():
        from gitassets.runs.merge import settle_merge  # Only after a kill is there one.

        settle_merge(project, wanted)
    with project.lock_run(wanted.run_id, purpose):
        with project.lock(purpose):
            repaired = repair_links(project)
        run = find_run(project, wanted.run_id) if repaired else wanted
        folder = run.require_folder()
        index = project.stat_index(run)
        _await_git(project, folder, Journal(project.state_dir, run.run_id))
        for one in (folder, folder / ".dvc"):
            remove_incoming(one)
        if not (_git_dir(folder) / "index").exists():
            fill_folder(project, folder)
        settle_dvc(project, folder)
        recover_pending(project, run, index)
        merging = in_merge and find_unfinished(_git_dir(folder)) == MERGE
        state = _check_state(run, folder, merging)
        manifest = require_known(read_manifest(project, run) if taken is None else taken)
        session = Session(project, run, folder, manifest, state.head or "", index, merging)
        check_folders(folder, [path for path, _, _ in iter_folder_entries(session.manifest)])
        try:
            yield session
        finally:
            index.save()


def _await_git(project: Project, folder: Path, journal: Journal) -> None:
    """No git command holds the run's index or branch. BusyError when one goes on doing so."""
    deadline = time.monotonic() + GIT_WAIT_SEC
    while locks := find_held_locks(project, folder, journal):
        if time.monotonic() > deadline:
            raise BusyError(
                f"A git command is at work in {folder}, or was killed there: {locks[0]} exists",
                "Wait for it to end. If none is running, delete that file and try again.",
            )
        time.sleep(0.02)


def find_held_locks(project: Project, folder: Path, journal: Journal) -> list[Path]:
    """The locks of git in this run, but for those that the killed git of one of our own commands has left: these go."""
    clear_traces(project.git_dir)
    locks = find_git_locks(_git_dir(folder), project.git_dir)
    if locks and all(journal.was_there_before(lock) for lock in locks) and not is_git_at_work(folder):
        remove_git_locks(_git_dir(folder), locks)
        return []
    return locks


def check_folders(folder: Path, paths: Iterable[str]) -> None:
    """ConflictError when one of the run's folders is a symbolic link: what is written there lands elsewhere."""
    link = find_link(folder, [*paths, *(f"{name}/x" for name in MEDIA_FOLDERS)])
    if link is not None:
        raise ConflictError(
            f"{folder / link} is a symbolic link, so the run's files lie outside of the run",
            "Put a folder in its place, with the files in it.",
        )


def _git_dir(folder: Path) -> Path:
    return read_gitfile(folder) or folder / ".git"


def _check_state(run: Run, folder: Path, merging: bool) -> WorkTreeState:
    unfinished = find_unfinished(_git_dir(folder))
    if unfinished and not merging:
        raise ConflictError(f"In {folder} {unfinished} is not finished", _ways_to_finish(run, folder, unfinished))
    state = Git(folder).read_state_of(OWN_FILES)
    if state.branch != BRANCH_PREFIX + run.run_id:
        at = f"branch {state.branch}" if state.branch else "no branch (HEAD is detached)"
        raise ConflictError(
            f"{folder} is on {at}, not on {BRANCH_PREFIX}{run.run_id}",
            f"Go back with `git -C {folder} switch {BRANCH_PREFIX}{run.run_id}`.",
        )
    if state.changed and not merging:
        raise _explain_changed(folder, sorted(state.changed))
    return state


def _explain_changed(folder: Path, names: Sequence[str]) -> ConflictError:
    marked = Git(folder).read_marks(*names)
    if marked:
        return _explain_marked(folder, *next(iter(marked.items())))
    if set(names) <= set(find_damaged_state(folder)):
        return ConflictError(*describe_damage(names, folder))
    what = f"{' and '.join(str(folder / one) for one in names)} {'were' if names[1:] else 'was'} changed by hand"
    return ConflictError(f"{what} and {'are' if names[1:] else 'is'} not committed", _how_to_take_back(folder, names))


def _how_to_take_back(folder: Path, names: Sequence[str]) -> str:
    committed = Git(folder).read_blobs([f"HEAD:{one}" for one in names])
    old = [one for one in names if committed[f"HEAD:{one}"] is not None]
    new = [one for one in names if one not in old]
    ways = [f"take the change back with `git -C {folder} checkout HEAD -- {' '.join(old)}`"] if old else []
    if new:
        unstage = f"`git -C {folder} rm -q -f --cached --ignore-unmatch {' '.join(new)}`"
        ways.append(f"move away what is new ({' '.join(new)}), and forget it with {unstage}")
    text = "; ".join([*ways, "or commit it yourself."])
    return text[0].upper() + text[1:]


def _explain_marked(folder: Path, name: str, marks: Sequence[str]) -> ConflictError:
    if not (folder / name).exists():
        return ConflictError(
            f"{folder / name} is not there: git leaves it out, since it is marked {' and '.join(marks)}",
            "`gitassets doctor` brings it back. A run's folder cannot be a sparse checkout: only its text is in git.",
        )
    return ConflictError(
        f"{folder / name} was changed by hand, and git does not show it, since it is marked {' and '.join(marks)}",
        f"Clear that with {_format_clearing(folder, name, marks)}, or by `gitassets doctor`. "
        f"{_how_to_take_back(folder, [name])}",
    )


def _ways_to_finish(run: Run, folder: Path, unfinished: str) -> str:
    if unfinished != MERGE:
        return "Finish it with git (--continue) or take it back (--abort)."
    return _how_to_conclude(run, folder)


def how_to_conclude(session: Session) -> str:
    """The ways out of the merge that is open in the run's folder."""
    return _how_to_conclude(session.run, session.folder)


def _how_to_conclude(run: Run, folder: Path) -> str:
    ways = list(_iter_ways_to_settle(run, folder))
    end = "The last decision concludes it." if ways else f"Conclude it with `git -C {folder} commit`."
    return " ".join([*ways, end, f"`git -C {folder} merge --abort` takes it back."])


def _iter_ways_to_settle(run: Run, folder: Path) -> Iterator[str]:
    """What is still to be decided in a merge, or how its manifest can be read again."""
    try:
        manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    except GitAssetsError as error:
        yield error.hint
        return
    except FileNotFoundError:
        return
    addresses = [address for address, _ in iter_conflicts(manifest)]
    if addresses:
        yield (
            f"The two branches decided differently on {format_addresses(addresses)}: approve or reject, such as by "
            f"`gitassets approve {run.run_id} {format_options(addresses)}`."
        )
    texts = list(iter_text_conflicts(manifest))
    if texts:
        yield (
            f"Both branches changed the text of segment {format_ranges(texts)}: say what is to be spoken, such as by "
            f"`gitassets edit {run.run_id} {texts[0]} --text …`."
        )


def _write(session: Session, after: Manifest, message: str, beside: Mapping[str, str], dropped: Collection[str]) -> str:
    check_allowed(session.manifest, after)
    _check_files(session, after)
    pending = Pending(
        head=session.head,
        message=message,
        texts=plan_texts(session, after, beside),
        media=_plan_media(session, after, dropped),
    )
    _prepare_blobs(session, after, pending)
    journal = Journal(session.project.state_dir, session.run.run_id)
    journal.write(pending)
    commit = _carry_out(session.project, session.folder, session.index, pending, journal, checked=True)
    _set_modes(session.index, session.manifest, after)
    journal.remove()
    return commit


def stage_dvc_files(session: Session, manifest: Manifest) -> None:
    """The .dvc files are those that the manifest implies, in the folder and in git's index."""
    files = _dvc_files(manifest)
    for folder in imply_dvc_files(manifest).values():
        session.project.blobs.add_listing(folder.listing, folder.md5)
    for name, text in files.items():
        write_atomic(session.folder / name, text)
    git = Git(session.folder)
    if files:
        git.call("add", "--force", "--", *files)
    git.call("rm", "--quiet", "--force", "--ignore-unmatch", "--", *(set(DVC_FILES) - files.keys()))


def _check_files(session: Session, after: Manifest) -> None:
    """LockedError when the file of a locked asset holds other bytes than the approved ones."""
    replaced = _find_replaced(session.manifest, after)
    LockedFiles(session.folder, session.run.run_id, session.index, replaced).require(session.manifest, after)


def _find_replaced(before: Manifest, after: Manifest) -> dict[str, Asset]:
    """The assets whose files this change is still to write over, by path: a copy may arrive as approved at once."""
    pairs = ((asset, after.asset(address)) for address, asset in before.assets())
    return {old.path: old for old, new in pairs if new is not None and new.path == old.path and new.md5 != old.md5}


def check_allowed(before: Manifest, after: Manifest) -> None:
    """LockedError when the step breaks a lock, by the rules that the hook and the history check apply."""
    violations = check_step(RunState(manifest=before), RunState(manifest=after, dvc_files=_dvc_files(after)))
    if violations:
        raise LockedError(violations[0].message, violations[0].hint)


def _dvc_files(manifest: Manifest) -> dict[str, bytes]:
    return {folder.file_name: folder.text.encode() for folder in imply_dvc_files(manifest).values()}


def plan_texts(session: Session, after: Manifest, beside: Mapping[str, str]) -> dict[str, TextChange]:
    """What is to change from what lies there now, which somebody may have committed in another form than ours."""
    new = {**_texts(after), **beside}
    found = {path: read_text(session.folder / path) for path in sorted({*new, *_dvc_files(session.manifest)})}
    return {path: TextChange(text, new.get(path)) for path, text in found.items() if text != new.get(path)}


def _texts(manifest: Manifest) -> dict[str, str]:
    files = {MANIFEST_NAME: format_manifest(manifest), **_dvc_files(manifest)}
    return {path: data.decode() for path, data in files.items()}


def _plan_media(session: Session, after: Manifest, dropped: Collection[str]) -> dict[str, MediaChange]:
    """What is to change from what lies there now: those bytes are in the cache, and come back when git refuses."""
    old = {path: md5 for path, md5, _ in iter_folder_entries(session.manifest)}
    new = {path: md5 for path, md5, _ in iter_folder_entries(after)}
    locked = {asset.path for _, asset in after.assets() if asset.locked}
    changed = [path for path in sorted({*old, *new, *dropped}) if path in dropped or old.get(path) != new.get(path)]
    found = {path: keep_bytes(session.project, session.folder, session.index, path) for path in changed}
    return {path: MediaChange(found[path], new.get(path), path in locked) for path in changed}


def _prepare_blobs(session: Session, after: Manifest, pending: Pending) -> None:
    """Every byte that the new state needs is in the cache."""
    blobs = session.project.blobs
    for path, change in pending.media.items():
        if change.after is not None:
            require_blob(session.project, session.run, change.after, path)
    keep_locked(session, after)
    for folder in imply_dvc_files(after).values():
        if folder.file_name in pending.texts:
            blobs.add_listing(folder.listing, folder.md5)


def keep_locked(session: Session, manifest: Manifest) -> None:
    """No command of DVC can take the bytes of a locked asset away, as far as they are here."""
    blobs = session.project.blobs
    for _, asset in manifest.assets():
        if asset.locked and not blobs.keep(asset.md5) and session.hash(asset.path) == asset.md5:
            blobs.copy_in(session.folder / asset.path, asset.md5)


def keep_bytes(project: Project, folder: Path, index: StatIndex, path: str) -> str | None:
    """The md5 of what lies at `path`, which is in the cache from now on; None when nothing is there."""
    md5 = index.hash(path)
    if md5 is not None:
        project.blobs.copy_in(folder / path, md5)
    return md5


def _carry_out(
    project: Project, folder: Path, index: StatIndex, pending: Pending, journal: Journal, *, checked: bool = False
) -> str:
    """The files are written and committed; when git or a hook refuses, files and index are as before.

    The journal stays for what is still to follow. What was `checked` just now is told to the hooks, which need not
    check that very change and message once more.
    """
    index_file = _git_dir(folder) / "index"
    index_before = index_file.read_bytes() if index_file.exists() else None
    git = Git(folder)
    try:
        _apply(project, folder, index, pending, forward=True)
        new_paths = [path for path, text in pending.texts.items() if path != MANIFEST_NAME and text.after is not None]
        told = _describe_checked(pending) if checked else {}
        settings = _pass_by_others(project, folder) if checked else {}
        return git.commit_paths(list(pending.texts), pending.message, new_paths=new_paths, env=told, settings=settings)
    except BaseException as error:
        head = git.resolve("HEAD")
        if head == pending.head:
            _take_back(project, folder, index, pending)
            if index_before is not None and index_file.read_bytes() != index_before:
                put_back(index_file, index_before)
            find_held_locks(project, folder, journal)
            journal.remove()
            _check_overlooked(folder, pending, error)
        elif head is not None and isinstance(error, CommandError) and _is_in(git, pending, forward=True):
            # Git was killed when the branch had moved already.
            find_held_locks(project, folder, journal)
            _bring_in_step(project, folder, index, pending)
            return head
        raise


def _check_overlooked(folder: Path, pending: Pending, error: BaseException) -> None:
    """ConflictError where git did not commit a file since it was told to leave that alone."""
    marks = Git(folder).read_marks(*pending.texts) if isinstance(error, CommandError) else {}
    for name, found in marks.items():
        if "skip-worktree" not in found:
            continue
        raise ConflictError(
            f"Git does not commit {folder / name}, since the file is marked {' and '.join(found)}",
            f"Clear that with {_format_clearing(folder, name, found)}, or by `gitassets doctor`.",
        ) from error


def _format_clearing(folder: Path, name: str, marks: Iterable[str]) -> str:
    return f"`git -C {folder} update-index {' '.join(f'--no-{one}' for one in marks)} {name}`"


def _describe_checked(pending: Pending) -> dict[str, str]:
    changes = {path: (_encode(one.before), _encode(one.after)) for path, one in pending.texts.items()}
    told = {_STAGED: format_staged(changes, like=pending.head), _MESSAGE: pending.message.rstrip("\n")}
    return {name: text for name, text in told.items() if len(text.encode()) < _MAX_VARIABLE}


def _pass_by_others(project: Project, folder: Path) -> dict[str, str]:
    """What spares git the hooks of a commit that would find nothing to do, where nobody else has any there.

    What is staged is compared all the same. The message is our own, and only a hook of others could change it.
    """
    lone = project.hooks.find_lone_path(folder)
    return {HOOKS_PATH: lone} if lone else {}


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _take_back(project: Project, folder: Path, index: StatIndex, pending: Pending) -> None:
    try:
        _apply(project, folder, index, pending, forward=False)
    except OSError:
        # On a full disk the new files make way first: all old bytes are in the journal and in the cache.
        for path in (*pending.texts, *pending.media):
            (folder / path).unlink(missing_ok=True)
        _apply(project, folder, index, pending, forward=False)


def put_back(file: Path, data: bytes) -> None:
    try:
        write_atomic(file, data)
    except OSError:
        file.write_bytes(data)  # A full disk has no room for both.


def _apply(project: Project, folder: Path, index: StatIndex, pending: Pending, *, forward: bool) -> None:
    for path, text in pending.texts.items():
        set_text(folder / path, text.after if forward else text.before)
    for path, media in pending.media.items():
        _set_media(project, folder, index, path, media, media.after if forward else media.before)


def set_text(path: Path, text: str | None) -> None:
    data = _encode(text)
    if data is None:
        path.unlink(missing_ok=True)
    else:
        write_atomic(path, data)


def _set_media(
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


def _set_modes(index: StatIndex, before: Manifest, after: Manifest) -> None:
    """Locked files are read-only, the others are not: a hint to other programs, not the lock."""
    for address, asset in after.assets():
        old = before.asset(address)
        if old is None or old.locked == asset.locked or old.path != asset.path:
            continue
        index.set_locked(asset.path, asset.md5, locked=asset.locked)


def recover_pending(project: Project, run: Run, index: StatIndex) -> str | None:
    """The commit that completes what a killed command left half-done, None when nothing was.

    ConflictError when a file is neither as it was before nor as it was to be: then somebody else changed it.
    """
    journal = Journal(project.state_dir, run.run_id)
    pending = journal.read()
    if pending is None:
        return None
    folder = run.require_folder()
    for parent in {(folder / path).parent for path in pending.media}:
        remove_incoming(parent)
    if pending.merge is None:
        commit = _complete(project, folder, index, pending, journal)
    else:
        from gitassets.runs.settle_merge import complete

        commit = complete(project, run, folder, pending)
    journal.remove()
    return commit


def _complete(project: Project, folder: Path, index: StatIndex, pending: Pending, journal: Journal) -> str | None:
    """The commit that the journal tells of: made now, or made already; None when the branch went another way."""
    git = Git(folder)
    head = git.resolve("HEAD") or ""
    if head != pending.head and _is_in(git, pending, forward=True):
        _bring_in_step(project, folder, index, pending)
        _finish_modes(index, pending)
        return head
    if head != pending.head and _is_given_up(git, folder, pending):
        return None
    _check_untouched(folder, index, pending)
    git.unstage(list(pending.texts))
    if head != pending.head:
        pending = replace(pending, head=head)
        journal.write(pending)
    commit = _carry_out(project, folder, index, pending, journal)
    _finish_modes(index, pending)
    return commit


def _is_in(git: Git, pending: Pending, *, forward: bool) -> bool:
    """Whether HEAD holds the texts as they were to be, or, with `forward` off, as they were before."""
    wanted = {f"HEAD:{path}": _encode(one.after if forward else one.before) for path, one in pending.texts.items()}
    return git.read_blobs(list(wanted)) == wanted


def _is_given_up(git: Git, folder: Path, pending: Pending) -> bool:
    """Whether the branch has moved on to another state, and the run's files are those of it.

    ConflictError when they are not: then it is not known which of both somebody wants.
    """
    if not git.read_state_of(OWN_FILES).changed:
        return True
    if _is_in(git, pending, forward=False):
        return False
    raise ConflictError(
        f"A command on {folder.name} was interrupted, and the branch has moved on since",
        f"Take the files back with `git -C {folder} checkout HEAD -- .`, then run the command again.",
    )


def _bring_in_step(project: Project, folder: Path, index: StatIndex, pending: Pending) -> None:
    """The commit was made: git's index and the files follow it, but for what somebody has changed since."""
    Git(folder).unstage(list(pending.texts))
    for path, text in pending.texts.items():
        if read_text(folder / path) in (text.before, None):
            set_text(folder / path, text.after)
    for path, media in pending.media.items():
        if index.hash(path) in (media.before, None):
            _set_media(project, folder, index, path, media, media.after)


def _finish_modes(index: StatIndex, pending: Pending) -> None:
    text = pending.texts.get(MANIFEST_NAME)
    if text is not None and text.before is not None and text.after is not None:
        # Of a run that was upgraded the manifest before is none of ours, and the upgrade sets all modes itself.
        with suppress(CorruptError):
            _set_modes(index, parse_manifest(text.before.encode()), parse_manifest(text.after.encode()))


def _check_untouched(folder: Path, index: StatIndex, pending: Pending) -> None:
    for path, text in pending.texts.items():
        found = read_text(folder / path)
        if found not in (text.before, text.after, None):
            raise _touched(folder / path, folder)
    for path, media in pending.media.items():
        if index.hash(path) not in (media.before, media.after, None):
            raise _touched(folder / path, folder)


def read_text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _touched(path: Path, folder: Path) -> ConflictError:
    return ConflictError(
        f"A command on {folder.name} was interrupted, and {path} was changed since",
        f"Move that file away, or take it back with `git -C {folder} checkout HEAD -- {path.name}`, and try again.",
    )
