from __future__ import annotations

import pytest
from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT
from gitassets.domain.copied_asset import copy_asset, find_copy_obstacle
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment
from gitassets.domain.selection import ALL, APPROVED, parse_copy_selection
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status, find_path

AUDIO = Address(1, Kind.AUDIO)
ONE, OTHER = "1" * 32, "2" * 32


def asset(status: str = "draft", md5: str = ONE, **changes: object) -> Asset:
    made = Asset(path="audio/a.wav", status=Status(status), md5=md5, size=3)
    approved = {"approved_md5": md5} if made.locked else {}
    return replace(made, **{**approved, **changes})  # type: ignore[arg-type]


def run(name: str, audio: Asset | None, text: str = "Hello") -> Manifest:
    return Manifest(run_id=name, segments={1: Segment(paragraph_text=text, audio=audio)})


@pytest.mark.parametrize("status", ["draft", "review", "approved", "rejected", "revised"])
def test_copy_asset_keeps_status_approval_and_reason(status: str) -> None:
    given = asset(status, reason="dull" if status == "rejected" else None)
    copied = copy_asset(run("a", given), run("b", None), AUDIO)
    assert (copied.status, copied.approved_md5, copied.reason) == (given.status, given.approved_md5, given.reason)


@pytest.mark.parametrize("status", ["draft", "approved", "rejected", "published"])
def test_copy_asset_to_segment_with_other_text_is_in_review_and_stale(status: str) -> None:
    target = run("b", None, "Good bye")
    copied = copy_asset(run("a", asset(status)), target, AUDIO)
    assert (copied.status, copied.approved_md5) == (Status.REVIEW, None)
    assert find_stale_reason(target.with_asset(AUDIO, copied).segments[1], Kind.AUDIO)


def test_copy_asset_ignores_markdown_differences_in_text() -> None:
    assert copy_asset(run("a", asset("approved"), "**Hello**"), run("b", None), AUDIO).approved


def test_copy_asset_drops_approval_of_other_bytes_and_turns_published_into_approved() -> None:
    forged = asset("approved", approved_md5=OTHER)
    assert copy_asset(run("a", forged), run("b", None), AUDIO).status is Status.REVIEW
    assert copy_asset(run("a", asset("published")), run("b", None), AUDIO).status is Status.APPROVED


@pytest.mark.parametrize("before", ["draft", "review", "rejected", "revised"])
@pytest.mark.parametrize("status", ["draft", "review", "approved", "rejected", "revised"])
def test_copy_asset_that_replaces_another_follows_the_status_table(before: str, status: str) -> None:
    current = asset(before, OTHER, take=4, extra={"mood": "calm", "origin": "x"})
    copied = copy_asset(run("a", asset(status, extra={CONFLICT: [{}], "parent": "x"})), run("b", current), AUDIO)
    assert find_path(current.status, copied.status)
    assert (before, copied.status) != ("rejected", Status.REJECTED)
    assert copied.take == 5
    assert dict(copied.extra) == {"mood": "calm", "parent": OTHER}


@pytest.mark.parametrize(
    ("before", "status", "after"),
    [
        ("draft", "approved", "approved"),
        ("review", "rejected", "rejected"),
        ("rejected", "approved", "rejected"),
        ("approved", "draft", "approved"),
        ("review", "draft", "review"),
    ],
)
def test_copy_asset_of_same_bytes_adopts_decision_only_where_target_has_none(
    before: str, status: str, after: str
) -> None:
    current = asset(before, take=2)
    copied = copy_asset(run("a", asset(status)), run("b", current), AUDIO)
    assert (copied.status, copied.take, copied.md5) == (after, 2, ONE)
    assert copy_asset(run("a", asset("approved"), "Other"), run("b", asset()), AUDIO) == asset()


def test_find_copy_obstacle_names_lock_missing_segment_or_existing_asset() -> None:
    target = run("b", asset("approved", OTHER))
    assert "locked" in str(find_copy_obstacle(target, AUDIO, allow_replace=True))
    assert "no such segment" in str(find_copy_obstacle(target, Address(2, Kind.AUDIO), allow_replace=True))
    assert "exists there already" in str(find_copy_obstacle(run("b", asset()), AUDIO, allow_replace=False))
    assert find_copy_obstacle(run("b", asset()), AUDIO, allow_replace=True) is None
    assert find_copy_obstacle(run("b", None), AUDIO, allow_replace=False) is None


def test_parse_copy_selection_accepts_approved_all_and_ranges() -> None:
    assert parse_copy_selection(" Approved ") is APPROVED
    assert parse_copy_selection("all") is ALL
    assert parse_copy_selection("1-3").ranges == ((1, 3),)
