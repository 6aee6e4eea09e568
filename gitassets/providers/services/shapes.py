"""Choose among the sizes and ratios that a service offers."""

from __future__ import annotations

import math
from collections.abc import Sequence


def nearest_shape(offered: Sequence[str], separator: str, size: tuple[int, int]) -> str:
    """Return the offered shape (`1536x1024`, `16:9`) closest to that of `size`; the first of equals."""
    wanted = math.log(size[0] / size[1])

    def distance(shape: str) -> float:
        width, height = map(int, shape.split(separator))
        return abs(math.log(width / height) - wanted)

    return min(offered, key=distance)
