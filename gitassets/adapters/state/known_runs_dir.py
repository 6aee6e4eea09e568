"""Remember where the runs lie, so that commands that only read need no YAML and no pydantic, which take longer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from gitassets import __version__
from gitassets.adapters.files import read_small, write_atomic
from gitassets.domain.settings_text import SETTINGS_NAME


class _Known(msgspec.Struct):
    """What the valid settings with this hash say. It is read on this machine alone, and can be lost."""

    settings: str
    runs_dir: str


def find_runs_dir(root: Path, state_dir: Path, read: Callable[[], str]) -> str:
    """Return the folder of the runs from `read`, or what it said about the same gitassets.yaml to this version."""
    try:
        data = read_small(root / SETTINGS_NAME)
    except FileNotFoundError:
        return read()
    store = state_dir / "runs-dir.json"
    digest = hashlib.sha256(f"{__version__}\n".encode() + data).hexdigest()
    known = _read(store)
    if known is not None and known.settings == digest:
        return known.runs_dir
    found = read()
    if state_dir.is_dir():
        with suppress(OSError):
            write_atomic(store, msgspec.json.encode(_Known(digest, found)), durable=False)
    return found


def _read(store: Path) -> _Known | None:
    try:
        return msgspec.json.decode(store.read_bytes(), type=_Known)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
