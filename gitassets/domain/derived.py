"""Derive sync_status and production_state from the rest of a manifest. Both are recomputed at each write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec.structs import replace

from gitassets.domain.finals import digest_shown
from gitassets.domain.manifest import Asset, Manifest, Segment
from gitassets.domain.script_rules import ScriptRules, find_script_rules
from gitassets.domain.script_text import is_silent
from gitassets.domain.status import Status

PENDING, SYNCED, STALE = "pending", "synced", "stale"


def derive(manifest: Manifest) -> Manifest:
    """Return the manifest with its derived fields recomputed. Segments that do not change stay the same objects.

    What it returned last it returns as it is: each step on the way to a commit asks for it.
    """
    global _last
    if manifest is _last:
        return manifest
    derived = _last = _derive(manifest)
    return derived


_last: Manifest | None = None


def _derive(manifest: Manifest) -> Manifest:
    changed = {
        number: replace(manifest.segments[number], sync_status=status)
        for number, status in _sync_statuses(manifest)
        if manifest.segments[number].sync_status != status
    }
    synced = manifest.with_segments(changed) if changed else manifest
    state = _production_state(synced)
    return synced if state == synced.production_state else replace(synced, production_state=state)


Use = Callable[[Asset], bool]
"""Whether a build uses an asset."""


def iter_visuals(manifest: Manifest, use: Use = lambda _: True) -> Iterator[tuple[int, Asset | None]]:
    """Yield what each segment shows: its video, else its image, else what the segment before shows, else None."""
    shown: Asset | None = None
    for number, segment in manifest.segments.items():
        own = (asset for asset in (segment.video, segment.image) if asset is not None and use(asset))
        shown = next(own, shown)
        yield number, shown


def build_record(audio: Asset | None, visual: Asset | None, music: Asset | None = None) -> dict[str, str]:
    """Return the segment's `built` record for a build from these assets. An absent asset has no key."""
    used = {"audio": audio, "visual": visual, "music": music}
    return {name: asset.md5 for name, asset in used.items() if asset is not None}


def _sync_statuses(manifest: Manifest) -> Iterator[tuple[int, str]]:
    partial, rules = _PartialRecords(manifest), find_script_rules(manifest)
    for number, visual in iter_visuals(manifest):
        record = build_record(manifest.segments[number].audio, visual, manifest.music)
        yield number, _sync_status(number, manifest, visual, record, partial, rules)


class _PartialRecords:
    """The records of builds that skip rejected or unapproved assets. Computed on demand: few segments need them."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def holds(self, number: int, built: Mapping[str, str]) -> bool:
        return any(dict(built) == records[number] for records in self._records)

    @cached_property
    def _records(self) -> list[dict[int, dict[str, str]]]:
        return [dict(_iter_records(self._manifest, use)) for use in (_is_not_rejected, _is_approved)]


def _is_not_rejected(asset: Asset) -> bool:
    return asset.status is not Status.REJECTED


def _is_approved(asset: Asset) -> bool:
    return asset.approved


def _iter_records(manifest: Manifest, use: Use) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the `built` record of each segment for a build that uses only some of the assets."""
    music = manifest.music if manifest.music is not None and use(manifest.music) else None
    for number, visual in iter_visuals(manifest, use):
        audio = manifest.segments[number].audio
        yield number, build_record(audio if audio is not None and use(audio) else None, visual, music)


def iter_shown(manifest: Manifest) -> Iterator[str]:
    """Yield the digest of what a build of these assets shows, under each policy."""
    for use in (lambda _: True, _is_not_rejected, _is_approved):
        yield digest_shown(dict(_iter_records(manifest, use)))


def _sync_status(
    number: int,
    manifest: Manifest,
    visual: Asset | None,
    record: Mapping[str, str],
    partial: _PartialRecords,
    rules: ScriptRules,
) -> str:
    """Return "stale" for a build from other bytes, and "synced" for one from these bytes if they are approved.

    `record` is that of a build from the assets of now. A build that only left out rejected or unapproved assets is
    pending: nothing has changed since then.
    """
    segment = manifest.segments[number]
    if segment.built is None:
        return PENDING
    if dict(segment.built) != record:
        return PENDING if partial.holds(number, segment.built) else STALE
    audio_holds = segment.audio.approved if segment.audio is not None else is_silent(segment.paragraph_text, rules)
    others_hold = all(one is None or one.approved for one in (visual, manifest.music))
    return SYNCED if audio_holds and others_hold else PENDING


def _production_state(manifest: Manifest) -> str:
    """Return the state of the run. It leaves review only if no narration is missing and all assets are approved."""
    rules = find_script_rules(manifest)
    assets = [asset for _, asset in manifest.assets()]
    segments = manifest.segments.values()
    if all(asset.status is Status.DRAFT for asset in assets):
        return "draft"
    if not all(asset.approved for asset in assets) or any(lacks_audio(segment, rules) for segment in segments):
        return "review"
    if all(asset.status is Status.PUBLISHED for asset in assets):
        return "published"
    return "built" if all(segment.sync_status == SYNCED for segment in segments) else "approved"


def lacks_audio(segment: Segment, rules: ScriptRules) -> bool:
    """Check whether the segment has words to speak, and no narration."""
    return segment.audio is None and not is_silent(segment.paragraph_text, rules)
