"""Tell the git commands that only read from those that write."""

from __future__ import annotations

from collections.abc import Sequence

# Every other git command may leave a lock when it is killed.
_READ_COMMANDS = frozenset({
    "bundle", "cat-file", "check-ignore", "commit-tree", "diff-index", "diff-tree", "for-each-ref", "fsck", "log",
    "ls-files", "ls-remote", "ls-tree", "merge-base", "pack-objects", "remote", "rev-list", "rev-parse", "status",
    "var",
})  # fmt: skip
_CONFIG_READ_OPTIONS = frozenset({"--get", "--get-all", "--get-regexp"})


def only_reads(args: Sequence[str]) -> bool:
    """Check whether `git *args` leaves no lock when it is killed."""
    words = iter(args)
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return word in _READ_COMMANDS or (word == "config" and not _CONFIG_READ_OPTIONS.isdisjoint(args))
    return False
