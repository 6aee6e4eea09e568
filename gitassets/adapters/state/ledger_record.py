"""Remember what a run's history up to a commit has bought. The record is local, and losing it costs only time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.state.verified_history import Oid
from gitassets.domain.costs import CostPoint
from gitassets.domain.manifest import Kind
from gitassets.domain.records import prepare_record


class TakeRecord(Struct, frozen=True, array_like=True):
    """A take as the manifest formats it, in its last state, and whether its bytes were ever approved."""

    segment: int
    kind: Kind
    asset: dict[str, Any]
    approved: bool


class ChargeRecord(Struct, frozen=True, array_like=True):
    """A charge of a segment, by its name."""

    segment: int
    name: str
    charge: dict[str, Any]


class LedgerRecord(Struct, frozen=True, kw_only=True):
    """What the history up to the commit `tip` has bought, read by this `version` of gitassets."""

    version: str
    tip: Oid
    takes: list[TakeRecord]
    charges: list[ChargeRecord]
    points: list[CostPoint]


prepare_record(LedgerRecord)


def read_ledger_record(path: Path, version: str) -> LedgerRecord | None:
    """Return the record; None if it is missing, damaged or of another version."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=LedgerRecord)
    except (OSError, ValueError):
        return None
    return found if found.version == version else None


def write_ledger_record(path: Path, record: LedgerRecord) -> None:
    """Write the record, if the disk allows."""
    with suppress(OSError):
        write_atomic(path, msgspec.json.encode(record), durable=False)
