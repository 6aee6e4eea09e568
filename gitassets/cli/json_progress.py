"""Report progress as JSON lines on standard error, for programs that watch."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitassets.runs.progress import Progress

_LEAST_SEC = 0.2  # Between two lines. The first and the last of a step are always written.


class JsonProgress:
    """Write what is done, how many in a second, and the seconds left."""

    def __init__(self) -> None:
        self._began = self._written = time.monotonic()
        self._first, self._done = 0, -1

    def __enter__(self) -> Callable[[Progress], None]:
        return self._update

    def __exit__(self, *_: object) -> None:
        pass

    def _update(self, progress: Progress) -> None:
        now = time.monotonic()
        begins = self._done < 0 or progress.done < self._done
        if begins:
            self._began, self._first = now, progress.done
        self._done = progress.done
        if begins or progress.done == progress.total or now - self._written >= _LEAST_SEC:
            self._written = now
            typer.echo(json.dumps(describe_progress(progress, self._first, now - self._began)), err=True)


def describe_progress(progress: Progress, first: int, seconds: float) -> dict[str, object]:
    """Return the fields of a line. Rate and time left are null until something is done."""
    done = progress.done - first
    rate = done / seconds if done > 0 and seconds > 0 else None
    return {
        "done": progress.done,
        "total": progress.total,
        "what": progress.what,
        "segment": progress.segment,
        "per_sec": None if rate is None else round(rate, 2),
        "left_sec": None if rate is None else round((progress.total - progress.done) / rate, 1),
    }
