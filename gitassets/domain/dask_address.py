"""The address of a Dask scheduler: encrypted, or on this machine."""

from __future__ import annotations

import re
from ipaddress import ip_address

from gitassets.errors import UsageError

_ADDRESS = re.compile(r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/@\[\]:?#]+):(?P<port>[0-9]{1,5})/?")
_IN_PROCESS = re.compile(r"inproc://[0-9.]+/[0-9]+/[0-9]+")
_PLAIN, _ENCRYPTED = "tcp", "tls"
_EXAMPLE = "Give its address, such as tls://scheduler.example.org:8786."


def parse_dask_address(text: str) -> str:
    """Return the whole address. Raise UsageError if it is none, or leads to another machine unencrypted.

    Whoever is between a client and a scheduler that trust each other blindly can run any code on all their machines.
    """
    if _IN_PROCESS.fullmatch(text):
        return text
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 65536:
        raise UsageError(f"{text!r} is no address of a Dask scheduler", _EXAMPLE)
    scheme = found["scheme"] or _PLAIN
    if scheme == _PLAIN and not _is_loopback(found["host"]):
        raise UsageError(
            f"The connection to the Dask scheduler at {text} would not be encrypted: anybody on the network could run "
            "programs on the workers and here",
            "Set up certificates, and give the address as tls://HOST:PORT: docs/scale.md shows how.",
        )
    if scheme not in (_PLAIN, _ENCRYPTED):
        raise UsageError(f"{text}: gitassets does not speak {scheme}:// with Dask", "Use tls:// with certificates.")
    return f"{scheme}://{found['host']}:{found['port']}"


def is_encrypted(address: str) -> bool:
    return address.startswith(f"{_ENCRYPTED}://")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
