"""Network access: one connection per request, limited in time, only to checked addresses.

Each request opens its own connection. The other side may have closed a kept-alive connection, which is noticed only
after the request was sent: nobody could tell whether a paid request was bought.
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

from gitassets.providers.http.addresses import (
    AddressRules,
    RefusedAddressError,
    Resolve,
    is_loopback_host,
    resolve_host,
)
from gitassets.providers.http.calls import CallError, Problem

CONNECT_SEC = 20.0
_PIECE_BYTES = 65_536
# They log full URLs, including signatures, and response headers.
_VERBOSE_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


def _silence_loggers() -> None:
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).addFilter(_drop)


def _drop(record: logging.LogRecord) -> bool:  # noqa: ARG001
    return False


_silence_loggers()


@dataclass(frozen=True)
class Network:
    """The external functions that tests replace."""

    resolve: Resolve = resolve_host
    sleep: Callable[[float], None] = time.sleep


class Deadline:
    """The time by which all work must be done."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left_sec(self) -> float:
        return self._end - time.monotonic()

    def limit(self, timeout: float | None, error: type[Exception]) -> float:
        """Return the time that one step may take. Raise `error` if none is left."""
        left = self.left_sec
        if left <= 0:
            raise error("the deadline has passed")
        return left if timeout is None else min(left, timeout)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes never outlast the deadline, however slowly the bytes arrive."""

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
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Resolves a host once, checks its addresses, and connects to one of exactly those."""

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
                return _DeadlineStream(stream, self._deadline)
        raise error

    def _find_addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(self._resolve(host, port))
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} is not known") from error
        except ValueError as error:  # Python rejects the name itself.
            raise RefusedAddressError("the answer leads to a host whose name cannot be one") from error
        self._check(addresses)
        return addresses


class _Transport(httpx.HTTPTransport):
    """httpx's transport over our own connection pool.

    Its constructor takes none, and only a pool of our own connects to exactly the addresses that were checked. A
    transport written anew would have to repeat how httpx translates the errors and streams of httpcore.
    """

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


def open_transport(url: httpx.URL, rules: AddressRules, deadline: Deadline, resolve: Resolve) -> httpx.BaseTransport:
    """Open the transport to this URL for one request.

    Raise RefusedAddressError, now or on connecting, if the address is forbidden. httpx.Client is not used: it would
    keep cookies, read passwords from URLs and follow redirects by itself.
    """
    rules.check_url(url)
    proxy = find_proxy(url)
    if proxy is None:
        backend = _CheckedBackend(deadline, resolve, lambda addresses: rules.check_addresses(url, addresses))
        pool = httpcore.ConnectionPool(ssl_context=_ssl_context(), network_backend=backend)
    else:
        _check_behind_proxy(url, rules, resolve)
        pool = _open_proxy(proxy, _CheckedBackend(deadline, resolve, lambda _: None))
    return _Transport(pool)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Load the default authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR. That takes 120 ms, so cached."""
    return httpx.create_ssl_context()


def find_proxy(url: httpx.URL) -> httpx.Proxy | None:
    """Return the proxy that the environment or system sets for this URL. Raise CallError if it is invalid."""
    if is_loopback_host(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy_url = proxies.get(url.scheme) or proxies.get("all")
    if not proxy_url:
        return None
    try:
        return httpx.Proxy(proxy_url if "://" in proxy_url else f"http://{proxy_url}")
    except (ValueError, httpx.InvalidURL):
        raise CallError(Problem.PROXY) from None


def _check_behind_proxy(url: httpx.URL, rules: AddressRules, resolve: Resolve) -> None:
    """Check the addresses of a host behind a proxy as far as they are known.

    Outer names often do not resolve here: the proxy resolves them and limits where they lead.
    """
    with suppress(OSError, ValueError):
        rules.check_addresses(url, resolve(url.host, url.port or 443))


def _open_proxy(proxy: httpx.Proxy, backend: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    address = httpcore.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    make = httpcore.SOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore.HTTPProxy
    try:
        return make(address, proxy_auth=proxy.raw_auth, ssl_context=_ssl_context(), network_backend=backend)
    except RuntimeError:  # socksio is not installed
        raise CallError(Problem.PROXY) from None
