"""The part of a manifest that is handed on: what is approved, what is published, one kind of asset, or all of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec.structs import replace

from gitassets.domain.derived import derive
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.status import Status


class Only(StrEnum):
    """Which assets are meant by their status. What is published is approved too."""

    APPROVED = "approved"
    PUBLISHED = "published"


def make_excerpt(manifest: Manifest, only: Only | None = None, kind: Kind | None = None) -> Manifest:
    """The manifest with the chosen assets and every segment's text and notes; the manifest itself where that is all.

    The last build goes along where everything that went into it does. Candidates do where no status is asked for:
    nothing is decided about them.
    """
    changed: dict[Address, Asset | None] = {address: None for address, _ in iter_left_out(manifest, only, kind)}
    if only is not None:
        changed |= {
            one: replace(asset, takes={}) for one, asset in manifest.assets() if asset.takes and one not in changed
        }
    if not changed:
        return manifest
    kept = manifest.with_assets(changed)
    return derive(kept if _holds_build(kept) else _without_build(kept))


def iter_left_out(manifest: Manifest, only: Only | None, kind: Kind | None = None) -> Iterator[tuple[Address, Asset]]:
    """The assets that are not chosen."""
    for address, asset in manifest.assets():
        if not _is_meant(asset, only) or kind not in (None, address.kind):
            yield address, asset


def _is_meant(asset: Asset, only: Only | None) -> bool:
    if only is None:
        return True
    return asset.approved and (only is Only.APPROVED or asset.status is Status.PUBLISHED)


def _holds_build(manifest: Manifest) -> bool:
    """Whether all bytes that the last build used are among the manifest's."""
    used = {md5 for segment in manifest.segments.values() for md5 in (segment.built or {}).values()}
    return bool(used) and used <= {asset.md5 for _, asset in manifest.assets()}


def _without_build(manifest: Manifest) -> Manifest:
    built = {number: replace(one, built=None) for number, one in manifest.segments.items() if one.built is not None}
    return replace(manifest.with_segments(built), final=())
