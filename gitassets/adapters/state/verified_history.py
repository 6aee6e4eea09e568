"""Remember up to which commit a run's history was verified, what it leaves in doubt, and by which rules.

The records are local: nothing fetches or pushes them, and losing one costs only time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gitassets.adapters.files import write_atomic
from gitassets.domain.doubt import Doubt, Doubts
from gitassets.domain.finding import Finding
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.records import prepare_record

Oid = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?\Z")]
Key = Mapping[str, str | int | bool]
"""Everything on which a judgment depends besides the commits."""


class VerifiedHistory(Struct, frozen=True, kw_only=True):
    """A history in which everything holds: its last commit, how many commits it has, and what is worth a note."""

    key: dict[str, str | int | bool]
    tip: Oid
    commits: Annotated[int, Meta(ge=0)]
    mended: list[Finding]
    by_hand: list[Finding]


prepare_record(VerifiedHistory)


def read_verified(path: Path, key: Key) -> VerifiedHistory | None:
    """Return the record; None if it is missing, damaged or made under another key."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=VerifiedHistory)
    except (OSError, ValueError):
        return None
    return found if found.key == dict(key) else None


def write_verified(path: Path, verified: VerifiedHistory) -> None:
    """Write the record, if the disk allows."""
    with suppress(OSError):
        write_atomic(path, msgspec.json.encode(verified, enc_hook=str))


class _Doubted(Struct, frozen=True):
    segment: int
    kind: Kind
    doubt: Doubt | None


class _Record(Struct, frozen=True):
    key: dict[str, str | int | bool]
    tip: str
    of_all: Doubt | None
    assets: list[_Doubted]


prepare_record(_Record)


def read_doubts(path: Path, key: Key, tip: str) -> Doubts | None:
    """Return what the history up to exactly this commit leaves in doubt; None as for `read_verified`."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Record)
    except (OSError, ValueError):
        return None
    if (found.key, found.tip) != (dict(key), tip):
        return None
    return Doubts(found.of_all, {Address(one.segment, one.kind): one.doubt for one in found.assets})


def write_doubts(path: Path, key: Key, tip: str, doubts: Doubts) -> None:
    """Write the record, as `write_verified` does."""
    assets = [_Doubted(one.segment, one.kind, doubt) for one, doubt in doubts.by_address.items()]
    with suppress(OSError):
        write_atomic(path, msgspec.json.encode(_Record(dict(key), tip, doubts.of_all, assets), enc_hook=str))
