"""Which assets went into the last build, and which of them can be published."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import Transition
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.status import Status

_OTHER_BYTES = "has other bytes than the ones that were built"


class Publication(Struct, frozen=True):
    """The manifest after it, what becomes published, what is so already, and what was built but cannot be."""

    manifest: Manifest
    transitions: tuple[Transition, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]


def plan_publication(manifest: Manifest) -> Publication:
    """Every approved asset whose very bytes went into the last build is published."""
    built, skipped = _find_built(manifest)
    changed: dict[Address, Asset | None] = {}
    unchanged: list[Address] = []
    for address, asset in built.items():
        if asset.status is Status.PUBLISHED:
            unchanged.append(address)
        elif asset.approved:
            changed[address] = replace(asset, status=Status.PUBLISHED)
        else:
            skipped.append(Skipped(address, f"is {asset.status}, not approved"))
    transitions = tuple(Transition(one, Status.APPROVED, Status.PUBLISHED) for one in changed)
    return Publication(manifest.with_assets(changed), transitions, tuple(unchanged), tuple(skipped))


def _find_built(manifest: Manifest) -> tuple[dict[Address, Asset], list[Skipped]]:
    """The assets that were built, in order; and where a segment has one now that is not what was built."""
    built: dict[Address, Asset] = {}
    skipped: list[Skipped] = []
    for number, segment in manifest.segments.items():
        for what, md5 in (segment.built or {}).items():
            found = _find_used(manifest, number, what, md5)
            if found is not None:
                built[found[0]] = found[1]
                continue
            kinds = (Kind.AUDIO,) if what == "audio" else (Kind.VIDEO, Kind.IMAGE)
            now = next((kind for kind in kinds if segment.asset(kind) is not None), None)
            skipped += [Skipped(Address(number, now), _OTHER_BYTES)] if now is not None else []
    order = list(Kind)
    return {one: built[one] for one in sorted(built, key=lambda one: (one.segment, order.index(one.kind)))}, skipped


def _find_used(manifest: Manifest, number: int, what: str, md5: str) -> tuple[Address, Asset] | None:
    """The asset with these bytes: the segment's own, or the picture of an earlier one that was still seen."""
    kinds = (Kind.AUDIO,) if what == "audio" else (Kind.VIDEO, Kind.IMAGE)
    before = [] if what == "audio" else [one for one in manifest.segments if one < number]
    for address in (Address(one, kind) for one in (number, *reversed(before)) for kind in kinds):
        asset = manifest.asset(address)
        if asset is not None and asset.md5 == md5:
            return address, asset
    return None
