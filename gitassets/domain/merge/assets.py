"""Merge one asset three-way. Decisions are never mixed: one side's is adopted, or the asset goes back to review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT, SETTLED, record_conflict
from gitassets.domain.manifest import Asset
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.merge.lines import merge_text
from gitassets.domain.merge.takes import merge_takes
from gitassets.domain.merge.values import are_alike, canonical, join_unique, merge_objects, pick_changed
from gitassets.domain.reopened import count_reopens
from gitassets.domain.status import Status
from gitassets.domain.takes import OF_THE_BYTES

_TEXTS = ("reason", "prompt")
_OF_THE_BYTES = ("duration_sec", "width", "height", "voice", "source", "model", "style", "seed", "text_md5")
_OF_THE_MAKING = ("generated_at", "cost_usd")


def merge_asset(base: Asset | None, ours: Asset | None, theirs: Asset | None) -> tuple[Asset | None, bool]:
    """Return the merged asset and whether both sides agree. One side's change wins over the other's removal."""
    if are_written_alike(ours, theirs) or are_written_alike(theirs, base):
        return ours, True
    if are_written_alike(ours, base):
        return theirs, True
    if ours is None or theirs is None:
        return ours or theirs, True
    return _combine(base, ours, theirs)


def are_written_alike(one: Asset | None, other: Asset | None) -> bool:
    if one is None or other is None or one is other:
        return one is other
    return one == other and canonical(raw_asset(one)) == canonical(raw_asset(other))


def _combine(base: Asset | None, ours: Asset, theirs: Asset) -> tuple[Asset, bool]:
    if _standing(ours) == _standing(theirs):
        return _join(base, ours, theirs, ours), True
    if base is not None:
        for side, other in ((ours, theirs), (theirs, ours)):
            if _is_undecided(base, side, other):
                return _join(base, ours, theirs, _raise_to_review(base, side, other)), True
    return _contradict(base, ours, theirs), False


def _bytes(asset: Asset) -> tuple[Any, ...]:
    return asset.path, asset.md5, asset.size


def _standing(asset: Asset) -> tuple[Any, ...]:
    return asset.status, asset.approved_md5, *_bytes(asset)


def _decision(asset: Asset) -> tuple[Any, ...]:
    conflict = canonical(asset.extra[CONFLICT]) if CONFLICT in asset.extra else None
    return *_standing(asset), canonical(asset.reopened), conflict


def _is_undecided(base: Asset, side: Asset, other: Asset) -> bool:
    """Check whether `side` has decided nothing since the base that the decision of `other` contradicts."""
    if _decision(side) == _decision(base):
        return True
    if base.locked or any(CONFLICT in one.extra for one in (side, other)):
        return False
    if _bytes(side) != _bytes(base) or not are_alike(side.reopened, base.reopened):
        return False
    if side.status is Status.REVIEW:
        return _decision(other) != _decision(base)
    published = other.status is Status.PUBLISHED and other.approved
    return side.approved and published and _bytes(other) == _bytes(side)


def _raise_to_review(base: Asset, side: Asset, other: Asset) -> Asset:
    """Return `other`, put in review if `side` did so with the previous take."""
    moved = side.status is Status.REVIEW and base.status is not Status.REVIEW
    undecided = other.status in (Status.DRAFT, Status.REVISED)
    return replace(other, status=Status.REVIEW) if moved and undecided else other


def _join(base: Asset | None, ours: Asset, theirs: Asset, winner: Asset) -> Asset:
    """Combine the standing of `winner` with both sides' words. Fields that describe the bytes come with the bytes."""
    changes: dict[str, Any] = {name: _merge_words(base, ours, theirs, name) for name in _TEXTS}
    new_bytes = base is not None and winner.md5 != base.md5 and ours.md5 != theirs.md5
    for name in () if new_bytes else (*_OF_THE_BYTES, *_OF_THE_MAKING):
        changes[name] = pick_changed(getattr(base, name, None), getattr(ours, name), getattr(theirs, name))[0]
    changes["reopened"] = _merge_reopened(base, ours, theirs)
    changes["take"] = max(ours.take, theirs.take)
    changes["takes"] = merge_takes(base, ours, theirs, winner.md5)
    changes["extra"] = _merge_extra(base, ours, theirs, winner)
    return replace(winner, **changes)


def _merge_words(base: Asset | None, ours: Asset, theirs: Asset, name: str) -> str | None:
    before = getattr(base, name, None)
    value, agreed = pick_changed(before, getattr(ours, name), getattr(theirs, name))
    if agreed:
        words: str | None = value
        return words
    return merge_text(before or "", getattr(ours, name) or "", getattr(theirs, name) or "")[0] or None


def _merge_reopened(base: Asset | None, ours: Asset, theirs: Asset) -> Mapping[str, str] | None:
    """Return the later record, or, for two concurrent reopens, one with both reasons."""
    before = base.reopened if base else None
    value, agreed = pick_changed(before, ours.reopened, theirs.reopened)
    if agreed or ours.reopened is None or theirs.reopened is None:
        merged: Mapping[str, str] | None = value if agreed else ours.reopened or theirs.reopened
        return merged
    later = max(ours.reopened, theirs.reopened, key=lambda one: (count_reopens(one), canonical(one)))
    earlier = min(ours.reopened, theirs.reopened, key=lambda one: (count_reopens(one), canonical(one)))
    if count_reopens(later) > count_reopens(earlier) or later.get("md5") != earlier.get("md5"):
        return later
    return {**later, "reason": merge_text("", later.get("reason", ""), earlier.get("reason", ""))[0]}


def _merge_extra(base: Asset | None, ours: Asset, theirs: Asset, winner: Asset) -> dict[str, Any]:
    """Merge unknown keys by value. All decisions of two conflicts, or two settled ones, stay recorded.

    Keys that describe the bytes come with the bytes: a request recorded with another's bytes would be reused for them.
    """
    records = {key: _merge_records(base, ours, theirs, key) for key in (CONFLICT, SETTLED)}
    apart = {*records} if ours.md5 == theirs.md5 else {*records, *OF_THE_BYTES}
    rest = [
        {key: value for key, value in side.extra.items() if key not in apart} if side else {}
        for side in (base, ours, theirs)
    ]
    of_bytes = {key: value for key, value in winner.extra.items() if key in apart and key not in records}
    return {**merge_objects(*rest), **of_bytes, **{key: found for key, found in records.items() if found is not None}}


def _merge_records(base: Asset | None, ours: Asset, theirs: Asset, key: str) -> Any:
    before, mine, other = (side.extra.get(key) if side else None for side in (base, ours, theirs))
    value, agreed = pick_changed(before, mine, other)
    if agreed or not (isinstance(mine, list) and isinstance(other, list)):
        return value
    return join_unique(mine, other)


def _contradict(base: Asset | None, ours: Asset, theirs: Asset) -> Asset:
    """Return the asset in review with both decisions recorded, and with approved bytes, else the later take's."""
    chosen = max(ours, theirs, key=lambda side: (side.approved, side.take, canonical(raw_asset(side))))
    merged = replace(
        chosen,
        take=max(ours.take, theirs.take),
        reopened=_merge_reopened(base, ours, theirs),
        takes=merge_takes(base, ours, theirs, chosen.md5),
        extra=_merge_extra(base, ours, theirs, chosen),
    )
    return record_conflict(merged, ours, theirs)
