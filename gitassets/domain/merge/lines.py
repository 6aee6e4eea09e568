"""Merge texts three-way by lines. Swapping the two sides does not change the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

# The comparison takes at least quadratic time, so a longer text counts as one line.
MAX_LINES = 2000


def merge_text(base: str, ours: str, theirs: str) -> tuple[str, bool]:
    """Return the merged text and whether it has no conflicts. If both sides changed the same lines, keep both."""
    texts = (base, ours, theirs)
    if any(text.count("\n") >= MAX_LINES for text in texts):
        split = [[text] if text else [] for text in texts]
    else:
        split = [text.split("\n") if text else [] for text in texts]
    lines: list[str] = []
    clean = True
    for chunk in _iter_chunks(*split):
        merged, agreed = _merge_chunk(*chunk)
        lines += merged
        clean = clean and agreed
    return "\n".join(lines), clean


Lines = Sequence[str]


def _iter_chunks(base: Lines, ours: Lines, theirs: Lines) -> Iterator[tuple[Lines, Lines, Lines]]:
    """Cut the texts at every line of the base that both sides still have; that line is a chunk of its own."""
    in_ours, in_theirs = _match_lines(base, ours), _match_lines(base, theirs)
    b = o = t = 0
    for index, line in enumerate(base):
        if index in in_ours and index in in_theirs:
            yield base[b:index], ours[o : in_ours[index]], theirs[t : in_theirs[index]]
            yield [line], [line], [line]
            b, o, t = index + 1, in_ours[index] + 1, in_theirs[index] + 1
    yield base[b:], ours[o:], theirs[t:]


def _match_lines(base: Lines, side: Lines) -> dict[int, int]:
    blocks = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + offset: block.b + offset for block in blocks for offset in range(block.size)}


def _merge_chunk(base: Lines, ours: Lines, theirs: Lines) -> tuple[Lines, bool]:
    if list(theirs) in (list(base), list(ours)):
        return ours, True
    if list(ours) == list(base):
        return theirs, True
    first, second = sorted([list(ours), list(theirs)])
    return [*first, *(line for line in second if line not in first)], False
