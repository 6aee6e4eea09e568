"""The look of a card apart from its words: palettes, layouts, and the background."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitassets.drawing.typeface import is_right_to_left

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SMOOTHING = 2
# A slow zoom cuts up to 4 % off each side: the words keep well inside, and the frame stays visible.
MARGIN, FRAME_MARGIN = 0.1, 0.14


@dataclass(frozen=True)
class Palette:
    """The colours of a card. `tone` is for large shapes behind the text, `accent` for small ones beside it."""

    name: str
    ground: str
    tone: str
    text: str
    body: str
    accent: str
    serif: bool


PALETTES = {
    one.name: one
    for one in (
        Palette("ink", "#10182B", "#18233E", "#F5F1E8", "#C6CEDD", "#F2B45A", serif=False),
        Palette("paper", "#F6F1E7", "#EBE3D3", "#1F1B17", "#4A433C", "#B5432D", serif=True),
        Palette("night", "#0C0C0F", "#17181D", "#FFFFFF", "#B7BAC4", "#7F9DFF", serif=False),
        Palette("forest", "#11302A", "#193F37", "#F2F3E7", "#C8D8CC", "#E7C46B", serif=True),
        Palette("clay", "#93351F", "#A13F28", "#FFF6EB", "#FBE0CF", "#F9CE7F", serif=True),
        Palette("mist", "#E7EEF3", "#D7E2EA", "#13283B", "#3A4F62", "#1D6CAE", serif=False),
        Palette("plum", "#2B1734", "#392042", "#F9F1F7", "#DAC7DE", "#F28E86", serif=True),
        Palette("sun", "#F7C948", "#F2BD32", "#1C1910", "#40380F", "#A62B17", serif=False),
    )
}

LAYOUTS = ("left", "centre", "low", "bar", "frame")
CENTRED = ("centre", "frame")
DECORS = ("disc", "ring", "slope", "arcs")


@dataclass(frozen=True)
class Design:
    """One look of a card."""

    palette: Palette
    layout: str
    decor: str
    mirrored: bool
    flipped: bool
    scale: float
    """The size of the background shapes: 0.85 to 1.15."""

    @property
    def centred(self) -> bool:
        return self.layout in CENTRED


def choose_design(text: str, style: str | None, seed: int | None) -> Design:
    """Choose the design for a text, style and seed; the same three always give the same design.

    `style` names a palette; any other text picks one; without a style cards are "ink". Another seed gives another
    layout and, if no palette is named, another palette.
    """
    number = seed or 0
    asked = (style or "").strip().casefold()
    names = tuple(PALETTES)
    first = names.index("ink") if not asked else _digest(asked)[0]
    palette = PALETTES.get(asked) or PALETTES[names[(first + number) % len(names)]]
    layout = LAYOUTS[(_digest(text)[0] + number) % len(LAYOUTS)]
    look = _digest(f"{number}\n{asked}\n{text}")
    # The large shape stands opposite the side where the words begin.
    mirrored = look[1] % 2 == 1 if layout in CENTRED else is_right_to_left(text)
    return Design(
        palette,
        layout,
        DECORS[look[0] % len(DECORS)],
        mirrored,
        flipped=look[2] % 2 == 1,
        scale=0.85 + 0.3 * look[3] / 255,
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Area:
    """The area for the words. `unit_px` is the card's shorter side, which scales everything."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float
    unit_px: float
    right_to_left: bool


def find_area(design: Design, size: tuple[int, int], *, right_to_left: bool) -> Area:
    """Return the card's area without margins and the space for the accent beside the words."""
    unit = min(size)
    margin = FRAME_MARGIN if design.layout == "frame" else MARGIN
    indent = 0.055 * unit if design.layout == "bar" else 0.0
    above = 0.075 * unit if design.layout in ("left", "centre", "low") else 0.0
    return Area(
        left_px=size[0] * margin + (0.0 if right_to_left else indent),
        top_px=size[1] * margin + above,
        width_px=size[0] * (1 - 2 * margin) - indent,
        height_px=size[1] * (1 - 2 * margin) - above,
        unit_px=unit,
        right_to_left=right_to_left,
    )


def place_block(design: Design, area: Area, height_px: float) -> float:
    """Return the top of a block of words of that height."""
    room = area.height_px - height_px
    return area.top_px + (room if design.layout == "low" else room / 2)


def place_line(design: Design, area: Area, width_px: float) -> float:
    """Return the left end of a line of that width."""
    room = area.width_px - width_px
    if design.centred:
        return area.left_px + room / 2
    return area.left_px + (room if area.right_to_left else 0.0)


def draw_accent(image: Image, design: Design, area: Area, top_px: float, height_px: float) -> None:
    """Draw the small bright line that belongs to a block of words starting at `top_px`."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    thick, length, up = 0.009 * area.unit_px, 0.11 * area.unit_px, 0.06 * area.unit_px
    if design.layout == "bar":
        beside = area.width_px + 0.05 * area.unit_px if area.right_to_left else -0.055 * area.unit_px
        _draw_bar(draw, area.left_px + beside, top_px, thick, height_px, design.palette.accent)
        return
    if design.layout == "low":
        _draw_bar(draw, area.left_px, top_px - up + thick * 0.75, area.width_px, thick / 4, design.palette.accent)
    if design.layout != "frame":
        _draw_bar(draw, place_line(design, area, length), top_px - up, length, thick, design.palette.accent)


def _draw_bar(draw: ImageDraw, left: float, top: float, width: float, height: float, colour: str) -> None:
    x, y = round(left), round(top)
    draw.rectangle((x, y, x + max(round(width), 1) - 1, y + max(round(height), 1) - 1), fill=colour)


def draw_ground(design: Design, size: tuple[int, int]) -> Image:
    """Draw the card without its words."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, design.palette.ground)
    mask = _draw_decor(design, size)
    image.paste(design.palette.tone, (0, 0), mask)
    if design.layout == "frame":
        _draw_frame(ImageDraw.Draw(image), size, design.palette.accent)
    return image


def _draw_decor(design: Design, size: tuple[int, int]) -> Image:
    """Draw the large shape behind the words as a mask with smooth edges."""
    from PIL import Image, ImageDraw, ImageOps

    width, height = size[0] * SMOOTHING, size[1] * SMOOTHING
    mask = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(mask)
    unit = min(width, height) * design.scale
    if design.decor == "disc":
        draw.circle((width * 0.88, height * 0.86), unit * 0.55, fill=255)
    elif design.decor == "ring":
        draw.circle((width * 0.92, height * 0.2), unit * 0.52, outline=255, width=max(1, int(unit * 0.15)))
    elif design.decor == "slope":
        draw.polygon([(width, height * (1 - 0.62 * design.scale)), (width, height), (width * 0.3, height)], fill=255)
    else:
        for share in (0.95, 0.72, 0.49, 0.26):
            draw.circle((width, height), unit * share, outline=255, width=max(1, int(unit * 0.055)))
    mask = mask.reduce(SMOOTHING)
    mask = ImageOps.mirror(mask) if design.mirrored else mask
    return ImageOps.flip(mask) if design.flipped else mask


def _draw_frame(draw: ImageDraw, size: tuple[int, int], colour: str) -> None:
    short = min(size)
    inset, line = round(short * 0.055), round(short * 0.003)
    if line:
        draw.rectangle((inset, inset, size[0] - 1 - inset, size[1] - 1 - inset), outline=colour, width=line)
