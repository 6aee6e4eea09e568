"""Write a timeline in OpenTimelineIO's own format, which editing programs open directly or through its adapters.

The format avoids what converters drop. Remarks are markers of the whole timeline, since gaps lose theirs; each is on a
frame of its own, since programs keep one marker per frame; and every range is in frames of the same rate.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from gitassets.domain.manifest import Asset, segment_key
from gitassets.domain.remarks import Concern, Remark
from gitassets.domain.timeline import Look, Shot, Timeline
from gitassets.errors import GitAssetsError

_METADATA_KEY = "gitassets"
_COLORS = {
    Concern.NOTE: "CYAN",
    Concern.REJECTED: "RED",
    Concern.CONFLICT: "MAGENTA",
    Concern.STALE: "YELLOW",
    Concern.LEFT_OUT: "ORANGE",
    Concern.MISSING: "PURPLE",
    Concern.HELD: "GREEN",
    Concern.CARD: "GREEN",
}


@dataclass(frozen=True)
class MediaFile:
    """The location of an asset's file, and its length; None for a still, which can have any length.

    Its URL is relative to `base`, the timeline's folder, unless that is None.
    """

    path: Path
    length_sec: float | None
    base: Path | None = None

    @property
    def url(self) -> str:
        try:
            relative = None if self.base is None else os.path.relpath(self.path, self.base)
        except ValueError:  # On Windows there is no way from one drive to another.
            relative = None
        return self.path.as_uri() if relative is None else quote(PurePath(relative).as_posix())


def check_otio() -> None:
    """Raise GitAssetsError if the library is not installed."""
    _load_library()


def _load_library() -> Any:
    try:
        import opentimelineio
    except ImportError as error:
        raise GitAssetsError(
            "A timeline for editing programs needs OpenTimelineIO, which is not installed",
            "Install it with `pip install opentimelineio`.",
        ) from error
    return opentimelineio


def format_otio(
    timeline: Timeline, media: Mapping[str, MediaFile], remarks: Sequence[Remark], about: Mapping[str, Any]
) -> bytes:
    """Return the file's bytes. `media` maps an asset's md5 to its file.

    `about` is the metadata of the whole timeline; it must have a `run_id`.
    """
    otio = _load_library()
    maker = _Maker(otio, timeline, media, str(about["run_id"]))
    whole = otio.schema.Timeline(name=str(about["run_id"]), metadata={_METADATA_KEY: dict(about)})
    whole.global_start_time = maker.time(0)
    whole.tracks.append(otio.schema.Track("Picture", children=maker.make_pictures(), kind="Video"))
    whole.tracks.append(otio.schema.Track("Narration", children=maker.make_sounds(), kind="Audio"))
    whole.tracks.markers.extend(maker.make_markers(remarks))
    return f"{whole.to_json_string(indent=2)}\n".encode()


class _Maker:
    """Makes the items of one timeline."""

    def __init__(self, otio: Any, timeline: Timeline, media: Mapping[str, MediaFile], run_id: str) -> None:
        self._otio, self._timeline, self._media, self._run_id = otio, timeline, media, run_id

    def time(self, frames: int) -> Any:
        return self._otio.opentime.RationalTime(frames, float(self._timeline.fps))

    def _range(self, start: int, frames: int) -> Any:
        return self._otio.opentime.TimeRange(self.time(start), self.time(frames))

    def make_pictures(self) -> list[Any]:
        """Make an item for each shot, and a gap for the rest if a clip is too short."""
        items = []
        for shot in self._timeline.shots:
            if shot.look is Look.STILL and shot.visual is not None:
                items.append(self._clip(shot, shot.visual, self._timeline.frame_count, shot.frame_count))
            elif shot.look is Look.CLIP and shot.visual is not None:
                available = self._count_frames(shot.visual, round)
                items.append(self._clip(shot, shot.visual, available, min(available, shot.frame_count)))
                items.append(self._gap(shot, shot.frame_count - available))
            else:
                items.append(self._gap(shot, shot.frame_count))
        return [one for one in items if one.duration().value > 0]

    def make_sounds(self) -> list[Any]:
        items = []
        for shot in self._timeline.shots:
            if shot.narration is None:
                items.append(self._gap(shot, shot.frame_count))
                continue
            # Frames are counted from the start of the video, so a shot may have one more than the file.
            available = max(self._count_frames(shot.narration, math.ceil), shot.frame_count)
            items.append(self._clip(shot, shot.narration, available, shot.frame_count))
        return [one for one in items if one.duration().value > 0]

    def _count_frames(self, asset: Asset, rounding: Any) -> int:
        length = self._media[asset.md5].length_sec or 0.0
        return max(1, int(rounding(Fraction(length) * self._timeline.fps)))

    def _clip(self, shot: Shot, asset: Asset, available: int, used: int) -> Any:
        media = self._media[asset.md5]
        reference = self._otio.schema.ExternalReference(media.url, self._range(0, available))
        reference.name = media.path.name
        metadata = {_METADATA_KEY: self._describe(shot, asset)}
        return self._otio.schema.Clip(segment_key(shot.number), reference, self._range(0, used), metadata)

    def _gap(self, shot: Shot, frames: int) -> Any:
        metadata = {_METADATA_KEY: {"segment": shot.number, "text": shot.text}}
        return self._otio.schema.Gap(
            name=segment_key(shot.number), source_range=self._range(0, max(0, frames)), metadata=metadata
        )

    def _describe(self, shot: Shot, asset: Asset) -> dict[str, Any]:
        """Return an item's metadata.

        `segment` is where the asset is seen or heard, `asset` its own address: a picture may be carried forward.
        """
        own = shot.number if asset is shot.narration else shot.visual_from or shot.number
        kind = "audio" if asset is shot.narration else "video" if shot.look is Look.CLIP else "image"
        known = {"path": asset.path, "md5": asset.md5, "status": asset.status.value, "take": asset.take}
        address = f"{self._run_id}:{segment_key(own)}/{kind}"
        optional = {name: value for name, value in (("reason", asset.reason), ("prompt", asset.prompt)) if value}
        return {"segment": shot.number, "text": shot.text, "asset": address, **known, **optional}

    def make_markers(self, remarks: Sequence[Remark]) -> list[Any]:
        shots = {shot.number: shot for shot in self._timeline.shots}
        earlier: Counter[int] = Counter()
        markers = []
        for remark in remarks:
            # What is said of the music is said at the beginning.
            shot = shots.get(remark.segment, self._timeline.shots[0])
            if remark.at_sec is None:
                offset = earlier[shot.number]
                earlier[shot.number] += 1
            else:
                offset = round(Fraction(remark.at_sec) * self._timeline.fps)
            frame = shot.first_frame + min(offset, max(0, shot.frame_count - 1))
            markers.append(self._marker(remark, frame))
        return markers

    def _marker(self, remark: Remark, frame: int) -> Any:
        text = " ".join(remark.text.split())
        kind = remark.kind.value if remark.kind else None
        return self._otio.schema.Marker(
            name=text,
            marked_range=self._range(frame, 1),
            color=getattr(self._otio.schema.MarkerColor, _COLORS[remark.concern]),
            comment=remark.text,
            metadata={_METADATA_KEY: {"segment": remark.segment, "kind": kind, "concern": remark.concern.value}},
        )
