"""Clips as filter graphs need them: field order of their frames, and frames of one format throughout.

A filter graph restarts when the format of its input changes, and filters that count or hold frames start again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from gitassets.adapters.media.ffmpeg import Ffmpeg, compile_graph, open_input
from gitassets.adapters.media.source import MediaSource

_TIME_BASE = "1/90000"
_FIELD_COUNTS = re.compile(r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)")
_MAX_CHECKED_FRAMES = 60
# Always two threads: the bytes that x264 writes depend on their number.
_NEARLY_LOSSLESS: dict[str, str | int] = {"c:v": "libx264", "preset": "ultrafast", "crf": 8, "threads": 2}
_WITH_ALPHA: dict[str, str | int] = {"c:v": "ffv1"}
# ffmpeg's own default decoders of these two drop the alpha.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def open_clip(source: MediaSource) -> Any:
    """Open the clip's first moving picture, upright: ffmpeg applies its rotation."""
    decoder = _ALPHA_DECODERS.get(source.info.codec or "") if source.info.has_alpha else None
    options = {"c:v": decoder} if decoder else {}
    return open_input(source.path, source.info.demuxer, **options)["V:0"]


def find_field_order(ffmpeg: Ffmpeg, source: MediaSource, task: str) -> str | None:
    """Return which field comes first, "tff" or "bff", if most frames show two moments.

    Return None if they show one, whatever the file says: rebuilding a frame from a field would only blur it.
    """
    if source.info.fields is None:
        return None
    detected = open_clip(source).filter("idet")
    limit = {} if source.info.fields == "are" else {"frames:v": _MAX_CHECKED_FRAMES}
    report = ffmpeg.run(["-v", "info", *compile_graph(detected, Path("-"), "null", limit)], task)
    counts = [[int(one) for one in found] for found in _FIELD_COUNTS.findall(report)]
    top, bottom, whole = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    if top + bottom <= whole:
        return None
    return "tff" if top >= bottom else "bff"


@contextmanager
def steady_clip(ffmpeg: Ffmpeg, source: MediaSource, task: str, seconds: Fraction, path: Path) -> Iterator[MediaSource]:
    """Yield the clip itself, or a temporary copy at `path` of its first `seconds` if it varies.

    The copy is deleted afterwards.
    """
    if not source.info.varies:
        yield source
        return
    try:
        args = compile_graph(_scale_to_largest(source), path, "nut", _copy_options(source, seconds))
        ffmpeg.run(args, task)
        yield MediaSource(source.md5, path, replace(source.info, format="nut", codec=None, matrix="bt709"))
    finally:
        path.unlink(missing_ok=True)


def _copy_options(source: MediaSource, seconds: Fraction) -> dict[str, str | int]:
    codec = _WITH_ALPHA if source.info.has_alpha else _NEARLY_LOSSLESS
    return {**codec, "fps_mode": "passthrough", "enc_time_base": _TIME_BASE, "t": f"{float(seconds):.3f}"}


def _scale_to_largest(source: MediaSource) -> Any:
    """Scale every frame to the shape of the largest one. These filters keep no state, so they may restart."""
    clip = open_clip(source)
    size = tuple(side + side % 2 for side in (source.info.width or 1, source.info.height or 1))
    colours = {"in_color_matrix": source.info.matrix, "out_color_matrix": "bt709", "out_range": "tv"}
    scaled = clip.filter("scale", *size, force_original_aspect_ratio="decrease", **colours)
    formatted = scaled.filter("format", "yuva420p" if source.info.has_alpha else "yuv420p")
    return formatted.filter("pad", *size, x="(ow-iw)/2", y="(oh-ih)/2").filter("setsar", 1)
