"""Record two contradicting decisions on an asset until a new decision settles them.

A merge of two such decisions puts the asset in review and both decisions under its key `conflict`. Approving or
rejecting moves them to `settled`, which distinguishes a merge that settled its conflicts from one that dropped a side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from gitassets.domain.manifest import Address, Asset, Manifest, Segment
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.merge.values import are_alike, join_unique
from gitassets.domain.status import Status

CONFLICT, SETTLED = "conflict", "settled"


def conflict_records(asset: Asset) -> list[dict[str, Any]]:
    """Return the unsettled decisions, each as the asset's manifest entry."""
    return _records(asset, CONFLICT)


def text_records(segment: Segment) -> list[dict[str, Any]]:
    """Return the unsettled texts of two branches, each under its key in the manifest."""
    found = segment.extra.get(CONFLICT)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def settled_records(asset: Asset) -> list[dict[str, Any]]:
    """Return the contradicting decisions that have been settled."""
    return _records(asset, SETTLED)


def settles_anew(asset: Asset, before: Iterable[Asset | None]) -> bool:
    """Check whether the asset records a settled decision that it did not record before, on any side."""
    known = [record for one in before if one is not None for record in settled_records(one)]
    return any(record not in known for record in settled_records(asset))


def _records(asset: Asset, key: str) -> list[dict[str, Any]]:
    found = asset.extra.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def describe_conflict(asset: Asset) -> tuple[str, ...]:
    """Describe each unsettled decision."""
    return tuple(map(describe_record, conflict_records(asset))) if asset.extra else ()


def describe_record(record: Mapping[str, Any]) -> str:
    """Return a text such as "rejected, take 2, md5 0cc175b9c0f1 (too dark)"."""
    reason = f" ({record['reason']})" if record.get("reason") else ""
    return f"{record.get('status')}, take {record.get('take', 1)}, md5 {str(record.get('md5'))[:12]}{reason}"


def iter_conflicts(manifest: Manifest) -> Iterator[tuple[Address, Asset]]:
    """Yield every asset with an unsettled conflict."""
    for address, asset in manifest.assets():
        if CONFLICT in asset.extra:
            yield address, asset


def iter_text_conflicts(manifest: Manifest) -> Iterator[int]:
    """Yield every segment whose text holds the lines of two sides that changed the same lines."""
    for number, segment in manifest.segments.items():
        if CONFLICT in segment.extra:
            yield number


def settle(asset: Asset) -> Asset:
    """Move the asset's conflicting decisions to `settled`. An asset without a conflict stays unchanged."""
    if CONFLICT not in asset.extra:
        return asset
    rest = {key: value for key, value in asset.extra.items() if key != CONFLICT}
    return replace(asset, extra={**rest, SETTLED: asset.extra[CONFLICT]})


def record_conflict(chosen: Asset, *sides: Asset) -> Asset:
    """Put `chosen` in review with the decisions of the sides, including those already in conflict there."""
    records = join_unique(*(_own_records(side) for side in sides))
    rest = {key: value for key, value in chosen.extra.items() if key not in (CONFLICT, SETTLED)}
    return replace(chosen, status=Status.REVIEW, approved_md5=None, extra={**rest, CONFLICT: records})


def _own_records(side: Asset) -> list[dict[str, Any]]:
    """Return a side's decisions. A side that is itself in conflict brings the decisions it records.

    It adds its present state only if that holds other bytes.
    """
    earlier = conflict_records(side)
    if side.status is Status.REVIEW and any(one.get("md5") == side.md5 for one in earlier):
        return earlier
    return [*earlier, raw_asset(replace(side, takes={}, extra={}))]


def settles(asset: Asset, expected: Asset) -> bool:
    """Check whether `asset` settles the conflict that the merge left in `expected`, with bytes of one of the sides."""
    records = conflict_records(expected)
    known = {(expected.md5, expected.size), *((one.get("md5"), one.get("size")) for one in records)}
    return (
        CONFLICT not in asset.extra
        and asset.status in (Status.APPROVED, Status.REJECTED)
        and (asset.md5, asset.size) in known
        and are_alike(settled_records(asset), records)
    )
