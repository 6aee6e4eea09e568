"""Draw a lower third: who speaks, and a title below, on a panel for the lower part of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitassets.domain.frame_shape import find_safe_area
from gitassets.domain.look import ThirdDesign
from gitassets.domain.names import Names
from gitassets.drawing.card_design import Style, mix
from gitassets.drawing.card_parts import Align, Words, fit_line, make_type, paint_bar
from gitassets.drawing.typeface import Face, is_right_to_left

if TYPE_CHECKING:
    from PIL.Image import Image

# Shares of the frame's shorter side.
NAME_TYPE, TITLE_TYPE, LEAST_TYPE = 0.05, 0.034, 0.02
PADDING, GAP, BAR, ABOVE_CAPTIONS = 0.026, 0.008, 0.009, 0.19
LEADING = 1.24
_OPACITY = {ThirdDesign.BAR: 224, ThirdDesign.PANEL: 255, ThirdDesign.LINE: 214}


@dataclass(frozen=True)
class _Colours:
    panel: str
    name: str
    title: str
    mark: str


def draw_lower_third(
    names: Names, style: Style, size: tuple[int, int], design: ThirdDesign
) -> tuple[Image, tuple[int, int]]:
    """Return the panel with its words as RGBA, and the corner at which it stands in a frame of this size.

    Raise ProviderError if no font here can draw the words.
    """
    safe, unit = find_safe_area(size), min(size)
    room = size[0] - safe.left - safe.right
    colours = _choose_colours(style, design)
    right = is_right_to_left(names.speaker or names.title)
    lines = _set_lines(names, style, colours, room - 2 * PADDING * unit - BAR * unit, unit)
    panel = _draw_panel(lines, colours, design, unit, right)
    left = size[0] - safe.right - panel.width if right else safe.left
    return panel, (left, size[1] - safe.bottom - round(ABOVE_CAPTIONS * unit) - panel.height)


def _choose_colours(style: Style, design: ThirdDesign) -> _Colours:
    if design is ThirdDesign.PANEL:
        return _Colours(style.accent, style.ground, mix(style.ground, style.accent, 0.18), style.text)
    return _Colours(style.ground, style.text, style.body, style.accent)


def _set_lines(names: Names, style: Style, colours: _Colours, width_px: float, unit: int) -> list[Words]:
    """Set the two lines. One alone is set as a name."""
    given = [one for one in (names.speaker, names.title) if one]
    looks = ((NAME_TYPE, style.display_faces, colours.name), (TITLE_TYPE, style.small_faces, colours.title))
    return [
        _set_line(text, faces, (share * unit, LEAST_TYPE * unit), width_px, colour, GAP * unit * bool(number))
        for number, (text, (share, faces, colour)) in enumerate(zip(given, looks, strict=False))
    ]


def _set_line(
    text: str, faces: Sequence[Face], sizes_px: tuple[float, float], width_px: float, colour: str, gap_px: float
) -> Words:
    kind = make_type(text, faces, LEADING)
    align = Align(right_to_left=is_right_to_left(text))
    return fit_line(kind, width_px, sizes_px, colour=colour, align=align, gap_px=gap_px)


def _draw_panel(lines: Sequence[Words], colours: _Colours, design: ThirdDesign, unit: int, right: bool) -> Image:
    from PIL import Image

    pad, bar = PADDING * unit, BAR * unit
    line_gap = 2.6 * GAP * unit if design is ThirdDesign.LINE and len(lines) > 1 else 0.0
    inside = max(one.width_px for one in lines), sum(one.height_px + one.gap_px for one in lines) + line_gap
    size = round(inside[0] + 2 * pad + bar), round(inside[1] + 1.5 * pad)
    panel = Image.new("RGB", size, colours.panel)
    left, top = pad + (0.0 if right else bar), 0.75 * pad
    for number, one in enumerate(lines):
        top += one.gap_px + (line_gap if number else 0.0)
        one.draw(panel, left, top, inside[0])
        top += one.height_px
        if line_gap and not number:
            paint_bar(
                panel, left, top + 0.9 * GAP * unit + line_gap / 2 - 1, inside[0], max(2.0, 0.0022 * unit), colours.mark
            )
    if design is ThirdDesign.BAR:
        paint_bar(panel, size[0] - bar if right else 0.0, 0.0, bar, size[1], colours.mark)
    panel.putalpha(_make_mask(panel, colours, design))
    return panel


def _make_mask(panel: Image, colours: _Colours, design: ThirdDesign) -> Image:
    """Let the picture shine through the panel, but not through the words."""
    from PIL import Image, ImageChops

    ground = Image.new("RGB", panel.size, colours.panel)
    drawn = ImageChops.difference(panel, ground).convert("L").point(lambda value: min(255, value * 4))
    return drawn.point(lambda value: max(value, _OPACITY[design]))
