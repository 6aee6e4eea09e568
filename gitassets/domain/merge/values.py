"""Merge JSON values three-way. Swapping the two sides does not change the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

UNMERGED = "unmerged"
"""The key under which an object keeps the values that lost against another change, by key."""

_MISSING = object()


def canonical(value: Any) -> str:
    """Return a text that is equal only for values that are written alike. It also defines an order."""
    return json.dumps(value, ensure_ascii=False, default=dict)


def are_alike(one: Any, other: Any) -> bool:
    """Check whether two values are written alike. 1, 1.0 and true are not, though Python treats them as equal."""
    return one is other or (one == other and canonical(one) == canonical(other))


def pick_changed(base: Any, ours: Any, theirs: Any) -> tuple[Any, bool]:
    """Return the value after both sides' changes, and whether they agree. If not, the last in canonical order wins."""
    if are_alike(ours, theirs) or are_alike(theirs, base):
        return ours, True
    if are_alike(ours, base):
        return theirs, True
    return max(ours, theirs, key=canonical), False


def merge_objects(base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Merge both sides' changes. A change wins over a removal. Values that lost are kept under `unmerged`."""
    whole, agreed = pick_changed(base, ours, theirs)
    if agreed:
        return dict(whole)
    merged: dict[str, Any] = {}
    lost: dict[str, Any] = {}
    left_over = ours.keys() | theirs.keys()
    for key in [*(key for key in base if key in left_over), *sorted(left_over - base.keys())]:
        before, mine, other = (side.get(key, _MISSING) for side in (base, ours, theirs))
        if mine is _MISSING or other is _MISSING:
            left = other if mine is _MISSING else mine
            if not are_alike(left, before):
                merged[key] = left
            continue
        merged[key], agreed = pick_changed(before, mine, other)
        if not agreed and isinstance(mine, dict) and isinstance(other, dict):
            merged[key] = merge_objects(before if isinstance(before, dict) else {}, mine, other)
        elif not agreed:
            lost[key] = min(mine, other, key=canonical)
    return _keep_lost(merged, lost) if lost else merged


def _keep_lost(merged: Mapping[str, Any], lost: Mapping[str, Any]) -> dict[str, Any]:
    earlier = merged.get(UNMERGED)
    kept: dict[str, Any] = dict(earlier) if isinstance(earlier, dict) else {}
    for key, value in lost.items():
        values = kept.get(key)
        kept[key] = join_unique(values if isinstance(values, list) else [], [value])
    return {**merged, UNMERGED: kept}


def join_unique(*lists: list[Any]) -> list[Any]:
    """Return all values of the lists, each once, in canonical order."""
    found = {canonical(value): value for values in lists for value in values}
    return [found[key] for key in sorted(found)]
