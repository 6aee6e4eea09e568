"""Arrange the words of a card: which parts it has, how large each is, and where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from gitassets.domain.card_text import CardText, Layout
from gitassets.drawing.card_design import Area, Design, Style, mix
from gitassets.drawing.card_parts import (
    Align,
    Code,
    Entry,
    Grid,
    Listing,
    Part,
    Shape,
    Type,
    Words,
    draw_parts,
    fit_line,
    fit_words,
    make_code_type,
    make_type,
    paint_bar,
    paint_smooth,
)
from gitassets.drawing.typeface import MONO, SANS, SANS_BOLD, SERIF, SERIF_ITALIC, is_right_to_left
from gitassets.drawing.typesetting import Line, set_text

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

# Type below 9 pixels is unreadable; the smallest type is this share of the card's unit.
MIN_TYPE, MIN_TYPE_PX, MIN_LINE_EM = 0.034, 9, 5
DISPLAY_LEADING, SERIF_LEADING, BODY_LEADING, CODE_LEADING = 1.16, 1.2, 1.42, 1.5
# A long word is broken before it makes the main words of a card smaller than this.
MAIN_LEAST = 0.06
# The largest type of each layout, as a share of the unit.
HEADING_TYPE, STATEMENT_TYPE, QUOTE_TYPE, FIGURE_TYPE = 0.165, 0.125, 0.1, 0.4
NOTE_TYPE, TITLE_TYPE, ITEM_TYPE, CODE_TYPE, CELL_TYPE = 0.056, 0.05, 0.07, 0.056, 0.058
STEP = 0.92
_MAX_ITEM_LINES = 3


@dataclass(frozen=True)
class Sheet:
    """What the parts of one card share."""

    design: Design
    area: Area
    least_px: float

    @property
    def style(self) -> Style:
        return self.design.style

    @property
    def unit_px(self) -> float:
        return self.area.unit_px

    @property
    def align(self) -> Align:
        return Align(self.design.centred, self.area.right_to_left)

    @property
    def line_colour(self) -> str:
        return mix(self.style.ground, self.style.body, 0.28)

    def type_display(self, text: str) -> Type:
        leading = SERIF_LEADING if self.style.faces[0] is SERIF else DISPLAY_LEADING
        return make_type(text, self.style.display_faces, leading)

    def type_small(self, text: str) -> Type:
        return make_type(text, self.style.small_faces, BODY_LEADING)

    def sizes(self, share: float, least: float = 0.0) -> tuple[float, float]:
        """Return the largest and the smallest type, given as shares of the unit."""
        least_px = max(least * self.unit_px, self.least_px)
        return max(share * self.unit_px, least_px), least_px


def find_least_px(area: Area) -> float:
    return max(area.unit_px * MIN_TYPE, MIN_TYPE_PX)


def draw_words(image: Image, design: Design, area: Area, card: CardText) -> None:
    """Draw the words of the card, or nothing if the area is too small for readable type."""
    least_px = find_least_px(area)
    if area.width_px < MIN_LINE_EM * least_px or area.height_px < 2 * least_px:
        return
    sheet = Sheet(_choose_arrangement(design, card), area, least_px)
    parts = [part for part in _MAKERS[card.layout](sheet, card) if part.height_px]
    _draw_stack(image, sheet, parts, card)


def _choose_arrangement(design: Design, card: CardText) -> Design:
    """Return the design as this layout can wear it: lists, tables and code start at the side, in the middle."""
    if card.layout in (Layout.LIST, Layout.CODE, Layout.TABLE):
        return replace(design, centred=False, anchor="middle")
    return design


def _draw_stack(image: Image, sheet: Sheet, parts: Sequence[Part], card: CardText) -> None:
    if not any(isinstance(part, Words | Listing | Code | Grid) for part in parts):
        return
    height_px = _measure_stack(parts)
    if height_px > sheet.area.height_px * 1.001:
        return
    top_px = sheet.area.top_px + _place_stack(sheet, height_px)
    if sheet.style.rule == "side" and not sheet.design.centred and card.layout is not Layout.CODE:
        _draw_side(image, sheet, top_px, height_px)
    draw_parts(image, parts, sheet.area.left_px, top_px, sheet.area.width_px)


def _measure_stack(parts: Sequence[Part]) -> float:
    return sum(part.height_px + (part.gap_px if number else 0.0) for number, part in enumerate(parts))


def _place_stack(sheet: Sheet, height_px: float) -> float:
    room_px = sheet.area.height_px - height_px
    if sheet.design.anchor == "top":
        return min(room_px, 0.04 * sheet.area.height_px)
    if sheet.design.anchor == "low":
        return max(0.0, room_px - 0.02 * sheet.area.height_px)
    # The optical middle is a little above the true one.
    return room_px * 0.48


def _draw_side(image: Image, sheet: Sheet, top_px: float, height_px: float) -> None:
    area, thick_px = sheet.area, 0.0085 * sheet.unit_px
    beside = area.width_px + 0.045 * sheet.unit_px if area.right_to_left else -0.05 * sheet.unit_px
    paint_bar(image, area.left_px + beside, top_px, thick_px, height_px, sheet.style.accent)


def _iter_rule(sheet: Sheet) -> Iterator[Shape]:
    """Yield the small shape above the words that belongs to the style."""
    unit, colour, align = sheet.unit_px, sheet.style.accent, sheet.align
    sizes = {
        "bar": (0.10, 0.010),
        "slab": (0.16, 0.026),
        "block": (0.026, 0.026),
        "stem": (0.20, 0.026),
        "hairline": (sheet.area.width_px / unit, 0.003),
        "diamond": (0.30, 0.026),
    }
    if sheet.style.rule not in sizes:
        return
    width, height = sizes[sheet.style.rule]
    paint = partial(_PAINTERS[sheet.style.rule], colour=colour, width=width * unit, height=height * unit)
    yield Shape(width * unit, height * unit, paint, align)


Painter = Callable[..., None]


def _paint_plain(image: Image, left: float, top: float, *, colour: str, width: float, height: float) -> None:
    paint_bar(image, left, top, width, height, colour)


def _paint_diamond(image: Image, left: float, top: float, *, colour: str, width: float, height: float) -> None:
    """Paint a diamond between two thin lines."""
    line_px, side_px = max(1.0, height * 0.07), height

    def shape(draw: ImageDraw, w: float, h: float, _: float) -> None:
        draw.polygon([(w / 2, 0), (w, h / 2), (w / 2, h), (0, h / 2)], fill=255)

    middle = left + width / 2
    paint_smooth(image, middle - side_px / 2, top, side_px, side_px, colour, shape)
    for start in (left, middle + side_px * 1.1):
        paint_bar(image, start, top + height / 2 - line_px / 2, width / 2 - side_px * 1.1, line_px, colour)


def _paint_stem(image: Image, left: float, top: float, *, colour: str, width: float, height: float) -> None:
    """Paint a thin line that ends in a ring."""
    line_px = max(1.0, height * 0.12)

    def shape(draw: ImageDraw, w: float, h: float, factor: float) -> None:
        draw.ellipse((0, 0, w, h), outline=255, width=max(1, round(line_px * factor)))

    paint_smooth(image, left, top, height, height, colour, shape)
    paint_bar(image, left + height * 1.35, top + height / 2 - line_px / 2, width - height * 1.35, line_px, colour)


_PAINTERS: dict[str, Painter] = {
    "bar": _paint_plain,
    "slab": _paint_plain,
    "block": _paint_plain,
    "hairline": _paint_plain,
    "stem": _paint_stem,
    "diamond": _paint_diamond,
}


def _fit_title(sheet: Sheet, text: str) -> list[Part]:
    """Return the small line above the words."""
    if not text:
        return []
    kind = make_type(text, (SANS_BOLD, SERIF) if sheet.style.faces[1] is SANS else (SERIF, SANS_BOLD), BODY_LEADING)
    box = sheet.area.width_px, sheet.area.height_px * 0.2
    return [fit_words(kind, box, sheet.sizes(TITLE_TYPE), colour=sheet.style.accent, align=sheet.align)]


def _fit_note(sheet: Sheet, text: str, share: float = 0.3, gap: float = 0.06, colour: str = "") -> list[Part]:
    if not text:
        return []
    box = _limit_measure(sheet, 0.86), sheet.area.height_px * share
    words = fit_words(
        sheet.type_small(text), box, sheet.sizes(NOTE_TYPE), colour=colour or sheet.style.body, align=sheet.align,
        gap_px=gap * sheet.unit_px,
    )  # fmt: skip
    return [words] if words.lines else []


def _limit_measure(sheet: Sheet, share: float) -> float:
    """Return the width for running words: not all of a wide card."""
    area = sheet.area
    return area.width_px if area.width_px < 1.2 * sheet.unit_px else area.width_px * share


def _make_heading(sheet: Sheet, card: CardText) -> Iterator[Part]:
    rule = list(_iter_rule(sheet))
    note = _fit_note(sheet, card.note, gap=0.05)
    yield from rule
    yield from _fit_main(sheet, sheet.type_display(card.text), [*rule, *note], HEADING_TYPE, card)
    yield from note


def _make_statement(sheet: Sheet, card: CardText) -> Iterator[Part]:
    head: list[Part] = [*_iter_rule(sheet), *_gap(_fit_title(sheet, card.title), 0.045 * sheet.unit_px)]
    yield from head
    yield from _fit_main(sheet, sheet.type_display(card.text), head, STATEMENT_TYPE, card)


def _fit_main(
    sheet: Sheet, kind: Type, others: Sequence[Part], share: float, card: CardText, gap: float = 0.05
) -> Iterator[Words]:
    gap_px = gap * sheet.unit_px if others else 0.0
    room_px = sheet.area.height_px - _measure_stack(others) - gap_px
    box = _limit_measure(sheet, 0.94), max(room_px, 0.0)
    sizes_px = sheet.sizes(share, MAIN_LEAST)
    words = fit_words(kind, box, sizes_px, colour=sheet.style.text, align=sheet.align, gap_px=gap_px)
    yield replace(words, strong=card.strong, strong_colour=sheet.style.accent)


def _gap(parts: Sequence[Part], gap_px: float) -> list[Part]:
    return [replace(part, gap_px=gap_px) for part in parts]  # type: ignore[type-var]


def _make_number(sheet: Sheet, card: CardText) -> Iterator[Part]:
    """Set the figure as large as the card allows, what qualifies it above, and the whole sentence below."""
    rule = list(_iter_rule(sheet))
    hedge = _gap(_fit_title(sheet, card.hedge), 0.04 * sheet.unit_px)
    note = _fit_note(sheet, card.text, share=0.36, gap=0.035, colour=sheet.style.text)
    kind = make_type(card.figure, sheet.style.display_faces, 0.98)
    room_px = (sheet.area.height_px - _measure_stack([*rule, *hedge, *note])) * 0.8
    largest, least = sheet.sizes(FIGURE_TYPE)
    figure = fit_line(
        kind, sheet.area.width_px * 0.94, (min(largest, max(room_px, least)), least), colour=sheet.style.accent,
        align=sheet.align, gap_px=(0.01 if hedge else 0.03) * sheet.unit_px,
    )  # fmt: skip
    yield from (*rule, *hedge, figure, *note)


def _make_quote(sheet: Sheet, card: CardText) -> Iterator[Part]:
    mark = _draw_quotation_mark(sheet)
    by = _fit_note(sheet, f"— {card.note}" if card.note else "", gap=0.055, colour=sheet.style.accent)
    kind = make_type(card.text, (SERIF_ITALIC, SERIF), 1.3)
    yield mark
    yield from _fit_main(sheet, kind, [mark, *by], QUOTE_TYPE, card, gap=0.035)
    yield from by


def _draw_quotation_mark(sheet: Sheet) -> Shape:
    size_px = 0.30 * sheet.unit_px
    kind = make_type("“", (SERIF,), 1.0)
    line = Line("“", kind.role, size_px, kind.role.measure("“") * size_px)
    # Only the upper part of the letter's box has ink.
    height_px = 0.36 * size_px

    def paint(image: Image, left: float, top: float) -> None:
        words = Words((line,), kind.typeface, sheet.style.accent)
        words.draw(image, left - 0.03 * size_px, top - 0.10 * size_px, line.width_px)

    return Shape(line.width_px, height_px, paint, sheet.align)


def fit_heading(sheet: Sheet, text: str) -> list[Part]:
    if not text:
        return list(_iter_rule(sheet))
    rule = list(_iter_rule(sheet)) if sheet.style.rule in ("bar", "slab", "block", "stem") else []
    box = _limit_measure(sheet, 0.94), sheet.area.height_px * 0.3
    words = fit_words(sheet.type_display(text), box, sheet.sizes(0.088), colour=sheet.style.text, align=sheet.align)
    return [*rule, replace(words, gap_px=0.04 * sheet.unit_px)]


def _make_list(sheet: Sheet, card: CardText) -> Iterator[Part]:
    head, rest = fit_heading(sheet, card.title), _fit_note(sheet, card.note, gap=0.035)
    gap_px = 0.055 * sheet.unit_px
    room_px = sheet.area.height_px - _measure_stack([*head, *rest]) - gap_px
    yield from head
    yield replace(_fit_listing(sheet, card, room_px), gap_px=gap_px)
    yield from rest


def _fit_listing(sheet: Sheet, card: CardText, room_px: float) -> Listing:
    """Set the items in the largest type in which all fit; leave out the last ones if none is small enough."""
    kinds = [sheet.type_small(one) for one in card.items]
    largest, least = sheet.sizes(ITEM_TYPE)
    size_px = largest
    while size_px > least:
        listing = _set_listing(sheet, kinds, card.marks, size_px, may_break=False)
        if listing is not None and listing.height_px <= room_px:
            return listing
        size_px *= STEP
    for count in range(len(kinds), 0, -1):
        listing = _set_listing(sheet, kinds[:count], card.marks, least, may_break=True)
        if listing is not None and (listing.height_px <= room_px or count == 1):
            return listing
    return Listing((), 0.0, 0.0, 0.0, "", "", right_to_left=False)


def _set_listing(
    sheet: Sheet, kinds: Sequence[Type], marks: Sequence[str], size_px: float, *, may_break: bool
) -> Listing | None:
    area = sheet.area
    numbers = [make_type(mark, (SANS_BOLD,), BODY_LEADING) if mark else None for mark in marks[: len(kinds)]]
    wide_em = max((kind.role.measure(kind.text) for kind in numbers if kind), default=0.0)
    indent_px = size_px * (wide_em + 0.75 if wide_em else 0.95)
    align = Align(right_to_left=area.right_to_left)
    entries = []
    for kind, number in zip(kinds, numbers, strict=True):
        lines = set_text(kind.text, kind.role, size_px, area.width_px - indent_px, may_break=may_break)
        if not lines or (len(lines) > _MAX_ITEM_LINES and not may_break):
            return None
        lines = [replace(line, role=replace(line.role, leading=min(line.role.leading, 1.3))) for line in lines]
        mark = fit_line(number, indent_px, (size_px, size_px), colour=sheet.style.accent) if number else None
        entries.append(Entry(Words(tuple(lines), kind.typeface, sheet.style.text, align), mark))
    return Listing(
        tuple(entries), indent_px, size_px * 0.85, area.width_px, sheet.line_colour, sheet.style.accent,
        area.right_to_left,
    )  # fmt: skip


def _make_code(sheet: Sheet, card: CardText) -> Iterator[Part]:
    head, rest = fit_heading(sheet, card.title), _fit_note(sheet, card.note, gap=0.03)
    gap_px = 0.05 * sheet.unit_px
    room_px = sheet.area.height_px - _measure_stack([*head, *rest]) - gap_px
    yield from head
    yield replace(_fit_code(sheet, card.lines, room_px), gap_px=gap_px if head else 0.0)
    yield from rest


def _fit_code(sheet: Sheet, lines: Sequence[str], room_px: float) -> Code:
    """Set the lines in the largest type in which each is whole; break long ones if none is small enough."""
    kind, kept = make_code_type(lines, (MONO, SANS), CODE_LEADING)
    pad_px = 0.05 * sheet.unit_px
    longest_em = max(kind.role.measure(line) for line in kept) or 1.0
    width_px, largest, least = sheet.area.width_px - 2 * pad_px, *sheet.sizes(CODE_TYPE)
    tall_em = kind.role.leading * len(kept)
    size_px = max(min(largest, width_px / longest_em, (room_px - 2 * pad_px) / tall_em), least)
    set_lines = [one for line in kept for one in _break_code(kind, line, width_px / size_px)]
    fitting = max(1, int((room_px - 2 * pad_px) / (kind.role.leading * size_px)))
    shown = set_lines if len(set_lines) <= fitting else [*set_lines[: fitting - 1], kind.typeface.ellipsis]
    panel = mix(sheet.style.ground, sheet.style.text, 0.07)
    drawn = tuple(Line(line, kind.role, size_px, kind.role.measure(line) * size_px) for line in shown)
    return Code(drawn, kind.typeface, sheet.style.text, panel, pad_px, sheet.area.width_px)


def _break_code(kind: Type, line: str, limit_em: float) -> Iterator[str]:
    """Yield the pieces of a line of code that fit, the later ones indented further."""
    measure = kind.role.measure
    indent, rest = line[: len(line) - len(line.lstrip())], line.lstrip()
    further = f"{indent}    "
    while rest and measure(indent + rest) > limit_em:
        fitting = next((n for n in range(len(rest) - 1, 0, -1) if measure(indent + rest[:n]) <= limit_em), 1)
        end = rest.rfind(" ", 1, fitting) + 1 or fitting
        yield (indent + rest[:end]).rstrip()
        rest = rest[end:].lstrip()
        indent = further if measure(further) < limit_em / 2 else ""
    yield indent + rest


def _make_table(sheet: Sheet, card: CardText) -> Iterator[Part]:
    head, rest = fit_heading(sheet, card.title), _fit_note(sheet, card.note, gap=0.03)
    gap_px = 0.04 * sheet.unit_px
    room_px = sheet.area.height_px - _measure_stack([*head, *rest]) - gap_px
    yield from head
    yield replace(_fit_table(sheet, card.rows, room_px), gap_px=gap_px)
    yield from rest


def _fit_table(sheet: Sheet, rows: Sequence[Sequence[str]], room_px: float) -> Grid:
    """Set the table in the largest type in which it fits. At the smallest, leave out its last columns and rows."""
    largest, least = sheet.sizes(CELL_TYPE)
    kinds = [[_type_cell(sheet, cell, head=not number) for cell in row] for number, row in enumerate(rows)]
    size_px = largest
    while size_px > least:
        grid = _set_table(sheet, kinds, rows, size_px)
        if grid.height_px <= room_px and sum(grid.columns_px) <= sheet.area.width_px * 1.001:
            return grid
        size_px *= STEP
    count = max(2, min(len(rows), int(room_px / (least * 2.1))))
    for columns in range(len(rows[0]), 0, -1):
        grid = _set_table(
            sheet, [row[:columns] for row in kinds[:count]], [row[:columns] for row in rows[:count]], least
        )
        if sum(grid.columns_px) <= sheet.area.width_px * 1.001:
            break
    return grid


def _type_cell(sheet: Sheet, cell: str, *, head: bool) -> Type:
    faces = (SANS_BOLD, SERIF) if head and sheet.style.faces[1] is SANS else sheet.style.small_faces
    return make_type(cell or " ", faces, 1.3)


def _set_table(sheet: Sheet, kinds: Sequence[Sequence[Type]], rows: Sequence[Sequence[str]], size_px: float) -> Grid:
    style, width_px = sheet.style, sheet.area.width_px
    cells = tuple(
        tuple(_set_cell(kind, size_px, style.accent if not number else style.text) for kind in row)
        for number, row in enumerate(kinds)
    )
    numeric = tuple(_is_numeric([row[column] for row in rows[1:]]) for column in range(len(rows[0])))
    natural = [max(row[column].width_px for row in cells) for column in range(len(rows[0]))]
    space_px = size_px * 1.2
    spare_px = width_px - sum(natural) - space_px * (len(natural) - 1)
    columns = _share_room(natural, space_px, max(0.0, spare_px))
    return Grid(
        cells,
        tuple(columns),
        numeric,
        size_px * 2.1,
        style.accent,
        sheet.line_colour,
        sheet.area.right_to_left,
        width_px,
    )


def _share_room(natural: Sequence[float], space_px: float, spare_px: float) -> list[float]:
    """Return the widths of the columns, which share the space between them and the spare room evenly."""
    count = len(natural)
    each_px = (spare_px + space_px * (count - 1)) / count
    return [one + each_px for one in natural]


def _set_cell(kind: Type, size_px: float, colour: str) -> Words:
    line = Line(kind.text, kind.role, size_px, kind.role.measure(kind.text) * size_px)
    return Words((line,), kind.typeface, colour)


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and all(cell.lstrip("+-−~$€£< >")[:1].isdigit() for cell in filled)  # noqa: RUF001


_MAKERS: dict[Layout, Callable[[Sheet, CardText], Iterator[Part]]] = {
    Layout.HEADING: _make_heading,
    Layout.STATEMENT: _make_statement,
    Layout.NUMBER: _make_number,
    Layout.QUOTE: _make_quote,
    Layout.LIST: _make_list,
    Layout.CODE: _make_code,
    Layout.TABLE: _make_table,
}


def runs_right_to_left(card: CardText) -> bool:
    return card.layout is not Layout.CODE and is_right_to_left(card.words)
