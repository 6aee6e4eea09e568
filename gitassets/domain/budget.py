"""Choose how many segments get an image, and which."""

from __future__ import annotations

from enum import StrEnum


class Budget(StrEnum):
    """The share of segments that get their own image; the others keep showing the last one."""

    MICRO = "micro"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    FULL = "full"


SHARES_PERCENT = {Budget.MICRO: 0, Budget.LOW: 10, Budget.MEDIUM: 27, Budget.HIGH: 55, Budget.FULL: 100}


def choose_image_segments(count: int, budget: Budget) -> tuple[int, ...]:
    """Choose which of the segments 1 to `count` get an image: the budget's share, spread evenly, with the first."""
    if count <= 0 or budget is Budget.MICRO:
        return ()
    pictures = max(1, count * SHARES_PERCENT[budget] // 100)
    return tuple(1 + i * count // pictures for i in range(pictures))
