"""Collect remarks for people who look at a run's segments and assets, each a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from gitassets.domain.annotations import State, read_annotations
from gitassets.domain.conflict import CONFLICT, describe_conflict, iter_text_conflicts
from gitassets.domain.excerpt import Only, iter_left_out
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.domain.timeline import Choice, Look, Shot, Timeline

_TOLERANCE_SEC = 0.05


class Concern(StrEnum):
    """The topic of a remark."""

    NOTE = "note"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    STALE = "stale"
    LEFT_OUT = "left out"
    MISSING = "missing"
    HELD = "held"
    CARD = "card"


class Remark(Struct, frozen=True):
    """A sentence on a segment or, where `kind` is set, on one of its assets, at a moment of it if that is known."""

    segment: int
    kind: Kind | None
    concern: Concern
    text: str
    at_sec: float | None = None


def collect_remarks(
    manifest: Manifest, choice: Choice, timeline: Timeline, lengths_sec: Mapping[str, float], only: Only | None = None
) -> tuple[Remark, ...]:
    """Collect all remarks on the run and on this timeline of it, by segment.

    `manifest` is the complete one. `lengths_sec` has the real length of each clip by its md5.
    """
    found = [*_iter_segment_remarks(manifest), *_iter_asset_remarks(manifest, only)]
    found += [Remark(one.segment, one.kind, Concern.MISSING, f"{one.kind} {one.problem}") for one in choice.omissions]
    found += [one for shot in timeline.shots for one in _iter_look_remarks(shot, lengths_sec)]
    return tuple(sorted(found, key=lambda one: one.segment))


def _iter_segment_remarks(manifest: Manifest) -> Iterator[Remark]:
    for number, segment in manifest.segments.items():
        if segment.notes:
            yield Remark(number, None, Concern.NOTE, segment.notes)
        for note in read_annotations(number, segment):
            if note.state is State.OPEN:
                at_sec = note.time[0] if note.time else None
                yield Remark(number, note.kind, Concern.NOTE, f"{note.place}: {note.body}", at_sec)
    for number in iter_text_conflicts(manifest):
        yield Remark(number, None, Concern.CONFLICT, "The text was changed on two branches, and nobody has settled it")


def _iter_asset_remarks(manifest: Manifest, only: Only | None) -> Iterator[Remark]:
    left_out = dict(iter_left_out(manifest, only))
    for address, asset in manifest.assets():
        concern, text = _judge(manifest, address, asset) or (Concern.LEFT_OUT, f"is {asset.status}")
        if concern is not Concern.LEFT_OUT or address in left_out:
            suffix = ", and left out" if address in left_out else ""
            yield Remark(address.segment, address.kind, concern, f"{address} {text}{suffix}")


def _judge(manifest: Manifest, address: Address, asset: Asset) -> tuple[Concern, str] | None:
    if CONFLICT in asset.extra:
        return Concern.CONFLICT, f"was decided differently: {' against '.join(describe_conflict(asset))}"
    if asset.status is Status.REJECTED:
        return Concern.REJECTED, f"was rejected: {asset.reason}" if asset.reason else "was rejected"
    stale = find_stale_reason(manifest.segment_of(address), address.kind, find_script_rules(manifest))
    return None if stale is None else (Concern.STALE, stale)


def _iter_look_remarks(shot: Shot, lengths_sec: Mapping[str, float]) -> Iterator[Remark]:
    """Yield a remark if a build generates the picture or holds a frame."""
    if shot.look is Look.CARD:
        yield Remark(shot.number, None, Concern.CARD, "Nothing is seen here yet: a build shows a card with the text")
    if shot.look is Look.HELD:
        text = f"A build holds the last frame of the clip of segment {shot.visual_from} here"
        yield Remark(shot.number, None, Concern.HELD, text)
    if shot.look is Look.CLIP and shot.visual is not None:
        missing_sec = float(shot.duration) - lengths_sec[shot.visual.md5]
        if missing_sec > _TOLERANCE_SEC:
            text = f"The clip is {missing_sec:.1f} s shorter than the narration: a build holds its last frame"
            yield Remark(shot.number, Kind.VIDEO, Concern.HELD, text)
