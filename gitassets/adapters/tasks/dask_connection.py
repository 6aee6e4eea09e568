"""Connect to a Dask scheduler, with certificates unless it is on this machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gitassets.domain.dask_address import is_encrypted
from gitassets.errors import GitAssetsError, RemoteError

_CONNECT_SEC = 15
_FILES = {"ca-file": "tls_ca_file", "client.cert": "tls_client_cert", "client.key": "tls_client_key"}
_OPTIONAL = ("client.key",)  # It may be in the file of the certificate.
_SHOWN = "docs/scale.md shows how."


def require_dask() -> None:
    """Raise GitAssetsError unless Dask is installed."""
    if find_spec("distributed") is None:
        raise GitAssetsError(
            "Other machines are reached by dask.distributed, which is not installed",
            "Install it with `pip install distributed`.",
        )


@contextmanager
def connect(address: str) -> Iterator[Any]:
    """Yield a client of the scheduler. Raise RemoteError if none answers."""
    distributed, dask = import_module("distributed"), import_module("dask")
    security = read_certificates() if is_encrypted(address) else None
    limits = {"distributed.comm.timeouts.connect": f"{_CONNECT_SEC}s"}
    with dask.config.set(limits), _silence_dask(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Another version of Python is no matter: only bytes are exchanged.
        try:
            client = distributed.Client(
                address, timeout=_CONNECT_SEC, set_as_default=False, security=security, name="gitassets"
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise RemoteError(
                f"No Dask scheduler can be reached at {address}",
                "Check that it runs there, and that both sides use certificates of the same authority: docs/scale.md "
                "shows how.",
            ) from error
        try:
            yield client
        finally:
            with suppress(OSError, RuntimeError):
                client.close(timeout=_CONNECT_SEC)


def read_certificates() -> Any:
    """Return the certificates that Dask's own settings name. Raise GitAssetsError if one is not there."""
    security = import_module("distributed.security").Security(require_encryption=True)
    for name, attribute in _FILES.items():
        value = getattr(security, attribute)
        if not value and name not in _OPTIONAL:
            raise GitAssetsError(
                f"Dask's settings name no certificate: distributed.comm.tls.{name} is not set", f"Set it: {_SHOWN}"
            )
        if value and not Path(value).is_file():
            raise GitAssetsError(
                f"There is no file {value}, which Dask's setting distributed.comm.tls.{name} names",
                f"Correct the setting: {_SHOWN}",
            )
    try:
        security.get_connection_args("client")
    except OSError as error:
        raise GitAssetsError(
            f"The certificate of Dask's setting distributed.comm.tls.client.cert cannot be used: {error}",
            f"It is a PEM file, and the setting client.key names its key: {_SHOWN}",
        ) from error
    return security


@contextmanager
def _silence_dask() -> Iterator[None]:
    """Keep Dask from writing to the terminal: we say ourselves what a user can act on."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
