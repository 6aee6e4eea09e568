"""How good a video is to be, and in which format."""

from __future__ import annotations

from enum import StrEnum


class Preset(StrEnum):
    """DRAFT is small and fast, to look at; MASTER takes its time, and is as loud over its whole length as wanted."""

    DRAFT = "draft"
    STANDARD = "standard"
    MASTER = "master"


class Codec(StrEnum):
    """The format of the picture."""

    H264 = "h264"
    H265 = "h265"
    AV1 = "av1"


DRAFT_SIDE = 540


def shrink_to_draft(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a draft: the shorter side is 540 pixels at most, and both are even."""
    factor = min(1.0, DRAFT_SIDE / min(size))
    width, height = (max(2, round(side * factor / 2) * 2) for side in size)
    return width, height
