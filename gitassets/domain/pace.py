"""The pace of a video: where pauses and transitions lie, in exact seconds and whole frames.

Frames are counted from the start of the video. A transition overlaps pictures alone: the sound knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct


class Slot(Struct, frozen=True):
    """The time of one picture: `lead` seconds before its sound begins, and `tail` seconds after it ends.

    Its own frames begin at `first_frame`, among them those of the transition from the picture before, of which the
    first `blend` are mixed. It is seen for `overhang` more frames, mixed into those of the next picture.
    """

    start: Fraction
    duration: Fraction
    lead: Fraction
    tail: Fraction
    first_frame: int
    frame_count: int
    blend: int = 0
    overhang: int = 0


def time_slots(
    durations: Sequence[Fraction], pauses: Sequence[Fraction], blends_sec: Sequence[Fraction], fps: Fraction
) -> list[Slot]:
    """Time pictures one after another. `pauses` and `blends_sec` are those before each, and a last pause at the end.

    Half of a pause belongs to the picture before it, and a transition lies in its middle. A video has at least one
    frame, however short its sound.
    """
    edges, starts, at = [0], [], Fraction(0)
    leads = [Fraction(0), *(pause / 2 for pause in pauses[1:-1])]
    tails = [*leads[1:], pauses[-1]]
    for lead, duration, tail in zip(leads, durations, tails, strict=True):
        starts.append(at + lead)
        at += lead + duration + tail
        edges.append(round(at * fps))
    edges[-1] = max(edges[-1], 1)
    counts = [end - begin for begin, end in pairwise(edges)]
    blends = [0, *(_limit(round(sec * fps), pair) for sec, pair in zip(blends_sec[1:], pairwise(counts), strict=True))]
    return [
        Slot(start, duration, lead, tail, *_cover(edges[at], edges[at + 1], blend, overhang), blend, overhang)
        for at, (start, duration, lead, tail, blend, overhang) in enumerate(
            zip(starts, durations, leads, tails, blends, [*blends[1:], 0], strict=True)
        )
    ]


def _limit(frames: int, neighbours: tuple[int, int]) -> int:
    """Limit a transition to half of the shorter picture; one of a single frame would be a cut that flickers."""
    limited = min(frames, *(count // 2 for count in neighbours))
    return limited if limited > 1 else 0


def _cover(begin: int, end: int, blend: int, overhang: int) -> tuple[int, int]:
    """Return the first frame and the number of frames, when half of each transition lies before its edge."""
    first = begin - blend // 2
    return first, end - overhang // 2 - first
