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
    """An asset as a commit has made it."""

    asset: Asset
    commit: str
    author: str
    date: str


def collect_takes(sightings: Iterable[Sighting], current: Asset | None) -> tuple[Take, ...]:
    """Every take in the order in which they came, from sightings oldest first; `current` is the asset as it is now."""
    takes: dict[tuple[int, str], Take] = {}
    for seen in sightings:
        first = takes.get(_key(seen.asset)) or Take(seen.asset, seen.commit, seen.author, seen.date)
        takes[_key(seen.asset)] = replace(first, asset=seen.asset)
    if current is not None and _key(current) in takes:
        takes[_key(current)] = replace(takes[_key(current)], asset=current, current=True)
    return tuple(takes.values())


def _key(asset: Asset) -> tuple[int, str]:
    return asset.take, asset.md5


def next_take(asset: Asset | None) -> int:
    """The number of the take that is to follow, also where an older take is the current one."""
    if asset is None:
        return 1
    latest = asset.extra.get(LATEST_TAKE)
    return max(asset.take, latest if isinstance(latest, int) else 0) + 1
