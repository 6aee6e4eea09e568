"""The takes of one asset: the current one, its candidates, and those that the states of a history show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.manifest import TAKES_FOLDER, Address, Asset, Manifest, default_path, iter_folder_entries
from gitassets.domain.status import Status

LATEST_TAKE = "latest_take"
REQUEST, PARENT, MADE_FROM, CREDIT, REUSED_FROM = "request", "parent", "made_from", "credit", "reused_from"
BOUGHT_WITH, COPIED_FROM, MOVED_FROM, PROMPT_MD5 = "bought_with", "copied_from", "moved_from", "prompt_md5"
OF_THE_MAKING = frozenset(
    {"prompt_sent", "prompt_cut", "revised_prompt", "parameters", "job", "left_out", CREDIT, REQUEST}
)
"""Keys that a provider, or who asked it, says of bytes, whosever they are."""
OF_THE_BYTES = OF_THE_MAKING | {
    "format", "origin", "library", "shared_with", BOUGHT_WITH, COPIED_FROM, MOVED_FROM, PARENT, MADE_FROM, REUSED_FROM,
    PROMPT_MD5,
}  # fmt: skip
"""Keys of an asset that tell of the bytes of one take, and do not go over to the next.

`request` is the fingerprint of what a service was asked; `parent` the md5 of the take that this one replaced;
`made_from` the md5 of the audio and image that a clip was made from; `reused_from` the take whose bytes these are, and
`bought_with` the asset for which they were bought too: such a take cost nothing. `prompt_md5` is that of what the
segment said an image is to show, when this one was made.
"""


class Take(Struct, frozen=True):
    """One version of an asset's bytes: as it was last recorded, and the commit that brought it in.

    What was decided about it while it was the current one stands in the asset of a candidate and an earlier take too.
    """

    asset: Asset
    commit: str
    author: str
    date: str
    current: bool = False
    candidate: bool = False


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
        for asset in _iter_takes(seen.asset):
            known = takes.get(_key(asset)) or Take(asset, seen.commit, seen.author, seen.date)
            decided = asset if asset is seen.asset else _with_decision(asset, known.asset)
            takes[_key(asset)] = replace(known, asset=decided)
    if current is not None and _key(current) in takes:
        takes[_key(current)] = replace(takes[_key(current)], asset=current)
    return tuple(_mark(one, current) for one in takes.values())


def _key(asset: Asset) -> tuple[int, str]:
    return asset.take, asset.md5


def _iter_takes(asset: Asset) -> Iterator[Asset]:
    yield from sorted_takes(asset)
    yield asset


def sorted_takes(asset: Asset) -> list[Asset]:
    """The candidates in the order in which they came."""
    return sorted(asset.takes.values(), key=_key)


def _with_decision(candidate: Asset, known: Asset) -> Asset:
    return replace(candidate, status=known.status, reason=known.reason)


def _mark(take: Take, now: Asset | None) -> Take:
    """The take with its place in the asset as it is now, None when it is gone; without the candidates beside it."""
    alone = replace(take, asset=replace(take.asset, takes={}))
    if now is None:
        return alone
    listed = now.takes.get(take.asset.md5)
    return replace(
        alone,
        current=_key(take.asset) == _key(now),
        candidate=listed is not None and listed.take == take.asset.take,
    )


def next_take(asset: Asset | None) -> int:
    """The number of the take that is to follow, also where an older take is the current one."""
    if asset is None:
        return 1
    latest = asset.extra.get(LATEST_TAKE)
    known = (asset.take, latest if isinstance(latest, int) else 0, *(take.take for take in asset.takes.values()))
    return max(known) + 1


def make_candidate(manifest: Manifest, address: Address, take: Asset) -> Asset:
    """The take as a candidate of this address, in a file of its own; what was decided about it is left out."""
    path = _free_path(manifest, address, take)
    return replace(take, path=path, status=Status.DRAFT, approved_md5=None, reopened=None, reason=None, takes={})


def demote(manifest: Manifest, address: Address, current: Asset) -> Asset:
    """The current take as a candidate, with those of its keys that go with the bytes."""
    own = {key: value for key, value in current.extra.items() if key in OF_THE_BYTES}
    return make_candidate(manifest, address, replace(current, extra=own))


def _free_path(manifest: Manifest, address: Address, take: Asset) -> str:
    """takes/scene_002_9e107d9d.png, with more of the md5 where that name is taken."""
    stem = PurePosixPath(default_path(address, "")).name
    suffix = PurePosixPath(take.path).suffix
    taken = {path.casefold() for path, _, _ in iter_folder_entries(manifest)}
    ends = chain((take.md5[:8], take.md5), (f"{take.md5}_{number}" for number in count(2)))
    names = (f"{TAKES_FOLDER}/{stem}_{end}{suffix}" for end in ends)
    return next(one for one in names if one.casefold() not in taken)


def without_take(takes: Mapping[str, Asset], md5: str) -> dict[str, Asset]:
    return {one: take for one, take in takes.items() if one != md5}
