"""Make the captions and the chapters of a video."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.caption_pace import CUE_LINES, SpokenCue, Unit, pace_cues, rate_end
from gitassets.domain.caption_text import escape_markup
from gitassets.domain.line_breaks import iter_clusters, iter_words, shorten
from gitassets.domain.manifest import Asset
from gitassets.domain.takes import CREDIT
from gitassets.domain.timeline import Role, Shot, Timeline

LINE_CHARS = 42
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
# Not those that separate lines. libass reads nothing after a zero, and terminals obey escape sequences.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_WIDE = re.compile(r"[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60]")


class Cue(Struct, frozen=True):
    """The lines that are on screen from `start_ms` to `end_ms`.

    `spoken` has the words of the first of them, timed from the start of the segment; credits follow.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    spoken: tuple[tuple[Unit, ...], ...] = ()


def list_cues(timeline: Timeline) -> list[Cue]:
    """Return the captions of every segment, with each image's credit where it is first seen."""
    return [cue for _, cues in iter_shot_cues(timeline) for cue in cues]


def iter_shot_cues(timeline: Timeline, line_chars: int = LINE_CHARS) -> Iterator[tuple[Shot, list[Cue]]]:
    """Yield each shot with its captions, of at most so many characters a line."""
    for shot, credit in _with_credits(timeline, line_chars):
        yield shot, _add_credit(make_cues(shot, line_chars), shot, credit)


def _with_credits(timeline: Timeline, line_chars: int) -> Iterator[tuple[Shot, tuple[str, ...]]]:
    """Yield each shot with the lines that credit its image, the first also with the music's. Each appears once."""
    shown: set[tuple[str, ...]] = set()
    music = make_credit(timeline.music, line_chars, "Music")
    for shot in timeline.shots:
        lines = make_credit(shot.visual, line_chars)
        yield shot, (*(() if lines in shown else lines), *music)
        shown.add(lines)
        music = ()


def make_credit(asset: Asset | None, line_chars: int = LINE_CHARS, what: str = "Picture") -> tuple[str, ...]:
    """Return the lines with title, author and licence of an asset that must be credited; none for any other."""
    credit = asset.extra.get(CREDIT) if asset else None
    values = [credit.get(key) for key in ("title", "author", "licence")] if isinstance(credit, dict) else []
    parts = list(filter(None, (_make_readable(one) for one in values if isinstance(one, str))))
    return tuple(_wrap_evenly(escape_markup(f"[{what}: {', '.join(parts)}]"), line_chars)) if parts else ()


def _make_readable(text: str) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    return shorten(plain, CREDIT_CHARS)


def _add_credit(cues: list[Cue], shot: Shot, credit: tuple[str, ...]) -> list[Cue]:
    """Add the credit below the lines of the first cue with room for it, else of the first.

    Not every player shows two cues at once.
    """
    if not credit:
        return cues
    if not cues:
        end = shot.start + min(shot.duration, CREDIT_SEC)
        alone = Cue(round(shot.start * 1000), round(end * 1000), credit)
        return [alone] if alone.end_ms > alone.start_ms else []
    roomy = (place for place, cue in enumerate(cues) if len(cue.lines) + len(credit) <= CUE_LINES)
    chosen = next(roomy, 0)
    return [replace(cue, lines=(*cue.lines, *credit)) if place == chosen else cue for place, cue in enumerate(cues)]


def make_cues(shot: Shot, line_chars: int = LINE_CHARS) -> list[Cue]:
    """Split the segment's text into cues of at most two lines, timed by its words or else by its characters."""
    start_ms, end_ms = round(shot.start * 1000), round((shot.start + shot.duration) * 1000)
    cues: list[Cue] = []
    for one in _list_spoken(shot, line_chars):
        begin, end = (round((shot.start + Fraction(at)) * 1000) for at in (one.start_sec, one.end_sec))
        begin, end = max(start_ms, begin, cues[-1].end_ms if cues else 0), min(end, end_ms)
        # A cue of no length is not seen, and players refuse it.
        cues += [Cue(begin, end, one.texts, one.lines)] if end > begin else []
    return cues


def _list_spoken(shot: Shot, line_chars: int) -> list[SpokenCue]:
    """Split the segment's text into captions, with the times of their words from the start of the narration."""
    text = escape_markup(_CONTROLS.sub(" ", shot.text))
    words = shot.timed.words if shot.timed else ()
    limit = _find_limit(text, line_chars)
    return pace_cues(split_cues(text, line_chars), words, float(shot.duration), limit, line_chars)


def _find_limit(text: str, line_chars: int) -> int:
    return line_chars // 2 if len(_WIDE.findall(text)) * 2 > len(text) else line_chars


def split_cues(text: str, line_chars: int = LINE_CHARS) -> list[tuple[str, ...]]:
    """Split the text into cues of at most two lines of similar length. Keep sentences together if they fit."""
    limit = _find_limit(text, line_chars)
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
    for passage in filter(str.strip, _join_short(_split_sentences(lines[0]), limit)):
        yield from _split_passage(passage, limit)


def _split_passage(passage: str, limit: int) -> Iterator[tuple[str, ...]]:
    """Split a passage into as few cues as it needs, or one more, each ending with a phrase if possible."""
    units = list(_iter_units(passage, limit))
    if len(_wrap(units, limit)) <= CUE_LINES:
        yield tuple(_wrap_evenly(passage, limit))
        return
    for first, end in pairwise(_choose_ends(units, limit)):
        yield tuple(_wrap_evenly("".join(units[first:end]), limit))


_CUE_COST, _PHRASE_COST, _UNEVEN_COST = 3.0, 2.0, 3.0


def _choose_ends(units: Sequence[str], limit: int) -> list[int]:
    """Return where each cue begins, and where the last one ends: cues are few, end with phrases, and are even."""
    costs, before = [0.0], [0]
    places = [0, *accumulate(map(len, units))]
    for end in range(1, len(units) + 1):
        best, chosen = math.inf, end - 1
        for first in range(end - 1, -1, -1):
            length = places[end] - places[first]
            if first < end - 1 and not _fits(units, places, first, end, limit):
                break
            cost = costs[first] + _rate_cue(units[end - 1], length / (limit * CUE_LINES), is_last=end == len(units))
            best, chosen = (cost, first) if cost < best else (best, chosen)
        costs.append(best)
        before.append(chosen)
    ends = [len(units)]
    while ends[0]:
        ends.insert(0, before[ends[0]])
    return ends


def _fits(units: Sequence[str], places: Sequence[int], first: int, end: int, limit: int) -> bool:
    """Check whether these units, which begin at these places of the text, fit on two lines."""

    def measure(start: int, stop: int) -> int:
        return places[stop - 1] - places[start] + len(units[stop - 1].rstrip())

    # The longest first line: a space at its end may hang over.
    split = next((place for place in range(end, first, -1) if measure(first, place) <= limit), first + 1)
    return split == end or measure(split, end) <= limit


def _rate_cue(last: str, filled: float, *, is_last: bool) -> float:
    """Return the cost of a cue that ends with this unit and fills this part of the screen's lines."""
    phrase = 0.0 if is_last else _PHRASE_COST * (2.0 - rate_end(last))
    return _CUE_COST + phrase + _UNEVEN_COST * (1 - min(filled, 1.0)) ** 2


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
    """Wrap to the narrowest lines that need no more cues than lines of full length, or to two that end with phrases."""
    units = list(_iter_units(passage, limit))
    count = len(_wrap(units, limit))
    if count <= 1:
        return _wrap(units, limit)
    if count == CUE_LINES:
        return _wrap_in_two(units, limit)
    target = CUE_LINES * math.ceil(count / CUE_LINES)
    longest = max(len(unit.rstrip()) for unit in units)
    narrowest = min(limit, max(longest, len(passage) // target))
    return next(lines for width in range(narrowest, limit + 1) if len(lines := _wrap(units, width)) <= target)


_PHRASE_CHARS = 12
"""By how many characters the lines may differ more for the first to end with a phrase."""


def _wrap_in_two(units: Sequence[str], limit: int) -> list[str]:
    def rate(place: int) -> float:
        first, second = (len("".join(part).strip()) for part in (units[:place], units[place:]))
        phrase = _PHRASE_CHARS if rate_end(units[place - 1]) else 0
        return abs(first - second) - phrase + (math.inf if max(first, second) > limit else 0)

    place = min(range(1, len(units)), key=rate)
    return ["".join(part).strip() for part in (units[:place], units[place:])]


class Chapter(Struct, frozen=True):
    """A part of the video with a name: a segment, or what follows a heading."""

    start_ms: int
    end_ms: int
    title: str


def list_chapters(timeline: Timeline) -> list[Chapter]:
    """Return a chapter for each heading where there are several and the look has cards for them, else for each segment.

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
    # A single heading is the title of the whole.
    return [(start, shorten(text, CHAPTER_CHARS)) for start, text in named] if len(found) > 1 else []


def make_title(shot: Shot) -> str:
    """Return the segment's first words, or its number if it has no text."""
    return shorten(shot.text, CHAPTER_CHARS) or f"Segment {shot.number}"
