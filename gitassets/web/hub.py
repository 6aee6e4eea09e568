"""The open pages that listen for events."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from gitassets.web.errors import Refused
from gitassets.web.jobs import Job, encode_job

_MOST_PAGES = 100
_MOST_PENDING = 1000
Event = tuple[str, bytes]


@dataclass
class Hub:
    """The pages that listen. Only the event loop touches them; other threads use `tell`."""

    _pages: set[asyncio.Queue[Event | None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None

    def join(self) -> asyncio.Queue[Event | None]:
        if len(self._pages) >= _MOST_PAGES:
            raise Refused(503, "busy", "Too many pages are open", "Close some of them.")
        self._loop = asyncio.get_running_loop()
        page: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_PENDING)
        self._pages.add(page)
        return page

    def leave(self, page: asyncio.Queue[Event | None]) -> None:
        self._pages.discard(page)

    def tell(self, name: str, data: bytes) -> None:
        """Send an event to every page, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile.
                self._loop.call_soon_threadsafe(self._send, (name, data))

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        for page in self._pages:
            _end(page)

    def _send(self, event: Event) -> None:
        for page in tuple(self._pages):
            if page.full():
                _end(page)
            else:
                page.put_nowait(event)

    def tell_job(self, job: Job) -> None:
        self.tell("job", encode_job(job))


def _end(page: asyncio.Queue[Event | None]) -> None:
    """End the page's stream. A page that was too slow connects again, and is told how things are."""
    while not page.empty():
        page.get_nowait()
    page.put_nowait(None)
