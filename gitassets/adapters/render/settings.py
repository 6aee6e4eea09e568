"""Settings for rendering a video."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from gitassets.adapters.render.encodings import Encoding, find_encoding
from gitassets.domain.caption_style import CaptionStyle, CaptionUse
from gitassets.domain.look import PLAIN, LookSettings
from gitassets.domain.quality import Codec, Preset

ZOOM = 0.08
CARD_ZOOM = 0.03
"""A card has a frame near its edges, which a full zoom would cut off at the sides."""
MAX_SLOWDOWN = Fraction(5, 4)

CANVAS_SCALE = 1.1
"""How much larger than the frame a still is drawn: more than the zoom, since the scaler's ratios of whole sizes are
coarse around one."""

OnProgress = Callable[[int, int, int | None], None]
"""Receives the numbers of finished and of all frames, and of a segment that is being rendered.

May be called from any thread, one at a time."""


@dataclass(frozen=True)
class LookFile:
    """A file that the look names, which the caller has checked."""

    md5: str
    path: Path
    suffix: str = ""


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """`language` is an ISO 639-2 code. With a `title` or `language` of None the video names none.

    `card_style` is that of the cards which the build draws, `caption_style` that of captions in the picture.
    `look_files` are the files of the look by their keys.
    """

    size: tuple[int, int] = (1920, 1080)
    fps: Fraction = Fraction(30)
    keep_video_sound: bool = False
    loudness_lufs: float = -16.0
    title: str | None = None
    language: str | None = None
    card_style: str | None = None
    look: LookSettings = PLAIN
    look_name: str = ""
    look_files: Mapping[str, LookFile] = field(default_factory=dict)
    captions: CaptionUse = CaptionUse.FILE
    caption_style: CaptionStyle = field(default_factory=CaptionStyle)
    preset: Preset = Preset.STANDARD
    codec: Codec = Codec.H264
    cache_bytes: int = 5_000_000_000
    jobs: int = min(os.cpu_count() or 1, 8)

    @property
    def encoding(self) -> Encoding:
        return find_encoding(self.preset, self.codec)

    @property
    def canvas_size(self) -> tuple[int, int]:
        """The size at which stills are drawn: large enough that the closest view is not magnified."""
        width, height = (round(side * CANVAS_SCALE / 2) * 2 for side in self.size)
        return width, height
