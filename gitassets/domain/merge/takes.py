"""Merge an asset's candidates three-way, by md5. A candidate that one side added is never lost."""

from __future__ import annotations

from collections.abc import Mapping

from gitassets.domain.manifest import Asset
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.merge.values import canonical


def merge_takes(base: Asset | None, ours: Asset, theirs: Asset, current_md5: str) -> Mapping[str, Asset]:
    """Return both sides' candidates, without the merged current take. Candidates that a side dropped are gone.

    A candidate that one side made its current take stays a candidate, unless it is the merged current take.
    """
    found: dict[str, Asset] = {}
    for md5 in sorted((ours.takes.keys() | theirs.takes.keys()) - {current_md5}):
        before = base.takes.get(md5) if base else None
        mine, other = ours.takes.get(md5), theirs.takes.get(md5)
        if mine is not None and other is not None:
            found[md5] = _pick(before, mine, other)
            continue
        left, lacking = (theirs, ours) if mine is None else (ours, theirs)
        if lacking.md5 == md5 or _format_canonical(left.takes[md5]) != _format_canonical(before):
            found[md5] = left.takes[md5]
    return found


def _pick(before: Asset | None, mine: Asset, other: Asset) -> Asset:
    if _format_canonical(mine) == _format_canonical(before):
        return other
    return mine if _format_canonical(other) == _format_canonical(before) else max(mine, other, key=_format_canonical)


def _format_canonical(take: Asset | None) -> str:
    return "" if take is None else canonical(raw_asset(take))
