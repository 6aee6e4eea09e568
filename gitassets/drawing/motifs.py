"""The shapes behind the words of a card, one family for each style."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from gitassets.drawing.card_design import FRAME_INSET, Design, mix

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SMOOTHING = 3
# Larger cards need no smoothing by drawing them so much larger, and it would take too much memory.
MAX_SMOOTH_PIXELS = 40_000_000
MAX_KEPT_PIXELS = 10_000_000

Motif = Callable[["ImageDraw", float, float, float], None]
"""Draws on a mask of this width and height; the last number is the unit, already scaled. 255 is the full tone."""


def draw_motif(design: Design, size: tuple[int, int]) -> Image:
    """Draw the ground with its shapes. The cards of a run share it, so it is kept for the next one."""
    draw = _draw_once if size[0] * size[1] <= MAX_KEPT_PIXELS else _draw_once.__wrapped__
    return draw(design, size).copy()


@lru_cache(maxsize=2)
def _draw_once(design: Design, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageDraw

    style = design.style
    image = Image.new("RGB", size, style.ground)
    if style.motif == "frame":
        _draw_frame(ImageDraw.Draw(image), size, mix(style.ground, style.accent, 0.55))
        return image
    image.paste(style.tone, (0, 0), _draw_mask(design, size))
    if style.motif == "orbits":
        _draw_planet(image, design)
    return image


def _draw_mask(design: Design, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageDraw, ImageOps

    smoothing = SMOOTHING if size[0] * size[1] * SMOOTHING**2 <= MAX_SMOOTH_PIXELS else 1
    width, height = size[0] * smoothing, size[1] * smoothing
    mask = Image.new("L", (width, height), 0)
    MOTIFS[design.style.motif](ImageDraw.Draw(mask), width, height, min(width, height) * design.scale)
    mask = mask.reduce(smoothing) if smoothing > 1 else mask
    mask = ImageOps.mirror(mask) if design.mirrored else mask
    return ImageOps.flip(mask) if design.flipped and design.style.motif not in _UPRIGHT else mask


def _draw_ripples(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw thin circles that spread from a corner and fade."""
    for number in range(14):
        share = 0.2 + 0.1 * number
        draw.circle(
            (width * 0.98, height * 1.02),
            unit * share,
            outline=round(255 * (1 - number / 15)),
            width=max(1, round(unit * 0.0045)),
        )


def _draw_grid(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw a grid of dots that fades towards the words."""
    step, radius = unit / 20, max(1.0, unit * 0.0036)
    columns, rows = int(width / step) + 1, int(height / step) + 1
    for column in range(columns):
        for row in range(rows):
            x, y = width - column * step, row * step
            fade = 1 - math.hypot(column * step / width, y / height * 0.75) * 1.15
            if fade > 0.04:
                draw.circle((x, y), radius, fill=min(255, round(290 * fade)))


def _draw_hills(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw ranges of hills along the lower edge, the nearer the stronger."""
    ranges = ((0.30, 0.075, 0.75, 2.2, 70), (0.21, 0.06, 1.1, 0.4, 130), (0.11, 0.05, 0.9, 4.0, 255))
    for level, swing, waves, phase, strength in ranges:
        points = [(0.0, height)]
        for step in range(97):
            x = width * step / 96
            wave = math.sin(x / max(width, height) * math.tau * waves + phase) + 0.35 * math.sin(
                x / max(width, height) * math.tau * waves * 2.3
            )
            points.append((x, height - unit * (level + swing * wave)))
        draw.polygon([*points, (width, height)], fill=strength)


def _draw_sun(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw a large disc half beyond the edge, in the ring of its own light."""
    centre = width * 0.86, height * 0.3
    draw.circle(centre, unit * 0.62, fill=80)
    draw.circle(centre, unit * 0.44, fill=255)


def _draw_bands(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw layers of fog that grow thicker towards the lower edge."""
    for number in range(5):
        top = height - unit * (0.40 - 0.085 * number)
        points = [(0.0, height)]
        for step in range(65):
            x = width * step / 64
            points.append((x, top + unit * 0.02 * math.sin(math.tau * (0.6 * step / 64 + 0.23 * number))))
        draw.polygon([*points, (width, height)], fill=round(255 * (0.22 + 0.195 * number)))


def _draw_orbits(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw thin circles around the middle of the card."""
    line = max(1, round(unit * 0.003))
    for share, strength in ((0.44, 255), (0.62, 200), (0.80, 150), (1.0, 100)):
        draw.circle((width / 2, height / 2), unit * share, outline=strength, width=line)


def _draw_quarters(draw: ImageDraw, width: float, height: float, unit: float) -> None:
    """Draw quarters of discs in the corner opposite the words."""
    side = min(unit * 0.46, height)
    for column, row, start in ((0, 0, 90), (1, 0, 180), (0, 1, 180)):
        x, y = width - column * side, row * side + (side if start == 180 else 0)
        draw.pieslice((x - side, y - side, x + side, y + side), start, start + 90, fill=255)


MOTIFS: dict[str, Motif] = {
    "ripples": _draw_ripples,
    "grid": _draw_grid,
    "hills": _draw_hills,
    "sun": _draw_sun,
    "bands": _draw_bands,
    "orbits": _draw_orbits,
    "quarters": _draw_quarters,
}
_UPRIGHT = ("hills", "bands")


def _draw_frame(draw: ImageDraw, size: tuple[int, int], colour: str) -> None:
    """Draw a double frame inside the part that no zoom cuts off."""
    inset, line = round(max(size) * FRAME_INSET), round(min(size) * 0.0022) or int(min(size) > 100)
    gap = round(min(size) * 0.011)
    if not line or 2 * (inset + gap) >= min(size):
        return
    box = (inset, inset, size[0] - 1 - inset, size[1] - 1 - inset)
    draw.rectangle(box, outline=colour, width=max(1, line * 2))
    draw.rectangle((box[0] + gap, box[1] + gap, box[2] - gap, box[3] - gap), outline=colour, width=max(1, line // 2))


def _draw_planet(image: Image, design: Design) -> None:
    """Draw the small disc that goes round on an orbit."""
    from PIL import Image, ImageDraw

    unit = min(image.size) * min(design.scale, 1.0)
    radius = unit * 0.013
    if radius < 1:
        return
    # Above or below the words: in the margin of a wide card, high on a tall one.
    rise = 0.425 if image.width >= image.height else 0.72
    share = 0.62 if image.width >= image.height else 0.8
    x = image.width / 2 + (-1 if design.mirrored else 1) * unit * math.sqrt(share**2 - rise**2)
    y = image.height / 2 + (1 if design.flipped else -1) * unit * rise
    dot = Image.new("L", (round(radius * 8), round(radius * 8)), 0)
    ImageDraw.Draw(dot).circle((dot.width / 2, dot.height / 2), radius * 4 - 2, fill=255)
    small = dot.reduce(4)
    image.paste(design.style.accent, (round(x - small.width / 2), round(y - small.height / 2)), small)
