"""Set a text into a box: the largest type that leaves enough space, balanced lines, and a cut if it is too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gitassets.domain.figures import UNITS
from gitassets.domain.line_breaks import iter_clusters, iter_pieces, iter_words

MAX_CHARS = 2_500
MAX_LEAD_CHARS = 90
MIN_LEAD_CHARS = 14
MAX_DISPLAY_CHARS = 200
MAX_MEASURE_EM = 36.0
# Cards of one run have few sizes of type, so they look like one family.
SIZE_STEP = 0.9
# A short text in large type needs space around it; a long one in small type may fill its box.
SPACE_AT_LARGEST = 0.38
# A headline's maximum size (as a share of the largest type), its minimum size (in multiples of the smallest type), and
# its size relative to the text below it.
LEAD_LARGEST, LEAD_SMALLEST, LEAD_TO_BODY = 0.66, 1.4, 1.9

_SENTENCE_END = re.compile('[.!?…]+["”’»)\\]]*(?=\\s)|[\u3002\uff01\uff1f\u0964\u104b\u17d4]+[\u300d\u300f\uff09]*')
_ABBREVIATION = re.compile(r"(?:^|[\s.(])(?:\w|[A-Z]\w|Mrs|Prof|etc|vs)\.$")

# A line never ends between a number and its unit, and seldom after a word that belongs to the next one.
_NUMBER_END = re.compile(r"(?:[\d½¼¾⅓⅔]|\b(?:No|Fig|Mr|Mrs|Ms|Dr|St|Prof)\.|[$€£¥§]) \Z")
_UNIT = re.compile(rf"(?:{UNITS}|[€£¥×x])(?![\w])|\d")
_CLINGING = re.compile(r"(?i)(?:a|an|the|of|to|in|on|at|by|for|or|as|is|no|not|I|and|der|die|das|le|la|un|de|el)\Z")
# A name longer than this may be broken after a joint with a word on either side, as UNIFIED_ARCHITECTURE.md is.
_LONGEST_NAME = 20
_JOINT = re.compile(r"(?<=\w{3}[_/\\])(?=\w{4})|(?<=\w{4}[.:])(?=\w{4})")
# How bad a line is that ends with such a word, beside one that is shorter than the others by this share.
CLINGING_COST = 0.45
# Longer texts are not worth the time that the best breaks take.
MAX_BALANCED_UNITS = 120

Measure = Callable[[str], float]


@dataclass(frozen=True)
class Role:
    """How one part of the text is set.

    `measure` returns a text's width in em; `leading` is the line height in em; `baseline_em` is how far below the
    middle of a line its letters stand.
    """

    name: str
    measure: Measure
    leading: float
    baseline_em: float = 0.36


@dataclass(frozen=True)
class Line:
    text: str
    role: Role
    size_px: float
    width_px: float
    gap_px: float = 0.0
    """Extra space above the line, beyond its own height."""

    @property
    def height_px(self) -> float:
        return self.size_px * self.role.leading


@dataclass(frozen=True)
class _Unit:
    """Text that stays together on a line; `gap_em` is the space before it unless it is the first."""

    text: str
    width_em: float
    gap_em: float


Wrap = Callable[[Sequence[_Unit], float], list[list[_Unit]]]


@dataclass(frozen=True)
class _Part:
    role: Role
    units: tuple[_Unit, ...]


@dataclass(frozen=True)
class Typesetter:
    """A box, the allowed type sizes, and the roles for large and for running text."""

    width_px: float
    height_px: float
    largest_px: float
    least_px: float
    display: Role
    body: Role
    ellipsis: str = "…"
    has_lead: bool = True
    """Whether a short first sentence is set as a headline above the rest."""

    def set_lines(self, text: str) -> list[Line]:
        """Break `text` into lines.

        Cut it with an ellipsis if it does not fit at the smallest size. Return no lines if nothing fits.
        """
        clipped = _limit_length(text)
        parts = self._split(clipped)
        size_px = self.largest_px
        while size_px > self.least_px:
            if 0 < measure_height(self._set(parts, size_px, wrap)) <= self._allow_height(size_px):
                return self._set(parts, size_px, wrap_evenly)
            size_px *= SIZE_STEP
        lines = self._set(parts, self.least_px, wrap_evenly)
        whole = clipped == text and measure_height(lines) <= self.height_px
        return lines if whole else self._set_cut(clipped, lines)

    def _allow_height(self, size_px: float) -> float:
        spread = (size_px - self.least_px) / (self.largest_px - self.least_px)
        return self.height_px * (1 - SPACE_AT_LARGEST * spread)

    def _split(self, text: str) -> list[_Part]:
        """Split into a headline, if there is one, and the rest."""
        lead, rest = split_lead(text) if self.has_lead else ("", text)
        role = self.display if not lead and len(rest) <= MAX_DISPLAY_CHARS else self.body
        parts = ((lead, self.display), (rest, role))
        return [_Part(role, tuple(_iter_units(words, role.measure))) for words, role in parts if words]

    def _set(self, parts: Sequence[_Part], size_px: float, wrap_lines: Wrap) -> list[Line]:
        """Set all lines at this size. Return none if a word is too wide.

        At the smallest size, words are broken.
        """
        may_break = size_px <= self.least_px
        if len(parts) < 2:
            return [line for part in parts for line in self._set_part(part, size_px, wrap_lines, may_break)]
        lead_px = max(min(size_px, self.largest_px * LEAD_LARGEST), self.least_px * LEAD_SMALLEST)
        body_px = max(lead_px / LEAD_TO_BODY, self.least_px)
        lead = self._set_part(parts[0], lead_px, wrap_lines, may_break)
        rest = self._set_part(parts[1], body_px, wrap_lines, may_break)
        if not lead or not rest:
            return []
        return [*lead, replace(rest[0], gap_px=0.25 * lead_px + 0.35 * body_px), *rest[1:]]

    def _set_part(self, part: _Part, size_px: float, wrap_lines: Wrap, may_break: bool) -> list[Line]:
        return _set_units(part, size_px, self.width_px, wrap_lines, may_break)

    def _set_cut(self, text: str, lines: Sequence[Line]) -> list[Line]:
        """Set the start of `text`, whose `lines` are too many, with an ellipsis at the smallest size."""
        kept = text[: _count_fitting_chars(lines, self.height_px)]
        while kept := cut_text(kept):
            mark = " " + self.ellipsis if _SENTENCE_END.search(f"{kept[-3:]} ") else self.ellipsis
            fitting = self._set(self._split(kept + mark), self.least_px, wrap_evenly)
            if measure_height(fitting) <= self.height_px:
                return fitting
        return []


def set_text(text: str, role: Role, size_px: float, width_px: float, *, may_break: bool = False) -> list[Line]:
    """Set the text in lines of even length at this size. Return none if a word is too wide and may not be broken."""
    part = _Part(role, tuple(_iter_units(_limit_length(text), role.measure)))
    return _set_units(part, size_px, width_px, wrap_evenly, may_break)


def _set_units(part: _Part, size_px: float, width_px: float, wrap_lines: Wrap, may_break: bool) -> list[Line]:
    role, units = part.role, part.units
    limit_em = min(width_px / size_px, MAX_MEASURE_EM)
    if may_break:
        units = tuple(piece for unit in units for piece in _break_unit(unit, limit_em, role.measure))
    if any(unit.width_em > limit_em for unit in units):
        return []
    return [Line(_join(line), role, size_px, _measure_width(line) * size_px) for line in wrap_lines(units, limit_em)]


def _limit_length(text: str) -> str:
    """Limit the text to what the largest card could hold, so that a huge text costs no more than a long one."""
    return text if len(text) <= MAX_CHARS else "".join(list(iter_clusters(text[:MAX_CHARS]))[:-1])


def split_lead(text: str) -> tuple[str, str]:
    """Split off a short first sentence that can be a headline; return an empty one if there is none."""
    for match in _SENTENCE_END.finditer(text, 0, MAX_LEAD_CHARS + 1):
        lead, rest = text[: match.end()], text[match.end() :].strip()
        ends = rest and not rest[0].islower() and not _ABBREVIATION.search(lead)
        if ends and sum(2 if char > "\u2e80" else 1 for char in lead) >= MIN_LEAD_CHARS:
            return lead, rest
    return "", text


def cut_text(text: str) -> str:
    """Shorten the text to the end of a sentence if that keeps most of it, else to the previous line break point."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() < len(text)]
    if ends and ends[-1] >= len(text) * 0.6:
        return text[: ends[-1]]
    kept = "".join(list(iter_pieces(text))[:-1])
    if len(kept) <= len(text) * 0.6:
        kept = "".join(list(iter_clusters(text))[:-1])
    return kept.rstrip(" ,;:-–—.(\u3001\uff0c\uff08\u300c\u300e") or kept


def wrap(units: Sequence[_Unit], limit_em: float) -> list[list[_Unit]]:
    """Break the units into lines no wider than the limit."""
    lines: list[list[_Unit]] = []
    used_em = 0.0
    for unit in units:
        used_em += unit.gap_em + unit.width_em
        if lines and used_em <= limit_em:
            lines[-1].append(unit)
        else:
            lines.append([unit])
            used_em = unit.width_em
    return lines


def wrap_evenly(units: Sequence[_Unit], limit_em: float) -> list[list[_Unit]]:
    """Break the units into the fewest lines, all of nearly the same length."""
    count = len(wrap(units, limit_em))
    low, high = max((unit.width_em for unit in units), default=0.0), limit_em
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (low, middle) if len(wrap(units, middle)) <= count else (middle, high)
    if count < 2 or len(units) > MAX_BALANCED_UNITS:
        return wrap(units, high)
    return _balance(units, min(limit_em, high * 1.25), high, count)


def _balance(units: Sequence[_Unit], limit_em: float, ideal_em: float, count: int) -> list[list[_Unit]]:
    """Break the units into `count` lines that differ least from the ideal width and end with telling words."""
    # For each number of units set so far: the cost of the best lines, and where each of them ends.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for _ in range(count):
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, ends) in best.items():
            for end, width_em in _iter_line_ends(units, start, limit_em):
                total = cost + _rate_line(units, end, width_em / ideal_em)
                if end not in longer or total < longer[end][0]:
                    longer[end] = total, (*ends, end)
        best = longer
    if len(units) not in best:
        return wrap(units, ideal_em)
    ends = best[len(units)][1]
    return [list(units[start:end]) for start, end in zip((0, *ends), ends, strict=False)]


def _iter_line_ends(units: Sequence[_Unit], start: int, limit_em: float) -> Iterator[tuple[int, float]]:
    width_em = 0.0
    for end in range(start, len(units)):
        width_em += units[end].width_em + (units[end].gap_em if end > start else 0.0)
        if width_em > limit_em and end > start:
            return
        yield end + 1, width_em


def _rate_line(units: Sequence[_Unit], end: int, share: float) -> float:
    """Return how bad a line is that ends before unit `end` and has this share of the ideal width."""
    is_last = end == len(units)
    clings = not is_last and bool(_CLINGING.match(units[end - 1].text))
    # The last line may be shorter, but not a lone word.
    slack = max(0.0, 0.7 - share) * 1.4 if is_last else 1.0 - share
    return slack * slack + (CLINGING_COST**2 if clings else 0.0)


def measure_height(lines: Sequence[Line]) -> float:
    return sum(line.gap_px + line.height_px for line in lines)


def _count_fitting_chars(lines: Sequence[Line], height_px: float) -> int:
    count, used_px = 0, 0.0
    for line in lines:
        used_px += line.gap_px + line.height_px
        if used_px > height_px:
            break
        count += len(line.text) + 1
    return count


def _iter_units(text: str, measure: Measure) -> Iterator[_Unit]:
    space_em = gap_em = measure(" ")
    for piece in _iter_unbroken(text):
        words = piece.rstrip(" ")
        yield _Unit(words, measure(words), gap_em)
        gap_em = 0.0 if words == piece else space_em


def _iter_unbroken(text: str) -> Iterator[str]:
    """Cut the text where a line may end without parting what is read as one, such as `4-minute` or `8 km`."""
    joined = ""
    for piece in iter_words(text):
        if joined and not _belong_together(joined, piece):
            yield from _cut_long_name(joined)
            joined = ""
        joined += piece
    if joined:
        yield from _cut_long_name(joined)


def _cut_long_name(text: str) -> list[str]:
    """Cut a long file name or identifier after its joints: whole, it would need very small type."""
    return _JOINT.split(text) if len(text) > _LONGEST_NAME else [text]


def _belong_together(before: str, after: str) -> bool:
    tail = before[-8:]
    return bool(_NUMBER_END.search(tail)) and (bool(_UNIT.match(after)) or tail[-2:-1] in ".$€£¥§")


def _break_unit(unit: _Unit, limit_em: float, measure: Measure) -> Iterator[_Unit]:
    """Break the unit into pieces that each fit on a line: after its hyphens if that is enough, else anywhere."""
    if unit.width_em <= limit_em:
        yield unit
        return
    gap_em = unit.gap_em
    for text in iter_pieces(unit.text):
        yield from _break_piece(_Unit(text.rstrip(" "), measure(text.rstrip(" ")), gap_em), limit_em, measure)
        gap_em = measure(" ") if text.endswith(" ") else 0.0


def _break_piece(unit: _Unit, limit_em: float, measure: Measure) -> Iterator[_Unit]:
    if unit.width_em <= limit_em:
        yield unit
        return
    piece, width_em, gap_em = "", 0.0, unit.gap_em
    for cluster in iter_clusters(unit.text):
        cluster_em = measure(cluster)
        if piece and width_em + cluster_em > limit_em:
            yield _Unit(piece, width_em, gap_em)
            piece, width_em, gap_em = "", 0.0, 0.0
        piece, width_em = piece + cluster, width_em + cluster_em
    yield _Unit(piece, width_em, gap_em)


def _join(line: Sequence[_Unit]) -> str:
    return line[0].text + "".join((" " if unit.gap_em else "") + unit.text for unit in line[1:])


def _measure_width(line: Sequence[_Unit]) -> float:
    return sum(unit.width_em + unit.gap_em for unit in line) - line[0].gap_em
