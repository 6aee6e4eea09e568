"""How the camera moves over a picture: one slow push or pan, for as long as the picture is seen."""

from __future__ import annotations

import math

from msgspec import Struct

from gitassets.domain.look import Camera

FULL_ZOOM_SEC = 5


class Move(Struct, frozen=True):
    """The zoom at both ends of a move of `frames` frames: 0 shows all of a picture, 1 is the maximum.

    `pan` is how far to the right the camera looks at both ends, from -1 to 1, the edges of what the zoom leaves.
    """

    zoom: tuple[float, float]
    frames: int
    pan: tuple[float, float] = (0.0, 0.0)

    def zoom_at(self, frame: int) -> float:
        """Return the zoom at one frame. The camera starts and stops gently."""
        return self._ease(self.zoom, frame)

    def pan_at(self, frame: int) -> float:
        return self._ease(self.pan, frame)

    def _ease(self, ends: tuple[float, float], frame: int) -> float:
        eased = (1 - math.cos(math.pi * frame / max(1, self.frames))) / 2
        return ends[0] + (ends[1] - ends[0]) * eased


def plan_move(
    duration_sec: float, frames: int, *, inwards: bool, camera: Camera = Camera.PUSH, may_pan: bool = False
) -> Move:
    """Return a move of at most a full zoom, or the way from edge to edge, in FULL_ZOOM_SEC."""
    reach = min(1.0, duration_sec / FULL_ZOOM_SEC)
    if camera in (Camera.STILL, Camera.OFF):
        return Move((0.0, 0.0), frames)
    if camera is Camera.PAN and may_pan:
        return Move((1.0, 1.0), frames, (-reach, reach) if inwards else (reach, -reach))
    return Move((0.0, reach) if inwards else (reach, 0.0), frames)
