"""A clip as a filter graph: its frames at the video's rate, in the video's shape and colours, as many as are wanted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.media.steady_clip import open_clip
from gitassets.adapters.render.canvas import (
    BACKDROP_BLUR,
    BACKDROP_LIGHT,
    backdrop_size,
    fills,
    size_around,
    size_inside,
)
from gitassets.adapters.render.settings import RenderSettings

_COLOURS = {"range": "tv", "color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
_REFERENCE_WHITE_NITS = 203  # ITU-R BT.2408
_DARK_LUMA = 32


def graph_clip(
    source: MediaSource, settings: RenderSettings, slowdown: Fraction, frame_count: int, field_order: str | None = None
) -> Any:
    """The clip from its beginning, slowed down, for `frame_count` frames; its last frame stays when it ends before.

    With a `field_order` each of its frames shows two moments, of which the first is shown.
    """
    clip = open_clip(source)
    if field_order is not None:
        clip = clip.filter("bwdif", mode="send_frame", parity=field_order, deint="all")
    clip = clip.filter("setpts", f"(PTS-STARTPTS)*{slowdown}").filter("fps", fps=str(settings.fps), start_time=0)
    clip = _shape(_normalise_colours(clip, source), source, settings)
    clip = clip.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=frame_count)
    # Some versions give the first padded frame the time of the frame before it.
    clip = clip.filter("settb", str(1 / settings.fps)).filter("setpts", "N")
    return mark_alike(clip)


def mark_alike(frames: Any) -> Any:
    """Frames that say the same of themselves as those of every other segment: else the encoded headers would differ."""
    return frames.filter("format", "yuv420p").filter("setsar", 1).filter("setparams", field_mode="prog", **_COLOURS)


def _normalise_colours(clip: Any, source: MediaSource) -> Any:
    """BT.709, in its own matrix and range where it is that already. The brightness of HDR is brought down by a curve
    that keeps the middle tones."""
    if source.info.hdr is None:
        return _narrow(clip, source) if _is_wide(source) else clip
    given = {"matrixin": "2020_ncl", "primariesin": "2020", "transferin": source.info.hdr}
    linear = clip.filter("zscale", **given, transfer="linear", npl=_REFERENCE_WHITE_NITS)
    linear = linear.filter("format", "gbrpf32le").filter("zscale", primaries="709")
    mapped = linear.filter("tonemap", "mobius", desat=0)
    return mapped.filter("zscale", transfer="709", matrix="709", range="limited").filter("format", "yuv420p")


def _is_wide(source: MediaSource) -> bool:
    # The filter knows of no transparency.
    return source.info.primaries is not None and not source.info.has_alpha


def _narrow(clip: Any, source: MediaSource) -> Any:
    """The same colours in the numbers of BT.709: without it they would look faded."""
    plain = clip.filter("scale", in_color_matrix=source.info.matrix, out_color_matrix="bt709", out_range="tv")
    given = {"matrixin": "709", "rangein": "limited", "transferin": "709", "primariesin": source.info.primaries}
    wanted = {"matrix": "709", "range": "limited", "transfer": "709", "primaries": "709"}
    return plain.filter("format", "yuv444p10le").filter("zscale", **given, **wanted).filter("format", "yuv420p")


def _shape(clip: Any, source: MediaSource, settings: RenderSettings) -> Any:
    """The whole clip in the frame; where it leaves room, over a blurred view of itself."""
    shown = source.info.width or 1, source.info.height or 1
    if fills(shown, settings.size) and not source.info.has_alpha:
        return _cover(clip, source, settings.size)
    both = clip.split()
    ground = _plain(both[0], settings.size) if source.info.has_alpha else _blur(both[0], source, settings.size)
    whole = _scale(both[1], size_inside(shown, settings.size), source)
    return ground.overlay(whole, x="(W-w)/2", y="(H-h)/2")


def _scale(clip: Any, size: tuple[int, int], source: MediaSource) -> Any:
    # Nothing is left of the clip's own matrix once its colours have been changed.
    matrix = source.info.matrix if source.info.hdr is None and not _is_wide(source) else "bt709"
    scaled = clip.filter("scale", *size, in_color_matrix=matrix, out_color_matrix="bt709", out_range="tv")
    return scaled.filter("format", "yuva420p" if source.info.has_alpha else "yuv420p")


def _cover(clip: Any, source: MediaSource, size: tuple[int, int]) -> Any:
    around = size_around((source.info.width or 1, source.info.height or 1), size)
    return _scale(clip, around, source).filter("crop", *size)


def _blur(clip: Any, source: MediaSource, size: tuple[int, int]) -> Any:
    small = backdrop_size(size)
    blurred = _cover(clip, source, small).filter("gblur", sigma=max(small) * BACKDROP_BLUR).filter("scale", *size)
    return blurred.filter(
        "lutyuv",
        y=f"(val-16)*{BACKDROP_LIGHT}+16",
        u=f"(val-128)*{BACKDROP_LIGHT}+128",
        v=f"(val-128)*{BACKDROP_LIGHT}+128",
    )


def _plain(clip: Any, size: tuple[int, int]) -> Any:
    """A frame of one colour for every frame of the clip."""
    return clip.filter("scale", *size).filter("format", "yuv420p").filter("lutyuv", y=_DARK_LUMA, u=128, v=128)
