"""The data of a sheet: what a person needs to see, hear and decide on a run without its repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from gitassets.domain.annotations import Region, State, Time, read_annotations
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.script_text import find_shown_text
from gitassets.domain.selection import Selection, select_segments
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.errors import NoMatchError

SHEET_BYTES = 15_000_000
_SEGMENTS = 45
UNDECIDED = (Status.DRAFT, Status.REVIEW, Status.REVISED)


class SheetNote(Struct, frozen=True):
    body: str
    author: str
    state: State
    take: int
    time: Time | None
    region: Region | None


class Copied(Struct, frozen=True):
    """The small copies of an asset's bytes that are in the sheet, each by its name there."""

    media: str
    media_type: str
    thumb: str | None = None
    peaks: tuple[int, ...] = ()


class SheetAsset(Struct, frozen=True, kw_only=True):
    """One asset. `listed`: it was asked for; others of its segment are there to be seen and heard beside it.

    `why_not` says why it cannot be decided on the sheet, as the rest of a sentence; None if it can.
    """

    kind: Kind
    status: Status
    take: int
    md5: str
    source: str | None
    prompt: str | None
    voice: str | None
    reason: str | None
    duration_sec: float | None
    width: int | None
    height: int | None
    stale: str | None
    listed: bool
    why_not: str | None
    notes: tuple[SheetNote, ...]
    copied: Copied | None


class SheetSegment(Struct, frozen=True):
    segment: int
    text: str
    notes: str | None
    assets: tuple[SheetAsset, ...]


class Sheet(Struct, frozen=True, kw_only=True):
    """A sheet of the run at `commit`. Decisions made on it are saved with that commit."""

    format: Literal["gitassets-sheet"] = "gitassets-sheet"
    version: Literal[1] = 1
    run_id: str
    commit: str
    segments: tuple[SheetSegment, ...]


class Chosen(Struct, frozen=True):
    """The assets on a sheet: those `listed`, and with them `beside` the rest of their segments."""

    listed: frozenset[Address]
    beside: Mapping[Address, Asset]

    @property
    def segments(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one.segment for one in self.beside))


def choose_for_sheet(manifest: Manifest, segments: Selection | None, only: Status | None) -> Chosen:
    """Choose the segments that are selected and have an asset of that status. Raise NoMatchError for none."""
    numbers = manifest.segments.keys() if segments is None else {*select_segments(segments, manifest)}
    listed = {
        address for address, asset in manifest.assets() if address.segment in numbers and only in (None, asset.status)
    }
    if not listed:
        what = f"no {only} asset" if only else "no asset"
        raise NoMatchError(f"The run {manifest.run_id} has {what} to show", "Choose other segments or another status.")
    held = {one.segment for one in listed}
    beside = {address: asset for address, asset in manifest.assets() if address.segment in held}
    return Chosen(frozenset(listed), beside)


def make_sheet(manifest: Manifest, commit: str, chosen: Chosen, copies: Mapping[str, Copied]) -> Sheet:
    """Make the sheet. `copies` are those of the bytes that are here, by md5."""
    segments = tuple(_view_segment(manifest, number, chosen, copies) for number in chosen.segments)
    return Sheet(run_id=manifest.run_id, commit=commit, segments=segments)


def _view_segment(manifest: Manifest, number: int, chosen: Chosen, copies: Mapping[str, Copied]) -> SheetSegment:
    segment = manifest.segments[number]
    assets = tuple(_iter_assets(manifest, number, segment, chosen.listed, copies))
    text = find_shown_text(segment.paragraph_text, find_script_rules(manifest)) or segment.paragraph_text
    return SheetSegment(number, text, segment.notes, assets)


def _iter_assets(
    manifest: Manifest, number: int, segment: Segment, listed: Collection[Address], copies: Mapping[str, Copied]
) -> Iterator[SheetAsset]:
    rules = find_script_rules(manifest)
    for kind in SEGMENT_KINDS:
        asset = segment.asset(kind)
        if asset is None:
            continue
        address, copied = Address(number, kind), copies.get(asset.md5)
        yield SheetAsset(
            kind=kind,
            status=asset.status,
            take=asset.take,
            md5=asset.md5,
            source=asset.source,
            prompt=asset.prompt,
            voice=asset.voice,
            reason=asset.reason,
            duration_sec=asset.duration_sec,
            width=asset.width,
            height=asset.height,
            stale=find_stale_reason(segment, kind, rules),
            listed=address in listed,
            why_not=_find_obstacle(asset, copied),
            notes=tuple(_iter_notes(number, segment, kind)),
            copied=copied,
        )


def _find_obstacle(asset: Asset, copied: Copied | None) -> str | None:
    if CONFLICT in asset.extra:
        return "is in conflict, which is settled in the repository"
    if asset.status not in UNDECIDED:
        return f"is {asset.status}" + (", and so locked" if asset.locked else "")
    return None if copied else "is not in this sheet: its bytes were not there when it was made"


def _iter_notes(number: int, segment: Segment, kind: Kind) -> Iterator[SheetNote]:
    for one in read_annotations(number, segment):
        if one.kind is kind:
            yield SheetNote(one.body, one.author, one.state, one.take, one.time, one.region)


class Budget(Struct, frozen=True):
    """How small the copies are made, so that a sheet of 45 segments has at most 15 MB."""

    picture_px: int
    picture_quality: int
    clip_px: int
    clip_kbps: int
    sound_kbps: int


_PICTURE_BYTES, _THUMB_BYTES, _PAGE_BYTES = 70_000, 5_000, 300_000
_BASE64 = 4 / 3


def plan_budget(chosen: Chosen) -> Budget:
    """Share the bytes among pictures, narration and clips: the clips get what is left."""
    assets = [(address.kind, asset) for address, asset in chosen.beside.items()]
    seconds = {kind: sum(float(one.duration_sec or 0) for of, one in assets if of is kind) for kind in SEGMENT_KINDS}
    count = max(len(chosen.segments), 1)
    whole = SHEET_BYTES / _BASE64 * count / _SEGMENTS - _PAGE_BYTES * count / _SEGMENTS
    pictures = sum(kind is Kind.IMAGE for kind, _ in assets) * _PICTURE_BYTES + count * _THUMB_BYTES
    sound_kbps = 48 if seconds[Kind.AUDIO] * 48 * 125 < whole / 3 else 32
    left = whole - pictures - (seconds[Kind.AUDIO] + seconds[Kind.VIDEO]) * sound_kbps * 125
    clip_kbps = round(min(max(left * 0.9 / 125 / (seconds[Kind.VIDEO] or 1), 90), 900))
    return Budget(960, 60, 640 if clip_kbps >= 250 else 480, clip_kbps, sound_kbps)
