"""Remember the commit up to which a run's history was verified, what it leaves in doubt, and by which rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.domain.doubt import Doubt, Doubts
from gitassets.domain.manifest import Address, Kind

_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_TIP = "tip"


def read_verified_tip(path: Path, key: Mapping[str, str | int]) -> str | None:
    """Return the recorded commit; None if the record is missing, damaged or made under another key."""
    try:
        raw = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    tip = raw.pop(_TIP, None) if isinstance(raw, dict) else None
    return tip if isinstance(tip, str) and _OID.match(tip) and raw == dict(key) else None


def write_verified_tip(path: Path, key: Mapping[str, str | int], tip: str) -> None:
    """Write the record, if the disk allows: losing it costs only time."""
    with suppress(OSError):
        write_atomic(path, json.dumps({**key, _TIP: tip}).encode())


class _Doubted(Struct, frozen=True):
    segment: int
    kind: Kind
    doubt: Doubt | None


class _Record(Struct, frozen=True):
    key: dict[str, str | int | bool]
    tip: str
    of_all: Doubt | None
    assets: list[_Doubted]


def read_doubts(path: Path, key: Mapping[str, str | int], tip: str) -> Doubts | None:
    """Return what the history up to exactly this commit leaves in doubt; None as for `read_verified_tip`."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Record)
    except (OSError, ValueError):
        return None
    if (found.key, found.tip) != (dict(key), tip):
        return None
    return Doubts(found.of_all, {Address(one.segment, one.kind): one.doubt for one in found.assets})


def write_doubts(path: Path, key: Mapping[str, str | int], tip: str, doubts: Doubts) -> None:
    """Write the record, as `write_verified_tip` does."""
    assets = [_Doubted(one.segment, one.kind, doubt) for one, doubt in doubts.by_address.items()]
    with suppress(OSError):
        write_atomic(path, msgspec.json.encode(_Record(dict(key), tip, doubts.of_all, assets), enc_hook=str))
