"""Merge by git in a run's folder completely or not at all, even if git or the command is killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.adapters.git.leftovers import clear_traces, is_git_at_work
from gitassets.adapters.git.remote import merge_commit
from gitassets.adapters.git.repository import Git
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.journal import MergeJournal, Merging
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.conflict import iter_conflicts, iter_text_conflicts
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.errors import BusyError, ConflictError, GitAssetsError
from gitassets.runs.git_locks import GIT_WAIT_SEC
from gitassets.runs.project import Project, Run
from gitassets.runs.restore import update_media, update_run_media
from gitassets.runs.write_change import OWN_FILES


def merge_into_run(project: Project, run: Run, ours: str, theirs: str, message: str) -> bool:
    """Merge the commit `theirs` into the run's branch at `ours`. Return False if conflicts wait in the run's folder."""
    git = Git(run.require_folder())
    try:
        with hold_merge(project, run, Merging(ours, theirs)):
            complete = merge_commit(git, theirs, message)
            if complete:
                update_run_media(git.folder, ours)
            elif is_stuck(git):
                raise ConflictError("The merge driver of gitassets was stopped", "The run is as it was: try again.")
            return complete
    except CommandError as error:
        raise ConflictError(f"git refuses to merge: {error.stderr.strip()}", "The run is as it was.") from error


@contextmanager
def hold_merge(project: Project, run: Run, merging: Merging) -> Iterator[None]:
    """Run a git merge and the update of the media files inside.

    If git is killed, or anything else interrupts it, complete or revert the merge. Other failures git reverts itself.
    """
    journal = MergeJournal(project.state_dir, run.run_id)
    with _hold_lock(project, run.run_id):
        journal.write(merging)
        try:
            yield
        except BaseException as error:
            if not isinstance(error, CommandError) or error.was_killed:
                _settle(project, run, merging)
            journal.remove()
            raise
        journal.remove()


def settle_merge(project: Project, run: Run) -> None:
    """Complete or revert the merge that a killed command began, or leave it waiting for its conflicts."""
    journal = MergeJournal(project.state_dir, run.run_id)
    with _hold_lock(project, run.run_id):
        merging = journal.read()
        if merging is not None and run.folder is not None:
            _settle(project, run, merging)
        journal.remove()


@contextmanager
def _hold_lock(project: Project, run_id: str) -> Iterator[None]:
    """Hold a lock other than the run's, which git's hooks need meanwhile."""
    with hold_lock(project.state_dir / "merging" / f"{run_id}.lock", f"merging {run_id}"):
        yield


def _settle(project: Project, run: Run, merging: Merging) -> None:
    folder = run.require_folder()
    _await_git(folder)
    clear_traces(project.git_dir)
    git = Git(folder)
    before = merging.head
    if git.resolve("HEAD") == merging.head:
        if _waits_for_somebody(git, merging):
            return
        _restore(git, merging)
        before = merging.theirs
    found = _read_merge_head(git)
    if found is not None and merging.theirs.startswith(found):
        git.call("merge", "--quit")
    for left in folder.glob(".merge_file_*"):  # Temporary files of git's merge drivers.
        left.unlink(missing_ok=True)
    with project.lock_run(run.run_id, "settle a merge"):
        update_media(project, run, folder, before)


def _await_git(folder: Path) -> None:
    """Wait for the git that a killed command left running, if the system lists processes."""
    deadline = time.monotonic() + GIT_WAIT_SEC
    while Path("/proc/self/cwd").exists() and is_git_at_work(folder):
        if time.monotonic() > deadline:
            raise BusyError(f"A git command is at work in {folder}", "Wait for it to end, and try again.")
        time.sleep(0.02)


def _read_merge_head(git: Git) -> str | None:
    """Return the commit being merged, cut short if git was killed while it wrote it; None without a merge."""
    data = _read(find_git_dir(git.folder) / "MERGE_HEAD")
    return None if data is None else data.decode("utf-8", "replace").strip()


def _waits_for_somebody(git: Git, merging: Merging) -> bool:
    """Check whether git stopped at conflicts, or somebody continued this merge or began another one."""
    found = _read_merge_head(git)
    if found != merging.theirs:
        return found is not None and not merging.theirs.startswith(found)
    if list_unmerged(git):
        return not is_stuck(git)
    # The index equals git's merge result, or HEAD if the merge has been reverted already.
    return not any(_find_staged(git, tree) <= {*DVC_FILES} for tree in ("AUTO_MERGE", "HEAD"))


def is_stuck(git: Git) -> bool:
    """Check whether git stopped without a conflict to decide, because one of our merge drivers was stopped."""
    unmerged = list_unmerged(git)
    if not unmerged or not unmerged <= OWN_FILES:
        return False
    try:
        manifest = parse_manifest((git.folder / MANIFEST_NAME).read_bytes())
    except (GitAssetsError, FileNotFoundError):
        return True
    return not any(iter_conflicts(manifest)) and not any(iter_text_conflicts(manifest))


def list_unmerged(git: Git) -> set[str]:
    """Return the paths that are in conflict for git."""
    entries = git.call("ls-files", "--unmerged", "-z").decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {entry.split("\t", 1)[1] for entry in entries}


def _find_staged(git: Git, tree: str) -> set[str]:
    """Return the paths in which git's index differs from the tree."""
    return {*git.line("diff-index", "--cached", "--name-only", tree, "--").splitlines()}


def _restore(git: Git, merging: Merging) -> None:
    """Restore the files that the merge changes, and git's index of them, except for edits by somebody else."""
    names = git.call("diff-tree", "-r", "-z", "--name-only", "--no-renames", merging.head, merging.theirs)
    changed = names.decode("utf-8", "surrogateescape").split("\0")[:-1]
    paths = sorted({*(path for path in changed if "\n" not in path), *OWN_FILES})
    blobs = git.read_blobs([f"{side}:{path}" for path in paths for side in (merging.head, merging.theirs)])
    git.unstage(paths)
    behind = []
    for path in paths:
        ours, theirs = (blobs[f"{side}:{path}"] for side in (merging.head, merging.theirs))
        found = _read(git.folder / path)
        if found == ours or not (path in OWN_FILES or found is None or _starts_any(found, ours, theirs)):
            continue
        if ours is None:
            (git.folder / path).unlink()
        else:
            behind.append(path)
    if behind:
        git.call("checkout-index", "--force", "--quiet", "--", *behind)


def _starts_any(found: bytes, *sides: bytes | None) -> bool:
    """Check whether git wrote this, perhaps not to its end."""
    return any(side is not None and side.startswith(found) for side in sides)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
