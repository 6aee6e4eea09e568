"""Describe manifests and their differences in words."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from gitassets.domain.annotations import State, read_annotations
from gitassets.domain.conflict import CONFLICT, describe_conflict
from gitassets.domain.image_prompt import find_user_prompt
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.names import Names, find_names, record_names


def describe_difference(before: Manifest | None, after: Manifest) -> Iterator[str]:
    """Yield a line for each change: transitions, takes, texts and notes."""
    old = before or Manifest(run_id=after.run_id)
    if old.production_state != after.production_state and before is not None:
        yield f"run: {old.production_state} → {after.production_state}"
    yield from _describe_asset(MUSIC, old.music, after.music)
    for number in sorted(old.segments.keys() | after.segments.keys()):
        yield from _describe_segment(number, old.segments.get(number), after.segments.get(number))


def _describe_segment(number: int, before: Segment | None, after: Segment | None) -> Iterator[str]:
    if after is None:
        yield f"segment {number}: removed"
        return
    if before is None:
        yield f"segment {number}: added: {_quote(after.paragraph_text)}"
        before = Segment(paragraph_text=after.paragraph_text)
    if before.paragraph_text != after.paragraph_text:
        yield f"segment {number}: text changed: {_quote(before.paragraph_text)} → {_quote(after.paragraph_text)}"
    if find_user_prompt(before) != find_user_prompt(after):
        yield f"segment {number}: image prompt: {_quote(find_user_prompt(after))}"
    yield from _describe_names(number, find_names(before), find_names(after))
    if before.notes != after.notes:
        yield f"segment {number}: note: {_quote(after.notes)}" if after.notes else f"segment {number}: note removed"
    yield from _describe_annotations(number, before, after)
    for kind in SEGMENT_KINDS:
        yield from _describe_asset(Address(number, kind), before.asset(kind), after.asset(kind))


def _describe_names(number: int, before: Names, after: Names) -> Iterator[str]:
    for what, old, new in (("speaker", before.speaker, after.speaker), ("title", before.title, after.title)):
        if old != new:
            yield f"segment {number}: {what}: {_quote(new)}" if new else f"segment {number}: {what} removed"


def _describe_annotations(number: int, before: Segment, after: Segment) -> Iterator[str]:
    earlier = {one.id: one for one in read_annotations(number, before)}
    for note in read_annotations(number, after):
        old = earlier.pop(note.id, None)
        if old is None:
            yield f"{note.place}: note: {_quote(note.body)}"
            old = replace(note, state=State.OPEN, replies=())
        if old.state is not note.state:
            yield f"{note.place}: note {note.state}: {_quote(note.body)}"
        for reply in note.replies:
            if reply not in old.replies:
                yield f"{note.place}: reply: {_quote(reply.body)}"
    for note in earlier.values():
        yield f"{note.place}: note removed: {_quote(note.body)}"


def _describe_asset(address: Address, before: Asset | None, after: Asset | None) -> Iterator[str]:
    if after is None:
        if before is not None:
            yield f"{address}: removed ({before.path}, md5 {before.md5})"
        return
    if before is None:
        yield f"{address}: new, {after.status}, take {after.take} by {after.source or 'unknown'} (md5 {after.md5})"
        return
    if before.md5 != after.md5:
        yield f"{address}: take {before.take} → {after.take} (md5 {before.md5} → {after.md5})"
    yield from _describe_decision(address, before, after)
    if CONFLICT in after.extra and CONFLICT not in before.extra:
        yield f"{address}: in conflict: {' against '.join(describe_conflict(after))}"
    if before.path != after.path:
        yield f"{address}: {before.path} → {after.path}"
    if before.prompt != after.prompt and after.prompt:
        yield f"{address}: prompt: {_quote(after.prompt)}"
    for what, takes in (("new", _find_new_candidates(before, after)), ("dropped", _find_new_candidates(after, before))):
        yield from (f"{address}: candidate {what}: take {take.take} (md5 {take.md5})" for take in takes)


def _describe_decision(address: Address, before: Asset, after: Asset) -> Iterator[str]:
    if before.status is not after.status:
        because = f": {_quote(after.reason)}" if after.reason and after.reason != before.reason else ""
        yield f"{address}: {before.status} → {after.status}{because}"
    elif before.reason != after.reason:
        yield f"{address}: reason: {_quote(after.reason)}" if after.reason else f"{address}: reason removed"


def _find_new_candidates(known: Asset, asset: Asset) -> list[Asset]:
    """Return the asset's candidates whose bytes are neither a candidate nor the current take of `known`."""
    return [take for md5, take in asset.takes.items() if md5 not in (known.md5, *known.takes)]


def _quote(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return f"“{flat[:79]}…”" if len(flat) > 80 else f"“{flat}”"


def describe_manifest(manifest: Manifest) -> Iterator[str]:
    """Yield a line for each fact that matters to a reviewer, for `git diff` to compare."""
    yield f"run {manifest.run_id}: {manifest.production_state}"
    if manifest.music is not None:
        yield from _describe_facts(Kind.MUSIC, manifest.music)
    for number, segment in manifest.segments.items():
        yield f"segment {number}: {segment.sync_status}"
        yield f"  text: {' '.join(segment.paragraph_text.split())}"
        if find_user_prompt(segment):
            yield f"  image prompt: {' '.join((find_user_prompt(segment) or '').split())}"
        yield from (f"  {key}: {name}" for key, name in record_names(find_names(segment)).items())
        if segment.notes:
            yield f"  note: {' '.join(segment.notes.split())}"
        for kind in SEGMENT_KINDS:
            asset = segment.asset(kind)
            if asset is not None:
                yield from _describe_facts(kind, asset)


def _describe_facts(kind: Kind, asset: Asset) -> Iterator[str]:
    yield f"  {kind}: {asset.status}, take {asset.take}, {asset.path} (md5 {asset.md5})"
    yield from (f"    {name}: {value}" for name, value in _facts(asset) if value)
    yield from (f"    candidate: take {take.take}, {take.path} (md5 {md5})" for md5, take in asset.takes.items())
    yield from (f"    in conflict: {decision}" for decision in describe_conflict(asset))


def _facts(asset: Asset) -> Iterator[tuple[str, str | None]]:
    yield "approved md5", asset.approved_md5
    yield "reason", asset.reason
    yield "prompt", asset.prompt
    yield "voice", asset.voice
