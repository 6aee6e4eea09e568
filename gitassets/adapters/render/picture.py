"""Render the picture of one segment as a video file without sound that can be joined to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gitassets import __version__
from gitassets.adapters.media.ffmpeg import Ffmpeg, OnFrame, compile_graph, compile_stream
from gitassets.adapters.media.source import MediaSource
from gitassets.adapters.media.steady_clip import find_field_order, steady_clip
from gitassets.adapters.render.burned_captions import BurnedCaptions, burn_captions
from gitassets.adapters.render.camera import iter_frames, read_frame
from gitassets.adapters.render.canvas import draw_canvas, draw_whole
from gitassets.adapters.render.clip_graph import graph_clip
from gitassets.adapters.render.dress import choose_style, describe_layers, describe_style, find_dip_colour
from gitassets.adapters.render.encoder import encode_part, encoder_options, encoder_version
from gitassets.adapters.render.fallback_card import draw_fallback_card, find_words, list_undrawn
from gitassets.adapters.render.layers import lay_layers, mix_transition
from gitassets.adapters.render.settings import MAX_SLOWDOWN, ZOOM, RenderSettings
from gitassets.domain.camera import Move
from gitassets.domain.card_text import CARD_RULES
from gitassets.domain.look import Camera, Join
from gitassets.domain.timeline import Look, Shot

if TYPE_CHECKING:
    from av import VideoFrame
    from PIL.Image import Image

_RECIPE_VERSION = 4  # Increase with every change to the rendered file.


@dataclass(frozen=True)
class Picture:
    """The picture of one segment. `clip_shot` is the shot whose clip is played or whose last frame is held.

    `reach` is how far a full zoom enlarges it. `before` is the picture that its first frames are mixed with. `captions`
    are drawn into it.
    """

    shot: Shot
    source: MediaSource | None
    clip_shot: Shot | None
    reach: float = ZOOM
    before: Picture | None = None
    captions: BurnedCaptions | None = None

    @property
    def task(self) -> str:
        return f"Rendering segment {self.shot.number}"

    @property
    def is_still(self) -> bool:
        """Whether the camera moves over a picture that stands still."""
        return self.shot.look is not Look.CLIP or self.source is None

    @property
    def move(self) -> Move:
        """The camera's move, of which the shot may show only a part."""
        return self.shot.move or Move(self.shot.zoom, self.shot.frame_count)

    @property
    def slowdown(self) -> Fraction:
        """How much a clip shorter than its narration is slowed down, limited so that it looks natural."""
        if self.clip_shot is None or self.source is None or not self.source.info.duration_sec:
            return Fraction(1)
        seen_sec = self.clip_shot.lead + self.clip_shot.duration + self.clip_shot.tail
        ratio = seen_sec / Fraction(self.source.info.duration_sec)
        return min(max(Fraction(1), ratio), MAX_SLOWDOWN).limit_denominator(100_000)


def describe_picture(picture: Picture, ffmpeg: Ffmpeg, settings: RenderSettings) -> dict[str, object]:
    """Return everything that determines the file: the same description gives the same file."""
    return {
        **_describe_frames(picture, ffmpeg, settings),
        **describe_layers(picture.shot, settings),
        **_describe_transition(picture, ffmpeg, settings),
    }


def _describe_transition(picture: Picture, ffmpeg: Ffmpeg, settings: RenderSettings) -> dict[str, object]:
    join, before = picture.shot.transition, picture.before
    if join is None or before is None:
        return {}
    colour = find_dip_colour(settings) if join.kind is Join.DIP else ""
    return {"transition": [join.kind, join.frames, colour, _describe_frames(before, ffmpeg, settings)]}


def _describe_frames(picture: Picture, ffmpeg: Ffmpeg, settings: RenderSettings) -> dict[str, object]:
    """Return everything that determines the frames before anything is mixed with them or laid over them."""
    clip_shot = picture.clip_shot
    return {
        "recipe": [_RECIPE_VERSION, __version__, ffmpeg.program.version, encoder_version()],
        "encoder": [settings.encoding.codec, encoder_options(settings, still=picture.is_still)],
        "size": settings.size,
        "fps": str(settings.fps),
        "look": picture.shot.look,
        "source": picture.source and picture.source.md5,
        "card": _describe_card(picture.shot, describe_style(settings)) if picture.shot.look is Look.CARD else None,
        "move": [picture.reach, *_describe_move(picture, settings), picture.shot.move_from],
        "frames": picture.shot.frame_count,
        "clip": clip_shot and [str(picture.slowdown), clip_shot.frame_count],
        **({"captions": picture.captions.describe()} if picture.captions else {}),
    }


def _describe_move(picture: Picture, settings: RenderSettings) -> list[object]:
    move = picture.move
    panned: list[object] = ["pan", *move.pan] if move.pan != (0.0, 0.0) else []
    return [*move.zoom, move.frames, *panned, *(["whole"] if settings.look.camera is Camera.OFF else [])]


def _describe_card(shot: Shot, style: object) -> object:
    """Return the card's words, rules and style, with what no font here draws: another font gives another card."""
    undrawn = list_undrawn([shot]).get(shot.number)
    lacking = [] if undrawn is None else [undrawn.is_plain, *undrawn.what]
    return [CARD_RULES, find_words(shot), style, *lacking]


def render_picture(ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings, target: Path, on_frame: OnFrame) -> None:
    """Render exactly the shot's frames to `target`."""
    options = encoder_options(settings, still=picture.is_still)
    with ExitStack() as stack:
        own = range(picture.shot.frame_count)
        frames = stack.enter_context(_open_frames(ffmpeg, picture, settings, target.parent, own))
        if picture.before is not None and picture.shot.transition is not None:
            ends = picture.before.shot.frame_count
            tail = range(ends, ends + picture.shot.transition.frames)
            mixed = stack.enter_context(_open_frames(ffmpeg, picture.before, settings, target.parent, tail))
            frames = mix_transition(frames, mixed, picture.shot.transition, find_dip_colour(settings))
        before = picture.before.shot if picture.before is not None else None
        frames = lay_layers(frames, picture.shot, before, settings)
        frames = _add_captions(frames, ffmpeg, picture, settings, target.parent)
        encode_part(_watch(frames, ffmpeg, picture.task, on_frame), settings, options, target, picture.task)


def _add_captions(
    frames: Iterator[VideoFrame], ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings, folder: Path
) -> Iterator[VideoFrame]:
    if picture.captions is None:
        return frames
    return burn_captions(frames, picture.captions, settings, ffmpeg, picture.task, folder)


@contextmanager
def _open_frames(
    ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings, folder: Path, numbers: range
) -> Iterator[Iterator[VideoFrame]]:
    """Yield the frames of the picture with these numbers, which may go on after its own shot."""
    if picture.is_still or picture.source is None:
        yield _film(_draw(ffmpeg, picture, settings), picture, settings, numbers)
        return
    with _graph_clip(ffmpeg, picture, picture.source, settings, numbers.stop, folder) as graph:
        cut = _skip_frames(graph, numbers.start, settings) if numbers.start else graph
        yield _read_clip(ffmpeg, cut, picture.task, settings.size)


def _skip_frames(graph: Any, count: int, settings: RenderSettings) -> Any:
    return graph.filter("trim", start_frame=count).filter("settb", str(1 / settings.fps)).filter("setpts", "N")


def _watch(frames: Iterable[VideoFrame], ffmpeg: Ffmpeg, task: str, on_frame: OnFrame) -> Iterator[VideoFrame]:
    """Yield the frames, report their number, and stop where everything is stopped."""
    for number, frame in enumerate(frames, start=1):
        ffmpeg.check_running(task)
        yield frame
        on_frame(number)


def _read_clip(ffmpeg: Ffmpeg, graph: Any, task: str, size: tuple[int, int]) -> Iterator[VideoFrame]:
    args = compile_stream(graph, "rawvideo", {"fps_mode": "passthrough"})
    return (read_frame(raw, size) for raw in ffmpeg.read(args, task, size[0] * size[1] * 3 // 2))


@contextmanager
def _graph_clip(
    ffmpeg: Ffmpeg, picture: Picture, source: MediaSource, settings: RenderSettings, frame_count: int, folder: Path
) -> Iterator[Any]:
    """Yield the clip as a filter graph. Temporary files lie in `folder` until the `with` block ends."""
    shown_sec = frame_count / settings.fps / picture.slowdown + 1
    order = None if source.info.varies else find_field_order(ffmpeg, source, picture.task)
    copy = folder / f"{source.md5}-{picture.shot.number}-{frame_count}.nut"
    with steady_clip(ffmpeg, source, picture.task, shown_sec, copy) as steady:
        yield graph_clip(steady, settings, picture.slowdown, frame_count, order)


def _film(canvas: Image, picture: Picture, settings: RenderSettings, numbers: range) -> Iterator[VideoFrame]:
    move, begun = picture.move, picture.shot.move_from
    zooms = (1 + picture.reach * move.zoom_at(begun + frame) for frame in numbers)
    pans = (move.pan_at(begun + frame) for frame in numbers) if move.pan != (0.0, 0.0) else None
    return iter_frames(canvas, settings.size, zooms, pans)


def _draw(ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings) -> Image:
    """Draw the canvas, at a size from which the camera can move exactly."""
    from PIL import Image

    drawn = _draw_at_its_size(ffmpeg, picture, settings)
    wanted = settings.canvas_size
    return drawn if drawn.size == wanted else drawn.resize(wanted, Image.Resampling.LANCZOS)


def _draw_at_its_size(ffmpeg: Ffmpeg, picture: Picture, settings: RenderSettings) -> Image:
    if picture.source is None:
        return draw_fallback_card(find_words(picture.shot), settings.canvas_size, choose_style(settings))
    if picture.clip_shot is not None:
        return _read_last_frame(ffmpeg, picture, picture.source, settings)
    if settings.look.camera is Camera.OFF:
        return draw_whole(picture.source.path, settings.canvas_size)
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
