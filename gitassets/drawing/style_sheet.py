"""Draw the contact sheet of the styles: a row of cards for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gitassets.drawing.card import draw_card
from gitassets.drawing.card_design import STYLES
from gitassets.drawing.typeface import SANS_BOLD, load_font

if TYPE_CHECKING:
    from PIL.Image import Image

EXAMPLES = (
    "# How tides work\n\nThe moon pulls on the sea, and the water follows.",
    "Each coast passes through that bulge **twice a day**.",
    "Light needs about 8 minutes from the Sun to us.",
    "> Time and tide wait for no man.\n> — An English proverb",
    "What you need:\n\n1. A chart\n2. A clock\n3. A coast to stand on",
)
# Each card is drawn larger than it is shown, in the proportions of a video.
DRAWN, SHOWN = (960, 540), (480, 270)
MARGIN_PX, GAP_PX, LABEL_PX, TYPE_PX = 48, 20, 170, 34
GROUND, TEXT = "#FFFFFF", "#1C2733"


def draw_style_sheet(on_card: Callable[[int, int], object]) -> Image:
    """Draw all styles, each in the same layouts."""
    from PIL import Image, ImageDraw

    rows, columns = len(STYLES), len(EXAMPLES)
    width = 2 * MARGIN_PX + LABEL_PX + columns * SHOWN[0] + (columns - 1) * GAP_PX
    height = 2 * MARGIN_PX + rows * SHOWN[1] + (rows - 1) * GAP_PX
    sheet = Image.new("RGB", (width, height), GROUND)
    draw = ImageDraw.Draw(sheet)
    for row, name in enumerate(STYLES):
        top = MARGIN_PX + row * (SHOWN[1] + GAP_PX)
        draw.text((MARGIN_PX, top + SHOWN[1] / 2), name, TEXT, load_font(SANS_BOLD, TYPE_PX), anchor="lm")
        for column, text in enumerate(EXAMPLES):
            card = draw_card(text, DRAWN, style=name).resize(SHOWN, Image.Resampling.LANCZOS)
            sheet.paste(card, (MARGIN_PX + LABEL_PX + column * (SHOWN[0] + GAP_PX), top))
            on_card(row * columns + column + 1, rows * columns)
    return sheet
