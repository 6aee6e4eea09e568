"""Reduce a picture to a few pixels."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

from gitassets.adapters.media.pictures import NoReaderError, open_picture
from gitassets.adapters.media.probe import MAX_PIXELS

Pixel = tuple[int, int, int]
_FAILURES = (OSError, ValueError, TypeError, SyntaxError, EOFError, LookupError, MemoryError, struct.error)
"""What Pillow raises for broken pictures, and for broken EXIF data."""


def read_thumbnail(path: Path, columns: int, rows: int) -> list[list[Pixel]] | None:
    """Return the rows of a picture that is reduced to fit; None if the file is no picture that can be read."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings(action="ignore"), open_picture(path) as file:
            if file.width * file.height > MAX_PIXELS:
                return None
            file.draft("RGB", (columns * 2, rows * 2))
            small = ImageOps.exif_transpose(file).convert("RGB")
            small.thumbnail((columns, rows))
            data = small.tobytes()
    except (*_FAILURES, NoReaderError, Image.DecompressionBombError):
        return None
    pixels: list[Pixel] = [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3)]
    return [pixels[at : at + small.width] for at in range(0, len(pixels), small.width)]
