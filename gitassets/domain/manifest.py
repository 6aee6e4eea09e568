"""Model the manifest of a run, version 2, as immutable values.

Keys that this version does not know are preserved in `extra`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from gitassets.domain.status import Status

MANIFEST_NAME = "asset_manifest.json"
# The rules of 0.1.0, whose manifests do not name any.
FIRST_RULES = 1
# The first rules by which the key `music` is the run's music.
MUSIC_RULES = 3
TAKES_FOLDER = "takes"
MEDIA_FOLDERS = ("audio", "images", "video", "music", TAKES_FOLDER, "final")


class Kind(StrEnum):
    """The kind of an asset."""

    AUDIO = "audio"
    IMAGE = "image"
    VIDEO = "video"
    MUSIC = "music"
    """The music below the whole video. It belongs to the run; all other kinds belong to a segment."""

    __hash__ = str.__hash__  # As in Status.

    @property
    def of_file(self) -> Kind:
        """The kind of file that holds it: music is a sound."""
        return Kind.AUDIO if self is Kind.MUSIC else self


_KINDS = tuple(Kind)
SEGMENT_KINDS = (Kind.AUDIO, Kind.IMAGE, Kind.VIDEO)


Md5 = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Whole = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number = Whole | Annotated[float, Meta(ge=0, lt=2.0**63)]


class Asset(Struct, frozen=True, kw_only=True):
    """The current take of a segment's audio, image or video, or of the run's music. Fields are in the file's order.

    `takes` are the candidates that can be chosen instead, by md5: drafts in takes/ without takes of their own.
    """

    path: str
    status: Status
    md5: Md5
    approved_md5: Md5 | None = None
    reopened: Mapping[str, str] | None = None
    size: Whole
    duration_sec: Number | None = None
    width: Whole | None = None
    height: Whole | None = None
    reason: str | None = None
    voice: str | None = None
    source: str | None = None
    model: str | None = None
    prompt: str | None = None
    style: str | None = None
    seed: Whole | None = None
    text_md5: str | None = None
    generated_at: str | None = None
    take: Whole = 1
    cost_usd: Number | None = None
    takes: Mapping[str, Asset] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def locked(self) -> bool:
        return self.status.locked

    @property
    def approved(self) -> bool:
        """Whether exactly these bytes were approved, which the status alone does not say."""
        return self.status.locked and self.approved_md5 == self.md5


class Segment(Struct, frozen=True, kw_only=True):
    """One paragraph of narration and its assets. `built` has the md5s that the main final was built from."""

    paragraph_text: str
    audio: Asset | None = None
    image: Asset | None = None
    video: Asset | None = None
    sync_status: str = "pending"
    built: Mapping[str, str] | None = None
    notes: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def asset(self, kind: Kind) -> Asset | None:
        asset: Asset | None = getattr(self, kind, None)
        return asset

    def with_asset(self, kind: Kind, asset: Asset | None) -> Segment:
        changes: dict[str, Any] = {kind.value: asset}
        return replace(self, **changes)


class FinalFile(Struct, frozen=True, kw_only=True):
    """A file that a build wrote to final/."""

    path: str
    md5: str
    size: int
    extra: Mapping[str, Any] = field(default_factory=dict)


class Address(Struct, frozen=True, order=True):
    """The address of an asset in its run: a segment's number, counted from 1, and the kind. Music has the number 0."""

    segment: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind} {self.segment}" if self.segment else self.kind.value

    @property
    def option(self) -> str:
        """The option that selects it, such as "--image 3"."""
        return f"--{self}"


MUSIC = Address(0, Kind.MUSIC)
_NO_SEGMENT = Segment(paragraph_text="")


class Manifest(Struct, frozen=True, kw_only=True):
    """The manifest of a run. `rules` is the version of the rules for the commit with this manifest (see rules.py)."""

    run_id: str
    production_state: str = "draft"
    segments: Mapping[int, Segment] = field(default_factory=dict)
    music: Asset | None = None
    final: tuple[FinalFile, ...] = ()
    rules: int = FIRST_RULES
    extra: Mapping[str, Any] = field(default_factory=dict)

    def assets(self, kind: Kind | None = None) -> Iterator[tuple[Address, Asset]]:
        """Yield every asset: the music, then in the order of segments the audio, image and video."""
        audio, image, video, music = (kind is None or kind is one for one in _KINDS)
        if music and self.music is not None:
            yield MUSIC, self.music
        for number, segment in self.segments.items():
            if audio and segment.audio is not None:
                yield Address(number, Kind.AUDIO), segment.audio
            if image and segment.image is not None:
                yield Address(number, Kind.IMAGE), segment.image
            if video and segment.video is not None:
                yield Address(number, Kind.VIDEO), segment.video

    def candidates(self) -> Iterator[tuple[Address, Asset]]:
        """Yield every candidate, in the order of the assets, then of the md5."""
        for address, asset in self.assets():
            for md5 in sorted(asset.takes):
                yield address, asset.takes[md5]

    def asset(self, address: Address) -> Asset | None:
        if address.kind is Kind.MUSIC:
            return None if address.segment else self.music
        segment = self.segments.get(address.segment)
        return segment.asset(address.kind) if segment else None

    def segment_of(self, address: Address) -> Segment:
        """Return the segment of this address. Music has none: what is returned for it has no words and no assets."""
        return _NO_SEGMENT if address == MUSIC else self.segments[address.segment]

    def with_asset(self, address: Address, asset: Asset | None) -> Manifest:
        return self.with_assets({address: asset})

    def with_assets(self, assets: Mapping[Address, Asset | None]) -> Manifest:
        segments = dict(self.segments)
        music = self.music
        for address, asset in assets.items():
            if address == MUSIC:
                music = asset
            else:
                segments[address.segment] = segments[address.segment].with_asset(address.kind, asset)
        return replace(self, segments=MappingProxyType(segments), music=music)

    def with_segments(self, changed: Mapping[int, Segment]) -> Manifest:
        merged = {**self.segments, **changed}
        return replace(self, segments=MappingProxyType({number: merged[number] for number in sorted(merged)}))


def segment_key(number: int) -> str:
    return f"segment_{number:03d}"


def default_path(address: Address, suffix: str) -> str:
    """Return the path of a new asset. File numbers count from 0. `suffix` includes the dot."""
    if address == MUSIC:
        return f"music/music{suffix}"
    stem = {Kind.AUDIO: "audio/audio", Kind.IMAGE: "images/scene", Kind.VIDEO: "video/scene"}[address.kind]
    return f"{stem}_{address.segment - 1:03d}{suffix}"


def iter_changed_segments(before: Manifest, after: Manifest) -> Iterator[int]:
    """Yield the numbers of the segments that differ or that only one of the two has, in order."""
    # Parsed versions of one manifest share the unchanged segments, so most need no comparison.
    if list(before.segments) == list(after.segments):
        pairs = zip(before.segments.items(), after.segments.values(), strict=True)
        yield from (number for (number, old), new in pairs if old is not new and old != new)
        return
    for number in sorted(before.segments.keys() | after.segments.keys()):
        if before.segments.get(number) != after.segments.get(number):
            yield number


def iter_addresses(numbers: Iterable[int]) -> Iterator[Address]:
    """Yield the addresses that an asset may have: that of the music, then three for each of these segments."""
    yield MUSIC
    for number in numbers:
        for kind in SEGMENT_KINDS:
            yield Address(number, kind)


def iter_changed_assets(before: Manifest, after: Manifest) -> Iterator[tuple[Address, Asset | None, Asset | None]]:
    """Yield address, old and new asset of each that differs or that only one of the two manifests has, in order."""
    for address in iter_addresses(iter_changed_segments(before, after)):
        old, new = before.asset(address), after.asset(address)
        if old != new:
            yield address, old, new


def list_paths(manifest: Manifest) -> list[str]:
    """Return the path of every file that DVC tracks in this run."""
    assets = [
        asset
        for segment in manifest.segments.values()
        for asset in (segment.audio, segment.image, segment.video)
        if asset is not None
    ]
    assets += [manifest.music] if manifest.music else []
    takes = [take.path for asset in assets if asset.takes for take in asset.takes.values()]
    return [*[asset.path for asset in assets], *takes, *[one.path for one in manifest.final]]


def iter_folder_entries(manifest: Manifest) -> Iterable[tuple[str, str, int]]:
    """Yield path, md5 and size of every file that DVC tracks in this run."""
    for segment in manifest.segments.values():
        for asset in (segment.audio, segment.image, segment.video):
            if asset is not None:
                yield asset.path, asset.md5, asset.size
                for take in asset.takes.values() if asset.takes else ():
                    yield take.path, take.md5, take.size
    for asset in (manifest.music, *manifest.music.takes.values()) if manifest.music else ():
        yield asset.path, asset.md5, asset.size
    for one in manifest.final:
        yield one.path, one.md5, one.size
