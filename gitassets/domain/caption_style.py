"""How captions are shown: as files, or drawn into the picture, and in which style."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.look import CaptionLook


class CaptionUse(StrEnum):
    """What becomes of the captions of a video."""

    NONE = "none"
    FILE = "file"
    """As .srt and .vtt beside the video, and as a text track in it."""
    BURN = "burn"
    """Drawn into the picture, and as files."""
    WORDS = "words"
    """Drawn into the picture with the spoken word in another colour, and as files."""

    @property
    def is_burned(self) -> bool:
        return self in (CaptionUse.BURN, CaptionUse.WORDS)


class CaptionStyle(Struct, frozen=True):
    """The style of captions in the picture. Colours are RRGGBB, shares are of the frame's height or width.

    `size_share` is the largest height of the letters' font; `bottom_share` and `side_share` keep the text away from the
    edges. None stands for what fits the shape of the frame.
    """

    colour: str = "FFFFFF"
    outline_colour: str = "101014"
    highlight_colour: str = "FFD34D"
    size_share: float | None = None
    bottom_share: float | None = None
    side_share: float | None = None


def style_captions(look: CaptionLook) -> CaptionStyle:
    """Return the style that a look asks for."""
    style = CaptionStyle(size_share=look.size, bottom_share=look.bottom)
    wanted = {"colour": look.colour, "outline_colour": look.outline, "highlight_colour": look.highlight}
    return replace(style, **{key: colour.removeprefix("#").upper() for key, colour in wanted.items() if colour})


class CaptionShape(Struct, frozen=True):
    """The size of captions in a frame: letters, margins and outline in pixels, and characters a line."""

    line_chars: int
    font_px: int
    outline_px: float
    bottom_px: int
    side_px: int


_LETTER_WIDTH = 0.52
"""The average width of a letter, as a share of the font's height."""
_SIZE_SHARE, _SIDE_SHARE = 0.054, 0.07
# Width to height up to which a shape holds, characters a line, and the bottom margin: programs for phones put buttons
# over the lower part of a tall video.
_SHAPES = ((0.8, 24, 0.2), (1.3, 32, 0.08), (float("inf"), 42, 0.07))


def shape_captions(style: CaptionStyle, size: tuple[int, int]) -> CaptionShape:
    """Return the size of captions for a frame of this size in pixels."""
    width, height = size
    line_chars, bottom = next((chars, bottom) for ratio, chars, bottom in _SHAPES if width / height <= ratio)
    side_px = round(width * (_SIDE_SHARE if style.side_share is None else style.side_share))
    widest = (width - 2 * side_px) / (line_chars * _LETTER_WIDTH)
    font_px = max(8, round(min(widest, height * (_SIZE_SHARE if style.size_share is None else style.size_share))))
    bottom_px = round(height * (bottom if style.bottom_share is None else style.bottom_share))
    return CaptionShape(line_chars, font_px, round(font_px * 0.07, 2), bottom_px, side_px)
