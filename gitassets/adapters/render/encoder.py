"""Encode frames in this process, every part of a video the same way, so that parts can be joined as they are."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gitassets.adapters.render.settings import RenderSettings
from gitassets.errors import GitAssetsError

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream

_COLOURS = {"color_range": "tv", "colorspace": "bt709", "color_trc": "bt709", "color_primaries": "bt709"}


def encoder_version() -> str:
    """Return what determines the encoder's bytes besides its options: it comes with PyAV."""
    import av

    return f"PyAV {av.__version__} with libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"


def encoder_options(settings: RenderSettings, *, still: bool) -> dict[str, str]:
    """Return the options of the encoder for a clip, or for a still that a camera moves over.

    Always one thread: the bytes that x264 writes depend on their number, and parts are encoded side by side.
    """
    return {
        **settings.encoding.options,
        **(settings.encoding.still if still else {}),
        "g": str(round(settings.fps * 5)),
        "threads": "1",
        "flags": "+bitexact",
        **_COLOURS,
    }


def encode_part(
    frames: Iterable[VideoFrame], settings: RenderSettings, options: Mapping[str, str], target: Path, task: str
) -> None:
    """Write the frames to `target`, an mp4 without sound. Raise GitAssetsError that begins with `task`."""
    import av

    try:
        _encode(frames, settings, options, target)
    except av.FFmpegError as error:
        hint = "Free some space on the disk." if error.errno == errno.ENOSPC else ""
        raise GitAssetsError(f"{task} failed: {error.strerror}", hint) from error


def _encode(frames: Iterable[VideoFrame], settings: RenderSettings, options: Mapping[str, str], target: Path) -> None:
    import av

    os.environ.setdefault("SVT_LOG", "1")  # Errors alone: SVT-AV1 would describe itself on standard error.
    muxer = {"fflags": "+bitexact", "video_track_timescale": str(settings.fps.numerator)}
    with av.open(f"file:{target}", "w", "mp4", muxer) as output:
        added = output.add_stream(settings.encoding.codec, rate=settings.fps, options=dict(options))
        stream = cast("VideoStream", added)
        stream.width, stream.height = settings.size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = 1 / settings.fps
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, 1 / settings.fps
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
