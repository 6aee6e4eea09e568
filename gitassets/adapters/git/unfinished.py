"""Find git's unfinished operations, such as merges, and the locks of killed processes."""

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
    """Return the operation that waits to be continued in this work tree: "a merge", "a rebase", …."""
    return next((name for file, name in _UNFINISHED.items() if (git_dir / file).exists()), None)


def find_git_locks(git_dir: Path, common_dir: Path) -> list[Path]:
    """Return the locks of a git command that commits here now, or was killed while it did."""
    branch = read_branch(git_dir)
    places = [git_dir / "index.lock", git_dir / "HEAD.lock"]
    places += [common_dir / "refs" / "heads" / f"{branch}.lock"] if branch else []
    return [path for path in places if path.exists()]


_AMEND = re.compile(r"--am(e(nd?)?)?\Z")  # Git accepts these abbreviations.


def is_amending() -> bool | None:
    """Check whether the `git commit` that runs this process as its hook amends; None if the system cannot tell."""
    words = next((found for found in _iter_callers() if "commit" in found[1:]), None)
    if words is None:
        return None
    options = words[: words.index("--")] if "--" in words else words
    return any(_AMEND.match(one) for one in options)


def _iter_callers() -> Iterator[list[str]]:
    """Yield the words of the git processes above this one, the nearest first."""
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
    """Remove the locks that a killed git command left."""
    for path in (*locks, *git_dir.glob("next-index-*.lock")):
        path.unlink(missing_ok=True)
