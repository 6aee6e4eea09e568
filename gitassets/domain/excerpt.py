"""Make an excerpt of a manifest for export: approved or published assets, one kind of asset, or everything."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec.structs import replace

from gitassets.domain.derived import derive, iter_shown
from gitassets.domain.finals import MAIN, find_cut, find_shown, group_finals, is_draft
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.status import Status


class Only(StrEnum):
    """A selection of assets by status. Published assets are approved, too."""

    APPROVED = "approved"
    PUBLISHED = "published"


def make_excerpt(manifest: Manifest, only: Only | None = None, kind: Kind | None = None) -> Manifest:
    """Return the manifest with only the selected assets, and all texts and notes. Return it unchanged if that is all.

    A final is included if everything that it shows is; a draft only if no status is requested. Candidates, too, are
    included only then, since nothing is decided about them.
    """
    changed: dict[Address, Asset | None] = {address: None for address, _ in iter_left_out(manifest, only, kind)}
    if only is not None:
        changed |= {
            one: replace(asset, takes={}) for one, asset in manifest.assets() if asset.takes and one not in changed
        }
    if not changed and only is None:
        return manifest
    excerpt = _keep_finals(manifest.with_assets(changed) if changed else manifest, only)
    return excerpt if excerpt is manifest else derive(excerpt)


def iter_left_out(manifest: Manifest, only: Only | None, kind: Kind | None = None) -> Iterator[tuple[Address, Asset]]:
    """Yield the assets that are not selected."""
    for address, asset in manifest.assets():
        if not _is_selected(asset, only) or kind not in (None, address.kind):
            yield address, asset


def _is_selected(asset: Asset, only: Only | None) -> bool:
    if only is None:
        return True
    return asset.approved and (only is Only.APPROVED or asset.status is Status.PUBLISHED)


def _holds_build(manifest: Manifest) -> bool:
    """Check whether the manifest has all bytes that the last build used."""
    used = {md5 for segment in manifest.segments.values() for md5 in (segment.built or {}).values()}
    return bool(used) and used <= {asset.md5 for _, asset in manifest.assets()}


def _keep_finals(manifest: Manifest, only: Only | None) -> Manifest:
    """Drop the finals that show anything else than the manifest's assets. Return the manifest itself if none does."""
    groups = group_finals(manifest)
    others = [cut for cut in groups if cut != MAIN and not (only and is_draft(cut))]
    shown = set(iter_shown(manifest)) if others else set()
    kept = {cut for cut in others if find_shown(groups[cut]) in shown}
    if _holds_build(manifest):
        kept.add(MAIN)
    else:
        manifest = _without_build(manifest)
    final = tuple(one for one in manifest.final if find_cut(manifest.run_id, one.path) in kept)
    return manifest if final == manifest.final else replace(manifest, final=final)


def _without_build(manifest: Manifest) -> Manifest:
    built = {number: replace(one, built=None) for number, one in manifest.segments.items() if one.built is not None}
    return manifest.with_segments(built) if built else manifest
