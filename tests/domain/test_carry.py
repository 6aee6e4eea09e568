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
def test_a_copy_keeps_its_status(status: str) -> None:
    given = asset(status, reason="dull" if status == "rejected" else None)
    copied = copy_asset(run("a", given), run("b", None), AUDIO)
    assert (copied.status, copied.approved_md5, copied.reason) == (given.status, given.approved_md5, given.reason)


@pytest.mark.parametrize("status", ["draft", "approved", "rejected", "published"])
def test_under_another_text_it_lands_in_review_and_is_stale(status: str) -> None:
    target = run("b", None, "Good bye")
    copied = copy_asset(run("a", asset(status)), target, AUDIO)
    assert (copied.status, copied.approved_md5) == (Status.REVIEW, None)
    assert find_stale_reason(target.with_asset(AUDIO, copied).segments[1], Kind.AUDIO)


def test_marks_of_markdown_are_no_other_text() -> None:
    assert copy_asset(run("a", asset("approved"), "**Hello**"), run("b", None), AUDIO).approved


def test_an_approval_of_other_bytes_is_not_copied_and_nothing_is_published_by_copying() -> None:
    forged = asset("approved", approved_md5=OTHER)
    assert copy_asset(run("a", forged), run("b", None), AUDIO).status is Status.REVIEW
    assert copy_asset(run("a", asset("published")), run("b", None), AUDIO).status is Status.APPROVED


@pytest.mark.parametrize("before", ["draft", "review", "rejected", "revised"])
@pytest.mark.parametrize("status", ["draft", "review", "approved", "rejected", "revised"])
def test_a_replaced_asset_goes_on_by_the_table_of_states(before: str, status: str) -> None:
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
def test_a_decision_on_the_same_bytes_is_taken_over_where_none_was_made(before: str, status: str, after: str) -> None:
    current = asset(before, take=2)
    copied = copy_asset(run("a", asset(status)), run("b", current), AUDIO)
    assert (copied.status, copied.take, copied.md5) == (after, 2, ONE)
    assert copy_asset(run("a", asset("approved"), "Other"), run("b", asset()), AUDIO) == asset()


def test_what_stands_in_the_way_is_named() -> None:
    target = run("b", asset("approved", OTHER))
    assert "locked" in str(find_copy_obstacle(target, AUDIO, allow_replace=True))
    assert "no such segment" in str(find_copy_obstacle(target, Address(2, Kind.AUDIO), allow_replace=True))
    assert "exists there already" in str(find_copy_obstacle(run("b", asset()), AUDIO, allow_replace=False))
    assert find_copy_obstacle(run("b", asset()), AUDIO, allow_replace=True) is None
    assert find_copy_obstacle(run("b", None), AUDIO, allow_replace=False) is None


def test_the_grammar_of_copy_knows_approved() -> None:
    assert parse_copy_selection(" Approved ") is APPROVED
    assert parse_copy_selection("all") is ALL
    assert parse_copy_selection("1-3").ranges == ((1, 3),)
