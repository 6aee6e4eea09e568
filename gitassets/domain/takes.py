"""The takes of one asset, as the states of a history show them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.manifest import Asset

LATEST_TAKE = "latest_take"
REQUEST, PARENT, MADE_FROM, CREDIT, REUSED_FROM = "request", "parent", "made_from", "credit", "reused_from"
BOUGHT_WITH, COPIED_FROM, MOVED_FROM = "bought_with", "copied_from", "moved_from"
OF_THE_MAKING = frozenset({"prompt_sent", "prompt_cut", "revised_prompt", "parameters", "job", CREDIT, REQUEST})
"""Keys that a provider, or who asked it, says of bytes, whosever they are."""
OF_THE_BYTES = OF_THE_MAKING | {
    "format", "origin", "library", "shared_with", BOUGHT_WITH, COPIED_FROM, MOVED_FROM, PARENT, MADE_FROM, REUSED_FROM,
}  # fmt: skip
"""Keys of an asset that tell of the bytes of one take, and do not go over to the next.

`request` is the fingerprint of what a service was asked; `parent` the md5 of the take that this one replaced;
`made_from` the md5 of the audio and image that a clip was made from; `reused_from` the take whose bytes these are, and
`bought_with` the asset for which they were bought too: such a take cost nothing.
"""


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
