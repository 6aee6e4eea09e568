"""A clip as a filter graph: frames at the video's rate, in its shape and colours, exactly as many as needed."""

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

COLOURS = {"range": "tv", "color_primaries": "bt709", "color_trc": "bt709", "colorspace": "bt709"}
_REFERENCE_WHITE_NITS = 203  # ITU-R BT.2408
_DARK_LUMA = 32


def graph_clip(
    source: MediaSource, settings: RenderSettings, slowdown: Fraction, frame_count: int, field_order: str | None = None
) -> Any:
    """Build a graph of the clip from its beginning, slowed down, for `frame_count` frames.

    The last frame is held if the clip ends earlier. If there is a `field_order`, each frame shows two moments, and only
    the first is shown.
    """
    clip = open_clip(source)
    if field_order is not None:
        clip = clip.filter("bwdif", mode="send_frame", parity=field_order, deint="all")
    clip = clip.filter("setpts", f"(PTS-STARTPTS)*{slowdown}").filter("fps", fps=str(settings.fps), start_time=0)
    clip = _fit_to_frame(_normalise_colours(clip, source), source, settings)
    clip = clip.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=frame_count)
    # Some ffmpeg versions give the first padded frame the time of the previous frame.
    clip = clip.filter("settb", str(1 / settings.fps)).filter("setpts", "N")
    return _unify_properties(clip)


def _unify_properties(frames: Any) -> Any:
    """Give the frames the same properties as every other segment's; otherwise the encoded headers would differ."""
    return frames.filter("format", "yuv420p").filter("setsar", 1).filter("setparams", field_mode="prog", **COLOURS)


def _normalise_colours(clip: Any, source: MediaSource) -> Any:
    """Convert to BT.709; keep the matrix and range of a clip that is BT.709 already.

    The brightness of HDR is reduced by a curve that keeps the middle tones.
    """
    if source.info.hdr is None:
        return _narrow_gamut(clip, source) if _needs_narrowing(source) else clip
    source_colours = {"matrixin": "2020_ncl", "primariesin": "2020", "transferin": source.info.hdr}
    linear = clip.filter("zscale", **source_colours, transfer="linear", npl=_REFERENCE_WHITE_NITS)
    linear = linear.filter("format", "gbrpf32le").filter("zscale", primaries="709")
    mapped = linear.filter("tonemap", "mobius", desat=0)
    return mapped.filter("zscale", transfer="709", matrix="709", range="limited").filter("format", "yuv420p")


def _needs_narrowing(source: MediaSource) -> bool:
    # zscale does not support transparency.
    return source.info.primaries is not None and not source.info.has_alpha


def _narrow_gamut(clip: Any, source: MediaSource) -> Any:
    """Convert wide-gamut colours to BT.709; without this they would look faded."""
    plain = clip.filter("scale", in_color_matrix=source.info.matrix, out_color_matrix="bt709", out_range="tv")
    source_colours = {
        "matrixin": "709",
        "rangein": "limited",
        "transferin": "709",
        "primariesin": source.info.primaries,
    }
    target_colours = {"matrix": "709", "range": "limited", "transfer": "709", "primaries": "709"}
    return (
        plain.filter("format", "yuv444p10le")
        .filter("zscale", **source_colours, **target_colours)
        .filter("format", "yuv420p")
    )


def _fit_to_frame(clip: Any, source: MediaSource, settings: RenderSettings) -> Any:
    """Fit the whole clip into the frame, over a blurred view of itself where it leaves space."""
    shown = source.info.width or 1, source.info.height or 1
    if fills(shown, settings.size) and not source.info.has_alpha:
        return _cover(clip, source, settings.size)
    both = clip.split()
    ground = _fill_plain(both[0], settings.size) if source.info.has_alpha else _blur(both[0], source, settings.size)
    whole = _scale(both[1], size_inside(shown, settings.size), source)
    return ground.overlay(whole, x="(W-w)/2", y="(H-h)/2")


def _scale(clip: Any, size: tuple[int, int], source: MediaSource) -> Any:
    # The clip's own matrix no longer applies once its colours have been converted.
    matrix = source.info.matrix if source.info.hdr is None and not _needs_narrowing(source) else "bt709"
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


def _fill_plain(clip: Any, size: tuple[int, int]) -> Any:
    """Replace every frame of the clip with one of a single colour."""
    return clip.filter("scale", *size).filter("format", "yuv420p").filter("lutyuv", y=_DARK_LUMA, u=128, v=128)
