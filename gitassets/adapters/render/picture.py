"""Render the picture of one segment as a video file without sound that can be joined to the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gitassets import __version__
from gitassets.adapters.media.ffmpeg import Ffmpeg, OnFrame, compile_graph
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.media.steady_clip import find_field_order, steady_clip
from gitassets.adapters.render.canvas import draw_canvas, iter_zoom_frames
from gitassets.adapters.render.clip_graph import graph_clip, unify_properties
from gitassets.adapters.render.fallback_card import draw_fallback_card, find_words, list_undrawn
from gitassets.adapters.render.settings import MAX_SLOWDOWN, ZOOM, RenderSettings, encoder_options
from gitassets.domain.card_text import CARD_RULES
from gitassets.domain.timeline import Look, Shot

if TYPE_CHECKING:
    from PIL.Image import Image

_RECIPE_VERSION = 3  # Increase with every change to the rendered file.


@dataclass(frozen=True)
class Picture:
    """The picture of one segment. `clip_shot` is the shot whose clip is played or whose last frame is held.

    `reach` is how far a full zoom enlarges it.
    """

    shot: Shot
    source: MediaSource | None
    clip_shot: Shot | None
    reach: float = ZOOM

    @property
    def task(self) -> str:
        return f"Rendering segment {self.shot.number}"

    @property
    def slowdown(self) -> Fraction:
        """How much a clip shorter than its narration is slowed down, limited so that it looks natural."""
        if self.clip_shot is None or self.source is None or not self.source.info.duration_sec:
            return Fraction(1)
        ratio = self.clip_shot.duration / Fraction(self.source.info.duration_sec)
        return min(max(Fraction(1), ratio), MAX_SLOWDOWN).limit_denominator(100_000)


def describe_picture(picture: Picture, ffmpeg: Ffmpeg, settings: RenderSettings) -> dict[str, object]:
    """Return everything that determines the file: the same description gives the same file."""
    clip_shot = picture.clip_shot
    return {
        "recipe": [_RECIPE_VERSION, __version__, ffmpeg.program.version],
        "encoder": encoder_options(settings),
        "size": settings.size,
        "fps": str(settings.fps),
        "look": picture.shot.look,
        "source": picture.source and picture.source.md5,
        "card": _describe_card(picture.shot, settings.card_style) if picture.shot.look is Look.CARD else None,
        "zoom": [picture.reach, *picture.shot.zoom],
        "frames": picture.shot.frame_count,
        "clip": clip_shot and [str(picture.slowdown), clip_shot.frame_count],
    }


def _describe_card(shot: Shot, style: str | None) -> object:
    """Return the card's words, rules and style, with what no font here draws: another font gives another card."""
    undrawn = list_undrawn([shot]).get(shot.number)
    lacking = [] if undrawn is None else [undrawn.is_plain, *undrawn.what]
    return [CARD_RULES, find_words(shot), style, *lacking]


def render_picture(ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings, target: Path, on_frame: OnFrame) -> None:
    """Render exactly the shot's frames to `target`."""
    if picture.shot.look is Look.CLIP and picture.source is not None:
        with _graph_clip(ffmpeg, picture, picture.source, settings, picture.shot.frame_count, target.parent) as graph:
            ffmpeg.run(compile_graph(graph, target, "mp4", encoder_options(settings)), picture.task, on_frame)
    else:
        args = _still_args(settings, target)
        ffmpeg.feed(args, picture.task, _iter_frames(_draw(ffmpeg, picture, settings), picture, settings, on_frame))


@contextmanager
def _graph_clip(
    ffmpeg: Ffmpeg, picture: Picture, source: MediaSource, settings: RenderSettings, frame_count: int, folder: Path
) -> Iterator[Any]:
    """Yield the clip as a filter graph. Temporary files lie in `folder` until the `with` block ends."""
    shown_sec = frame_count / settings.fps / picture.slowdown + 1
    order = None if source.info.varies else find_field_order(ffmpeg, source, picture.task)
    copy = folder / f"{source.md5}-{picture.shot.number}.nut"
    with steady_clip(ffmpeg, source, picture.task, shown_sec, copy) as steady:
        yield graph_clip(steady, settings, picture.slowdown, frame_count, order)


def _still_args(settings: RenderSettings, target: Path) -> list[str]:
    """Return arguments that encode raw frames from standard input like every other segment."""
    import ffmpeg

    raw = ffmpeg.input("pipe:0", f="rawvideo", pixel_format="yuv420p", video_size=settings.size, framerate=settings.fps)
    return compile_graph(unify_properties(raw), target, "mp4", encoder_options(settings))


def _iter_frames(canvas: Image, picture: Picture, settings: RenderSettings, on_frame: OnFrame) -> Iterator[bytes]:
    start, end = picture.shot.zoom
    zoom = 1 + picture.reach * start, 1 + picture.reach * end
    for number, frame in enumerate(iter_zoom_frames(canvas, settings.size, zoom, picture.shot.frame_count), start=1):
        yield frame
        on_frame(number)


def _draw(ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings) -> Image:
    if picture.source is None:
        return draw_fallback_card(find_words(picture.shot), settings.canvas_size, settings.card_style)
    if picture.clip_shot is not None:
        return _read_last_frame(ffmpeg, picture, picture.source, settings)
    return draw_canvas(picture.source.path, settings.canvas_size)


def _read_last_frame(ffmpeg: Ffmpeg, picture: Picture, source: MediaSource, settings: RenderSettings) -> Image:
    """Return the frame on which the clip stopped in its own segment."""
    from PIL import Image

    count = max(1, picture.clip_shot.frame_count) if picture.clip_shot else 1
    with (
        TemporaryDirectory() as folder,
        _graph_clip(ffmpeg, picture, source, settings, count, Path(folder)) as graph,
    ):
        last = graph.filter("trim", start_frame=count - 1)
        shown = last.filter("scale", in_color_matrix="bt709", out_range="pc").filter("format", "rgb24")
        raw = Path(folder) / "frame.rgb"
        ffmpeg.run(compile_graph(shown, raw, "rawvideo", {"frames:v": 1}), picture.task)
        return Image.frombytes("RGB", settings.size, raw.read_bytes())
