"""Mix the transition at the beginning of a shot, and lay its names and the logo over its frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gitassets.adapters.render.dress import make_logo, make_third, time_third
from gitassets.adapters.render.frame_mix import Layer, lay_over, make_frame, mix_planes, read_planes
from gitassets.adapters.render.settings import RenderSettings
from gitassets.domain.timeline import Role, Shot, Transition

if TYPE_CHECKING:
    from av import VideoFrame


def mix_transition(
    frames: Iterable[VideoFrame], before: Iterable[VideoFrame], join: Transition, colour: str
) -> Iterator[VideoFrame]:
    """Yield the frames, the first of them mixed with those of the picture before."""
    waiting, ending = iter(frames), iter(before)
    for number in range(1, join.frames + 1):
        share = number / (join.frames + 1)
        yield make_frame(mix_planes(join.kind, colour, read_planes(next(ending)), read_planes(next(waiting)), share))
    yield from waiting


def lay_layers(
    frames: Iterator[VideoFrame], shot: Shot, before: Shot | None, settings: RenderSettings
) -> Iterator[VideoFrame]:
    """Yield the frames with what the look lays over them. Those that have nothing over them stay as they are."""
    time, logo = time_third(shot, settings), make_logo(settings)
    third = make_third(shot, settings) if time is not None else None
    if logo is None and third is None:
        yield from frames
        return
    for number, frame in enumerate(frames):
        shown = time.opacity_at(number) if time is not None else 0.0
        yield _lay(frame, [(third, shown), (logo, find_logo_opacity(shot, before, number))])


def find_logo_opacity(shot: Shot, before: Shot | None, frame: int) -> float:
    """Return how opaque the logo is: it stands over segments, not over the look's own cards."""
    own = float(shot.role is Role.SEGMENT)
    if before is None or frame >= shot.blend:
        return own
    earlier, share = float(before.role is Role.SEGMENT), (frame + 1) / (shot.blend + 1)
    return earlier + (own - earlier) * share


def _lay(frame: VideoFrame, layers: Iterable[tuple[Layer | None, float]]) -> VideoFrame:
    seen = [(layer, opacity) for layer, opacity in layers if layer is not None and opacity > 0]
    if not seen:
        return frame
    planes = read_planes(frame)
    for layer, opacity in seen:
        planes = lay_over(planes, layer, opacity)
    return make_frame(planes)
