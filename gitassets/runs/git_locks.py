"""Wait for git's own locks in a run, and remove those of a killed git of ours."""

from __future__ import annotations

import time
from pathlib import Path

from gitassets.adapters.git.leftovers import clear_traces, is_git_at_work
from gitassets.adapters.git.unfinished import find_git_locks, remove_git_locks
from gitassets.adapters.git.work_trees import find_git_dir
from gitassets.adapters.state.journal import Journal
from gitassets.errors import BusyError
from gitassets.runs.project import Project

GIT_WAIT_SEC = 5.0


def await_git(project: Project, folder: Path, journal: Journal) -> None:
    """Wait until no git command holds the run's index or branch. Raise BusyError after `GIT_WAIT_SEC`."""
    deadline = time.monotonic() + GIT_WAIT_SEC
    while locks := find_held_locks(project, folder, journal):
        if time.monotonic() > deadline:
            raise BusyError(
                f"A git command is at work in {folder}, or was killed there: {locks[0]} exists",
                "Wait for it to end. If none is running, delete that file and try again.",
            )
        time.sleep(0.02)


def find_held_locks(project: Project, folder: Path, journal: Journal) -> list[Path]:
    """Return git's locks in this run, after removing those that a killed git of our own left."""
    clear_traces(project.git_dir)
    locks = find_git_locks(find_git_dir(folder), project.git_dir)
    if locks and all(journal.predates(lock) for lock in locks) and not is_git_at_work(folder):
        remove_git_locks(find_git_dir(folder), locks)
        return []
    return locks
