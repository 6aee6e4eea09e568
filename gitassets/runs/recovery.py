"""Complete or revert the change that a killed command left in the journal."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from msgspec.structs import replace

from gitassets.adapters.files import remove_incoming
from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.journal import Journal, Pending
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.errors import ConflictError
from gitassets.runs.project import Project, Run
from gitassets.runs.write_change import (
    OWN_FILES,
    apply_and_commit,
    check_untouched,
    finish_modes,
    head_holds,
    update_after_commit,
)


def recover_pending(project: Project, run: Run, index: StatIndex) -> str | None:
    """Complete what a killed command left half-done and return the commit; None if there was nothing.

    Raise ConflictError if a file is neither in its old nor its new state, because somebody else changed it.
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
    """Return the commit that the journal describes, made now or already; None if the branch moved elsewhere."""
    git = Git(folder)
    head = git.resolve("HEAD") or ""
    if head != pending.head and head_holds(git, pending, forward=True):
        update_after_commit(project, folder, index, pending)
        finish_modes(index, pending)
        return head
    if head != pending.head and _is_given_up(git, folder, pending):
        return None
    check_untouched(folder, index, pending)
    git.unstage(list(pending.texts))
    if head != pending.head:
        pending = replace(pending, head=head)
        journal.write(pending)
    commit = apply_and_commit(project, folder, index, pending, journal)
    finish_modes(index, pending)
    return commit


def _is_given_up(git: Git, folder: Path, pending: Pending) -> bool:
    """Check whether the branch has moved to another state and the run's files match it.

    Raise ConflictError if they match neither state: it is unknown which one is wanted.
    """
    if not git.read_state_of(OWN_FILES).changed:
        return True
    if head_holds(git, pending, forward=False):
        return False
    raise ConflictError(
        f"A command on {folder.name} was interrupted, and the branch has moved on since",
        f"Restore the files with `git -C {quote(str(folder))} checkout HEAD -- .`, then run the command again.",
    )
