"""The fields that follow from the rest of a manifest: sync_status and production_state, recomputed at each write."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from gitassets.domain.manifest import Asset, Manifest, Segment
from gitassets.domain.status import Status

PENDING, SYNCED, STALE = "pending", "synced", "stale"


def derive(manifest: Manifest) -> Manifest:
    """The manifest with its derived fields as they follow from the rest. Segments that were right stay identical."""
    changed = {
        number: replace(manifest.segments[number], sync_status=status)
        for number, status in _sync_statuses(manifest)
        if manifest.segments[number].sync_status != status
    }
    synced = manifest.with_segments(changed) if changed else manifest
    state = _production_state(synced)
    return synced if state == synced.production_state else replace(synced, production_state=state)


def visuals(manifest: Manifest) -> Iterator[tuple[int, Asset | None]]:
    """What is seen during each segment: its video, else its image, else what the segment before shows, else None."""
    shown: Asset | None = None
    for number, segment in manifest.segments.items():
        shown = segment.video or segment.image or shown
        yield number, shown


def build_record(audio: Asset | None, visual: Asset | None) -> dict[str, str]:
    """What a build that used these two records as the segment's `built`; what was absent has no key."""
    used = {"audio": audio, "visual": visual}
    return {name: asset.md5 for name, asset in used.items() if asset is not None}


def _sync_statuses(manifest: Manifest) -> Iterator[tuple[int, str]]:
    for number, visual in visuals(manifest):
        yield number, _sync_status(manifest.segments[number], visual)


def _sync_status(segment: Segment, visual: Asset | None) -> str:
    """A build from other bytes is stale whatever is locked; one from these bytes is synced once they are approved."""
    if segment.built is None:
        return PENDING
    if dict(segment.built) != build_record(segment.audio, visual):
        return STALE
    audio_holds = segment.audio is not None and segment.audio.approved
    return SYNCED if audio_holds and (visual is None or visual.approved) else PENDING


def _production_state(manifest: Manifest) -> str:
    """Beyond review only where every segment has its narration and every asset is approved."""
    assets = [asset for _, asset in manifest.assets()]
    segments = manifest.segments.values()
    if all(asset.status is Status.DRAFT for asset in assets):
        return "draft"
    if not all(asset.approved for asset in assets) or any(segment.audio is None for segment in segments):
        return "review"
    if all(asset.status is Status.PUBLISHED for asset in assets):
        return "published"
    return "built" if all(segment.sync_status == SYNCED for segment in segments) else "approved"
