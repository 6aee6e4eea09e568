"""The takes of one asset, as the states of a history show them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.manifest import Asset

LATEST_TAKE = "latest_take"
OF_THE_BYTES = frozenset({"format", "origin", "library", "shared_with", "copied_from", "moved_from"})
"""Keys of an asset that tell of the bytes of one take, and do not go over to the next."""


class Take(Struct, frozen=True):
    """One version of an asset's bytes: as it was last recorded, and the commit that brought it in."""

    asset: Asset
    commit: str
    author: str
    date: str
    current: bool = False


class Sighting(Struct, frozen=True):
    """An asset as one commit records it."""

    asset: Asset | None
    commit: str
    author: str
    date: str


def collect_takes(sightings: Iterable[Sighting]) -> tuple[Take, ...]:
    """Every take in the order in which they came, from sightings oldest first. The last sighting is the current one."""
    takes: dict[tuple[int, str], Take] = {}
    current: Asset | None = None
    for seen in sightings:
        current = seen.asset
        if current is None:
            continue
        key = (current.take, current.md5)
        known = takes.get(key)
        first = known or Take(current, seen.commit, seen.author, seen.date)
        takes[key] = replace(first, asset=current)
    return tuple(
        replace(one, current=current is not None and (one.asset.take, one.asset.md5) == (current.take, current.md5))
        for one in takes.values()
    )


def next_take(asset: Asset | None) -> int:
    """The number of the take that is to follow, also where an older take is the current one."""
    if asset is None:
        return 1
    latest = asset.extra.get(LATEST_TAKE)
    return max(asset.take, latest if isinstance(latest, int) else 0) + 1
