from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.conflict import (
    CONFLICT,
    SETTLED,
    conflict_records,
    iter_conflicts,
    iter_text_conflicts,
    settle,
)
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState, check_state, check_step, state_from_bytes
from gitassets.domain.manifest import Address, Asset, FinalFile, Kind, Manifest, Segment
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.guard import check_merge
from gitassets.domain.merge.manifests import Merged, merge_manifests
from gitassets.domain.reopened import reopen_record
from gitassets.domain.rules import KNOWN_RULES
from gitassets.domain.status import Status
from gitassets.domain.tree_rules import TreeEntry
from gitassets.errors import ConflictError
from tests.domain.builders import a_manifest, a_segment, audio, digest, image, manifests
from tests.domain.histories import Change, apply, apply_all, bases, changes, histories

DRAFT, REVIEW, APPROVED = Status.DRAFT, Status.REVIEW, Status.APPROVED
REJECTED, REVISED, PUBLISHED = Status.REJECTED, Status.REVISED, Status.PUBLISHED
IMAGE = Address(1, Kind.IMAGE)


def state(manifest: Manifest | None) -> RunState:
    implied = imply_dvc_files(manifest).values() if manifest else ()
    return RunState(manifest=manifest, dvc_files={one.file_name: one.text.encode() for one in implied})


def run_with(shown: Asset | None, **values: Any) -> Manifest:
    return a_manifest({1: a_segment(audio=audio(), image=shown, **values)})


def merge(base: Asset | None, ours: Asset | None, theirs: Asset | None) -> Asset | None:
    """Merge the image in both directions, check that the results are equal, and return it."""
    sides = [run_with(one) for one in (base, ours, theirs)]
    merged = merge_manifests(*sides)
    swapped = merge_manifests(sides[0], sides[2], sides[1])
    assert format_manifest(merged.manifest) == format_manifest(swapped.manifest)
    found = merged.manifest.asset(IMAGE)
    if not any(one is not None and CONFLICT in one.extra for one in (ours, theirs)):
        assert merged.assets == ((IMAGE,) if found is not None and CONFLICT in found.extra else ())
    return found


def reopened(asset: Asset, reason: str = "wrong logo") -> Asset:
    return replace(asset, status=REVIEW, approved_md5=None, reopened=reopen_record(asset, reason))


def decisions(asset: Asset | None) -> list[tuple[str, str]]:
    """Return the decisions recorded in the conflict; check that the asset is in review."""
    assert asset is not None
    assert (asset.status, asset.approved_md5) == (REVIEW, None)
    return sorted((one["status"], one["md5"]) for one in conflict_records(asset))


def test_merge_of_decisions_on_different_assets_is_clean() -> None:
    base = a_manifest({1: a_segment(audio=audio(), image=image()), 2: a_segment(audio=audio(2))})
    ours = base.with_asset(IMAGE, image(status=APPROVED))
    theirs = base.with_assets({Address(2, Kind.AUDIO): audio(2, REJECTED), Address(1, Kind.AUDIO): audio(take=2)})
    merged = merge_manifests(base, ours, theirs)
    assert merged.clean
    assert merged.manifest.asset(IMAGE) == image(status=APPROVED)
    assert merged.manifest.asset(Address(2, Kind.AUDIO)) == audio(2, REJECTED)
    assert merged.manifest.asset(Address(1, Kind.AUDIO)) == audio(take=2)


@pytest.mark.parametrize("status", [APPROVED, REJECTED, PUBLISHED, REVIEW])
def test_merge_of_same_decision_is_that_decision(status: Status) -> None:
    assert merge(image(), image(status=status), image(status=status)) == image(status=status)


def test_merge_of_two_rejections_keeps_both_reasons() -> None:
    merged = merge(image(), image(status=REJECTED, reason="too dark"), image(status=REJECTED, reason="off topic"))
    assert merged == image(status=REJECTED, reason="off topic\ntoo dark")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (image(status=APPROVED), image(status=REJECTED, reason="too dark")),
        (image(status=APPROVED), image(take=2)),
        (image(status=APPROVED), image(status=REVIEW, take=2)),
        (image(status=REJECTED), image(take=2)),
        (image(status=PUBLISHED), image(status=REJECTED)),
        (image(take=2), image(take=2, md5=digest("another second take"))),
        (image(status=APPROVED, take=2), image(status=APPROVED, take=3)),
        (image(status=APPROVED), image(status=PUBLISHED, take=2)),
        (image(status=APPROVED), image(status=PUBLISHED, approved_md5=None)),
        (reopened(image(status=APPROVED)), image(status=APPROVED)),
        (image(status=APPROVED, extra={CONFLICT: [{"md5": image().md5, "status": "draft"}]}), image(take=2)),
    ],
)
def test_merge_of_contradicting_decisions_is_in_review_and_records_both(ours: Asset, theirs: Asset) -> None:
    found = decisions(merge(image(), ours, theirs))
    assert set(found) >= {(str(one.status), one.md5) for one in (ours, theirs)}


def test_merge_of_two_different_new_assets_conflicts() -> None:
    assert len(decisions(merge(None, image(), image(take=2)))) == 2
    assert merge(None, image(), image()) == image()


def test_conflict_keeps_approved_bytes_and_later_take_number() -> None:
    merged = merge(image(), image(status=APPROVED), image(take=2))
    assert merged is not None
    assert (merged.md5, merged.path, merged.size) == (image().md5, image().path, image().size)
    assert merged.take == 2


def test_conflict_record_contains_reason_prompt_take_and_size() -> None:
    rejected = image(status=REJECTED, reason="too dark", prompt="a cave", take=2)
    merged = merge(image(), image(status=APPROVED), rejected)
    assert merged is not None
    record = next(one for one in conflict_records(merged) if one["status"] == "rejected")
    assert (record["reason"], record["prompt"], record["take"], record["size"]) == ("too dark", "a cave", 2, 1002)


@pytest.mark.parametrize("locked", [APPROVED, PUBLISHED])
def test_merge_of_unchanged_lock_with_reopen_is_reopened(locked: Status) -> None:
    lock = image(status=locked)
    assert merge(lock, lock, reopened(lock)) == reopened(lock)
    assert merge(lock, replace(lock, prompt="new words"), reopened(lock)) == replace(reopened(lock), prompt="new words")


def test_merge_of_reopen_with_publish_conflicts() -> None:
    lock = image(status=APPROVED)
    merged = merge(lock, reopened(lock), image(status=PUBLISHED))
    assert decisions(merged) == [("published", lock.md5), ("review", lock.md5)]
    assert merged is not None
    assert merged.reopened == reopened(lock).reopened


def test_merge_of_unrecorded_unlock_with_publish_conflicts() -> None:
    lock = image(status=APPROVED)
    merged = merge(lock, image(status=REVIEW), image(status=PUBLISHED))
    assert decisions(merged) == [("published", lock.md5), ("review", lock.md5)]


def test_merge_of_reopen_with_reopen_and_new_approval_conflicts() -> None:
    lock = image(status=APPROVED)
    again = replace(reopened(lock, "once more"), status=APPROVED, approved_md5=lock.md5)
    assert decisions(merge(lock, reopened(lock), again)) == [("approved", lock.md5), ("review", lock.md5)]


def test_merge_of_two_reopens_keeps_both_reasons() -> None:
    lock = image(status=APPROVED)
    merged = merge(lock, reopened(lock, "logo"), reopened(lock, "colours"))
    assert merged is not None
    assert CONFLICT not in merged.extra
    assert merged.reopened == {"md5": lock.md5, "reason": "colours\nlogo"}


def test_merge_of_reopens_keeps_the_higher_count() -> None:
    lock = image(status=APPROVED)
    second = replace(reopened(lock, "a"), status=APPROVED, approved_md5=lock.md5)
    twice = reopened(second, "b")
    merged = merge(lock, reopened(lock, "c"), twice)
    assert merged is not None
    assert merged.reopened == twice.reopened


@pytest.mark.parametrize("decided", [APPROVED, REJECTED, PUBLISHED])
def test_merge_of_review_with_decision_is_that_decision(decided: Status) -> None:
    assert merge(image(), image(status=REVIEW), image(status=decided)) == image(status=decided)


def test_merge_of_review_with_new_take_is_new_take_in_review() -> None:
    assert merge(image(), image(status=REVIEW), image(take=2)) == image(status=REVIEW, take=2)
    rejected = image(status=REJECTED)
    assert merge(rejected, image(status=REVIEW), image(status=REVISED, take=2)) == image(status=REVIEW, take=2)


def test_merge_keeps_later_take_number() -> None:
    merged = merge(image(), image(status=APPROVED), replace(image(), take=5))
    assert merged == replace(image(status=APPROVED), take=5)


def test_merge_of_approval_with_publish_is_published() -> None:
    assert merge(image(), image(status=APPROVED), image(status=PUBLISHED)) == image(status=PUBLISHED)


def test_merge_of_change_with_removal_keeps_change() -> None:
    assert merge(image(), None, image()) is None
    assert merge(image(), None, image(status=APPROVED)) == image(status=APPROVED)


def test_merge_keeps_measured_fields_of_the_chosen_bytes() -> None:
    base = image(width=100, voice="a", cost_usd=1.0)
    theirs = replace(base, width=101)
    merged = merge(base, image(take=2, width=100, voice="a", cost_usd=2.0), theirs)
    assert merged == image(take=2, width=100, voice="a", cost_usd=2.0)
    assert merge(base, replace(base, width=102, cost_usd=3), theirs) == replace(base, width=102, cost_usd=3)


@pytest.mark.parametrize("settled", [True, False])
def test_merge_keeps_request_fields_of_the_chosen_bytes(settled: bool) -> None:
    """A request stored with bytes of another request would later return the wrong bytes from history."""
    base = image(extra={"request": "of take 1", "credit": {"author": "Ann"}, "mood": "calm"})
    mine = image(take=2, status=REVIEW, extra={"request": "of take 2", "parent": "x", "mood": "calm"})
    other = image(take=1, status=REJECTED) if settled else image(take=3, status=REVIEW)
    theirs = replace(other, extra={"request": f"of take {other.take}", "credit": {"author": "Bob"}, "mood": "wild"})
    merged = merge(base, mine, theirs)
    assert merged is not None
    assert merged.extra["request"] == f"of take {2 if merged.md5 == mine.md5 else other.take}"
    assert ("credit" in merged.extra) == (merged.md5 == theirs.md5)
    assert ("parent" in merged.extra) == (merged.md5 == mine.md5)
    assert (merged.extra["mood"], "unmerged" in merged.extra) == ("wild", False)


def test_merge_keeps_charges_of_both_sides() -> None:
    def charged(*names: str) -> Manifest:
        return run_with(image(), extra={"charges": {name: {"cost_usd": 0.07} for name in names}})

    merged = merge_manifests(charged("a"), charged("a", "b"), charged("a", "c"))
    assert merged.clean
    assert sorted(merged.manifest.segments[1].extra["charges"]) == ["a", "b", "c"]
    sides = [state(one) for one in (charged("a"), charged("a", "b"), charged("a", "c"))]
    assert check_merge(*sides, state(merged.manifest)) == ()


def test_merge_of_unknown_keys_records_overridden_values() -> None:
    merged = merge(image(), image(extra={"a": 1, "x": {"p": 1}}), image(extra={"a": 2, "x": {"q": 1}}))
    assert merged is not None
    assert merged.extra == {"a": 2, "x": {"p": 1, "q": 1}, "unmerged": {"a": [1]}}
    both = merge(image(), image(status=APPROVED, extra={"a": 1}), image(status=REJECTED, extra={"b": 2}))
    assert both is not None
    assert {key: value for key, value in both.extra.items() if key != CONFLICT} == {"a": 1, "b": 2}


def test_merge_of_conflict_with_third_decision_records_all_three() -> None:
    first = merge(image(), image(status=APPROVED), image(status=REJECTED))
    third = merge(image(), first, image(take=2))
    assert decisions(third) == [("approved", image().md5), ("draft", image(take=2).md5), ("rejected", image().md5)]


def test_merge_of_settled_conflict_with_unsettled_side_stays_settled() -> None:
    conflict = merge(image(), image(status=APPROVED), image(status=REJECTED))
    assert conflict is not None
    settled = replace(settle(conflict), status=APPROVED, approved_md5=conflict.md5)
    assert merge(conflict, settled, replace(conflict, prompt="new")) == replace(settled, prompt="new")
    other = replace(settle(conflict), status=REJECTED, reason="no")
    assert decisions(merge(conflict, settled, other)) == [("approved", image().md5), ("rejected", image().md5)]


@pytest.mark.parametrize("before", [DRAFT, REVIEW])
def test_merge_of_conflict_with_approval_keeps_conflict(before: Status) -> None:
    base = image(status=before)
    conflict = merge(base, image(status=APPROVED), image(status=REJECTED))
    assert decisions(merge(base, conflict, image(status=APPROVED))) == [
        ("approved", image().md5),
        ("rejected", image().md5),
    ]


def test_merge_of_two_conflicts_joins_their_records() -> None:
    one, other = (
        merge(image(), image(status=APPROVED), image(status=REJECTED, reason=reason)) for reason in ("dark", "dull")
    )
    assert decisions(merge(image(), one, other)) == [
        ("approved", image().md5),
        ("rejected", image().md5),
        ("rejected", image().md5),
    ]


def test_merge_with_new_conflict_drops_settled_record() -> None:
    settled = image(status=APPROVED, extra={SETTLED: []})
    merged = merge(image(), settled, image(take=2))
    assert merged is not None
    assert list(merged.extra) == [CONFLICT]


def test_merge_distinguishes_true_from_1() -> None:
    base, ours = image(extra={"a": 1}), image(extra={"a": True})
    for merged in (merge(base, ours, base), merge(base, ours, replace(base, prompt="new"))):
        assert merged is not None
        assert merged.extra["a"] is True


def merge_segments(base: Segment | None, ours: Segment | None, theirs: Segment | None) -> Merged:
    sides = [a_manifest({} if one is None else {1: one}) for one in (base, ours, theirs)]
    merged = merge_manifests(*sides)
    assert format_manifest(merged.manifest) == format_manifest(
        merge_manifests(sides[0], sides[2], sides[1]).manifest,
    )
    return merged


def test_merge_of_segment_texts_and_notes_is_by_lines() -> None:
    base = a_segment("one\ntwo\nthree", notes="x")
    ours = a_segment("ONE\ntwo\nthree", notes="y")
    merged = merge_segments(base, ours, a_segment("one\ntwo\nTHREE", notes="z"))
    assert merged.clean
    assert merged.manifest.segments[1] == a_segment("ONE\ntwo\nTHREE", notes="y\nz")


def test_merge_of_contradicting_segment_texts_records_both() -> None:
    merged = merge_segments(a_segment("one"), a_segment("two"), a_segment("three"))
    assert merged.texts == (1,)
    assert not merged.clean
    segment = merged.manifest.segments[1]
    assert segment.paragraph_text == "three\ntwo"
    assert segment.extra[CONFLICT] == [{"paragraph_text": "three"}, {"paragraph_text": "two"}]
    assert list(iter_text_conflicts(merged.manifest)) == [1]


def test_merge_adds_and_removes_segments_but_keeps_changed_ones() -> None:
    one, changed = a_segment("one"), a_segment("one", audio=audio())
    assert merge_segments(None, one, None).manifest.segments == {1: one}
    assert merge_segments(one, one, None).manifest.segments == {}
    assert merge_segments(one, changed, None).manifest.segments == {1: changed}
    assert merge_segments(changed, None, replace(changed, notes="n")).manifest.segments == {
        1: replace(changed, notes="n")
    }


def built(md5: str, *segments: Segment) -> Manifest:
    final = FinalFile(path="final/final.mp4", md5=digest(md5), size=1)
    return derive(a_manifest(dict(enumerate(segments, start=1)), final=(final,)))


def test_merge_keeps_single_build_and_marks_it_stale() -> None:
    lock = audio(status=APPROVED)
    base = derive(a_manifest({1: a_segment(audio=lock)}))
    ours = built("a", a_segment(audio=lock, built={"audio": lock.md5}))
    theirs = base.with_asset(IMAGE, image(status=APPROVED))
    merged = merge_manifests(base, ours, theirs).manifest
    assert merged.final == ours.final
    assert merged.segments[1].sync_status == "stale"
    assert merge_manifests(base, ours, base).manifest.production_state == "built"


def test_merge_of_two_builds_keeps_neither() -> None:
    lock = audio(status=APPROVED)
    base = derive(a_manifest({1: a_segment(audio=lock)}))
    ours, theirs = (built(one, a_segment(audio=lock, built={"audio": lock.md5})) for one in "ab")
    merged = merge_manifests(base, ours, theirs)
    assert merged.clean
    assert merged.manifest.final == ()
    assert merged.manifest.segments[1].built is None
    assert merged.manifest.production_state == "approved"
    assert merge_manifests(base, ours, ours).manifest == ours


def finals(*names: str, of: str = "") -> tuple[FinalFile, ...]:
    return tuple(FinalFile(path=f"final/{name}", md5=digest(name + of), size=1) for name in sorted(names))


def test_merge_keeps_the_finals_of_both_sides() -> None:
    lock = audio(status=APPROVED)
    base = derive(a_manifest({1: a_segment(audio=lock)}))
    run_id = base.run_id
    main, draft = finals("build.json", f"{run_id}.mp4"), finals(f"{run_id}-draft.mp4")
    small = finals(f"{run_id}-64x36.mp4")
    segment = {1: a_segment(audio=lock, built={"audio": lock.md5})}
    ours = derive(replace(base, segments=segment, final=(*draft, *main)))
    theirs = replace(base, final=small)
    for merged in (merge_manifests(base, ours, theirs).manifest, merge_manifests(base, theirs, ours).manifest):
        assert merged.final == in_order(*main, *draft, *small)
        assert merged.production_state == "built"
    other_draft = replace(base, final=in_order(*finals(f"{run_id}-draft.mp4", of="other"), *small))
    merged = merge_manifests(base, ours, other_draft).manifest
    assert merged.final == in_order(*main, *small)
    assert merged.production_state == "built"
    other_main = derive(replace(ours, final=in_order(*finals(f"{run_id}.mp4", of="other"), *small)))
    merged = merge_manifests(base, ours, other_main).manifest
    assert merged.final == in_order(*draft, *small)
    assert merged.segments[1].built is None


def in_order(*files: FinalFile) -> tuple[FinalFile, ...]:
    return tuple(sorted(files, key=lambda one: one.path))


def test_merge_separates_assets_with_the_same_path() -> None:
    base = a_manifest({1: a_segment(audio=audio(1)), 2: a_segment(audio=audio(2))})
    lock = audio(2, APPROVED, path="takes/x.mp3")
    ours = base.with_asset(Address(1, Kind.AUDIO), audio(1, path="takes/X.mp3"))
    theirs = base.with_asset(Address(2, Kind.AUDIO), lock)
    merged = merge_manifests(base, ours, theirs)
    assert merged.assets == (Address(1, Kind.AUDIO),)
    assert merged.manifest.asset(Address(2, Kind.AUDIO)) == lock
    moved = merged.manifest.asset(Address(1, Kind.AUDIO))
    assert moved is not None
    assert moved.path == f"takes/audio_001_{moved.md5}.mp3"
    assert parse_manifest(format_manifest(merged.manifest)) == merged.manifest


def test_merge_drops_build_whose_path_an_asset_uses() -> None:
    base = a_manifest({1: a_segment(audio=audio())})
    ours = replace(base, final=(FinalFile(path="takes/x.mp3", md5=digest("f"), size=1),))
    theirs = base.with_asset(Address(1, Kind.AUDIO), audio(path="takes/X.mp3"))
    merged = merge_manifests(base, ours, theirs).manifest
    assert merged.final == ()
    assert merged.asset(Address(1, Kind.AUDIO)) == audio(path="takes/X.mp3")


def test_merge_refuses_manifests_of_different_runs() -> None:
    with pytest.raises(ConflictError, match="another"):
        merge_manifests(None, a_manifest(), replace(a_manifest(), run_id="another"))


@given(manifests(), manifests(), manifests())
def test_merge_of_any_three_manifests_is_valid_and_symmetric(base: Manifest, ours: Manifest, theirs: Manifest) -> None:
    # Rules only rise, so those of the base are not above the others'.
    base, ours, theirs = (replace(one, run_id="a", rules=KNOWN_RULES) for one in (base, ours, theirs))
    merged = merge_manifests(base, ours, theirs).manifest
    data = format_manifest(merged)
    assert parse_manifest(data) == merged
    assert data == format_manifest(merge_manifests(base, theirs, ours).manifest)
    assert format_manifest(merge_manifests(base, ours, ours).manifest) == format_manifest(derive(ours))
    assert format_manifest(merge_manifests(base, base, ours).manifest) == format_manifest(derive(ours))


def check_laws(base: Manifest, ours: Manifest, theirs: Manifest) -> Manifest:
    """Merge two histories, check all laws of merging, and return the result."""
    merged = merge_manifests(base, ours, theirs)
    data = format_manifest(merged.manifest)
    assert data == format_manifest(merge_manifests(base, theirs, ours).manifest)
    assert parse_manifest(data) == merged.manifest
    for side in (ours, theirs):
        assert format_manifest(merge_manifests(base, side, side).manifest) == format_manifest(side)
        assert format_manifest(merge_manifests(base, base, side).manifest) == format_manifest(side)
        assert format_manifest(merge_manifests(base, side, base).manifest) == format_manifest(side)
    _check_approvals(merged.manifest, ours, theirs)
    _check_nothing_lost(base, ours, theirs, merged.manifest)
    assert set(merged.assets) <= {address for address, _ in iter_conflicts(merged.manifest)}
    assert check_state(state(merged.manifest)) == ()
    states = [state(one) for one in (base, ours, theirs, merged.manifest)]
    assert check_merge(*states) == ()
    event("clean" if merged.clean else "conflict")
    return merged.manifest


def _check_approvals(merged: Manifest, *sides: Manifest) -> None:
    for address, asset in merged.assets():
        if asset.locked:
            assert asset.approved
            twins = [side.asset(address) for side in sides]
            assert any(
                one is not None
                and one.approved
                and (one.md5, one.path, one.status) == (asset.md5, asset.path, asset.status)
                for one in twins
            )


def _named(asset: Asset | None) -> Iterator[tuple[str, str]]:
    """Return every (status, md5) of the asset: its own, or those in conflict."""
    if asset is not None:
        yield str(asset.status), asset.md5
        for one in conflict_records(asset):
            yield one["status"], one["md5"]


def _check_nothing_lost(base: Manifest, ours: Manifest, theirs: Manifest, merged: Manifest) -> None:
    for side in (ours, theirs):
        for address, asset in side.assets():
            old, found = list(_named(base.asset(address))), list(_named(merged.asset(address)))
            for status, md5 in _named(asset):
                if md5 not in [one for _, one in old]:
                    assert md5 in [one for _, one in found]
                if (status, md5) not in old and status in ("approved", "rejected", "published"):
                    assert (status, md5) in found or (status == "approved" and ("published", md5) in found)
            _check_candidates(base.asset(address), asset, merged.asset(address))
            before = base.asset(address)
            if before is not None and before.locked and not asset.locked:
                after = merged.asset(address)
                assert after is not None
                assert not after.locked


def _check_candidates(before: Asset | None, side: Asset, merged: Asset | None) -> None:
    """Check that every added take is a candidate or the current take, and that a choice removes no take."""
    known = {*before.takes, before.md5} if before else set()
    for md5 in side.takes.keys() - known:
        assert merged is not None
        assert md5 in (merged.md5, *merged.takes)


@settings(max_examples=3 * settings.default.max_examples)
@given(bases, histories, histories)
def test_merge_laws_hold_for_two_histories(base: Manifest, mine: list[Change], other: list[Change]) -> None:
    check_laws(base, apply_all(base, mine), apply_all(base, other))


@settings(max_examples=2 * settings.default.max_examples)
@given(bases, st.lists(histories, min_size=5, max_size=5))
def test_merge_laws_hold_for_merges_of_merges(base: Manifest, done: list[list[Change]]) -> None:
    one, two, three = (apply_all(base, changes) for changes in done[:3])
    first = apply_all(check_laws(base, one, two), done[3])
    second = apply_all(check_laws(base, two, three), done[4])
    check_laws(two, first, second)
    check_laws(base, first, three)


@given(bases, histories)
def test_guard_allows_every_step_of_a_generated_history(base: Manifest, done: list[Change]) -> None:
    for change in done:
        after = apply(base, change)
        assert check_step(state(base), state(after)) == ()
        base = after


# Many changes do not affect the fields that the rule covers.
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(bases, histories, histories, st.data())
def test_check_merge_reports_any_altered_merge_result(
    base: Manifest, mine: list[Change], other: list[Change], data: st.DataObject
) -> None:
    ours, theirs = apply_all(base, mine), apply_all(base, other)
    merged = merge_manifests(base, ours, theirs).manifest
    forged = apply(merged, data.draw(changes))
    changed = [
        address
        for address, asset in merged.assets()
        if (one := forged.asset(address)) is None
        or (one.status, one.md5, one.path) != (asset.status, asset.md5, asset.path)
    ]
    assume(changed)
    settled = all(
        CONFLICT in merged_asset.extra and forged_asset is not None and forged_asset.extra.get(SETTLED)
        for merged_asset, forged_asset in ((merged.asset(one), forged.asset(one)) for one in changed)
        if merged_asset is not None
    )
    found = check_merge(*(state(one) for one in (base, ours, theirs, forged)))
    assert bool(found) != settled


def merge_states(result: Asset | None, ours: Asset, theirs: Asset) -> list[str]:
    states = [state(run_with(one)) for one in (image(), ours, theirs, result)]
    return [one.code for one in check_merge(*states)]


def test_check_merge_accepts_conflict_settled_only_by_recorded_decision() -> None:
    ours, theirs = image(status=APPROVED), image(take=2)
    conflict = merge(image(), ours, theirs)
    assert conflict is not None
    settled = settle(conflict)
    approved = replace(settled, status=APPROVED, approved_md5=settled.md5)
    new = {"md5": theirs.md5, "size": theirs.size}
    for legal in (
        conflict,
        approved,
        replace(settled, status=REJECTED, reason="no"),
        replace(approved, **new, approved_md5=theirs.md5),
    ):
        assert merge_states(legal, ours, theirs) == []
    for forged in (
        ours,
        theirs,
        settled,
        replace(conflict, extra={}),
        replace(settled, status=REVISED),
        replace(approved, extra={SETTLED: []}),
        replace(approved, md5=digest("x"), approved_md5=digest("x")),
    ):
        assert merge_states(forged, ours, theirs) == ["merge-conflict-unsettled"]
    assert merge_states(replace(approved, approved_md5=None), ours, theirs) == ["approval-mismatch"]
    assert merge_states(None, ours, theirs) == ["merge-differs"]


def test_check_merge_reports_result_that_drops_a_decision() -> None:
    ours, theirs = image(status=APPROVED), image()
    assert merge_states(ours, ours, theirs) == []
    assert merge_states(theirs, ours, theirs) == ["merge-differs"]
    assert merge_states(image(status=PUBLISHED), ours, theirs) == ["merge-differs"]


def test_check_merge_accepts_texts_settled_by_hand() -> None:
    base, ours, theirs = (state(run_with(image(), notes=one)) for one in ("a", "b", "c"))
    by_hand = state(run_with(image(reason="both"), notes="b and c"))
    assert check_merge(base, ours, theirs, by_hand) == ()


def test_check_merge_reports_lost_or_invented_segments_and_manifest() -> None:
    one, two = run_with(image()), a_manifest({**run_with(image()).segments, 2: a_segment()})
    assert [found.code for found in check_merge(state(one), state(one), state(two), state(one))] == ["merge-differs"]
    assert [found.code for found in check_merge(state(one), state(one), state(one), state(two))] == ["merge-differs"]
    lost = check_merge(state(one), state(one), state(one), RunState())
    assert [found.code for found in lost] == ["merge-differs"]
    renamed = state(replace(one, run_id="b"))
    assert [found.code for found in check_merge(None, state(one), renamed, state(one))] == ["run-id-changed"]
    assert [found.code for found in check_merge(None, state(one), state(one), renamed)] == ["run-id-changed"]
    assert check_merge(None, RunState(), state(one), state(one)) == ()
    assert check_merge(None, RunState(), RunState(), RunState()) == ()


def test_check_merge_ignores_violations_of_a_side() -> None:
    bad = image(status=APPROVED, approved_md5=None)
    assert merge_states(bad, bad, image()) == []
    assert merge_states(bad, image(), bad) == []
    one, media = state(run_with(image())), TreeEntry("x.mp3", "100644")
    with_media = replace(one, tree=[media])
    assert check_merge(one, one, with_media, with_media) == ()
    assert check_merge(one, with_media, one, with_media) == ()
    assert [found.code for found in check_merge(one, one, one, with_media)] == ["media-in-git"]


def test_check_merge_reports_invalid_dvc_files_and_unreadable_manifest() -> None:
    one = state(run_with(image()))
    broken = replace(one, dvc_files={**one.dvc_files, "images.dvc": b""})
    assert [found.code for found in check_merge(one, one, one, broken)] == ["dvc-not-implied"]
    unreadable = state_from_bytes(b"<<<<<<< HEAD\n", {})
    assert [found.code for found in check_merge(one, one, one, unreadable)] == ["manifest-unreadable"]
