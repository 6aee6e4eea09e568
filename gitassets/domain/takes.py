"""Model the takes of an asset: the current one, its candidates, and those of its history."""

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
# The key of a chart's record: nobody may hear the numbers, so the text alone does not say whether it still fits.
TABLE_MD5 = "table_md5"
FROM_SEC, GAIN_DB = "from_sec", "gain_db"
"""Where music begins in its file, and how much louder it is played. Absent: 0."""
MAX_GAIN_DB = 24
OF_THE_MAKING = frozenset(
    {"prompt_sent", "prompt_cut", "revised_prompt", "parameters", "job", "left_out", CREDIT, REQUEST}
)
"""Keys that describe how bytes were made. They apply to the bytes in any asset."""
OF_THE_BYTES = OF_THE_MAKING | {
    "format", "origin", "library", "shared_with", BOUGHT_WITH, COPIED_FROM, MOVED_FROM, PARENT, MADE_FROM, REUSED_FROM,
    PROMPT_MD5, FROM_SEC, GAIN_DB,
}  # fmt: skip
"""Keys of an asset that describe the bytes of one take, and are not copied to the next.

`request` is the fingerprint of the request to a service. `parent` is the md5 of the take that this one replaced.
`made_from` has the md5s of the audio and image that a clip was made from. `reused_from` is the take whose bytes were
reused, and `bought_with` the asset for which the same bytes were bought; such a take cost nothing. `prompt_md5` is the
md5 of the segment's image prompt at the time when the image was made.
"""


class Take(Struct, frozen=True):
    """One version of an asset's bytes: its last record, and the commit that added it.

    The asset of a candidate or an earlier take also has the decisions from when it was the current take.
    """

    asset: Asset
    commit: str
    author: str
    date: str
    current: bool = False
    candidate: bool = False


class Sighting(Struct, frozen=True):
    """An asset in the state after a commit."""

    asset: Asset
    commit: str
    author: str
    date: str


def collect_takes(sightings: Iterable[Sighting], current: Asset | None) -> tuple[Take, ...]:
    """Collect every take, oldest first. `sightings` are oldest first, `current` is the asset as it is now."""
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
    """Return the candidates, oldest first."""
    return sorted(asset.takes.values(), key=_key)


def _with_decision(candidate: Asset, known: Asset) -> Asset:
    return replace(candidate, status=known.status, reason=known.reason)


def _mark(take: Take, now: Asset | None) -> Take:
    """Mark the take as current or candidate of the asset `now`, None if that is gone. Drop its own candidates."""
    single = replace(take, asset=replace(take.asset, takes={}))
    if now is None:
        return single
    listed = now.takes.get(take.asset.md5)
    return replace(
        single,
        current=_key(take.asset) == _key(now),
        candidate=listed is not None and listed.take == take.asset.take,
    )


def next_take(asset: Asset | None) -> int:
    """Return the number of the next take, even if an older take is the current one."""
    if asset is None:
        return 1
    latest = asset.extra.get(LATEST_TAKE)
    known = (asset.take, latest if isinstance(latest, int) else 0, *(take.take for take in asset.takes.values()))
    return max(known) + 1


def make_candidate(manifest: Manifest, address: Address, take: Asset) -> Asset:
    """Return the take as an undecided candidate of this address, in its own file."""
    path = _free_path(manifest, address, take)
    return replace(take, path=path, status=Status.DRAFT, approved_md5=None, reopened=None, reason=None, takes={})


def demote(manifest: Manifest, address: Address, current: Asset) -> Asset:
    """Return the current take as a candidate, with only the keys that describe its bytes."""
    own = {key: value for key, value in current.extra.items() if key in OF_THE_BYTES}
    return make_candidate(manifest, address, replace(current, extra=own))


def _free_path(manifest: Manifest, address: Address, take: Asset) -> str:
    """Return a free path such as takes/scene_002_9e107d9d.png, with more of the md5 if that one is used."""
    stem = PurePosixPath(default_path(address, "")).name
    suffix = PurePosixPath(take.path).suffix
    used = {path.casefold() for path, _, _ in iter_folder_entries(manifest)}
    ends = chain((take.md5[:8], take.md5), (f"{take.md5}_{number}" for number in count(2)))
    names = (f"{TAKES_FOLDER}/{stem}_{end}{suffix}" for end in ends)
    return next(one for one in names if one.casefold() not in used)


def without_take(takes: Mapping[str, Asset], md5: str) -> dict[str, Asset]:
    return {one: take for one, take in takes.items() if one != md5}
