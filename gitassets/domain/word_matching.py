"""Find when each part of a written text is spoken, given the times of the spoken words.

What is spoken differs from what is written: numbers, abbreviations, words that the settings replace. What matches has
its own time; the rest shares the time between its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from gitassets.domain.line_breaks import iter_words
from gitassets.domain.word_times import WordTime

_MOST_WORDS = 4_000
"""Up to this number words are matched, which takes quadratic time at worst."""
_LEAST_MATCHED = 0.5

Span = tuple[float, float]


def time_units(units: Sequence[str], words: Sequence[WordTime], duration_sec: float) -> list[Span] | None:
    """Return the start and end of each unit in seconds, in order; None if these are not the words of the text.

    Units are words with the spaces after them.
    """
    spoken = list(_iter_spoken(words))
    named = [_name(one) for one in units]
    if not spoken or max(len(units), len(spoken)) > _MOST_WORDS:
        return None
    found = _match(named, [name for name, _ in spoken])
    audible = sum(map(bool, named))
    if not audible or len(found) < _LEAST_MATCHED * audible:
        return None
    known = {place: spoken[other][1] for place, other in found.items()}
    first, last = min(spoken[0][1][0], duration_sec), min(max(end for _, (_, end) in spoken), duration_sec)
    return _fill(named, known, first, last, duration_sec)


def _iter_spoken(words: Sequence[WordTime]) -> Iterator[tuple[str, Span]]:
    """Yield the words, cut where a line may end, since some languages put no spaces between words."""
    for one in words:
        pieces = [one.word] if one.word.isascii() else list(iter_words(one.word))
        share = (one.end_sec - one.start_sec) / max(1, sum(map(len, pieces)))
        at = one.start_sec
        for piece in pieces:
            end = at + len(piece) * share
            if _name(piece):
                yield _name(piece), (at, end)
            at = end


def _name(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


def _match(units: Sequence[str], spoken: Sequence[str]) -> dict[int, int]:
    blocks = SequenceMatcher(None, units, spoken).get_matching_blocks()
    pairs = ((block.a + place, block.b + place) for block in blocks for place in range(block.size))
    return {unit: other for unit, other in pairs if units[unit]}


def _fill(names: Sequence[str], known: dict[int, Span], first: float, last: float, duration_sec: float) -> list[Span]:
    """Return the known times, and between them those that follow from the units' lengths."""
    spans: list[Span] = []
    at = first
    place = 0
    while place < len(names):
        if place in known:
            spans.append((min(max(at, known[place][0]), duration_sec), min(max(at, known[place][1]), duration_sec)))
            at, place = spans[-1][1], place + 1
            continue
        end = next((one for one in range(place, len(names)) if one in known), len(names))
        until = max(at, min(known[end][0] if end in known else last, duration_sec))
        spans += _share([len(one) for one in names[place:end]], at, until)
        at, place = until, end
    return spans


def _share(lengths: Sequence[int], start: float, end: float) -> Iterator[Span]:
    total = sum(lengths) or 1
    done = 0
    for length in lengths:
        begun, done = done, done + length
        yield start + (end - start) * begun / total, start + (end - start) * done / total
