"""Give captions the pace of the speech: when each appears and goes, and how long it stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gitassets.domain.line_breaks import iter_words
from gitassets.domain.timeline import READ_CHARS_PER_SEC
from gitassets.domain.word_matching import Span, time_units
from gitassets.domain.word_times import WordTime

MIN_SEC, MAX_SEC = 1.0, 7.0
CUE_LINES = 2
_MIN_GAP_SEC = 0.3
"""A shorter gap between two captions would flicker."""
_CLAUSE_END = re.compile(r"[,;:–—、，；：]\S?\s*\Z")  # noqa: RUF001 (full-width ones are punctuation, too)
_SENTENCE_END = re.compile(r"[.!?…。！？]\S?\s*\Z")  # noqa: RUF001


class Unit(Struct, frozen=True):
    """A word as it is written, with the spaces after it, and when it is spoken, in seconds."""

    text: str
    start_sec: float
    end_sec: float


class SpokenCue(Struct, frozen=True):
    """A caption: the units of each line, and when it is on screen, in seconds from the start of the narration."""

    lines: tuple[tuple[Unit, ...], ...]
    start_sec: float
    end_sec: float

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple("".join(unit.text for unit in line).strip() for line in self.lines)

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(unit for line in self.lines for unit in line)


def pace_cues(
    texts: Sequence[tuple[str, ...]], words: Sequence[WordTime], duration_sec: float, limit: int, line_chars: int
) -> list[SpokenCue]:
    """Time captions of these lines by the spoken words; without them, by each one's share of the characters.

    `limit` is how many characters fit on a line. Where it is less than `line_chars` they are read more slowly.
    """
    cues = [part for cue in _time(texts, words, duration_sec) for part in _split_long(cue)]
    return list(_hold(_join_short(cues), duration_sec, READ_CHARS_PER_SEC * limit / line_chars))


def _time(texts: Sequence[tuple[str, ...]], words: Sequence[WordTime], duration_sec: float) -> Iterator[SpokenCue]:
    split = [[list(iter_words(line)) for line in lines] for lines in texts]
    units = [unit for lines in split for line in lines for unit in line]
    spans = iter((time_units(units, words, duration_sec) if words else None) or _estimate(units, duration_sec))
    for lines in split:
        yield _make_cue(tuple(Unit(unit, *next(spans)) for unit in line) for line in lines)


def _estimate(units: Sequence[str], duration_sec: float) -> list[Span]:
    """Give each unit a share of the time by its characters, among which the spaces at the ends of lines are none."""
    total, done = sum(map(len, units)) or 1, 0
    spans: list[Span] = []
    for unit in units:
        begun, done = done, done + len(unit)
        spans.append((duration_sec * begun / total, duration_sec * done / total))
    return spans


def _make_cue(lines: Iterable[tuple[Unit, ...]]) -> SpokenCue:
    kept = tuple(line for line in lines if line)
    return SpokenCue(kept, kept[0][0].start_sec, kept[-1][-1].end_sec)


def _split_long(cue: SpokenCue) -> Iterator[SpokenCue]:
    """Split a caption that would stay too long, where the speaker pauses or a phrase ends."""
    if cue.end_sec - cue.start_sec <= MAX_SEC or len(cue.units) < 2:
        yield cue
        return
    before, after = _cut(cue, _choose_cut(cue))
    yield from _split_long(before)
    yield from _split_long(after)


def _choose_cut(cue: SpokenCue) -> int:
    """Return before which unit to cut: best at a long pause, at punctuation, and near the middle."""
    units, length = cue.units, cue.end_sec - cue.start_sec

    def rate(place: int) -> float:
        before, after = units[place - 1], units[place]
        off_middle = abs((before.end_sec + after.start_sec) / 2 - (cue.start_sec + cue.end_sec) / 2) / length
        return 3 * (after.start_sec - before.end_sec) + rate_end(before.text) - 3 * off_middle

    return max(range(1, len(units)), key=rate)


def rate_end(text: str) -> float:
    """Rate how well a caption may end with this text: the end of a sentence, of a clause, or none of them."""
    return 2.0 if _SENTENCE_END.search(text) else 1.0 if _CLAUSE_END.search(text) else 0.0


def _cut(cue: SpokenCue, place: int) -> tuple[SpokenCue, SpokenCue]:
    before: list[tuple[Unit, ...]] = []
    after: list[tuple[Unit, ...]] = []
    for line in cue.lines:
        before.append(line[: max(0, place)])
        after.append(line[max(0, place) :])
        place -= len(line)
    return _make_cue(before), _make_cue(after)


def _join_short(cues: Sequence[SpokenCue]) -> list[SpokenCue]:
    """Put captions that would go too soon below the one before, where both fit."""
    joined: list[SpokenCue] = []
    for place, cue in enumerate(cues):
        until = cues[place + 1].start_sec if place + 1 < len(cues) else cue.end_sec
        is_short = until - cue.start_sec < MIN_SEC or (joined and joined[-1].end_sec - joined[-1].start_sec < MIN_SEC)
        if joined and is_short and _fit_together(joined[-1], cue):
            joined[-1] = _make_cue((*joined[-1].lines, *cue.lines))
        else:
            joined.append(cue)
    return joined


def _fit_together(before: SpokenCue, after: SpokenCue) -> bool:
    is_close = after.start_sec - before.end_sec < MIN_SEC and after.end_sec - before.start_sec <= MAX_SEC
    return is_close and len(before.lines) + len(after.lines) <= CUE_LINES


def _hold(cues: Sequence[SpokenCue], duration_sec: float, chars_per_sec: float) -> Iterator[SpokenCue]:
    """Let each caption stay until it can be read, as far as the next one and the end allow."""
    for place, cue in enumerate(cues):
        until = cues[place + 1].start_sec if place + 1 < len(cues) else duration_sec
        needed = max(MIN_SEC, sum(map(len, cue.texts)) / chars_per_sec)
        end = min(max(cue.end_sec, cue.start_sec + needed), until)
        end = until if until - end < _MIN_GAP_SEC else end
        yield SpokenCue(cue.lines, cue.start_sec, min(end, cue.start_sec + MAX_SEC))
