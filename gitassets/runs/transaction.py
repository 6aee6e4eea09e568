"""One command, one commit: move a run's files from one recorded state to the next, or leave them as they were."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.counting import counted
from gitassets.adapters.files import find_link, remove_incoming, write_atomic
from gitassets.adapters.git.repository import Git, WorkTreeState
from gitassets.adapters.git.unfinished import MERGE, find_unfinished
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.state.journal import Journal, MediaChange, MergeJournal, Pending, TextChange
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.commit_message import CommitMessage, format_message
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files, name_dvc_files
from gitassets.domain.guard import RunState, check_step
from gitassets.domain.manifest import (
    MANIFEST_NAME,
    MEDIA_FOLDERS,
    Address,
    Asset,
    Manifest,
    iter_changed_assets,
    iter_changed_segments,
    iter_folder_entries,
)
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.rules import follow_rules, require_known
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.errors import ConflictError, GitAssetsError, LockedError
from gitassets.runs.git_locks import await_git
from gitassets.runs.locked_files import LockedFiles
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.not_ready import explain_changed, suggest_finish
from gitassets.runs.project import Project, Run
from gitassets.runs.recovery import recover_pending
from gitassets.runs.word_files import plan_words
from gitassets.runs.work_tree import fill_folder, prepare_dvc, repair_links
from gitassets.runs.write_change import OWN_FILES, apply_and_commit, read_text, set_modes

if TYPE_CHECKING:
    from gitassets.runs.settle_merge import Settled


_IGNORE, _MUSIC_RULE = ".gitignore", "/music"


class Session(Struct):
    """A run locked for writing, so that nobody else changes its manifest.

    `recovered` are the assets, and `recovered_candidates` the candidates by md5, that an interrupted command had made
    and that are recorded now.
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
        """Commit `after`, update the run's files and return the commit's id. On any error everything stays as it was.

        `beside` are further texts of the commit, by path; `dropped` are media files to remove that the current manifest
        does not name.
        """
        derived = follow_rules(derive(after))
        words = plan_words(self.project, self.folder, self.manifest, derived)
        self.head = _write(self, derived, self._format(message), {**words, **(beside or {})}, dropped)
        self.manifest = derived
        return self.head

    def settle(self, after: Manifest, message: CommitMessage) -> Settled:
        """Record a decision in the open merge; the last one concludes it. On an error everything stays as it was."""
        from gitassets.runs.settle_merge import settle  # It imports this module itself.

        derived = follow_rules(derive(after))
        settled = settle(self, derived, self._name_reviewer(message))
        self.manifest, self.head = derived, settled.commit or self.head
        return settled

    def _format(self, message: CommitMessage) -> str:
        return format_message(self._name_reviewer(message))

    def _name_reviewer(self, message: CommitMessage) -> CommitMessage:
        return replace(message, reviewed_by=self.project.reviewer or message.reviewed_by)

    def rebuild(self, message: CommitMessage) -> str:
        """Rewrite every file that is derived from the manifest and return the commit's id."""
        before = {name: read_text(self.folder / name) for name in OWN_FILES}
        rebuilt = follow_rules(derive(self.manifest))
        after = _texts(rebuilt)
        texts = {name: TextChange(text, after.get(name)) for name, text in before.items() if text != after.get(name)}
        pending = Pending(self.head, self._format(message), texts, {})
        _prepare_blobs(self, self.manifest, pending)
        journal = Journal(self.project.state_dir, self.run.run_id)
        journal.write(pending)
        self.head = apply_and_commit(self.project, self.folder, self.index, pending, journal)
        journal.remove()
        self.manifest = rebuilt
        return self.head

    def hash(self, path: str) -> str | None:
        """Return the current md5 of a file of the run; None if it does not exist."""
        return self.index.hash(path)


@contextmanager
def begin(
    project: Project, wanted: Run, purpose: str, *, in_merge: bool = False, assumed: Manifest | None = None
) -> Iterator[Session]:
    """Lock the run for writing, after completing what a killed command left half-done.

    Only commands that settle conflicts (`in_merge`) may write while the run's branch is being merged. `assumed`
    replaces the manifest of a run whose own is not in our format yet.
    """
    if wanted.old and assumed is None:
        raise GitAssetsError(
            f"{wanted.run_id} is a run of claude-studio that is not upgraded",
            f"`gitassets upgrade {wanted.run_id}` upgrades it.",
        )
    if MergeJournal(project.state_dir, wanted.run_id).path.exists():
        from gitassets.runs.merge import settle_merge  # Imported here since it is needed only after a kill.

        settle_merge(project, wanted)
    with project.lock_run(wanted.run_id, purpose):
        with project.lock(purpose):
            repaired = repair_links(project)
        run = find_run(project, wanted.run_id) if repaired else wanted
        folder = run.require_folder()
        index = project.stat_index(run)
        _prepare_folder(project, run, folder)
        recover_pending(project, run, index)
        merging = in_merge and find_unfinished(find_git_dir(folder)) == MERGE
        state = _check_state(run, folder, merging)
        manifest = require_known(read_manifest(project, run) if assumed is None else assumed)
        session = Session(project, run, folder, manifest, state.head or "", index, merging)
        check_folders(folder, [path for path, _, _ in iter_folder_entries(session.manifest)])
        try:
            yield session
        finally:
            index.save()


def peek(project: Project, run: Run) -> Session:
    """Return a session to see what a command would do: it holds no lock, and nothing may be committed with it."""
    head = project.git.resolve(run.ref) or ""
    return Session(project, run, run.require_folder(), read_manifest(project, run), head, project.stat_index(run))


def _prepare_folder(project: Project, run: Run, folder: Path) -> None:
    """Wait for git, remove partial files, and complete the folder's checkout and its DVC settings."""
    await_git(project, folder, Journal(project.state_dir, run.run_id))
    for one in (folder, folder / ".dvc"):
        remove_incoming(one)
    if not (find_git_dir(folder) / "index").exists():
        fill_folder(project, folder)
    prepare_dvc(project, folder)


def check_folders(folder: Path, paths: Iterable[str]) -> None:
    """Raise ConflictError if one of the run's folders is a symbolic link: writes would go elsewhere."""
    link = find_link(folder, [*paths, *(f"{name}/x" for name in MEDIA_FOLDERS)])
    if link is not None:
        raise ConflictError(
            f"{folder / link} is a symbolic link, so the run's files lie outside of the run",
            "Replace it by a folder with the files in it.",
        )


def _check_state(run: Run, folder: Path, merging: bool) -> WorkTreeState:
    unfinished = find_unfinished(find_git_dir(folder))
    if unfinished and not merging:
        raise ConflictError(f"In {folder} {unfinished} is not finished", suggest_finish(run, folder, unfinished))
    state = Git(folder).read_state_of(OWN_FILES)
    if state.branch != BRANCH_PREFIX + run.run_id:
        at = f"branch {state.branch}" if state.branch else "no branch (HEAD is detached)"
        raise ConflictError(
            f"{folder} is on {at}, not on {BRANCH_PREFIX}{run.run_id}",
            f"Go back with `git -C {quote(str(folder))} switch {BRANCH_PREFIX}{run.run_id}`.",
        )
    if state.changed and not merging:
        raise explain_changed(folder, sorted(state.changed))
    return state


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
    commit = apply_and_commit(session.project, session.folder, session.index, pending, journal, checked=True)
    set_modes(session.index, session.manifest, after)
    journal.remove()
    return commit


def stage_dvc_files(session: Session, manifest: Manifest) -> None:
    """Write and stage exactly the .dvc files that the manifest implies."""
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
    """Raise LockedError if the file of a locked asset holds other bytes than the approved ones."""
    replaced = _find_replaced(session.manifest, after)
    LockedFiles(session.folder, session.run.run_id, session.index, replaced).require(session.manifest, after)


def _find_replaced(before: Manifest, after: Manifest) -> dict[str, Asset]:
    """Return the assets whose files this change will overwrite, by path, since a copy may arrive already approved."""
    pairs = iter_changed_assets(before, after)
    return {old.path: old for _, old, new in pairs if old and new and new.path == old.path and new.md5 != old.md5}


def check_allowed(before: Manifest, after: Manifest) -> None:
    """Raise LockedError if the step breaks a lock, by the same rules as the hook and the history check."""
    violations = check_step(RunState(manifest=before), RunState(manifest=after, dvc_files=_dvc_files(after)))
    if violations:
        raise LockedError(violations[0].message, violations[0].hint)


def _dvc_files(manifest: Manifest) -> dict[str, bytes]:
    return {folder.file_name: folder.text.encode() for folder in imply_dvc_files(manifest).values()}


def plan_texts(session: Session, after: Manifest, beside: Mapping[str, str]) -> dict[str, TextChange]:
    """Plan the changes from the texts on disk, which somebody may have committed in another format than ours."""
    new = {**_texts(after), **_ignore_music(session, after), **beside}
    found = {path: read_text(session.folder / path) for path in sorted({*new, *name_dvc_files(session.manifest)})}
    return {path: TextChange(text, new.get(path)) for path, text in found.items() if text != new.get(path)}


def _ignore_music(session: Session, after: Manifest) -> dict[str, str]:
    """Return the ignore rules with those for music, which runs made by earlier versions lack, when music arrives."""
    if after.music is None or session.manifest.music is not None:
        return {}
    rules = read_text(session.folder / _IGNORE) or ""
    if _MUSIC_RULE in rules.splitlines():
        return {}
    return {_IGNORE: f"{rules}{'' if rules.endswith(chr(10)) or not rules else chr(10)}{_MUSIC_RULE}\n"}


def _texts(manifest: Manifest) -> dict[str, str]:
    files = {MANIFEST_NAME: format_manifest(manifest), **_dvc_files(manifest)}
    return {path: data.decode() for path, data in files.items()}


def _plan_media(session: Session, after: Manifest, dropped: Collection[str]) -> dict[str, MediaChange]:
    """Plan the changes from the media on disk. Their bytes are cached first, to be restored if git refuses."""
    old, new = (_find_files(one, session.manifest, after) for one in (session.manifest, after))
    locked = {asset.path for _, _, asset in iter_changed_assets(session.manifest, after) if asset and asset.locked}
    changed = [path for path in sorted({*old, *new, *dropped}) if path in dropped or old.get(path) != new.get(path)]
    kept = counted(changed, "files kept")
    found = {path: keep_bytes(session.project, session.folder, session.index, path) for path in kept}
    return {path: MediaChange(found[path], new.get(path), path in locked) for path in changed}


def _find_files(manifest: Manifest, before: Manifest, after: Manifest) -> dict[str, str]:
    """Return the md5 of each file of the segments that differ, and of the final files, by path."""
    numbers = [one for one in iter_changed_segments(before, after) if one in manifest.segments]
    part = replace(manifest, segments={one: manifest.segments[one] for one in numbers})
    return {path: md5 for path, md5, _ in iter_folder_entries(part)}


def _prepare_blobs(session: Session, after: Manifest, pending: Pending) -> None:
    """Ensure that all bytes of the new state are in the cache."""
    blobs = session.project.blobs
    for path, change in pending.media.items():
        if change.after is not None:
            require_blob(session.project, session.run, change.after, path)
    keep_locked(session, after)
    for folder in imply_dvc_files(after).values():
        if folder.file_name in pending.texts:
            blobs.add_listing(folder.listing, folder.md5)


def keep_locked(session: Session, manifest: Manifest) -> None:
    """Keep the bytes of locked assets, if they are here, so that no command of DVC can remove them."""
    blobs = session.project.blobs
    for _, asset in counted(list(manifest.assets()), "files kept"):
        if asset.locked and not blobs.keep(asset.md5) and session.hash(asset.path) == asset.md5:
            blobs.copy_in(session.folder / asset.path, asset.md5)


def keep_bytes(project: Project, folder: Path, index: StatIndex, path: str) -> str | None:
    """Add the file at `path` to the cache and return its md5; None if there is no file."""
    md5 = index.hash(path)
    if md5 is not None:
        project.blobs.copy_in(folder / path, md5)
    return md5
