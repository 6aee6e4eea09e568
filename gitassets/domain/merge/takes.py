"""Three-way merge of an asset's candidates, by their md5: no candidate that a side added is ever lost."""

from __future__ import annotations

from collections.abc import Mapping

from gitassets.domain.manifest import Asset
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.merge.values import canonical


def merge_takes(base: Asset | None, ours: Asset, theirs: Asset, current_md5: str) -> Mapping[str, Asset]:
    """Both sides' candidates beside the merged take. What a side dropped is gone.

    What a side chose, so that it is no candidate there, stays one unless it is the merged take.
    """
    found: dict[str, Asset] = {}
    for md5 in sorted((ours.takes.keys() | theirs.takes.keys()) - {current_md5}):
        before = base.takes.get(md5) if base else None
        mine, other = ours.takes.get(md5), theirs.takes.get(md5)
        if mine is not None and other is not None:
            found[md5] = _pick(before, mine, other)
            continue
        left, lacking = (theirs, ours) if mine is None else (ours, theirs)
        if lacking.md5 == md5 or _written(left.takes[md5]) != _written(before):
            found[md5] = left.takes[md5]
    return found


def _pick(before: Asset | None, mine: Asset, other: Asset) -> Asset:
    if _written(mine) == _written(before):
        return other
    return mine if _written(other) == _written(before) else max(mine, other, key=_written)


def _written(take: Asset | None) -> str:
    return "" if take is None else canonical(raw_asset(take))
