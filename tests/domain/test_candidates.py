"""Writing, reading, guarding and merging candidates in the manifest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT, conflict_records
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import RunState, check_step
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest, raw_asset
from gitassets.domain.manifest_parsing import parse_asset, parse_manifest
from gitassets.domain.merge.guard import check_merge
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.reopened import reopen_record
from gitassets.domain.status import Status
from gitassets.domain.takes import demote, without_take
from gitassets.errors import CorruptError
from tests.domain.builders import a_candidate, a_manifest, a_segment, audio, by_md5, digest, image

APPROVED, REJECTED, REVIEW, REVISED = Status.APPROVED, Status.REJECTED, Status.REVIEW, Status.REVISED
IMAGE = Address(1, Kind.IMAGE)
SECOND, THIRD = (a_candidate(Kind.IMAGE, take=number) for number in (2, 3))


def run_with(shown: Asset | None) -> Manifest:
    return a_manifest({1: a_segment(audio=audio(), image=shown)})


def with_takes(*takes: Asset, **changes: Any) -> Asset:
    return image(takes=by_md5(*takes), **changes)


def state(manifest: Manifest) -> RunState:
    files = {one.file_name: one.text.encode() for one in imply_dvc_files(manifest).values()}
    return RunState(manifest=manifest, dvc_files=files)


def choose(asset: Asset, take: Asset) -> Asset:
    """Return the asset after `choose` of the candidate."""
    former = demote(run_with(asset), IMAGE, asset)
    status = REVISED if asset.status is REJECTED else asset.status
    takes = {**without_take(asset.takes, take.md5), former.md5: former}
    return replace(asset, md5=take.md5, size=take.size, take=take.take, status=status, takes=takes)


# -- in the file


def test_manifest_writes_candidates_inside_their_asset_sorted_by_md5() -> None:
    shown = with_takes(THIRD, SECOND, extra={"x": 1})
    raw = json.loads(format_manifest(run_with(shown)))["segments"]["segment_001"]["image"]
    assert list(raw)[-3:] == ["take", "takes", "x"]
    assert list(raw["takes"]) == sorted([SECOND.md5, THIRD.md5])
    assert raw["takes"][SECOND.md5] == {
        "path": f"takes/scene_000_{SECOND.md5[:8]}.png", "status": "draft", "md5": SECOND.md5, "size": 1002, "take": 2
    }  # fmt: skip
    assert "takes" not in raw_asset(image())


def test_candidate_files_are_tracked_by_dvc() -> None:
    manifest = run_with(with_takes(SECOND))
    assert (SECOND.path, SECOND.md5, SECOND.size) in list(iter_folder_entries(manifest))
    assert json.loads(imply_dvc_files(manifest)["takes"].listing) == [
        {"md5": SECOND.md5, "relpath": SECOND.path.removeprefix("takes/")}
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"path": "images/scene_000.png"}, "path is 'images/scene_000.png', which lies outside takes/"),
        ({"path": "takes/../../x.png"}, "does not name a file inside"),
        ({"status": "approved"}, "status is 'approved', but a candidate is a draft"),
        ({"status": None}, "status is not a text"),
        ({"md5": image().md5}, "not the one that the take is kept under"),
        ({"size": -1}, "size is not a whole number"),
        ({"approved_md5": SECOND.md5}, "approved_md5 is there, which only the current take has"),
        ({"approved_md5": None}, "approved_md5 is there"),
        ({"reopened": {}}, "reopened is there"),
        ({"reason": "x"}, "reason is there"),
        ({"takes": {}}, "takes is there"),
    ],
)
def test_candidate_with_invalid_value_is_refused(changes: dict[str, Any], problem: str) -> None:
    raw = json.loads(format_manifest(run_with(with_takes(SECOND))))
    take = raw["segments"]["segment_001"]["image"]["takes"][SECOND.md5]
    take.update(changes)
    with pytest.raises(CorruptError, match=r"segment_001\.image\.takes") as caught:
        parse_manifest(json.dumps(raw).encode())
    assert problem in caught.value.message


@pytest.mark.parametrize("takes", [[], "x", {SECOND.md5: 1}, {"../x": raw_asset(SECOND)}, {image().md5: {}}])
def test_takes_value_that_holds_no_candidates_is_refused(takes: Any) -> None:
    raw = {**raw_asset(image()), "takes": takes}
    with pytest.raises(CorruptError, match=r"image\.takes"):
        parse_asset(raw, Kind.IMAGE, "a log")


def test_nested_candidates_are_refused_at_any_depth() -> None:
    raw: dict[str, Any] = raw_asset(SECOND)
    for _ in range(400):
        raw = {**raw_asset(SECOND), "takes": {SECOND.md5: raw}}
    with pytest.raises(CorruptError, match="takes is there"):
        parse_asset({**raw_asset(image()), "takes": {SECOND.md5: raw}}, Kind.IMAGE, "a log")


def test_candidate_with_bytes_of_current_take_is_refused() -> None:
    same = replace(SECOND, md5=image().md5)
    with pytest.raises(CorruptError, match="is the current take itself"):
        parse_manifest(format_manifest(run_with(with_takes(same))))


def test_candidates_that_share_a_file_are_refused() -> None:
    other = a_candidate(Kind.IMAGE, 2, path=SECOND.path.replace("scene", "SCENE"))
    manifest = a_manifest({1: a_segment(image=with_takes(SECOND)), 2: a_segment(image=image(2, takes=by_md5(other)))})
    with pytest.raises(CorruptError, match="a candidate of image 2 and a candidate of image 1 the same file"):
        parse_manifest(format_manifest(manifest))


# -- under guard


@pytest.mark.parametrize("status", [*Status])
def test_candidates_can_be_added_and_removed_in_every_status(status: Status) -> None:
    without, one, two = (image(status=status, takes=by_md5(*takes)) for takes in ((), (SECOND,), (THIRD,)))
    for before, after in ((without, one), (one, two), (two, without)):
        assert check_step(state(run_with(before)), state(run_with(after))) == ()


def test_guard_reports_takes_dvc_that_lacks_a_candidate() -> None:
    before, after = (state(run_with(one)) for one in (image(), with_takes(SECOND)))
    (found,) = check_step(before, replace(after, dvc_files=before.dvc_files))
    assert (found.code, found.subject) == ("dvc-not-implied", "takes.dvc")


def test_choose_of_unlocked_asset_counts_as_new_take() -> None:
    for status in (Status.DRAFT, REVIEW, REVISED, REJECTED):
        before = with_takes(SECOND, status=status)
        assert check_step(state(run_with(before)), state(run_with(choose(before, SECOND)))) == ()
    rejected = with_takes(SECOND, status=REJECTED)
    (found,) = check_step(
        state(run_with(rejected)), state(run_with(replace(choose(rejected, SECOND), status=REJECTED)))
    )
    assert found.code == "rejected-md5-changed"


def test_choose_of_locked_asset_is_reported_by_guard() -> None:
    locked = with_takes(SECOND, status=APPROVED)
    chosen = replace(choose(locked, SECOND), approved_md5=SECOND.md5)
    assert [one.code for one in check_step(state(run_with(locked)), state(run_with(chosen)))] == [
        "locked-md5-changed", "locked-size-changed"
    ]  # fmt: skip


# -- merged


def merge(base: Asset | None, ours: Asset | None, theirs: Asset | None) -> Asset:
    """Merge the image in both directions, check that the guard accepts the result, and return it."""
    sides = [run_with(one) for one in (base, ours, theirs)]
    merged = merge_manifests(*sides).manifest
    assert format_manifest(merged) == format_manifest(merge_manifests(sides[0], sides[2], sides[1]).manifest)
    assert parse_manifest(format_manifest(merged)) == merged
    assert check_merge(*map(state, sides), state(merged)) == ()
    found = merged.asset(IMAGE)
    assert found is not None
    return found


def test_merge_keeps_candidates_of_both_sides() -> None:
    assert merge(image(), with_takes(SECOND), with_takes(THIRD)) == with_takes(SECOND, THIRD)
    assert merge(None, with_takes(SECOND), with_takes(THIRD)) == with_takes(SECOND, THIRD)
    both = merge(image(), with_takes(SECOND), with_takes(SECOND, status=APPROVED))
    assert both == with_takes(SECOND, status=APPROVED)


def test_merge_drops_removed_candidate_unless_other_side_changed_it() -> None:
    base = with_takes(SECOND)
    assert merge(base, image(), with_takes(SECOND, THIRD)) == with_takes(THIRD)
    changed = replace(SECOND, prompt="in words")
    assert merge(base, image(prompt="x"), with_takes(changed)) == with_takes(changed, prompt="x")
    later = replace(SECOND, prompt="later words")
    assert merge(base, with_takes(changed), with_takes(later)) == with_takes(later)
    assert merge(base, with_takes(changed), base) == with_takes(changed)


def test_merge_of_new_candidate_with_decision_is_no_conflict() -> None:
    for status in (APPROVED, REJECTED):
        assert merge(image(), with_takes(SECOND), image(status=status)) == with_takes(SECOND, status=status)
    locked = image(status=APPROVED)
    reopened = replace(locked, status=REVIEW, approved_md5=None, reopened=reopen_record(locked, "logo"))
    merged = merge(locked, with_takes(SECOND, status=APPROVED), reopened)
    assert merged == replace(reopened, takes=by_md5(SECOND))


def test_merge_of_choice_with_new_candidate_keeps_both() -> None:
    base = with_takes(SECOND)
    chosen = choose(base, SECOND)
    merged = merge(base, chosen, with_takes(SECOND, THIRD))
    assert (merged.md5, CONFLICT in merged.extra) == (SECOND.md5, False)
    assert merged.takes.keys() == {image().md5, THIRD.md5}
    assert merge(base, chosen, image()) == chosen


def test_merge_of_two_different_choices_conflicts_and_keeps_every_take() -> None:
    base = with_takes(SECOND, THIRD)
    merged = merge(base, choose(base, SECOND), choose(base, THIRD))
    assert {one["md5"] for one in conflict_records(merged)} == {SECOND.md5, THIRD.md5}
    assert all("takes" not in one for one in conflict_records(merged))
    assert {merged.md5, *merged.takes} == {image().md5, SECOND.md5, THIRD.md5}


def test_merge_of_choice_with_approval_conflicts_and_keeps_chosen_take_as_candidate() -> None:
    base = with_takes(SECOND)
    merged = merge(base, choose(base, SECOND), with_takes(SECOND, status=APPROVED))
    assert (merged.md5, merged.status, merged.takes.keys()) == (image().md5, REVIEW, {SECOND.md5})
    assert {one["md5"] for one in conflict_records(merged)} == {image().md5, SECOND.md5}


def test_merge_of_same_choice_on_both_sides_is_that_choice() -> None:
    base = with_takes(SECOND, THIRD)
    assert merge(base, choose(base, SECOND), choose(base, SECOND)) == choose(base, SECOND)


def test_merge_separates_candidates_with_the_same_path() -> None:
    clashing = replace(THIRD, path=SECOND.path)
    merged = merge(image(), with_takes(SECOND), with_takes(clashing))
    assert merged.takes.keys() == {SECOND.md5, THIRD.md5}
    assert sorted(one.path for one in merged.takes.values()) == sorted(
        [min(SECOND, clashing, key=lambda one: one.md5).path, f"takes/image_001_{max(SECOND.md5, THIRD.md5)}.png"]
    )
    assert CONFLICT not in merged.extra


def test_merge_moves_candidate_whose_path_an_asset_uses() -> None:
    base = run_with(image())
    ours = run_with(with_takes(SECOND))
    theirs = base.with_asset(Address(1, Kind.AUDIO), audio(path=SECOND.path.upper().replace("TAKES", "takes")))
    merged = merge_manifests(base, ours, theirs).manifest
    assert merged.asset(Address(1, Kind.AUDIO)) == theirs.asset(Address(1, Kind.AUDIO))
    found = merged.asset(IMAGE)
    assert found is not None
    assert found.takes[SECOND.md5].path == f"takes/image_001_{SECOND.md5}.png"
    assert parse_manifest(format_manifest(merged)) == merged


def test_guard_reports_merge_that_loses_or_invents_a_candidate() -> None:
    base, ours, theirs = image(), with_takes(SECOND), with_takes(THIRD)
    sides = [state(run_with(one)) for one in (base, ours, theirs)]
    (lost,) = check_merge(*sides, state(run_with(ours)))
    assert lost.code == "merge-differs"
    assert f"{THIRD.path} (md5 {THIRD.md5}) of image 1 was lost" in lost.message
    fourth = a_candidate(Kind.IMAGE, take=4, md5=digest("4"))
    (invented,) = check_merge(*sides, state(run_with(with_takes(SECOND, THIRD, fourth))))
    assert "was invented" in invented.message


def test_guard_allows_conflict_settled_by_approval_of_a_candidate() -> None:
    base = with_takes(SECOND, THIRD)
    sides = [state(run_with(one)) for one in (base, choose(base, SECOND), choose(base, THIRD))]
    merged = merge_manifests(*(run_with(one) for one in (base, choose(base, SECOND), choose(base, THIRD)))).manifest
    found = merged.asset(IMAGE)
    assert found is not None
    other = next(take for md5, take in found.takes.items() if md5 in (SECOND.md5, THIRD.md5))
    settled = replace(
        choose(found, other), status=APPROVED, approved_md5=other.md5, extra={"settled": found.extra[CONFLICT]}
    )
    assert check_merge(*sides, state(run_with(settled))) == ()
