"""Show how far a loop over files or commits is, if it takes long and the command shows nothing of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitassets.cli.options import ProgressBar

PATIENCE_SEC = 0.7
"""Loops that end sooner show no bar."""


@contextmanager
def show_counts(as_json: bool) -> Iterator[None]:
    """Show a bar for each long loop of a command, at a terminal and unless --quiet is given."""
    from gitassets.cli.verbosity import is_quiet

    if as_json or is_quiet() or not sys.stderr.isatty():
        yield
        return
    from gitassets.actions.count import counting

    bars = _Bars()
    try:
        with counting(bars.count):
            yield
    finally:
        bars.end()


class _Bars:
    """One bar after the other. A timer starts it, since the first round of a loop may be the longest."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._timer: Timer | None = None
        self._bar: ProgressBar | None = None
        self._latest = (0, 0, "")

    def count(self, done: int, total: int, what: str) -> None:
        if done >= total:
            self.end()
            return
        with self._lock:
            self._latest = (done, total, what)
            if self._timer is None:
                self._timer = Timer(PATIENCE_SEC, self._show)
                self._timer.daemon = True
                self._timer.start()
            elif self._bar is not None:
                self._bar.count(done, total, what)

    def _show(self) -> None:
        from gitassets.cli.options import ProgressBar

        with self._lock:
            if self._timer is not None:
                self._bar = ProgressBar("Working", enabled=True)
                self._bar.count(*self._latest)

    def end(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._bar is not None:
                self._bar.__exit__()
            self._timer = self._bar = None
