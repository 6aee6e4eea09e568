"""Find the assets that went into the last build, and publish those that can be."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import Transition
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import MUSIC, Address, Asset, Kind, Manifest
from gitassets.domain.status import Status

_OTHER_BYTES = "has other bytes than the ones that were built"


class Publication(Struct, frozen=True):
    """The manifest after publishing, the new transitions, what was already published, and what cannot be."""

    manifest: Manifest
    transitions: tuple[Transition, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]


def plan_publication(manifest: Manifest) -> Publication:
    """Plan to publish every approved asset whose bytes went into the last build."""
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
    """Return the built assets in order, and a note for each asset whose segment was built from other bytes."""
    built: dict[Address, Asset] = {}
    skipped: list[Skipped] = []
    seen: set[Address] = set()
    for number, segment in manifest.segments.items():
        for what, md5 in (segment.built or {}).items():
            found = _find_used(manifest, number, what, md5)
            if found is not None:
                built[found[0]] = found[1]
                continue
            if what == Kind.MUSIC:
                skipped += [Skipped(MUSIC, _OTHER_BYTES)] if manifest.music and MUSIC not in seen else []
                seen.add(MUSIC)
                continue
            kinds = (Kind.AUDIO,) if what == "audio" else (Kind.VIDEO, Kind.IMAGE)
            current = next((kind for kind in kinds if segment.asset(kind) is not None), None)
            skipped += [Skipped(Address(number, current), _OTHER_BYTES)] if current is not None else []
    order = {kind: place for place, kind in enumerate(Kind)}
    return {one: built[one] for one in sorted(built, key=lambda one: (one.segment, order[one.kind]))}, skipped


def _find_used(manifest: Manifest, number: int, what: str, md5: str) -> tuple[Address, Asset] | None:
    """Return the asset with these bytes: the segment's own, or the visual of an earlier one that was still shown."""
    if what == Kind.MUSIC:
        return (MUSIC, manifest.music) if manifest.music is not None and manifest.music.md5 == md5 else None
    kinds = (Kind.AUDIO,) if what == "audio" else (Kind.VIDEO, Kind.IMAGE)
    before = [] if what == "audio" else [one for one in manifest.segments if one < number]
    for address in (Address(one, kind) for one in (number, *reversed(before)) for kind in kinds):
        asset = manifest.asset(address)
        if asset is not None and asset.md5 == md5:
            return address, asset
    return None
