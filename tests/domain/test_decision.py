from __future__ import annotations

import pytest

from gitassets.domain.conflict import record_conflict, settle
from gitassets.domain.decision import Decision, decide, reopen
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.guard import check_step, state_from_bytes
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.selection import Chosen
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError, LockedError, NoMatchError
from tests.domain.builders import a_manifest, a_segment, audio, image

DRAFT, REVIEW, APPROVED = Status.DRAFT, Status.REVIEW, Status.APPROVED
REJECTED, REVISED, PUBLISHED = Status.REJECTED, Status.REVISED, Status.PUBLISHED
IMAGE_1 = Address(1, Kind.IMAGE)


def with_images(*images: Asset) -> Manifest:
    return a_manifest({number: a_segment(image=one) for number, one in enumerate(images, start=1)})


def all_of(manifest: Manifest) -> list[Chosen]:
    return [Chosen(address, explicit=False) for address, _ in manifest.assets()]


def named(*numbers: int) -> list[Chosen]:
    return [Chosen(Address(number, Kind.IMAGE), explicit=True) for number in numbers]


def image_after(decision: Decision, number: int = 1) -> Asset:
    found = decision.manifest.asset(Address(number, Kind.IMAGE))
    assert found is not None
    return found


def guard_allows(before: Manifest, after: Manifest) -> bool:
    states = [
        state_from_bytes(
            format_manifest(one), {folder.file_name: folder.text.encode() for folder in imply_dvc_files(one).values()}
        )
        for one in (before, after)
    ]
    return check_step(*states) == ()


@pytest.mark.parametrize(
    ("before", "target", "after"),
    [
        (DRAFT, APPROVED, APPROVED),
        (REVIEW, APPROVED, APPROVED),
        (REVISED, APPROVED, APPROVED),
        (DRAFT, REJECTED, REJECTED),
        (REVIEW, REJECTED, REJECTED),
        (REVISED, REJECTED, REJECTED),
        (DRAFT, REVIEW, REVIEW),
        (REVISED, REVIEW, REVIEW),
        (APPROVED, PUBLISHED, PUBLISHED),
    ],
)
def test_what_a_decision_makes_of_each_status(before: Status, target: Status, after: Status) -> None:
    manifest = with_images(image(1, before))
    decision = decide(manifest, named(1), target)
    assert image_after(decision).status is after
    assert [(str(one.address), one.before, one.after) for one in decision.transitions] == [("image 1", before, after)]
    assert guard_allows(manifest, decision.manifest)


@pytest.mark.parametrize(
    ("before", "target"), [(APPROVED, REJECTED), (PUBLISHED, REJECTED), (PUBLISHED, APPROVED), (APPROVED, REVIEW)]
)
def test_a_locked_asset_is_refused_by_name_with_the_way_on(before: Status, target: Status) -> None:
    manifest = with_images(image(1, DRAFT), image(2, before))
    with pytest.raises(LockedError, match=f"image 2 of {manifest.run_id}: it is {before}, and so locked") as caught:
        decide(manifest, named(1, 2), target)
    assert f"gitassets reopen {manifest.run_id} --image 2 --reason" in caught.value.hint


def test_all_leaves_locked_ones_out_and_names_them() -> None:
    manifest = with_images(image(1, DRAFT), image(2, APPROVED), image(3, PUBLISHED))
    decision = decide(manifest, all_of(manifest), REJECTED)
    assert [str(one.address) for one in decision.transitions] == ["image 1"]
    assert [(str(one.address), one.why) for one in decision.skipped] == [
        ("image 2", "is approved, and so locked"),
        ("image 3", "is published, and so locked"),
    ]


def test_all_with_nothing_to_take_is_an_error_that_says_why() -> None:
    manifest = with_images(image(1, APPROVED))
    with pytest.raises(NoMatchError, match="Nothing to reject") as caught:
        decide(manifest, all_of(manifest), REJECTED)
    assert "is approved, and so locked" in caught.value.hint


def test_approve_does_not_undo_a_rejection() -> None:
    manifest = with_images(image(1, DRAFT), image(2, REJECTED, reason="too dark"))
    decision = decide(manifest, all_of(manifest), APPROVED)
    assert [(str(one.address), one.why) for one in decision.skipped] == [("image 2", "was rejected")]
    with pytest.raises(GitAssetsError, match=r"image 2 .*was rejected") as caught:
        decide(manifest, named(2), APPROVED)
    assert "regen" in caught.value.hint
    assert "reopen" in caught.value.hint


@pytest.mark.parametrize("status", [REVIEW, APPROVED, REJECTED])
def test_what_is_so_already_is_unchanged(status: Status) -> None:
    manifest = with_images(image(1, status))
    decision = decide(manifest, named(1), status)
    assert (decision.transitions, decision.unchanged, decision.manifest) == ((), (IMAGE_1,), manifest)


def test_another_reason_is_a_change_and_none_is_not() -> None:
    manifest = with_images(image(1, REJECTED, reason="too dark"))
    assert decide(manifest, named(1), REJECTED, reason=None).transitions == ()
    assert decide(manifest, named(1), REJECTED, reason="too dark").transitions == ()
    decision = decide(manifest, named(1), REJECTED, reason="too bright")
    assert image_after(decision).reason == "too bright"
    assert [(one.before, one.after) for one in decision.transitions] == [(REJECTED, REJECTED)]


def test_an_approval_binds_the_bytes_and_closes_the_reason() -> None:
    after = image_after(decide(with_images(image(1, REVISED, reason="too dark")), named(1), APPROVED))
    assert (after.approved_md5, after.reason) == (after.md5, None)
    assert after.approved


def test_an_approval_of_other_bytes_is_not_taken_for_one() -> None:
    forged = image(1, APPROVED, approved_md5="0" * 32)
    with pytest.raises(LockedError, match="other bytes were approved"):
        decide(with_images(forged), named(1), APPROVED)


@pytest.mark.parametrize("status", [APPROVED, PUBLISHED])
def test_reopening_records_the_bytes_and_the_reason(status: Status) -> None:
    manifest = with_images(image(1, status))
    decision = reopen(manifest, named(1), reason="the name is wrong")
    after = image_after(decision)
    assert (after.status, after.approved_md5) == (REVIEW, None)
    assert after.reopened == {"md5": after.md5, "reason": "the name is wrong"}
    assert guard_allows(manifest, decision.manifest)


def test_each_reopening_counts_so_that_an_old_record_unlocks_nothing() -> None:
    approved_once = with_images(image(1, APPROVED))
    opened_once = reopen(approved_once, named(1), reason="first").manifest
    approved_again = decide(opened_once, named(1), APPROVED).manifest
    opened_again = reopen(approved_again, named(1), reason="second").manifest
    assert guard_allows(approved_again, opened_again)
    # What a `git revert` of the second approval brings: the record of the first reopening.
    assert not guard_allows(approved_again, opened_once)


def test_a_rejection_is_taken_back_and_its_reason_stays_to_be_read() -> None:
    decision = reopen(with_images(image(1, REJECTED, reason="too dark")), named(1), reason="it grew on me")
    after = image_after(decision)
    assert (after.status, after.reason, after.reopened) == (REVIEW, "too dark", None)


@pytest.mark.parametrize("status", [DRAFT, REVISED])
def test_there_is_nothing_to_reopen(status: Status) -> None:
    with pytest.raises(GitAssetsError, match="nothing to reopen"):
        reopen(with_images(image(1, status)), named(1), reason="why not")


@pytest.mark.parametrize("target", [APPROVED, REJECTED])
def test_a_decision_settles_a_conflict_and_keeps_what_was_decided_between(target: Status) -> None:
    contested = record_conflict(image(1), image(1, APPROVED), image(1, REJECTED))
    decided = image_after(decide(with_images(contested), named(1), target))
    assert "conflict" not in decided.extra
    assert decided.extra == settle(contested).extra


def test_unknown_keys_and_the_rest_of_the_asset_stay() -> None:
    before = image(1, REVIEW, prompt="a cat", take=4, extra={"camera": "wide"})
    after = image_after(decide(with_images(before), named(1), APPROVED))
    assert (after.prompt, after.take, after.extra) == ("a cat", 4, {"camera": "wide"})


def test_what_follows_from_the_statuses_is_derived() -> None:
    manifest = a_manifest({1: a_segment(audio=audio(1), image=image(1))}, production_state="draft")
    chosen = all_of(manifest)
    assert decide(manifest, chosen[:1], APPROVED).manifest.production_state == "review"
    assert decide(manifest, chosen, APPROVED).manifest.production_state == "approved"


def test_an_error_changes_nothing() -> None:
    manifest = with_images(image(1, DRAFT), image(2, APPROVED))
    before = format_manifest(manifest)
    with pytest.raises(LockedError):
        decide(manifest, named(1, 2), REJECTED)
    assert format_manifest(manifest) == before
