"""Report the progress of long work to the caller of an action."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True):
    """The progress of long work, the segment it is at, and the money it has spent."""

    done: int
    total: int
    what: str
    spent_usd: float = 0.0
    segment: int | None = None


OnProgress = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """Report nothing, for callers that show no progress."""
    del progress
