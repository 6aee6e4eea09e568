"""The parts that a card is stacked of: words, lists, tables, code and rules, each with its size and how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

from gitassets.domain.line_breaks import iter_clusters
from gitassets.drawing.typeface import Face, Typeface, choose_typeface, clean_text, load_font
from gitassets.drawing.typesetting import MAX_CHARS, Line, Measure, Role, Typesetter, measure_height, set_text

if TYPE_CHECKING:
    from PIL.Image import Image

REFERENCE_PX = 200
# Burmese, Arabic and Vietnamese letters are taller than a line of Latin ones: their lines get this much more space.
INK_LEADING = 1.05
SIZE_STEP = 0.92


class Part(Protocol):
    """What has a place in the stack. `gap_px` is the space above it unless it is the first."""

    @property
    def width_px(self) -> float: ...

    @property
    def height_px(self) -> float: ...

    @property
    def gap_px(self) -> float: ...

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        """Draw the part into a column of that width, which starts at `left_px`."""


def draw_parts(image: Image, parts: Sequence[Part], left_px: float, top_px: float, width_px: float) -> float:
    """Draw the parts below each other. Return where the last one ends."""
    for number, part in enumerate(parts):
        top_px += part.gap_px if number else 0.0
        part.draw(image, left_px, top_px, width_px)
        top_px += part.height_px
    return top_px


@dataclass(frozen=True)
class Align:
    """How lines stand in their column."""

    centred: bool = False
    right_to_left: bool = False

    def place(self, width_px: float, room_px: float) -> float:
        """Return how far from the column's left side something of that width stands."""
        if self.centred:
            return (room_px - width_px) / 2
        return room_px - width_px if self.right_to_left else 0.0


@dataclass(frozen=True)
class Type:
    """The words of a part in the typeface that has their letters."""

    typeface: Typeface
    role: Role

    @property
    def text(self) -> str:
        return self.typeface.text


def make_type(text: str, faces: Sequence[Face], leading: float) -> Type:
    typeface = choose_typeface(clean_text(text), faces)
    return Type(typeface, make_role(typeface, leading))


def make_code_type(lines: Sequence[str], faces: Sequence[Face], leading: float) -> tuple[Type, list[str]]:
    """Choose the typeface of lines of code. Return them with all their spaces, without what no font has."""
    kind = make_type(" ".join(lines), faces, leading)
    drawn = set(iter_clusters(kind.text))
    return kind, ["".join(one for one in iter_clusters(line) if one.isspace() or one in drawn) for line in lines]


def make_role(typeface: Typeface, leading: float) -> Role:
    """Build the role, with a line height at which no letter touches the next line."""
    boxes = [
        load_font(face, REFERENCE_PX).getbbox(piece, anchor="ls", direction=typeface.direction)
        for face, piece in typeface.split_by_face(typeface.text[:MAX_CHARS])
    ]
    above_em = max((-box[1] for box in boxes), default=0.0) / REFERENCE_PX
    below_em = max((box[3] for box in boxes), default=0.0) / REFERENCE_PX
    needed = INK_LEADING * (above_em + below_em)
    if needed <= leading:
        return Role("display", _make_measure(typeface), leading)
    return Role("display", _make_measure(typeface), needed, baseline_em=(above_em - below_em) / 2)


def _make_measure(typeface: Typeface) -> Measure:
    """Return a function that measures a text's width in em. Each text is measured once."""

    @cache
    def measure(text: str) -> float:
        fonts = ((load_font(face, REFERENCE_PX), piece) for face, piece in typeface.split_by_face(text))
        return sum(font.getlength(piece, direction=typeface.direction) for font, piece in fonts) / REFERENCE_PX

    return measure


@dataclass(frozen=True)
class Words:
    """Lines of a text. The spans of `strong` in it have another colour."""

    lines: tuple[Line, ...]
    typeface: Typeface
    colour: str
    align: Align = Align()
    gap_px: float = 0.0
    strong: tuple[str, ...] = ()
    strong_colour: str = ""

    @property
    def width_px(self) -> float:
        return max((line.width_px for line in self.lines), default=0.0)

    @property
    def height_px(self) -> float:
        return measure_height(self.lines)

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        for line, spans in zip(self.lines, self._split_lines(), strict=True):
            corner = left_px + self.align.place(line.width_px, width_px), top_px
            for start_px, text, is_strong in spans:
                colour = self.strong_colour if is_strong else self.colour
                draw_line(image, line, text, self.typeface, (corner[0] + start_px, corner[1]), colour)
            top_px += line.height_px

    def _split_lines(self) -> Iterator[list[tuple[float, str, bool]]]:
        """Yield the pieces of each line of one colour each, and where they start."""
        marked = _mark_strong(self.typeface.text, self.strong)
        place = 0
        for line in self.lines:
            start = self.typeface.text.find(line.text, place)
            if not marked or start < 0 or self.typeface.direction:
                yield [(0.0, line.text, False)]
                continue
            place = start + len(line.text)
            yield list(_split_line(line, marked[start:place]))


def _mark_strong(text: str, strong: Sequence[str]) -> list[bool]:
    marked = [False] * len(text) if strong else []
    for part in strong:
        start = text.find(part)
        if start >= 0:
            marked[start : start + len(part)] = [True] * len(part)
    return marked


def _split_line(line: Line, marked: Sequence[bool]) -> Iterator[tuple[float, str, bool]]:
    start = 0
    for end in range(1, len(marked) + 1):
        if end == len(marked) or marked[end] != marked[start]:
            yield line.role.measure(line.text[:start]) * line.size_px, line.text[start:end], marked[start]
            start = end


def draw_line(
    image: Image, line: Line, text: str, typeface: Typeface, corner: tuple[float, float], colour: str
) -> None:
    """Draw `text`, which is in the line, with the line's upper left corner at `corner`.

    It is drawn larger and scaled down: otherwise every letter stands on a whole pixel and the spacing is uneven.
    """
    from PIL import Image, ImageDraw

    if not text.strip():
        return
    scale = 4 if line.size_px < 64 else 2
    pad_px = math.ceil(line.size_px / 2)
    size = math.ceil(line.width_px) + 2 * pad_px, math.ceil(line.height_px) + 2 * pad_px
    mask = Image.new("L", (size[0] * scale, size[1] * scale), 0)
    draw = ImageDraw.Draw(mask)
    left_px, top_px = math.floor(corner[0]), math.floor(corner[1])
    x = (pad_px + corner[0] - left_px) * scale
    baseline = (pad_px + corner[1] - top_px + line.height_px / 2 + line.role.baseline_em * line.size_px) * scale
    for face, piece in typeface.split_by_face(text):
        font = load_font(face, round(line.size_px * scale))
        draw.text((x, baseline), piece, fill=255, font=font, anchor="ls", direction=typeface.direction)
        x += font.getlength(piece, direction=typeface.direction)
    image.paste(colour, (left_px - pad_px, top_px - pad_px), mask.reduce(scale))


def fit_words(kind: Type, box_px: tuple[float, float], sizes_px: tuple[float, float], **more: object) -> Words:
    """Set the text in the largest type that leaves it enough space. Cut it at the smallest if it does not fit."""
    setter = Typesetter(
        width_px=box_px[0],
        height_px=box_px[1],
        largest_px=max(sizes_px),
        least_px=sizes_px[1],
        display=kind.role,
        body=kind.role,
        ellipsis=kind.typeface.ellipsis,
        has_lead=False,
    )
    return Words(tuple(setter.set_lines(kind.text)), kind.typeface, **more)  # type: ignore[arg-type]


def fit_line(kind: Type, width_px: float, sizes_px: tuple[float, float], **more: object) -> Words:
    """Set the text on one line as large as it fits, or on several in the smallest type."""
    wide_em = max(kind.role.measure(kind.text), 0.01)
    size_px = max(min(sizes_px[0], width_px / wide_em * 0.999), sizes_px[1])
    lines = set_text(kind.text, kind.role, size_px, width_px, may_break=size_px <= sizes_px[1])
    return Words(tuple(lines), kind.typeface, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Shape:
    """A rule or another small shape: a drawing of that size."""

    width_px: float
    height_px: float
    paint: Callable[[Image, float, float], None]
    align: Align = Align()
    gap_px: float = 0.0

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        self.paint(image, left_px + self.align.place(self.width_px, width_px), top_px)


@dataclass(frozen=True)
class Entry:
    """An item of a list: its mark and its words."""

    words: Words
    mark: Words | None


@dataclass(frozen=True)
class Listing:
    """The items of a list below each other, divided by thin lines."""

    entries: tuple[Entry, ...]
    indent_px: float
    space_px: float
    room_px: float
    line_colour: str
    mark_colour: str
    right_to_left: bool
    gap_px: float = 0.0

    @property
    def width_px(self) -> float:
        return self.room_px

    @property
    def height_px(self) -> float:
        return sum(one.words.height_px for one in self.entries) + self.space_px * (len(self.entries) - 1)

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        column_px = left_px if self.right_to_left else left_px + self.indent_px
        for number, entry in enumerate(self.entries):
            if number:
                paint_bar(image, left_px, top_px - self.space_px / 2, width_px, 1.0, self.line_colour)
            entry.words.draw(image, column_px, top_px, width_px - self.indent_px)
            self._draw_mark(image, entry, left_px, top_px, width_px)
            top_px += entry.words.height_px + self.space_px

    def _draw_mark(self, image: Image, entry: Entry, left_px: float, top_px: float, width_px: float) -> None:
        first = entry.words.lines[0]
        if entry.mark is not None:
            place_px = left_px + (width_px - entry.mark.width_px if self.right_to_left else 0.0)
            entry.mark.draw(image, place_px, top_px + (first.height_px - entry.mark.height_px) / 2, entry.mark.width_px)
            return
        side_px = max(2.0, first.size_px * 0.2)
        place_px = left_px + (width_px - side_px if self.right_to_left else 0.0)
        middle_px = top_px + first.height_px / 2 + (first.role.baseline_em - 0.27) * first.size_px
        paint_bar(image, place_px, middle_px - side_px / 2, side_px, side_px, self.mark_colour)


@dataclass(frozen=True)
class Code:
    """Lines of code on a panel."""

    lines: tuple[Line, ...]
    typeface: Typeface
    colour: str
    panel: str
    pad_px: float
    room_px: float
    gap_px: float = 0.0

    @property
    def width_px(self) -> float:
        return self.room_px

    @property
    def height_px(self) -> float:
        return measure_height(self.lines) + 2 * self.pad_px

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        paint_panel(image, left_px, top_px, width_px, self.height_px, self.pad_px * 0.3, self.panel)
        top_px += self.pad_px
        for line in self.lines:
            draw_line(image, line, line.text, self.typeface, (left_px + self.pad_px, top_px), self.colour)
            top_px += line.height_px


@dataclass(frozen=True)
class Grid:
    """A table: cells in columns, a strong line below its head and thin ones between its rows."""

    cells: tuple[tuple[Words, ...], ...]
    columns_px: tuple[float, ...]
    numeric: tuple[bool, ...]
    row_px: float
    head_colour: str
    line_colour: str
    right_to_left: bool
    room_px: float
    gap_px: float = 0.0
    _pad: float = field(default=0.0, repr=False)

    @property
    def width_px(self) -> float:
        return self.room_px

    @property
    def height_px(self) -> float:
        return self.row_px * len(self.cells)

    def draw(self, image: Image, left_px: float, top_px: float, width_px: float) -> None:
        for number, row in enumerate(self.cells):
            if number:
                thick_px, colour = (2.0, self.head_colour) if number == 1 else (1.0, self.line_colour)
                scale = max(1.0, self.row_px / 60)
                paint_bar(image, left_px, top_px, width_px, thick_px * scale, colour)
            self._draw_row(image, row, left_px, top_px, width_px)
            top_px += self.row_px

    def _draw_row(self, image: Image, row: Sequence[Words], left_px: float, top_px: float, width_px: float) -> None:
        place_px = 0.0
        for words, column_px, numeric in zip(row, self.columns_px, self.numeric, strict=True):
            start_px = width_px - place_px - column_px if self.right_to_left else place_px
            place = Align(right_to_left=numeric != self.right_to_left).place(words.width_px, column_px)
            words.draw(image, left_px + start_px + place, top_px + (self.row_px - words.height_px) / 2, words.width_px)
            place_px += column_px


def paint_bar(image: Image, left: float, top: float, width: float, height: float, colour: str) -> None:
    from PIL import ImageDraw

    x, y = round(left), round(top)
    box = (x, y, x + max(round(width), 1) - 1, y + max(round(height), 1) - 1)
    ImageDraw.Draw(image).rectangle(box, fill=colour)


def paint_panel(image: Image, left: float, top: float, width: float, height: float, radius: float, colour: str) -> None:
    paint_smooth(
        image,
        left,
        top,
        width,
        height,
        colour,
        lambda draw, w, h, k: draw.rounded_rectangle((0, 0, w, h), radius * k, fill=255),
    )


def paint_smooth(
    image: Image, left: float, top: float, width: float, height: float, colour: str, shape: Callable[..., None]
) -> None:
    """Paint a shape with smooth edges. It is drawn on a mask of the given width and height times a factor."""
    from PIL import Image, ImageDraw

    factor = 4
    size = max(round(width), 1), max(round(height), 1)
    mask = Image.new("L", (size[0] * factor, size[1] * factor), 0)
    shape(ImageDraw.Draw(mask), mask.width - 1, mask.height - 1, factor)
    image.paste(colour, (round(left), round(top)), mask.reduce(factor))
