"""Undo a command: decide how a later state of the run goes back to what was before the command's commit.

Text, note, prompt, takes and decision are undone each by itself, and only if they are still what the command left. An
approval that is undone leads to review, with a recorded reopen; nothing leads back to draft.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.annotations import annotation_entries, with_entries
from gitassets.domain.commit_message import NOTHING, Transition
from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.derived import derive
from gitassets.domain.image_prompt import find_user_prompt, with_prompt
from gitassets.domain.manifest import (
    Address,
    Asset,
    Kind,
    Manifest,
    Segment,
    iter_addresses,
    iter_changed_segments,
    iter_folder_entries,
)
from gitassets.domain.names import find_names, with_names
from gitassets.domain.origin import is_handmade
from gitassets.domain.reopened import how_to_reopen, reopen_record
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import text_md5
from gitassets.domain.status import Status, find_path
from gitassets.domain.takes import COPIED_FROM, LATEST_TAKE, MOVED_FROM, next_take
from gitassets.errors import ConflictError, LockedError, NoMatchError, Remedy

UNDONE = "undone"
"""The recorded reason of a reopen that undoes an approval."""


class Undoing(Struct, frozen=True):
    """The manifest after an undo, and what it changed: assets, and segments with another text, prompt, name or note."""

    manifest: Manifest
    transitions: tuple[Transition, ...]
    segments: tuple[int, ...]

    @property
    def approved(self) -> tuple[Address, ...]:
        """The assets that are approved again."""
        return tuple(one.address for one in self.transitions if one.after == Status.APPROVED != one.before)


def undo_change(before: Manifest, after: Manifest, now: Manifest) -> Undoing:
    """Undo in `now` what the step from `before` to `after` changed.

    Raise ConflictError if anything of that was changed since, LockedError if what it made was locked since, and
    NoMatchError if there is no way back.
    """
    numbers = list(iter_changed_segments(before, after))
    _check_same_segments(before, after, now)
    segments = {one: _undo_segment(one, before, after, now) for one in numbers}
    assets = {one: found for one in _iter_addresses(numbers) if (found := _undo_asset(one, before, after, now))}
    result = derive(now.with_segments(segments).with_assets({one: asset for one, (asset,) in assets.items()}))
    _check_paths(result)
    transitions = tuple(_transition(one, now, result) for one in assets if now.asset(one) != result.asset(one))
    changed = tuple(one for one in numbers if _texts(now.segments[one]) != _texts(result.segments[one]))
    if not transitions and not changed:
        raise NoMatchError("there is no way back from what it changed", Remedy("decide-anew", run=now.run_id))
    return Undoing(result, transitions, changed)


def _iter_addresses(numbers: Iterable[int]) -> Iterator[Address]:
    yield from iter_addresses(numbers)


def _transition(address: Address, now: Manifest, result: Manifest) -> Transition:
    old, new = now.asset(address), result.asset(address)
    return Transition(address, old.status if old else NOTHING, new.status if new else NOTHING)


def _texts(segment: Segment) -> tuple[object, ...]:
    words = segment.paragraph_text, find_user_prompt(segment), find_names(segment), segment.notes
    return *words, dict(annotation_entries(segment))


def _check_same_segments(before: Manifest, after: Manifest, now: Manifest) -> None:
    differing = sorted(before.segments.keys() ^ after.segments.keys())
    if differing:
        raise NoMatchError(f"it added or removed segment {format_ranges(differing)}")
    gone = [one for one in iter_changed_segments(before, after) if one not in now.segments]
    if gone:
        raise ConflictError(f"segment {format_ranges(gone)} is no longer there", Remedy("see-history", run=now.run_id))


def _check_paths(manifest: Manifest) -> None:
    paths = Counter(path.casefold() for path, _, _ in iter_folder_entries(manifest))
    taken = next((path for path, times in paths.items() if times > 1), None)
    if taken is not None:
        raise ConflictError(f"the file name {taken} was given to another asset since", "")


def _undo_segment(number: int, before: Manifest, after: Manifest, now: Manifest) -> Segment:
    old, new, current = (one.segments[number] for one in (before, after, now))
    found = current
    if old.notes != new.notes:
        _require_same(now, f"the note on segment {number}", current.notes == new.notes)
        found = replace(found, notes=old.notes)
    if old.paragraph_text != new.paragraph_text:
        unchanged = current.paragraph_text == new.paragraph_text and CONFLICT not in current.extra
        _require_same(now, f"the text of segment {number}", unchanged)
        _require_speakable(now, number, old.paragraph_text)
        found = replace(found, paragraph_text=old.paragraph_text)
    if find_user_prompt(old) != find_user_prompt(new):
        _require_same(now, f"the prompt of image {number}", find_user_prompt(current) == find_user_prompt(new))
        _require_unlocked(now, Address(number, Kind.IMAGE))
        found = with_prompt(found, find_user_prompt(old))
    if find_names(old) != find_names(new):
        _require_same(now, f"the title or speaker of segment {number}", find_names(current) == find_names(new))
        found = with_names(found, find_names(old))
    return _undo_annotations(found, old, new, now, number)


def _undo_annotations(found: Segment, old: Segment, new: Segment, now: Manifest, number: int) -> Segment:
    """Undo the notes on assets one by one."""
    before, after = annotation_entries(old), annotation_entries(new)
    changed = [one for one in {**before, **after} if before.get(one) != after.get(one)]
    current = annotation_entries(found)
    for one in changed:
        _require_same(now, f"a note on segment {number}", current.get(one) == after.get(one))
    return with_entries(found, {one: before.get(one) for one in changed})


def _require_same(now: Manifest, what: str, is_same: bool) -> None:
    if not is_same:
        raise ConflictError(f"{what} was changed since", Remedy("see-history", run=now.run_id))


def _require_speakable(now: Manifest, number: int, text: str) -> None:
    """Raise LockedError if approved narration speaks another text."""
    audio = now.segments[number].audio
    if audio is not None and audio.text_md5 != text_md5(text):
        _require_unlocked(now, Address(number, Kind.AUDIO))


def _require_unlocked(now: Manifest, address: Address) -> None:
    asset = now.asset(address)
    if asset is not None and asset.locked:
        raise LockedError(f"{address} is {asset.status}, and so locked", how_to_reopen(now.run_id, address))


def _undo_asset(address: Address, before: Manifest, after: Manifest, now: Manifest) -> tuple[Asset | None] | None:
    """Return the asset after the undo in a tuple; None if the command did not change it."""
    old, new, current = before.asset(address), after.asset(address), now.asset(address)
    if old == new:
        return None
    if old is None or new is None:
        _require_same(now, str(address), current == new)
        _require_unlocked(now, address)
        _require_brought(address, old, new)
        return (old,)
    if current is None:
        raise ConflictError(f"{address} is no longer there", Remedy("see-history", run=now.run_id))
    _require_same(now, str(address), CONFLICT not in current.extra)
    found = current
    if _take(old) != _take(new):
        found = _undo_take(now, address, old, new, current)
    if _decision(old) != _decision(new):
        _require_same(now, str(address), _decision(current) == _decision(new))
        found = _undo_decision(address, old, new, found)
    return (found,)


def _require_brought(address: Address, old: Asset | None, new: Asset | None) -> None:
    """Raise NoMatchError for a first take that was made: without an asset, no command would find the take again."""
    if old is None and new is not None and not (is_handmade(new) or {COPIED_FROM, MOVED_FROM} & new.extra.keys()):
        raise NoMatchError(f"{address} had no take before it")


def _take(asset: Asset) -> tuple[object, ...]:
    return asset.md5, asset.take, asset.path, dict(asset.takes)


def _decision(asset: Asset) -> tuple[object, ...]:
    return asset.status, asset.approved_md5, asset.reason, asset.reopened


def _undo_take(now: Manifest, address: Address, old: Asset, new: Asset, current: Asset) -> Asset:
    """Return the asset with the take and the candidates of `old`, and the decision of `current`."""
    _require_same(now, str(address), _take(current) == _take(new))
    if old.md5 == new.md5:
        return _keep_numbers(replace(current, takes=old.takes, path=old.path, take=old.take), current)
    _require_unlocked(now, address)
    extra = {key: value for key, value in old.extra.items() if key not in (CONFLICT, SETTLED)}
    decided = {"status": current.status, "reason": current.reason, "reopened": current.reopened}
    return _keep_numbers(replace(old, **decided, approved_md5=None, extra=extra), current)


def _keep_numbers(asset: Asset, current: Asset) -> Asset:
    """Keep the number of an undone take in use, so that no other take gets it."""
    if next_take(asset) == next_take(current):
        return asset
    return replace(asset, extra={**asset.extra, LATEST_TAKE: next_take(current) - 1})


def _undo_decision(address: Address, old: Asset, new: Asset, current: Asset) -> Asset:
    if old.status is new.status:
        return replace(current, reason=old.reason)
    if new.status is Status.PUBLISHED or (old.locked and old.md5 != new.md5):
        raise NoMatchError(f"{address} was {new.status} by it")
    if new.locked:
        record = reopen_record(current, UNDONE)
        return replace(current, status=Status.REVIEW, approved_md5=None, reopened=record, reason=old.reason)
    target = Status.APPROVED if old.locked else old.status
    if target in (Status.APPROVED, Status.REJECTED) and find_path(new.status, target) is not None:
        return replace(
            current,
            status=target,
            approved_md5=current.md5 if target is Status.APPROVED else None,
            reason=old.reason,
        )
    return _put_in_review(old, new, current)


def _put_in_review(old: Asset, new: Asset, current: Asset) -> Asset:
    """Leave the status if it cannot be the old one, except for a rejection, which goes back to review."""
    if new.status is not Status.REJECTED:
        return current
    return replace(current, status=Status.REVIEW, reason=old.reason)
