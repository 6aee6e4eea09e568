"""The addresses that may receive a service's key: its own, and those that the user accepted in this clone."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from gitassets.errors import ProviderError, Remedy

Accepted = tuple[str, str]
"""A service and the origin of the address that may receive its key."""


class UnacceptedAddressError(ProviderError):
    """gitassets.yaml names an address that is not the service's own, and nobody has accepted it in this clone."""


_accepted: frozenset[Accepted] = frozenset()


def set_accepted(accepted: Iterable[Accepted]) -> None:
    """Replace what is accepted by what the project at hand has accepted."""
    global _accepted
    _accepted = frozenset(accepted)


def read_origin(url: str) -> str:
    """Return scheme, host and port of a URL: `https://gateway.example:8443`."""
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, 443 if parts.scheme == "https" else 80) else None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def needs_acceptance(base_url: str, own_url: str) -> bool:
    """Return whether the address is not the service's own. Any program may listen on a port of this computer."""
    return not own_url or read_origin(base_url) != read_origin(own_url)


def is_accepted(service: str, base_url: str) -> bool:
    return (service, read_origin(base_url)) in _accepted


def check_accepted(label: str, service: str, base_url: str) -> None:
    """Raise UnacceptedAddressError unless the user has accepted that the service's key goes to this address."""
    if is_accepted(service, base_url):
        return
    raise UnacceptedAddressError(
        f"{label}: the settings have {service} called at {read_origin(base_url)}, which nobody has accepted in this "
        "clone, so its key does not go there",
        Remedy("accept-address", provider=service),
    )
