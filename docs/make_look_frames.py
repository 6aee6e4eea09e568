"""Make docs/looks.png: how the three looks dress the same picture and the same heading.

python docs/make_look_frames.py PICTURE
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from PIL import Image

from gitassets.adapters.render.canvas import draw_canvas
from gitassets.adapters.render.dress import choose_style
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.built_in_looks import BUILT_IN_LOOKS
from gitassets.domain.look import parse_look
from gitassets.domain.names import Names
from gitassets.drawing.card import draw_card
from gitassets.drawing.lower_third import draw_lower_third

TARGET = Path(__file__).with_name("looks.png")
SIZE, SHOWN, GAP = (1280, 720), (400, 225), 8
HEADING, NAMES = "# How tides work", Names("Ann Lee", "Oceanographer")


def draw_look(name: str, picture: Path) -> list[Image.Image]:
    """Draw the card of a heading, and the picture with names over it."""
    look = parse_look(BUILT_IN_LOOKS[name].values, name)
    style = choose_style(replace(RenderSettings(size=SIZE), look=look, card_style=look.style))
    panel, corner = draw_lower_third(NAMES, style, SIZE, look.lower_third.design)
    named = draw_canvas(picture, SIZE)
    named.paste(panel, corner, panel)
    return [draw_card(HEADING, SIZE, style=style), named]


def make_sheet(picture: Path) -> Image.Image:
    rows = [draw_look(name, picture) for name in BUILT_IN_LOOKS]
    width, height = (side + GAP for side in SHOWN)
    sheet = Image.new("RGB", (len(rows) * width - GAP, 2 * height - GAP), "#FFFFFF")
    for column, frames in enumerate(rows):
        for row, frame in enumerate(frames):
            sheet.paste(frame.resize(SHOWN, Image.Resampling.LANCZOS), (column * width, row * height))
    return sheet.quantize(256, dither=Image.Dither.NONE)


if __name__ == "__main__":
    make_sheet(Path(sys.argv[1])).save(TARGET, optimize=True)
