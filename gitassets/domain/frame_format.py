"""Parse the size and frame rate of a video: `1080x1920`, `24000/1001`."""

from __future__ import annotations

import re
from fractions import Fraction

from gitassets.errors import UsageError

MIN_SIDE, MAX_SIDE = 16, 8192
MAX_FPS = 120

_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})\Z", re.ASCII)
_FPS = re.compile(r"\d{1,6}(\.\d{1,3}|/[1-9]\d{0,5})?\Z", re.ASCII)


def parse_size(text: str) -> tuple[int, int]:
    """Parse width and height in pixels. Raise UsageError if a video cannot have them."""
    match = _SIZE.match(text.lower())
    if not match:
        raise UsageError(f"{text!r} is no size", "Write width x height in pixels, such as 1920x1080 or 1080x1920.")
    width, height = int(match[1]), int(match[2])
    if width % 2 or height % 2:
        even = f"{width + width % 2}x{height + height % 2}"
        raise UsageError(f"{text}: width and height must be even", f"Take {even}.")
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise UsageError(f"{text}: width and height must lie between {MIN_SIDE} and {MAX_SIDE}")
    return width, height


def parse_fps(text: str) -> Fraction:
    """Parse frames per second; 23.976, 29.97 and 59.94 mean the exact television rates. Raise UsageError if invalid."""
    if not _FPS.match(text):
        raise UsageError(f"{text!r} is no frame rate", "Write frames a second, such as 30, 25 or 24000/1001.")
    fps = Fraction(text)
    television = Fraction(round(fps) * 1000, 1001)
    if fps.denominator != 1 and abs(fps - television) < Fraction(1, 200):
        fps = television
    if not 1 <= fps <= MAX_FPS:
        raise UsageError(f"{text}: the frame rate must lie between 1 and {MAX_FPS}")
    return fps
