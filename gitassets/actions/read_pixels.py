"""Reduce a picture to the few pixels that a terminal can show."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.media.thumbnail import Pixel, read_thumbnail

PixelRow = list[Pixel]


def read_pixels(path: Path, columns: int, rows: int) -> list[PixelRow] | None:
    """Return the rows of the picture, reduced to fit; None if the file is no picture that can be read."""
    return read_thumbnail(path, columns, rows)
