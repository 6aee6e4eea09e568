"""Choose among the sizes and ratios that a service offers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence


def nearest_shape(offered: Sequence[str], separator: str, size: tuple[int, int]) -> str:
    """Return the offered shape (`1536x1024`, `16:9`) closest to that of `size`; the first of equals.

    A shape without two numbers (`auto_720p`) is only chosen if there is none with them. Empty if nothing is offered.
    """
    wanted = math.log(size[0] / size[1])
    known = [(abs(math.log(ratio) - wanted), shape) for shape in offered if (ratio := read_ratio(shape, separator))]
    if known:
        return min(known, key=lambda one: one[0])[1]
    return offered[0] if offered else ""


def read_ratio(shape: str, separator: str) -> float | None:
    """Return width by height; None for a shape without two numbers."""
    found = re.fullmatch(rf"(0*[1-9]\d{{0,5}}){re.escape(separator)}(0*[1-9]\d{{0,5}})", shape, re.ASCII)
    return int(found[1]) / int(found[2]) if found else None
