"""Run the server until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from gitassets.errors import UsageError
from gitassets.web.app import make_app
from gitassets.web.patience import ImpatientProtocol
from gitassets.web.site import Site

_BACKLOG = 512
_MOST_CONNECTIONS = 700  # A process may have 1024 files open on most systems.
_STOP_TIMEOUT_SEC = 2


def bind(host: str, port: int) -> socket.socket:
    """Listen at the address; port 0 is any free one. Raise UsageError if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: each answer would take 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Cannot listen at {host}, port {port}: {error.strerror or error}",
            "Choose another with --port, or leave it out to get a free one.",
        ) from error
    return listener


def serve(site: Site, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    """Answer requests until Ctrl-C or SIGTERM. The socket listens already, so nothing that comes early is lost."""
    server = ReviewServer(make_config(site), site)
    on_ready()
    server.run(sockets=[listener])


class ReviewServer(uvicorn.Server):
    """Ends the streams of events first, which would otherwise never end by themselves."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._site.hub.close()
        await super().shutdown(sockets)


def make_config(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(site),
        http=ImpatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="critical",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_STOP_TIMEOUT_SEC,
    )
