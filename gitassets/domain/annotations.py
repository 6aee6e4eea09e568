"""Notes on an asset, on a moment of it or on a part of its picture, bound to the bytes they were written about.

A segment keeps them in the manifest beside its `notes`, as an object keyed by id, so that branches merge them note by
note. Each is a subset of a W3C Web Annotation: `target` names the md5 and, as a media fragment, the time and the region
(`t=1.2,3.4`, `xywh=percent:10,20,30,30`); `body`, `author`, `created`, `state` and `replies` say the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Md5, Segment, Whole
from gitassets.domain.records import prepare_record
from gitassets.errors import NotFoundError, Remedy, UsageError

ANNOTATIONS = "annotations"
MAX_BODY = 20_000
_ID = re.compile(r"[0-9a-f]{8,32}\Z")
_FRAGMENT = re.compile(
    r"(?:t=(?P<t>\d{1,7}(?:\.\d{1,6})?(?:,\d{1,7}(?:\.\d{1,6})?)?))?"
    r"(?P<and>&)?(?:xywh=percent:(?P<xywh>\d{1,3}(?:\.\d{1,4})?(?:,\d{1,3}(?:\.\d{1,4})?){3}))?\Z"
)
Body = Annotated[str, Meta(min_length=1, max_length=MAX_BODY)]
Name = Annotated[str, Meta(max_length=200)]
Stamp = Annotated[str, Meta(max_length=40)]
Time = tuple[float, float]
Region = tuple[float, float, float, float]


class State(StrEnum):
    OPEN = "open"
    SETTLED = "settled"


class Reply(Struct, frozen=True, kw_only=True):
    id: str
    body: str
    author: str
    created: str


class Annotation(Struct, frozen=True, kw_only=True):
    """A note. `time` is in seconds, its end may be its start; `region` is left, top, width and height in percent."""

    id: str
    segment: int
    kind: Kind
    md5: str
    take: int
    time: Time | None
    region: Region | None
    body: str
    author: str
    created: str
    state: State
    replies: tuple[Reply, ...] = ()

    @property
    def address(self) -> Address:
        return Address(self.segment, self.kind)

    @property
    def place(self) -> str:
        """The note's place in words: "image 3 (take 2) at 10,20,30,30%"."""
        return describe_place(self.address, self.take, self.time, self.region)

    @property
    def wish(self) -> str:
        """The note in words for who makes the next take."""
        where = "" if self.region is None else f"in the part {_describe_region(self.region)}: "
        when = "" if self.time is None else f"at {_describe_time(self.time)}: "
        return f"{where}{when}{self.body}"


class _RawTarget(Struct, frozen=True):
    kind: Kind
    md5: Md5
    take: Whole
    fragment: Annotated[str, Meta(max_length=200)] = ""


class _RawReply(Struct, frozen=True):
    body: Body
    author: Name
    created: Stamp


class _Raw(Struct, frozen=True):
    target: _RawTarget
    body: Body
    author: Name
    created: Stamp
    state: State
    replies: dict[str, Any] = {}


for _form in (_RawReply, _Raw):
    prepare_record(_form)


def read_annotations(number: int, segment: Segment) -> tuple[Annotation, ...]:
    """Return the notes of a segment, oldest first. What is no valid note is left out: see `iter_malformed`."""
    found = (_parse(number, name, one) for name, one in annotation_entries(segment).items())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: (one.created, one.id)))


def iter_annotations(manifest: Manifest) -> Iterator[Annotation]:
    for number, segment in manifest.segments.items():
        if ANNOTATIONS in segment.extra:
            yield from read_annotations(number, segment)


def iter_on(segment: int, part: Segment, kind: Kind) -> Iterator[Annotation]:
    """Yield the notes on one asset, also on its earlier takes."""
    if ANNOTATIONS not in part.extra:
        return iter(())
    return (one for one in read_annotations(segment, part) if one.kind is kind)


def find_annotation(manifest: Manifest, wanted: str) -> Annotation:
    """Find a note by its id or the unique beginning of it."""
    found = [one for one in iter_annotations(manifest) if wanted and one.id.startswith(wanted)]
    if len(found) != 1:
        problem = "no note" if not found else "several notes whose ids begin with"
        raise NotFoundError(f"Run {manifest.run_id} has {problem} {wanted}", Remedy("list-notes", run=manifest.run_id))
    return found[0]


def iter_malformed(segment: Segment) -> Iterator[str]:
    """Yield the ids of entries that are no notes."""
    raw = segment.extra.get(ANNOTATIONS)
    if raw is not None and not isinstance(raw, dict):
        yield ANNOTATIONS
    for name, one in annotation_entries(segment).items():
        parsed = _parse(1, name, one)
        if parsed is None or len(parsed.replies) != len(one.get("replies", {})):
            yield name


def with_annotation(segment: Segment, note: Annotation) -> Segment:
    """Return the segment with this note, new or changed. Keys of the note that are unknown here are kept."""
    entries = dict(annotation_entries(segment))
    earlier = entries.get(note.id)
    kept = {key: value for key, value in earlier.items() if key not in _KEYS} if isinstance(earlier, dict) else {}
    entries[note.id] = {**_format(note, earlier), **kept}
    return msgspec.structs.replace(segment, extra={**segment.extra, ANNOTATIONS: entries})


def with_entries(segment: Segment, changes: Mapping[str, Any]) -> Segment:
    """Return the segment with these entries by id; None removes one."""
    entries = {key: value for key, value in {**annotation_entries(segment), **changes}.items() if value is not None}
    rest = {key: value for key, value in segment.extra.items() if key != ANNOTATIONS}
    if not changes:
        return segment
    return msgspec.structs.replace(segment, extra={**rest, ANNOTATIONS: entries} if entries else rest)


def move_annotations(manifest: Manifest, source: Address, target: Address, takes: Mapping[str, int]) -> Manifest:
    """Move the notes on these bytes, with the numbers that the takes have at the target, by md5."""
    there = manifest.segments[source.segment]
    found = [one for one in iter_on(source.segment, there, source.kind) if one.md5 in takes]
    entries = annotation_entries(there)
    arriving = {one.id: {**entries[one.id], "target": _renumber(entries[one.id], takes)} for one in found}
    changed = {
        source.segment: with_entries(there, dict.fromkeys(arriving)),
        target.segment: with_entries(manifest.segments[target.segment], arriving),
    }
    return manifest.with_segments(changed) if arriving else manifest


def _renumber(entry: Mapping[str, Any], takes: Mapping[str, int]) -> dict[str, Any]:
    return {**entry["target"], "take": takes[entry["target"]["md5"]]}


_KEYS = {"target", "body", "author", "created", "state", "replies"}


def annotation_entries(segment: Segment) -> Mapping[str, Any]:
    """Return the entries as the manifest has them, valid or not, by id."""
    raw = segment.extra.get(ANNOTATIONS)
    return raw if isinstance(raw, dict) else {}


def _parse(number: int, name: str, value: object) -> Annotation | None:
    try:
        raw = msgspec.convert(value, _Raw)
        time, region = parse_fragment(raw.target.fragment)
    except (msgspec.ValidationError, ValueError):
        return None
    if not _ID.match(name):
        return None
    return Annotation(
        id=name,
        segment=number,
        kind=raw.target.kind,
        md5=raw.target.md5,
        take=raw.target.take,
        time=time,
        region=region,
        body=raw.body,
        author=raw.author,
        created=raw.created,
        state=raw.state,
        replies=_parse_replies(raw.replies),
    )


def _parse_replies(raw: Mapping[str, Any]) -> tuple[Reply, ...]:
    found = []
    for name, value in raw.items():
        try:
            one = msgspec.convert(value, _RawReply)
        except msgspec.ValidationError:
            continue
        if _ID.match(name):
            found.append(Reply(id=name, body=one.body, author=one.author, created=one.created))
    return tuple(sorted(found, key=lambda one: (one.created, one.id)))


def _format(note: Annotation, earlier: object) -> dict[str, Any]:
    fragment = format_fragment(note.time, note.region)
    known = earlier.get("replies") if isinstance(earlier, dict) else None
    replies = {one.id: {"body": one.body, "author": one.author, "created": one.created} for one in note.replies}
    raw: dict[str, Any] = {
        "target": {"kind": note.kind.value, "md5": note.md5, "take": note.take},
        "body": note.body,
        "author": note.author,
        "created": note.created,
        "state": note.state.value,
    }
    if fragment:
        raw["target"]["fragment"] = fragment
    if replies or known:
        raw["replies"] = {**(known if isinstance(known, dict) else {}), **replies}
    return raw


def format_fragment(time: Time | None, region: Region | None) -> str:
    """Format a media fragment: "t=1.2,3.4&xywh=percent:10,20,30,30"."""
    parts = []
    if time is not None:
        parts.append(f"t={_number(time[0])},{_number(time[1])}")
    if region is not None:
        parts.append(f"xywh=percent:{','.join(map(_number, region))}")
    return "&".join(parts)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def parse_fragment(text: str) -> tuple[Time | None, Region | None]:
    """Parse a media fragment. Raise ValueError for anything else."""
    match = _FRAGMENT.match(text)
    if match is None or bool(match["and"]) != bool(match["t"] and match["xywh"]):
        raise ValueError(f"{text!r} is no fragment")
    time = [float(one) for one in match["t"].split(",")] if match["t"] else None
    region = [float(one) for one in match["xywh"].split(",")] if match["xywh"] else None
    return (
        None if time is None else check_time((time[0], time[-1])),
        None if region is None else check_region((region[0], region[1], region[2], region[3])),
    )


def check_time(time: Time, duration_sec: float | None = None) -> Time:
    """Return the time. Raise ValueError unless it lies in the sound or clip and does not run backwards."""
    start, end = time
    if not 0 <= start <= end < 10_000_000 or (duration_sec is not None and start > duration_sec):
        raise ValueError(f"{_number(start)}-{_number(end)} is no time in it")
    return time


def check_region(region: Region) -> Region:
    """Return the region. Raise ValueError unless it lies in the picture; a point has no width and height."""
    left, top, width, height = region
    slack = 0.01
    if not (min(region) >= 0 and left + width <= 100 + slack and top + height <= 100 + slack):
        raise ValueError(f"{','.join(map(_number, region))} does not lie in the picture")
    return region


def require_fitting(address: Address, asset: Asset, time: Time | None, region: Region | None) -> None:
    """Raise UsageError if the asset has no such moment or part."""
    if time is not None and address.kind is Kind.IMAGE:
        raise UsageError(f"{address} is a picture, which has no times", "Name a part of it with --region.")
    if region is not None and address.kind is Kind.AUDIO:
        raise UsageError(f"{address} is a sound, of which no part can be seen", "Name a time with --at.")
    try:
        if time is not None:
            check_time(time, asset.duration_sec)
        if region is not None:
            check_region(region)
    except ValueError as error:
        raise UsageError(
            f"{address}: {error}", "Times are seconds, such as 1.2-3.4; regions are percent, such as 10,20,30,30."
        ) from error


def describe_place(address: Address, take: int, time: Time | None, region: Region | None) -> str:
    when = "" if time is None else f" at {_describe_time(time)}"
    where = "" if region is None else f" in {','.join(map(_number, region))}%"
    return f"{address} (take {take}){when}{where}"


def _describe_region(region: Region) -> str:
    left, top, width, height = map(_number, region)
    return f"{left}% from the left and {top}% from the top, {width}% wide and {height}% high"


def _describe_time(time: Time) -> str:
    start, end = map(_number, time)
    return f"{start} s" if start == end else f"{start}-{end} s"
