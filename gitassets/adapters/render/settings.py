"""Settings for rendering a video."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

ZOOM = 0.08
CARD_ZOOM = 0.03
"""A card has a frame near its edges, which a full zoom would cut off at the sides."""
MAX_SLOWDOWN = Fraction(5, 4)

OnProgress = Callable[[int, int], None]
"""Receives the numbers of finished and of all frames. May be called from any thread, one at a time."""


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """`language` is an ISO 639-2 code. With a `title` or `language` of None the video names none.

    `card_style` is that of the cards which stand in for pictures.
    """

    size: tuple[int, int] = (1920, 1080)
    fps: Fraction = Fraction(30)
    keep_video_sound: bool = False
    loudness_lufs: float = -16.0
    title: str | None = None
    language: str | None = None
    card_style: str | None = None
    cache_bytes: int = 5_000_000_000
    jobs: int = min(os.cpu_count() or 1, 8)

    @property
    def canvas_size(self) -> tuple[int, int]:
        """The size at which stills are drawn: large enough that the closest view is not magnified."""
        width, height = (round(side * (1 + ZOOM) / 2) * 2 for side in self.size)
        return width, height


def encoder_options(settings: RenderSettings) -> dict[str, str | int]:
    """Return the options that encode every segment the same way, so that segments can be joined as they are.

    Always two threads: the bytes that x264 writes depend on their number.
    """
    return {
        "c:v": "libx264", "preset": "veryfast", "crf": 20, "profile:v": "high", "pix_fmt": "yuv420p", "threads": 2,
        "g": round(settings.fps * 5), "x264-params": "stitchable=1", "fps_mode": "passthrough",
        "color_range": "tv", "colorspace": "bt709", "color_trc": "bt709", "color_primaries": "bt709",
        "video_track_timescale": settings.fps.numerator, "map_metadata": -1,
        "fflags": "+bitexact", "flags:v": "+bitexact",
    }  # fmt: skip
