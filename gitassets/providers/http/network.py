"""The way onto the network: one connection for one exchange, bounded in time, to addresses that were checked.

Each exchange opens a connection of its own. One that was kept open may have been closed by the other side, which is
noticed only after a request was sent: of a paid request nobody could then say whether it was bought.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from gitassets.providers.http.addresses import Bounds, RefusedAddressError, Resolve, is_loopback_host, resolve_host
from gitassets.providers.http.calls import CallError, Problem

CONNECT_SEC = 20.0
_PIECE_BYTES = 65_536
# They write full URLs, signatures included, and the headers of answers.
_TALKATIVE = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


def _silence_loggers() -> None:
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:  # noqa: ARG001
    return False


_silence_loggers()


@dataclass(frozen=True)
class Network:
    """The parts of the outside world that tests replace."""

    resolve: Resolve = resolve_host
    sleep: Callable[[float], None] = time.sleep


class Deadline:
    """A moment by which everything must be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left_sec(self) -> float:
        return self._end - time.monotonic()

    def limit(self, timeout: float | None, error: type[Exception]) -> float:
        """The time that one step may take; `error` when there is none left."""
        left = self.left_sec
        if left <= 0:
            raise error("the deadline has passed")
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection of which no read or write outlasts the deadline, however slowly the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.limit(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            limit = self._deadline.limit(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _PIECE_BYTES], limit)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._deadline.limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Resolves a host once, has its addresses checked, and connects to one of those very addresses."""

    def __init__(self, deadline: Deadline, resolve: Resolve, check: Callable[[list[str]], None]) -> None:
        self._deadline, self._resolve, self._check = deadline, resolve, check

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = httpcore.ConnectError("the host has no address")
        for address in self._find_addresses(host, port):
            limit = self._deadline.limit(timeout, httpcore.ConnectTimeout)
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
            else:
                return _Stream(stream, self._deadline)
        raise error

    def _find_addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(self._resolve(host, port))
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} is not known") from error
        except ValueError as error:  # Python itself takes it for no name.
            raise RefusedAddressError("the answer leads to a host whose name cannot be one") from error
        self._check(addresses)
        return addresses


class _Transport(httpx.HTTPTransport):
    """httpx's own, over a pool with a backend of ours, for which its constructor has no parameter."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


def open_transport(url: httpx.URL, bounds: Bounds, deadline: Deadline, resolve: Resolve) -> httpx.BaseTransport:
    """The way to this URL for one exchange. RefusedAddressError, now or on connecting, when it leads astray.

    No httpx.Client, which would keep cookies, read passwords out of URLs and follow what an answer says.
    """
    bounds.check_url(url)
    proxy = find_proxy(url)
    if proxy is None:
        backend = _Backend(deadline, resolve, lambda addresses: bounds.check_addresses(url, addresses))
        pool = httpcore.ConnectionPool(ssl_context=_ssl_context(), network_backend=backend)
    else:
        _check_behind_proxy(url, bounds, resolve)
        pool = _open_proxy(proxy, _Backend(deadline, resolve, lambda _: None))
    return _Transport(pool)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """The usual authorities, or those that SSL_CERT_FILE and SSL_CERT_DIR name. Loading them takes its time."""
    return httpx.create_ssl_context()


def find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """The proxy that the environment or the system wants for this URL. CallError when what they name is none."""
    if is_loopback_host(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named:
        return None
    try:
        return httpx.Proxy(named if "://" in named else f"http://{named}")
    except (ValueError, httpx.InvalidURL):
        raise CallError(Problem.PROXY) from None


def _check_behind_proxy(url: httpx.URL, bounds: Bounds, resolve: Resolve) -> None:
    """Behind a proxy the outer names are often unknown here: the proxy resolves them, and bounds what they lead to."""
    with suppress(OSError, ValueError):
        bounds.check_addresses(url, resolve(url.host, url.port or 443))


def _open_proxy(proxy: httpx.Proxy, backend: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    address = httpcore.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    make = httpcore.SOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore.HTTPProxy
    try:
        return make(address, proxy_auth=proxy.raw_auth, ssl_context=_ssl_context(), network_backend=backend)
    except RuntimeError:  # socksio is not installed
        raise CallError(Problem.PROXY) from None
