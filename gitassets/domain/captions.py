"""Make subtitles in SubRip format and the chapters of a video."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.caption_text import escape_markup
from gitassets.domain.line_breaks import iter_clusters, iter_words, shorten
from gitassets.domain.manifest import Asset
from gitassets.domain.takes import CREDIT
from gitassets.domain.timeline import Role, Shot, Timeline

LINE_CHARS = 42
CUE_LINES = 2
CHAPTER_CHARS = 60
CREDIT_CHARS, CREDIT_SEC = 80, Fraction(5)

# After a full stop with its quotes and the space, or after a full-width one with its quotes. Consumes nothing.
_SENTENCE_START = re.compile(
    r"(?<=[.!?…।۔؟။។]\s)|(?<=[.!?…][\"'”’»)\]]\s)|(?<=[。！？])(?![」』”’）])|(?<=[。！？][」』”’）])"  # noqa: RUF001
)
# A full stop after one of these ends no sentence, and neither does one after the number of a list's item.
_ABBREVIATION = re.compile(
    r"(?:(?<![\w.])(?:St|Dr|Mr|Mrs|Ms|Prof|Mt|Ft|Lt|Gen|Col|Capt|Sgt|Gov|Sen|Rep|Rev|Hon|vs|approx|cf|bzw"
    r"|(?:[^\W\d_]\.)*[^\W\d_])|\A\d{1,3})\.\s*\Z",
    re.IGNORECASE,
)
_BEFORE_NUMBER = re.compile(
    r"(?<!\w)(?:No|Nos|Nr|Fig|Figs|Vol|Ch|Sec|Eq|pp|ca|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\.\s*\Z",
    re.IGNORECASE,
)
_LONGEST = 16
_HELD_WORDS = frozenset(
    (
        *("a", "an", "the", "of", "and", "or", "nor", "but", "to", "in", "into", "on", "onto", "at", "by", "for"),
        *("from", "with", "without", "as", "than", "via", "per", "if", "because", "while"),
        *("und", "oder", "et", "ou", "y"),
    )
)
"""Words that no line ends with if that can be avoided: they belong to the next one."""
_WIDE = re.compile(r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60]")


class Cue(Struct, frozen=True):
    """The lines that are on screen from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def format_srt(timeline: Timeline) -> str:
    """Format the text of every segment as subtitles, with each image's credit where it is first seen.

    The result ends with a newline unless it is empty.
    """
    cues = [cue for shot, credit in _with_credits(timeline) for cue in _add_credit(make_cues(shot), shot, credit)]
    return "".join(
        f"{number}\n{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n" + "\n".join(cue.lines) + "\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def _with_credits(timeline: Timeline) -> Iterator[tuple[Shot, tuple[str, ...]]]:
    """Yield each shot with the lines that credit its image. Each credit appears once."""
    shown: set[tuple[str, ...]] = set()
    for shot in timeline.shots:
        lines = make_credit(shot.visual)
        yield shot, () if lines in shown else lines
        shown.add(lines)


def make_credit(visual: Asset | None) -> tuple[str, ...]:
    """Return the lines with title, author and licence of an image that must be credited; none for any other."""
    credit = visual.extra.get(CREDIT) if visual else None
    values = [credit.get(key) for key in ("title", "author", "licence")] if isinstance(credit, dict) else []
    parts = list(filter(None, (_make_readable(one) for one in values if isinstance(one, str))))
    return tuple(_wrap_evenly(escape_markup(f"[Picture: {', '.join(parts)}]"), LINE_CHARS)) if parts else ()


def _make_readable(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return shorten(plain, CREDIT_CHARS)


def _add_credit(cues: list[Cue], shot: Shot, credit: tuple[str, ...]) -> list[Cue]:
    """Add the credit below the first cue's own lines, since not every player shows two cues at once."""
    if not credit:
        return cues
    if not cues:
        end = shot.start + min(shot.duration, CREDIT_SEC)
        alone = Cue(round(shot.start * 1000), round(end * 1000), credit)
        return [alone] if alone.end_ms > alone.start_ms else []
    return [replace(cues[0], lines=(*cues[0].lines, *credit)), *cues[1:]]


def make_cues(shot: Shot) -> list[Cue]:
    """Split the segment's text into cues of at most two lines, each timed by its share of the characters."""
    texts = split_cues(escape_markup(shot.text))
    total = sum(map(_weight, texts))
    cues: list[Cue] = []
    spoken = 0
    for lines in texts:
        start = _milliseconds(shot, spoken, total)
        spoken += _weight(lines)
        end = _milliseconds(shot, spoken, total)
        # A cue of no length is not seen, and players refuse it.
        cues += [Cue(start, end, lines)] if end > start else []
    return cues


def _weight(lines: tuple[str, ...]) -> int:
    return sum(map(len, lines))


def _milliseconds(shot: Shot, spoken: int, total: int) -> int:
    return round((shot.start + shot.duration * spoken / total) * 1000)


def split_cues(text: str) -> list[tuple[str, ...]]:
    """Split the text into cues of at most two lines of similar length. Keep sentences together if they fit."""
    limit = LINE_CHARS // 2 if len(_WIDE.findall(text)) * 2 > len(text) else LINE_CHARS
    kept = [" ".join(line.split()) for line in text.splitlines()]
    return [cue for lines in _join_lines(list(filter(None, kept)), limit) for cue in _split_lines(lines, limit)]


def _join_lines(lines: Sequence[str], limit: int) -> Iterator[list[str]]:
    """Group lines of the text, such as items of a list, that fit on the screen together; others stand alone."""
    group: list[str] = []
    for line in lines:
        fits = len(line) <= limit
        if group and not (fits and len(group) < CUE_LINES):
            yield group
            group = []
        group.append(line)
        if not fits:
            yield group
            group = []
    if group:
        yield group


def _split_lines(lines: Sequence[str], limit: int) -> Iterator[tuple[str, ...]]:
    if len(lines) > 1:
        yield tuple(lines)
        return
    for passage in _join_short(_split_sentences(lines[0]), limit):
        wrapped = _wrap_evenly(passage, limit)
        yield from (tuple(wrapped[i : i + CUE_LINES]) for i in range(0, len(wrapped), CUE_LINES))


def _goes_on(end: str, after: str) -> bool:
    """Check whether a full stop at this end belongs to an abbreviation."""
    return bool(_ABBREVIATION.search(end) or (after[:1].isdigit() and _BEFORE_NUMBER.search(end)))


def _split_sentences(text: str) -> list[str]:
    sentences: list[str] = []
    for part in _SENTENCE_START.split(text):
        if sentences and _goes_on(sentences[-1][-_LONGEST:], part):
            sentences[-1] += part
        else:
            sentences.append(part)
    return sentences


def _join_short(sentences: list[str], limit: int) -> Iterator[str]:
    """Join sentences into passages as long as they fit on the screen together."""
    passage = ""
    for sentence in sentences:
        if passage and len(_wrap(list(_iter_units(passage + sentence, limit)), limit)) > CUE_LINES:
            yield passage
            passage = ""
        passage += sentence
    yield passage


def _iter_units(text: str, limit: int) -> Iterator[str]:
    """Yield the units that stay together on a line, with the space after them. Cut longer ones between characters."""
    unit = ""
    for word in iter_words(text):
        if unit and len((unit + word).rstrip()) > limit:
            yield unit
            unit = ""
        if len(word.rstrip()) > limit:
            yield from _iter_parts(word, limit)
            continue
        if unit and len((unit + word).rstrip()) > limit:
            yield unit
            unit = ""
        unit += word
        if not _holds_next(word):
            yield unit
            unit = ""
    if unit:
        yield unit


def _holds_next(word: str) -> bool:
    """Check whether a line should not end after this word."""
    return word.strip().casefold() in _HELD_WORDS or _goes_on(word[-_LONGEST:], "1")


def _iter_parts(word: str, limit: int) -> Iterator[str]:
    part = ""
    for cluster in iter_clusters(word):
        if part and len((part + cluster).rstrip()) > limit:
            yield part
            part = ""
        part += cluster
        while len(part.rstrip()) > limit:  # One character with more combining marks than any language uses.
            yield part[:limit]
            part = part[limit:]
    yield part


def _wrap(units: Sequence[str], width: int) -> list[str]:
    """Join the units to lines of at most `width` characters."""
    lines: list[str] = []
    for unit in units:
        if lines and len((lines[-1] + unit).rstrip()) <= width:
            lines[-1] += unit
        else:
            lines.append(unit)
    return [line.strip() for line in lines if line.strip()]


def _wrap_evenly(passage: str, limit: int) -> list[str]:
    """Wrap to the narrowest lines that need no more cues than lines of full length."""
    units = list(_iter_units(passage, limit))
    count = len(_wrap(units, limit))
    if count <= 1:
        return _wrap(units, limit)
    target = CUE_LINES * math.ceil(count / CUE_LINES)
    longest = max(len(unit.rstrip()) for unit in units)
    narrowest = min(limit, max(longest, len(passage) // target))
    return next(lines for width in range(narrowest, limit + 1) if len(lines := _wrap(units, width)) <= target)


def _clock(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d},{milliseconds:03d}"


class Chapter(Struct, frozen=True):
    """A part of the video with a name: a segment, or what follows a heading."""

    start_ms: int
    end_ms: int
    title: str


def list_chapters(timeline: Timeline) -> list[Chapter]:
    """Return a chapter for each heading where the look has cards for them, else for each segment.

    The first one begins with the video, and each ends where the next one begins. None is as short as 0 ms.
    """
    begun = _list_headings(timeline) or [(shot.seen_from, make_title(shot)) for shot in timeline.shots]
    edges = [0, *(round(start * 1000) for start, _ in begun[1:]), round(timeline.duration * 1000)]
    chapters = [Chapter(edges[at], edges[at + 1], title) for at, (_, title) in enumerate(begun)]
    return [one for one in chapters if one.end_ms > one.start_ms]


def _list_headings(timeline: Timeline) -> list[tuple[Fraction, str]]:
    """Return the start and the name of each chapter, with one for what is seen before the first heading."""
    if not timeline.has_heading_cards:
        return []
    shown = timeline.pictures
    # A segment with a card before it is in that card's chapter.
    carded = {one.number for one in timeline.cards if one.heading}
    found = [one for one in shown if one.heading and not (one.role is Role.SEGMENT and one.number in carded)]
    first = [one for one in timeline.shots[:1] if found and found[0].seen_from > one.seen_from]
    named = [(one.seen_from, one.heading.text if one.heading else make_title(one)) for one in [*first, *found]]
    return [(start, shorten(text, CHAPTER_CHARS)) for start, text in named]


def make_title(shot: Shot) -> str:
    """Return the segment's first words, or its number if it has no text."""
    return shorten(shot.text, CHAPTER_CHARS) or f"Segment {shot.number}"
