"""What holds for a run after any fault and the next command."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.git.unfinished import find_git_locks
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, git


def assert_whole(project: Project, run: Run, *, quick: bool = False) -> None:
    """Check that git and DVC are clean, commits are legal and no lock, scratch file or damaged object is left."""
    assert_clean(project, run, quick=quick)
    git_dir = Path(git(run.require_folder(), "rev-parse", "--absolute-git-dir").strip())
    assert find_git_locks(git_dir, project.git_dir) == []
    assert list(git_dir.glob("next-index-*")) == []
    if not quick:
        git(project.root, "fsck", "--strict", "--no-dangling")
