"""What git has begun and not finished: merges and the like, and the locks of killed processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from gitassets.adapters.git.work_trees import read_branch

MERGE = "a merge"
_UNFINISHED = {
    "MERGE_HEAD": MERGE,
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase or `git am`",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


def find_unfinished(git_dir: Path) -> str | None:
    """The operation that waits to be continued in this work tree: "a merge", "a rebase", …"""
    return next((name for file, name in _UNFINISHED.items() if (git_dir / file).exists()), None)


def find_git_locks(git_dir: Path, common_dir: Path) -> list[Path]:
    """The locks that a git command which commits here holds now, or left behind when it was killed."""
    branch = read_branch(git_dir)
    places = [git_dir / "index.lock", git_dir / "HEAD.lock"]
    places += [common_dir / "refs" / "heads" / f"{branch}.lock"] if branch else []
    return [path for path in places if path.exists()]


_AMEND = re.compile(r"--am(e(nd?)?)?\Z")  # As git lets it be shortened.


def is_amending() -> bool | None:
    """Whether the `git commit` that runs this process as its hook amends; None where the system does not tell."""
    words = next((found for found in _iter_callers() if "commit" in found[1:]), None)
    if words is None:
        return None
    options = words[: words.index("--")] if "--" in words else words
    return any(_AMEND.match(one) for one in options)


def _iter_callers() -> Iterator[list[str]]:
    """The words of the git processes above this one, the nearest first."""
    pid = os.getppid()
    while pid > 1:
        process = Path("/proc") / str(pid)
        try:
            name, words = (process / "comm").read_text(), (process / "cmdline").read_text("utf-8", "replace")
            # The name, which stands in brackets, may hold anything.
            pid = int((process / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:
            return
        if name == "git\n":
            yield words.split("\0")[:-1]


def remove_git_locks(git_dir: Path, locks: Iterable[Path]) -> None:
    """What a killed git command left of its locks is gone."""
    for path in (*locks, *git_dir.glob("next-index-*.lock")):
        path.unlink(missing_ok=True)
