"""The keys of `review`."""

from __future__ import annotations

import textwrap
from collections.abc import Collection

from gitassets.domain.selection import format_ranges

DIGITS = "123456789"
_SHORT = (
    "[a]pprove", "[r]eject", "[s]kip", "[b]ack", "[u]ndo", "[o]pen again", "[n]ote", "[e]dit text", "re[g]enerate",
    "[?] help", "[q]uit",
)  # fmt: skip
_EXPLAINED = (
    ("a", "approve what is shown, and go on"),
    ("r", "reject it, with a reason, and go on"),
    ("s", "skip: go on without a decision"),
    ("b", "go back to the one before, and look at it again; this changes nothing"),
    ("u", "undo the last change of this review, by a new commit; what was approved is in review again"),
    ("o", "open the file again"),
    ("n", "write a note on the segment"),
    ("e", "edit the text of the segment in your editor (VISUAL or EDITOR)"),
    ("g", "regenerate: make a new take with the provider that made this one"),
    ("1-9", "make that candidate the current take"),
    ("c", "show the next candidate"),
    ("?", "show this help"),
    ("q", "quit; every decision is committed already"),
)
_MARGIN = 6


def format_keys(candidates: Collection[int], width: int) -> str:
    """List the keys in lines of at most `width` characters, with those for the numbers of the candidates."""
    numbers = [one for one in sorted(candidates) if one <= len(DIGITS)]
    choosing = (f"[{format_ranges(numbers)}] choose a candidate", "[c] show the next one") if numbers else ()
    # No line breaks within a key.
    words = "  ".join(one.replace(" ", "\0") for one in (*choosing, *_SHORT))
    return textwrap.fill(words, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def explain_keys(width: int) -> str:
    """Explain each key in a line of its own, broken between words."""
    lines = (
        textwrap.fill(what, width, initial_indent=f"  {key:3} ", subsequent_indent=" " * _MARGIN)
        for key, what in _EXPLAINED
    )
    return "\n".join(lines)
