"""Follow a history's faults from commit to commit, and find the approvals that they leave in doubt.

A fault stays with its asset until a commit records a new approval, which is a decision on the bytes of that moment.
Nothing else removes it: not undoing the change, not removing the asset and adding it back. A fault that names no asset
puts every asset in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Kind, Manifest
from gitassets.domain.status import Status

_ASSET = re.compile(r"(audio|image|video) ([0-9]{1,9})\Z")
_SEGMENT = re.compile(r"segment ([0-9]{1,9})\Z")


class Doubt(Struct, frozen=True):
    """Why an approval is not proven, as a sentence without a full stop. `hint` is empty if a new approval helps."""

    why: str
    hint: str = ""


class Fault(Struct, frozen=True):
    """A fault of one commit. `subject` is an asset ("image 3"), a segment ("segment 3"), or something else."""

    subject: str
    doubt: Doubt


class Doubts(Struct, frozen=True):
    """The doubts at a commit. `of_all` applies to every asset that `by_address` does not have; None: no doubt."""

    of_all: Doubt | None = None
    by_address: Mapping[Address, Doubt | None] = field(default_factory=dict)

    def find(self, address: Address) -> Doubt | None:
        return self.by_address.get(address, self.of_all)


def update_doubts(doubts: Doubts, faults: Iterable[Fault], approved: Collection[Address]) -> Doubts:
    """Return the doubts after a commit with these faults that records an approval of these assets."""
    cleared = {one: None for one in approved if doubts.find(one) is not None}
    left = replace(doubts, by_address={**doubts.by_address, **cleared}) if cleared else doubts
    changed: dict[Address, Doubt | None] = {}
    for fault in faults:
        named = list(_iter_named(fault.subject))
        if not named:
            return Doubts(fault.doubt)
        # Keep the first doubt: later ones are only its consequences.
        changed |= {one: changed.get(one) or left.find(one) or fault.doubt for one in named}
    return replace(left, by_address={**left.by_address, **changed}) if changed else left


def _iter_named(subject: str) -> Iterator[Address]:
    if subject == str(MUSIC):
        yield MUSIC
    asset, segment = _ASSET.match(subject), _SEGMENT.match(subject)
    if asset:
        yield Address(int(asset[2]), Kind(asset[1]))
    elif segment:
        yield from (Address(int(segment[1]), kind) for kind in SEGMENT_KINDS)


def merge_doubts(sides: Sequence[tuple[Manifest, Doubts]], merged: Manifest) -> Doubts:
    """Return the doubts after a merge. An approval that one side had without doubt is not in doubt."""
    first = sides[0][1] if sides else Doubts()
    if all(doubts == first for _, doubts in sides):
        return first
    of_all = next((doubts.of_all for _, doubts in sides if doubts.of_all is not None), None)
    addresses = {one for _, doubts in sides for one in doubts.by_address} | {one for one, _ in merged.assets()}
    return Doubts(of_all, {one: _merge_one(sides, merged, one) for one in addresses})


def _merge_one(sides: Sequence[tuple[Manifest, Doubts]], merged: Manifest, address: Address) -> Doubt | None:
    agreeing = [doubts.find(address) for manifest, doubts in sides if _approves_alike(manifest, merged, address)]
    if None in agreeing:
        return None
    return next((found for _, doubts in sides if (found := doubts.find(address)) is not None), None)


def _approves_alike(one: Manifest, other: Manifest, address: Address) -> bool:
    first, second = one.asset(address), other.asset(address)
    if first is None or second is None:
        return False
    return first.approved and second.approved and first.md5 == second.md5


def put_in_review(manifest: Manifest, addresses: Iterable[Address]) -> Manifest:
    """Return the manifest with these assets in review, without an approval."""
    assets = {one: manifest.asset(one) for one in addresses}
    return manifest.with_assets(
        {
            address: replace(asset, status=Status.REVIEW, approved_md5=None)
            for address, asset in assets.items()
            if asset is not None
        }
    )
