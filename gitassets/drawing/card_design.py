"""The styles of cards: colours, type, the shapes behind the words, and how a card is arranged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from gitassets.drawing.typeface import SANS, SANS_BOLD, SERIF, Face, is_right_to_left

if TYPE_CHECKING:
    from PIL.Image import Image

# A slow zoom cuts up to 4 % off each side. The words keep well inside of that, and so does a frame.
MARGIN, FRAME_INSET = 0.1, 0.062


@dataclass(frozen=True)
class Style:
    """The look of a run's cards.

    `look` says in words what it is. `grounds` are the colours of the ground and of the large shapes on it, `inks` those
    of large words, of small ones and of what stands out. `faces` are the typefaces of large and of small words. `motif`
    names the shapes, `rule` the small one that belongs to the words.
    """

    name: str
    look: str
    grounds: tuple[str, str]
    inks: tuple[str, str, str]
    faces: tuple[Face, Face]
    motif: str
    rule: str
    centred: bool = False
    anchor: str = "middle"

    @property
    def ground(self) -> str:
        return self.grounds[0]

    @property
    def tone(self) -> str:
        return self.grounds[1]

    @property
    def text(self) -> str:
        return self.inks[0]

    @property
    def body(self) -> str:
        return self.inks[1]

    @property
    def accent(self) -> str:
        return self.inks[2]

    @property
    def display_faces(self) -> tuple[Face, ...]:
        return (self.faces[0], SANS_BOLD if self.faces[0] is SERIF else SERIF)

    @property
    def small_faces(self) -> tuple[Face, ...]:
        return (self.faces[1], SERIF if self.faces[1] is SANS else SANS)


STYLES = {
    one.name: one
    for one in (
        Style("ink", "Deep blue with amber; sans serif; circles that spread",
              ("#10182B", "#2A3860"), ("#F5F1E8", "#B9C3D6", "#F2B45A"), (SANS_BOLD, SANS), "ripples", "bar"),
        Style("paper", "Cream with red; serif, centred in a double frame",
              ("#F7F2E8", "#DCD1BC"), ("#1F1B17", "#5A5148", "#B5432D"), (SERIF, SERIF), "frame", "diamond",
              centred=True),
        Style("night", "Black with blue; sans serif; a grid of dots",
              ("#0B0C10", "#3A3F52"), ("#FFFFFF", "#A3A9B8", "#8AA4FF"), (SANS_BOLD, SANS), "grid", "block"),
        Style("forest", "Dark green with gold; serif; ranges of hills",
              ("#0F2E27", "#1B4C42"), ("#F3F3E6", "#BFD3C6", "#E7C46B"), (SERIF, SANS), "hills", "stem"),
        Style("clay", "Terracotta with pale gold; serif, low on the card; a sun",
              ("#8C311C", "#9C3E27"), ("#FFF6EB", "#FBDCC8", "#FFD58A"), (SERIF, SANS), "sun", "hairline",
              anchor="low"),
        Style("mist", "Pale grey with blue; sans serif beside a bar; layers of fog",
              ("#E9F0F4", "#CDDCE6"), ("#13283B", "#43596D", "#1B67A6"), (SANS_BOLD, SANS), "bands", "side"),
        Style("plum", "Purple with coral; serif, centred; orbits",
              ("#2A1633", "#4A2C56"), ("#FBF3F9", "#D3BFD9", "#F6958C"), (SERIF, SERIF), "orbits", "none",
              centred=True),
        Style("sun", "Yellow with red; bold sans serif, low on the card; quarters of discs",
              ("#F7C948", "#F0B928"), ("#1C1910", "#4A4110", "#9E2814"), (SANS_BOLD, SANS), "quarters", "slab",
              anchor="low"),
    )
}  # fmt: skip
ANCHORS = ("middle", "low", "top")


@dataclass(frozen=True)
class Design:
    """A style as one card wears it: arranged by the card's seed. `scale` is that of the shapes, 0.85 to 1.15."""

    style: Style
    centred: bool
    anchor: str
    mirrored: bool
    flipped: bool
    scale: float


def choose_style(name: str | None) -> Style:
    """Return the style of that name, by default the first. Any other name always has the same one."""
    names = tuple(STYLES)
    asked = _fold(name)
    if not asked or asked in STYLES:
        return STYLES[asked or names[0]]
    close = get_close_matches(asked, names, n=1)
    return STYLES[close[0] if close else names[hashlib.sha256(asked.encode()).digest()[0] % len(names)]]


def describe_unknown_style(name: str | None) -> str:
    """Return a remark that lists the styles if there is none of this name, else nothing."""
    if not _fold(name) or _fold(name) in STYLES:
        return ""
    *others, last = STYLES
    there_are = f"there are {', '.join(others)} and {last}"
    return f"cards have no style {name!r}, so {choose_style(name).name} is used; {there_are}"


def _fold(name: str | None) -> str:
    return (name or "").strip().casefold().encode("utf-8", "replace").decode()


def choose_design(text: str, style: str | Style | None, seed: int | None) -> Design:
    """Choose the design for a text, style and seed; the same three always give the same design.

    Cards without a seed are arranged alike, so that a run looks like one piece. Another seed arranges a card otherwise.
    """
    chosen, number = style if isinstance(style, Style) else choose_style(style), seed or 0
    look = hashlib.sha256(f"{chosen.name}\n{number}".encode()).digest()
    step = ANCHORS.index(chosen.anchor) + number
    return Design(
        chosen,
        centred=chosen.centred != bool(number // len(ANCHORS) % 2),
        anchor=ANCHORS[step % len(ANCHORS)],
        # The shapes stand opposite the side where the words begin.
        mirrored=is_right_to_left(text) != bool(number and look[1] % 2),
        flipped=bool(number and look[2] % 2),
        scale=1.0 if not number else 0.85 + 0.3 * look[3] / 255,
    )


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
    """Return the card's area without margins."""
    inside_px = max(size) * FRAME_INSET + 0.055 * min(size) if design.style.motif == "frame" else 0.0
    across_px, down_px = (max(side * MARGIN, inside_px) for side in size)
    indent = 0.05 * min(size) if design.style.rule == "side" and not design.centred else 0.0
    return Area(
        left_px=across_px + (0.0 if right_to_left else indent),
        top_px=down_px,
        width_px=size[0] - 2 * across_px - indent,
        height_px=size[1] - 2 * down_px,
        unit_px=_find_unit(size),
        right_to_left=right_to_left,
    )


def _find_unit(size: tuple[int, int]) -> float:
    """Return the length that scales everything: the shorter side, a little more where the other is much longer."""
    short, long = sorted(size)
    return short * min(1.18, (long / short) ** 0.25 if size[1] > size[0] else 1.0)


def mix(one: str, other: str, share: float) -> str:
    """Return the colour between two: the first at 0, the second at 1."""
    pair = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pair)


def draw_ground(design: Design, size: tuple[int, int]) -> Image:
    """Draw the card without its words."""
    from gitassets.drawing.motifs import draw_motif

    return draw_motif(design, size)
