"""The shapes of a frame, and the area in which words are safe from the edges and from the buttons of players."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

SHAPES: Mapping[str, tuple[int, int]] = MappingProxyType({"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)})


class SafeArea(Struct, frozen=True):
    """The space to keep free at each side, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


# Shares of the width (left, right) and of the height (top, bottom). EBU R 95 keeps graphics 5 % from every edge; apps
# for upright videos put buttons at the right and words at the bottom.
_WIDE = 0.05, 0.05, 0.05, 0.05
_UPRIGHT = 0.06, 0.10, 0.14, 0.18
_SQUARE = 0.05, 0.05, 0.05, 0.08


def find_safe_area(size: tuple[int, int]) -> SafeArea:
    """Return the safe area of a frame of this size, even one of a shape between the presets."""
    width, height = size
    ratio = width / height
    left, top, right, bottom = _UPRIGHT if ratio < 0.8 else _SQUARE if ratio < 1.25 else _WIDE
    return SafeArea(round(left * width), round(top * height), round(right * width), round(bottom * height))


def shape_size(size: tuple[int, int], shape: str) -> tuple[int, int]:
    """Return the size of this shape whose shorter side is that of `size`. Both sides are even."""
    short = min(size)
    across, down = SHAPES[shape]
    scale = short / min(across, down)
    width, height = (round(side * scale / 2) * 2 for side in (across, down))
    return width, height
