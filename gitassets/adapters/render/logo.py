"""Draw the logo of a look in its corner of the frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.media.colour_profile import to_srgb
from gitassets.domain.frame_shape import find_safe_area
from gitassets.domain.look import Corner, LogoLook

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_HEIGHT = 0.5
"""A tall logo is at most this share of the frame's shorter side, whatever its width."""


def draw_logo(path: Path, logo: LogoLook, size: tuple[int, int]) -> tuple[Image, tuple[int, int]]:
    """Return the logo as RGBA at its size in the frame, and its corner."""
    from PIL import Image, ImageOps

    with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as file:
        picture = to_srgb(ImageOps.exif_transpose(file)).convert("RGBA")
    unit = min(size)
    scale = min(logo.width * unit / picture.width, MAX_HEIGHT * unit / picture.height)
    fitted = max(2, round(picture.width * scale)), max(2, round(picture.height * scale))
    drawn = picture.resize(fitted, Image.Resampling.LANCZOS)
    drawn.putalpha(drawn.getchannel("A").point(lambda value: round(value * logo.opacity)))
    return drawn, _find_corner(logo.corner, drawn.size, size)


def _find_corner(corner: Corner, logo: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    safe = find_safe_area(size)
    left = corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT)
    top = corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT)
    return (
        safe.left if left else size[0] - safe.right - logo[0],
        safe.top if top else size[1] - safe.bottom - logo[1],
    )
