"""How the camera moves over a picture: one slow push, in or out, for as long as the picture is seen."""

from __future__ import annotations

import math

from msgspec import Struct

FULL_ZOOM_SEC = 5


class Move(Struct, frozen=True):
    """The zoom at both ends of a move of `frames` frames: 0 shows all of a picture, 1 is the maximum."""

    zoom: tuple[float, float]
    frames: int

    def zoom_at(self, frame: int) -> float:
        """Return the zoom at one frame. The camera starts and stops gently."""
        eased = (1 - math.cos(math.pi * frame / max(1, self.frames))) / 2
        return self.zoom[0] + (self.zoom[1] - self.zoom[0]) * eased


def plan_move(duration_sec: float, frames: int, *, inwards: bool) -> Move:
    """Return a move of at most a full zoom in FULL_ZOOM_SEC."""
    reach = min(1.0, duration_sec / FULL_ZOOM_SEC)
    return Move((0.0, reach) if inwards else (reach, 0.0), frames)
