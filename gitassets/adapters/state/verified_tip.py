"""Remembers up to which commit the history of a run was found to hold, and by which rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gitassets.adapters.files import write_atomic

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_TIP = "tip"


def read_held_tip(path: Path, key: Mapping[str, str | int]) -> str | None:
    """The commit on record; None without a record, and where it is broken or was made under another key."""
    try:
        raw = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    tip = raw.pop(_TIP, None) if isinstance(raw, dict) else None
    return tip if isinstance(tip, str) and _OID.match(tip) and raw == dict(key) else None


def write_held_tip(path: Path, key: Mapping[str, str | int], tip: str) -> None:
    """The record is on disk, unless that is full or may not be written: losing it costs time, never truth."""
    with suppress(OSError):
        write_atomic(path, json.dumps({**key, _TIP: tip}).encode())
