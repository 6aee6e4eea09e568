"""Film a still with a moving camera: each frame is cut out at a fraction of a pixel, by ffmpeg's scaler.

The scaler takes whole pixels alone. A frame is therefore scaled from a little more of the canvas to a little more than
the frame, and cut to size afterwards. Among the pairs of whole sizes there is one whose ratio is as good as exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from gitassets.adapters.render.canvas import split_planes

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL.Image import Image

_SCALER = "bicubic"
_GOOD_PX = 0.01
_LEAST_SLACK_PX = 128  # A small frame needs more pairs to choose from.
_EDGE_PX = 2  # Nearer to the edge of what is scaled, the scaler lacks pixels.
_CHROMA_CENTRE = 128  # In 1/256 of a pixel: between two pixels of the luma, where the canvas's chroma lies.
_CHROMA_STEP = 256


@dataclass(frozen=True)
class Axis:
    """One side of the canvas, of the canvas with its margin, and of the frame, in pixels."""

    canvas: int
    padded: int
    frame: int


@dataclass(frozen=True)
class Cut:
    """Scale `source` pixels in the middle of the canvas to `target`, and show the middle of these."""

    source: int
    source_from: int
    target: int
    target_from: int


def pad_axis(canvas: int, frame: int) -> Axis:
    """Return an axis with a margin for the pixels that are scaled and not shown."""
    # Even, for the chroma.
    margin = 2 * math.ceil(_slack(frame) * canvas / frame / 4) + 4
    return Axis(canvas, canvas + 2 * margin, frame)


def _slack(frame: int) -> int:
    return max(frame // 10, _LEAST_SLACK_PX)


def choose_cut(axis: Axis, magnification: float) -> Cut:
    """Choose the smallest cut that shows the wanted part of the axis almost exactly, or else the most exact one."""
    step = axis.canvas / magnification / axis.frame
    best, least = Cut(axis.padded, 0, axis.frame, 0), math.inf
    for target in range(axis.frame, axis.frame + _slack(axis.frame), 2):
        source = axis.padded - 2 * round((axis.padded - target * step) / 2)
        error_px = _find_error(axis, source, target, step)
        if error_px < least:
            best = Cut(source, (axis.padded - source) // 2, target, (target - axis.frame) // 2)
            least = error_px
        if least < _GOOD_PX:
            break
    return best


def _find_error(axis: Axis, source: int, target: int, step: float) -> float:
    """Return how far the frame's first or last pixel would be off, in pixels. The scaler counts in 1/65536."""
    scaled_step = ((source << 16) + (target >> 1)) // target / 65536
    first = (axis.padded - source) // 2 + (target - axis.frame) // 2 * scaled_step + scaled_step / 2
    wanted = axis.padded / 2 - axis.frame * step / 2 + step / 2
    last_off = first - wanted + (axis.frame - 1) * (scaled_step - step)
    return max(abs(first - wanted), abs(last_off)) / step


def choose_pan(axis: Axis, magnification: float, shift_px: float) -> Cut:
    """Choose a cut of this magnification whose middle lies `shift_px` of the canvas to the right of its middle.

    All of them have the same ratio, so that the picture glides: its place alone changes, by fractions of a pixel.
    """
    step = axis.canvas / magnification / axis.frame
    source, target = _choose_pan_sizes(axis, step)
    scaled_step = ((source << 16) + (target >> 1)) // target / 65536
    wanted = axis.padded / 2 - axis.frame * step / 2 + step / 2 + shift_px
    best, least = Cut(source, (axis.padded - source) // 2, target, (target - axis.frame) // 2), math.inf
    for target_from in range(_EDGE_PX, target - axis.frame - _EDGE_PX):
        offset = (target_from + 0.5) * scaled_step
        source_from = min(max(round(wanted - offset), 0), axis.padded - source)
        error_px = abs(source_from + offset - wanted)
        if error_px < least:
            best, least = Cut(source, source_from, target, target_from), error_px
    return best


@lru_cache(maxsize=8)
def _choose_pan_sizes(axis: Axis, step: float) -> tuple[int, int]:
    """Choose sizes of about the wanted ratio that leave many places to begin at."""
    slack = _slack(axis.frame)
    pairs = [
        (axis.padded - 2 * round((axis.padded - target * step) / 2), target)
        for target in range(axis.frame + slack // 2, axis.frame + slack, 2)
    ]
    return min(pairs, key=lambda pair: abs(pair[0] / pair[1] - step))


def iter_frames(
    canvas: Image, size: tuple[int, int], magnifications: Iterable[float], pans: Iterable[float] | None = None
) -> Iterator[VideoFrame]:
    """Yield a frame in yuv420p and BT.709 for each magnification.

    At 1 all of the canvas is shown, whose shape should be about that of the frame. `pans` say how far to the right of
    the middle each frame lies, from -1 to 1, the edges of the canvas.
    """
    axes = [pad_axis(*sides) for sides in zip(canvas.size, size, strict=True)]
    padded = _pad(canvas, axes)
    if pans is None:
        for magnification in magnifications:
            yield _cut(padded, size, [choose_cut(axis, magnification) for axis in axes])
        return
    for magnification, pan in zip(magnifications, pans, strict=True):
        across, down = axes
        shift_px = pan * across.canvas * (1 - 1 / magnification) / 2
        yield _cut(padded, size, [choose_pan(across, magnification, shift_px), choose_cut(down, magnification)])


def _pad(canvas: Image, axes: Sequence[Axis]) -> VideoFrame:
    """Convert the canvas to a frame, with its edges continued into the margin."""
    import av

    frame = av.VideoFrame(axes[0].padded, axes[1].padded, "yuv420p")
    for plane, drawn in zip(frame.planes, split_planes(canvas), strict=True):
        padded = _continue_edges(drawn, (plane.width, plane.height))
        plane.update(align_lines(padded.tobytes(), plane.width, plane.line_size))
    return frame


def _continue_edges(plane: Image, size: tuple[int, int]) -> Image:
    from PIL import Image

    width, height = size
    left, top = (width - plane.width) // 2, (height - plane.height) // 2
    right, bottom = left + plane.width, top + plane.height
    padded = Image.new("L", size)
    padded.paste(plane, (left, top))
    for edge, box in (
        ((left, top, left + 1, bottom), (0, top, left, bottom)),
        ((right - 1, top, right, bottom), (right, top, width, bottom)),
        ((0, top, width, top + 1), (0, 0, width, top)),
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    ):
        padded.paste(padded.crop(edge).resize((box[2] - box[0], box[3] - box[1])), box)
    return padded


def read_frame(data: bytes, size: tuple[int, int]) -> VideoFrame:
    """Return the frame that is given as raw yuv420p."""
    import av

    frame, start = av.VideoFrame(*size, "yuv420p"), 0
    for plane in frame.planes:
        end = start + plane.width * plane.height
        plane.update(align_lines(data[start:end], plane.width, plane.line_size))
        start = end
    return frame


def write_frame(frame: VideoFrame) -> bytes:
    """Return the frame as raw yuv420p."""
    return b"".join(_pack(bytes(plane), plane.width, plane.height, plane.line_size) for plane in frame.planes)


def _pack(data: bytes, width: int, height: int, line_size: int) -> bytes:
    """Leave out what fills each line up to the length that it has in memory."""
    if width == line_size:
        return data[: width * height]
    return b"".join(data[start : start + width] for start in range(0, height * line_size, line_size))


def align_lines(data: bytes, width: int, line_size: int) -> bytes:
    """Fill each line up to the length that it has in memory."""
    if width == line_size:
        return data
    gap = bytes(line_size - width)
    return b"".join(data[start : start + width] + gap for start in range(0, len(data), width))


def _cut(canvas: VideoFrame, size: tuple[int, int], cuts: Sequence[Cut]) -> VideoFrame:
    from av.filter import Graph

    across, down = cuts
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=canvas.width, height=canvas.height, format=canvas.format, time_base=Fraction(1, 1)),
        graph.add("crop", _crop((across.source, down.source), (across.source_from, down.source_from))),
        graph.add("scale", f"{across.target}:{down.target}:flags={_SCALER}:{_site_chroma(across, down)}"),
        graph.add("crop", _crop(size, (across.target_from, down.target_from))),
        graph.add("buffersink"),
    ).configure()
    graph.vpush(canvas)
    return graph.vpull()


def _crop(size: tuple[int, int], corner: tuple[int, int]) -> str:
    return "{}:{}:{}:{}:exact=1".format(*size, *corner)


def _site_chroma(across: Cut, down: Cut) -> str:
    """Say where the chroma lies, which moves by half of its pixels where a cut begins at an odd pixel of the luma."""
    return ":".join(
        f"in_{axis}_chr_pos={_CHROMA_CENTRE - _CHROMA_STEP * (cut.source_from % 2)}"
        f":out_{axis}_chr_pos={_CHROMA_CENTRE + _CHROMA_STEP * (cut.target_from % 2)}"
        for axis, cut in (("h", across), ("v", down))
    )
