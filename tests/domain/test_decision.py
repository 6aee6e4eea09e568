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
def test_decide_sets_target_status_from_each_allowed_status(before: Status, target: Status, after: Status) -> None:
    manifest = with_images(image(1, before))
    decision = decide(manifest, named(1), target)
    assert image_after(decision).status is after
    assert [(str(one.address), one.before, one.after) for one in decision.transitions] == [("image 1", before, after)]
    assert guard_allows(manifest, decision.manifest)


@pytest.mark.parametrize(
    ("before", "target"), [(APPROVED, REJECTED), (PUBLISHED, REJECTED), (PUBLISHED, APPROVED), (APPROVED, REVIEW)]
)
def test_decide_refuses_locked_asset_and_suggests_reopen(before: Status, target: Status) -> None:
    manifest = with_images(image(1, DRAFT), image(2, before))
    with pytest.raises(LockedError, match=f"image 2 of {manifest.run_id}: it is {before}, and so locked") as caught:
        decide(manifest, named(1, 2), target)
    assert f"gitassets reopen {manifest.run_id} --image 2 --reason" in caught.value.hint


def test_decide_all_skips_and_names_locked_assets() -> None:
    manifest = with_images(image(1, DRAFT), image(2, APPROVED), image(3, PUBLISHED))
    decision = decide(manifest, all_of(manifest), REJECTED)
    assert [str(one.address) for one in decision.transitions] == ["image 1"]
    assert [(str(one.address), one.why) for one in decision.skipped] == [
        ("image 2", "is approved, and so locked"),
        ("image 3", "is published, and so locked"),
    ]


def test_decide_all_without_eligible_asset_fails_with_reason() -> None:
    manifest = with_images(image(1, APPROVED))
    with pytest.raises(NoMatchError, match="Nothing to reject") as caught:
        decide(manifest, all_of(manifest), REJECTED)
    assert "is approved, and so locked" in caught.value.hint


def test_approve_refuses_rejected_asset_and_suggests_regen_or_reopen() -> None:
    manifest = with_images(image(1, DRAFT), image(2, REJECTED, reason="too dark"))
    decision = decide(manifest, all_of(manifest), APPROVED)
    assert [(str(one.address), one.why) for one in decision.skipped] == [("image 2", "was rejected")]
    with pytest.raises(GitAssetsError, match=r"image 2 .*was rejected") as caught:
        decide(manifest, named(2), APPROVED)
    assert "regen" in caught.value.hint
    assert "reopen" in caught.value.hint


@pytest.mark.parametrize("status", [REVIEW, APPROVED, REJECTED])
def test_decide_with_current_status_changes_nothing(status: Status) -> None:
    manifest = with_images(image(1, status))
    decision = decide(manifest, named(1), status)
    assert (decision.transitions, decision.unchanged, decision.manifest) == ((), (IMAGE_1,), manifest)


def test_reject_of_rejected_asset_changes_only_with_new_reason() -> None:
    manifest = with_images(image(1, REJECTED, reason="too dark"))
    assert decide(manifest, named(1), REJECTED, reason=None).transitions == ()
    assert decide(manifest, named(1), REJECTED, reason="too dark").transitions == ()
    decision = decide(manifest, named(1), REJECTED, reason="too bright")
    assert image_after(decision).reason == "too bright"
    assert [(one.before, one.after) for one in decision.transitions] == [(REJECTED, REJECTED)]


def test_approve_records_md5_and_clears_reason() -> None:
    after = image_after(decide(with_images(image(1, REVISED, reason="too dark")), named(1), APPROVED))
    assert (after.approved_md5, after.reason) == (after.md5, None)
    assert after.approved


def test_approve_refuses_asset_approved_with_other_bytes() -> None:
    forged = image(1, APPROVED, approved_md5="0" * 32)
    with pytest.raises(LockedError, match="other bytes were approved"):
        decide(with_images(forged), named(1), APPROVED)


@pytest.mark.parametrize("status", [APPROVED, PUBLISHED])
def test_reopen_of_locked_asset_records_md5_and_reason(status: Status) -> None:
    manifest = with_images(image(1, status))
    decision = reopen(manifest, named(1), reason="the name is wrong")
    after = image_after(decision)
    assert (after.status, after.approved_md5) == (REVIEW, None)
    assert after.reopened == {"md5": after.md5, "reason": "the name is wrong"}
    assert guard_allows(manifest, decision.manifest)


def test_reopen_is_counted_so_that_old_record_does_not_unlock() -> None:
    approved_once = with_images(image(1, APPROVED))
    opened_once = reopen(approved_once, named(1), reason="first").manifest
    approved_again = decide(opened_once, named(1), APPROVED).manifest
    opened_again = reopen(approved_again, named(1), reason="second").manifest
    assert guard_allows(approved_again, opened_again)
    # A `git revert` of the second approval restores the record of the first reopening.
    assert not guard_allows(approved_again, opened_once)


def test_reopen_of_rejected_asset_returns_to_review_and_keeps_reason() -> None:
    decision = reopen(with_images(image(1, REJECTED, reason="too dark")), named(1), reason="it grew on me")
    after = image_after(decision)
    assert (after.status, after.reason, after.reopened) == (REVIEW, "too dark", None)


@pytest.mark.parametrize("status", [DRAFT, REVISED])
def test_reopen_refuses_asset_that_is_neither_locked_nor_rejected(status: Status) -> None:
    with pytest.raises(GitAssetsError, match="nothing to reopen"):
        reopen(with_images(image(1, status)), named(1), reason="why not")


@pytest.mark.parametrize("target", [APPROVED, REJECTED])
def test_decide_settles_conflict_and_keeps_its_record(target: Status) -> None:
    contested = record_conflict(image(1), image(1, APPROVED), image(1, REJECTED))
    decided = image_after(decide(with_images(contested), named(1), target))
    assert "conflict" not in decided.extra
    assert decided.extra == settle(contested).extra


def test_decide_keeps_unknown_keys_and_other_fields() -> None:
    before = image(1, REVIEW, prompt="a cat", take=4, extra={"camera": "wide"})
    after = image_after(decide(with_images(before), named(1), APPROVED))
    assert (after.prompt, after.take, after.extra) == ("a cat", 4, {"camera": "wide"})


def test_decide_updates_production_state() -> None:
    manifest = a_manifest({1: a_segment(audio=audio(1), image=image(1))}, production_state="draft")
    chosen = all_of(manifest)
    assert decide(manifest, chosen[:1], APPROVED).manifest.production_state == "review"
    assert decide(manifest, chosen, APPROVED).manifest.production_state == "approved"


def test_decide_leaves_manifest_unchanged_on_error() -> None:
    manifest = with_images(image(1, DRAFT), image(2, APPROVED))
    before = format_manifest(manifest)
    with pytest.raises(LockedError):
        decide(manifest, named(1, 2), REJECTED)
    assert format_manifest(manifest) == before
