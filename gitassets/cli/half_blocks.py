"""Draw a small picture in the terminal: each character is two pixels, one above the other."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.actions.read_pixels import PixelRow, read_pixels
from gitassets.streams import can_write

if TYPE_CHECKING:
    from rich.console import Console

_UPPER_HALF = "▀"
_MAX_COLUMNS, _MAX_LINES = 72, 20


def draw(console: Console, path: Path) -> bool:
    """Draw the picture. Return False if it cannot be read, or if the terminal has no colours for it."""
    if console.color_system is None or console.no_color or not can_write(_UPPER_HALF):
        return False
    rows = read_pixels(path, min(console.width - 1, _MAX_COLUMNS), 2 * min(_MAX_LINES, max(console.height - 8, 4)))
    for upper, lower in zip_longest(rows[::2], rows[1::2]) if rows else ():
        console.print(_make_line(upper, lower), no_wrap=True, crop=True)
    return rows is not None


def _make_line(upper: PixelRow, lower: PixelRow | None) -> object:
    from rich.color import Color
    from rich.style import Style
    from rich.text import Text

    line = Text()
    for above, below in zip_longest(upper, lower or ()):
        background = Color.from_rgb(*below) if below else None
        line.append(_UPPER_HALF, Style(color=Color.from_rgb(*above), bgcolor=background))
    return line
