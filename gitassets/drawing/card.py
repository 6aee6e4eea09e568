"""Draw a card: a typographic still of a segment's own words."""

from __future__ import annotations

import math
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from gitassets.domain.line_breaks import iter_clusters
from gitassets.drawing.card_design import (
    Area,
    Design,
    choose_design,
    draw_accent,
    draw_ground,
    find_area,
    place_block,
    place_line,
)
from gitassets.drawing.typeface import (
    SANS,
    SANS_BOLD,
    SERIF,
    Typeface,
    choose_typeface,
    clean_text,
    is_visible,
    load_font,
)
from gitassets.drawing.typesetting import MAX_CHARS, Line, Measure, Role, Typesetter, measure_height
from gitassets.errors import ProviderError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE_PX = 8192
# The largest and the smallest type, as shares of the card's shorter side; type below 9 pixels is unreadable.
MAX_TYPE, MIN_TYPE, MIN_TYPE_PX = 0.175, 0.037, 9
MIN_LINE_EM = 5
DISPLAY_LEADING, BODY_LEADING = 1.2, 1.45
REFERENCE_PX = 200
# Burmese, Arabic and Vietnamese letters are taller than a line of Latin ones: their lines get this much more space.
INK_LEADING = 1.05


def check_words(text: str) -> None:
    """Raise ProviderError if no font here can draw the text, or there is nothing to draw."""
    _choose_typefaces(text, serif=False)


def has_words(text: str) -> bool:
    """Return whether a card of this text shows any word."""
    return any(map(str.isalnum, clean_text(text)))


def find_undrawn(text: str) -> tuple[str, ...]:
    """Return the emoji and symbols that no font here draws, each once."""
    shown = set(_choose_typefaces(text, serif=False)[0].text)
    clusters = iter_clusters(unicodedata.normalize("NFC", text))
    return tuple(dict.fromkeys(one for one in clusters if is_visible(one) and not shown & set(one)))


def draw_card(text: str, size: tuple[int, int], *, style: str | None = None, seed: int | None = None) -> Image:
    """Draw the card of `text`; `size` is its width and height in pixels.

    A card too small for words has none. Raise ProviderError if the text has nothing to draw, or letters that no font
    here has.
    """
    check_size(size)
    design = choose_design(text, style, seed)
    display, body = _choose_typefaces(text, serif=design.palette.serif)
    image = draw_ground(design, size)
    _draw_words(image, design, display, body)
    return image


def check_size(size: tuple[int, int]) -> None:
    """Raise ProviderError if a card cannot have this size."""
    if not all(1 <= side <= MAX_SIDE_PX for side in size):
        raise ProviderError(
            f"A card cannot be {size[0]}x{size[1]} pixels", f"Each side may have 1 to {MAX_SIDE_PX} pixels."
        )


def _choose_typefaces(text: str, *, serif: bool) -> tuple[Typeface, Typeface]:
    """Return the typefaces for large and for small type.

    Raise ProviderError if there is nothing to draw, or no font for it.
    """
    body = choose_typeface(clean_text(text), (SANS, SERIF))
    display = choose_typeface(body.text, (SERIF, SANS_BOLD) if serif else (SANS_BOLD, SERIF))
    if not display.text:
        raise ProviderError("There are no words to draw a card of", "Write the text, or `replace` the picture.")
    return display, body


def _draw_words(image: Image, design: Design, display: Typeface, body: Typeface) -> None:
    area = find_area(design, image.size, right_to_left=display.direction == "rtl")
    lines = _set_words(area, display, body)
    if not lines:
        return
    top_px = place_block(design, area, measure_height(lines))
    draw_accent(image, design, area, top_px, measure_height(lines))
    for line in lines:
        typeface = display if line.role.name == "display" else body
        colour = design.palette.text if line.role == lines[0].role else design.palette.body
        top_px += line.gap_px
        _draw_line(image, line, typeface, (place_line(design, area, line.width_px), top_px), colour)
        top_px += line.height_px


def _set_words(area: Area, display: Typeface, body: Typeface) -> list[Line]:
    """Break the words into lines. Return none if the area is too small for readable type."""
    least_px = max(area.unit_px * MIN_TYPE, MIN_TYPE_PX)
    if area.width_px < MIN_LINE_EM * least_px:
        return []
    setter = Typesetter(
        width_px=area.width_px,
        height_px=area.height_px,
        largest_px=max(area.unit_px * MAX_TYPE, least_px),
        least_px=least_px,
        display=_make_role("display", display, DISPLAY_LEADING),
        body=_make_role("body", body, BODY_LEADING),
        ellipsis=body.ellipsis,
    )
    return setter.set_lines(display.text)


def _draw_line(image: Image, line: Line, typeface: Typeface, corner: tuple[float, float], colour: str) -> None:
    """Draw a line with its upper left corner at `corner`.

    It is drawn larger and scaled down: otherwise every letter stands on a whole pixel and the spacing is uneven.
    """
    from PIL import Image, ImageDraw

    scale = 4 if line.size_px < 64 else 2
    pad_px = math.ceil(line.size_px / 2)
    size = math.ceil(line.width_px) + 2 * pad_px, math.ceil(line.height_px) + 2 * pad_px
    mask = Image.new("L", (size[0] * scale, size[1] * scale), 0)
    draw = ImageDraw.Draw(mask)
    left_px, top_px = math.floor(corner[0]), math.floor(corner[1])
    x = (pad_px + corner[0] - left_px) * scale
    baseline = (pad_px + corner[1] - top_px + line.height_px / 2 + line.role.baseline_em * line.size_px) * scale
    for face, piece in typeface.split_by_face(line.text):
        font = load_font(face, round(line.size_px * scale))
        draw.text((x, baseline), piece, fill=255, font=font, anchor="ls", direction=typeface.direction)
        x += font.getlength(piece, direction=typeface.direction)
    image.paste(colour, (left_px - pad_px, top_px - pad_px), mask.reduce(scale))


def _make_role(name: str, typeface: Typeface, leading: float) -> Role:
    """Build the role, with a line height at which no letter touches the next line."""
    boxes = [
        load_font(face, REFERENCE_PX).getbbox(piece, anchor="ls", direction=typeface.direction)
        for face, piece in typeface.split_by_face(typeface.text[:MAX_CHARS])
    ]
    above_em = max(-box[1] for box in boxes) / REFERENCE_PX
    below_em = max(box[3] for box in boxes) / REFERENCE_PX
    needed = INK_LEADING * (above_em + below_em)
    if needed <= leading:
        return Role(name, _make_measure(typeface), leading)
    return Role(name, _make_measure(typeface), needed, baseline_em=(above_em - below_em) / 2)


def _make_measure(typeface: Typeface) -> Measure:
    """Return a function that measures a text's width in em. Each text is measured once."""

    @cache
    def measure(text: str) -> float:
        fonts = ((load_font(face, REFERENCE_PX), piece) for face, piece in typeface.split_by_face(text))
        return sum(font.getlength(piece, direction=typeface.direction) for font, piece in fonts) / REFERENCE_PX

    return measure
