"""Which addresses may be called: the configured service, and otherwise only public addresses over https."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx import URL

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host. Raises OSError if it has none."""

_PORTS = {"https": 443, "http": 80}
_NAT64 = IPv6Network("64:ff9b::/96")


class RefusedAddressError(Exception):
    """A URL leads to a forbidden address. The message names at most the host."""


def resolve_host(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_loopback_host(host: str) -> bool:
    """Return whether the host's name alone shows that it is this computer."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Return whether the address is public: not private, shared, loopback, link-local or multicast."""
    ip = ip_address(address)
    inner = _inner_address(ip)
    return ip.is_global and not ip.is_multicast and (inner is None or is_public(str(inner)))


def _inner_address(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway would forward to."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class AddressRules:
    """The addresses that a service's calls may reach.

    The service's own origin may have any address, since a company's gateway has a private one. Other ports of this
    computer are allowed only if that origin is this computer over plain http, as in tests.
    """

    def __init__(self, base_url: URL) -> None:
        self._own_origin = _origin(base_url)
        self._is_local_test = base_url.scheme == "http" and is_loopback_host(base_url.host)

    def is_own_origin(self, url: URL) -> bool:
        """Return whether the URL has the service's own origin, the only one that may see its key."""
        return _origin(url) == self._own_origin

    def check_url(self, url: URL) -> None:
        """Raise RefusedAddressError unless the URL is https to a host."""
        allows_http = self._is_local_test and is_loopback_host(url.host)
        if not url.host or url.scheme not in ("https", "http"):
            raise RefusedAddressError("the answer leads to something that is no https address")
        if url.scheme == "http" and not allows_http:
            raise RefusedAddressError(f"the answer leads to {url.host} without encryption (http)")

    def check_addresses(self, url: URL, addresses: Sequence[str]) -> None:
        """Raise RefusedAddressError if one of the host's addresses is not public."""
        if not self.is_own_origin(url) and not all(map(self._allows, addresses)):
            raise RefusedAddressError(f"the answer leads to {url.host}, which is an address of an inner network")

    def _allows(self, address: str) -> bool:
        return is_public(address) or (self._is_local_test and ip_address(address).is_loopback)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)
