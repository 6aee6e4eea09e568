"""When each word of a narration is spoken."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

MAX_WORDS = 20_000
MAX_WORD_CHARS = 500
# Players and services round the length of a sound differently.
_TOLERANCE_SEC = 0.5


class WordTime(Struct, frozen=True, array_like=True):
    """A word with its start and end, in seconds from the start of the sound."""

    word: str
    start_sec: float
    end_sec: float


def join_characters(
    characters: Sequence[str], starts_sec: Sequence[float], ends_sec: Sequence[float]
) -> tuple[WordTime, ...]:
    """Return the words of the timed characters, which spaces separate. The sequences have the same length."""
    return tuple(
        WordTime("".join(characters[first:end]), starts_sec[first], ends_sec[end - 1])
        for first, end in _iter_words(characters)
    )


def _iter_words(characters: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the index of each word's first character, and of what follows its last one."""
    first = None
    for place, char in enumerate((*characters, " ")):
        if char.isspace() or not char:
            if first is not None:
                yield first, place
            first = None
        elif first is None:
            first = place


def find_fault(times: Sequence[WordTime], duration_sec: float) -> str | None:
    """Return why these cannot be the times of the words in a sound of this length, or None."""
    if len(times) > MAX_WORDS:
        return f"more than {MAX_WORDS:,} words"
    for one in times:
        if not one.word or len(one.word) > MAX_WORD_CHARS or not one.word.isprintable():
            return "a word that is none"
        if not (math.isfinite(one.start_sec) and math.isfinite(one.end_sec)):
            return "a time that is no number"
        if not 0 <= one.start_sec <= one.end_sec <= duration_sec + _TOLERANCE_SEC:
            return "a time outside the sound"
    if any(after.start_sec < before.start_sec for before, after in pairwise(times)):
        return "words out of order"
    return None
