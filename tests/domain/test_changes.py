"""Changes of a commit, derived from the manifests and compared with its message."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from msgspec.structs import replace

from gitassets.domain.changes import (
    BY_HAND,
    UNNAMED,
    MessageComparison,
    check_message,
    compare_changes,
    compare_commit,
    iter_changes,
)
from gitassets.domain.commit_message import (
    CommitMessage,
    Transition,
    complete_message,
    format_message,
    parse_claims,
    parse_message,
)
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.reopened import reopen_record
from gitassets.domain.rules import follow_rules
from gitassets.domain.status import Status
from tests.domain.builders import a_manifest, a_segment, image, manifests
from tests.domain.histories import Change, apply, bases, histories

IMAGE = Address(1, Kind.IMAGE)
DRAFT, REVIEW, APPROVED = Status.DRAFT, Status.REVIEW, Status.APPROVED
REJECTED, REVISED, PUBLISHED = Status.REJECTED, Status.REVISED, Status.PUBLISHED


def run_with(shown: Asset | None, rules: int = 2) -> Manifest:
    return a_manifest({1: a_segment(image=shown)}, rules=rules)


def reopened(asset: Asset, **values: object) -> Asset:
    return replace(asset, reopened=reopen_record(asset, "typo"), **values)


def of(*statuses: str) -> list[Transition]:
    return [Transition(IMAGE, before, after) for before, after in pairwise(statuses)]


def message(*statuses: str, subject: str = "typo") -> str:
    return complete_message(subject, "ep1", of(*statuses))


def codes(before: Asset | None, after: Asset | None, text: str, rules: int = 2) -> list[str]:
    return [one.code for one in check_message(run_with(before), run_with(after, rules), text)]


LOCKED_ONE = image(status=APPROVED)
OTHER_BYTES = image(status=APPROVED, take=2)


@pytest.mark.parametrize(
    ("before", "after", "walk", "code"),
    [
        (None, image(), ["none", "draft"], UNNAMED),
        (image(), image(status=REVIEW), ["draft", "review"], UNNAMED),
        (image(), image(status=REJECTED), ["draft", "rejected"], UNNAMED),
        (image(), image(take=2), ["draft", "draft"], UNNAMED),
        (image(), None, ["draft", "none"], UNNAMED),
        (image(status=REJECTED), image(status=REVIEW), ["rejected", "review"], UNNAMED),
        (None, LOCKED_ONE, ["none", "approved"], BY_HAND),
        (image(), LOCKED_ONE, ["draft", "approved"], BY_HAND),
        (image(status=REVIEW), image(status=PUBLISHED), ["review", "published"], BY_HAND),
        (LOCKED_ONE, image(status=PUBLISHED), ["approved", "published"], BY_HAND),
        (replace(LOCKED_ONE, approved_md5="0" * 32), LOCKED_ONE, ["approved", "approved"], BY_HAND),
        (LOCKED_ONE, reopened(image(status=REVIEW)), ["approved", "review"], BY_HAND),
        (LOCKED_ONE, reopened(image(status=REJECTED)), ["approved", "review", "rejected"], BY_HAND),
        (image(status=PUBLISHED), reopened(LOCKED_ONE), ["published", "review", "approved"], BY_HAND),
        (LOCKED_ONE, reopened(LOCKED_ONE), ["approved", "review", "approved"], BY_HAND),
        (LOCKED_ONE, replace(reopened(LOCKED_ONE), md5="1" * 32), ["approved", "review", "approved"], BY_HAND),
        (image(), reopened(image(status=REVIEW)), ["draft", "approved", "review"], BY_HAND),
        (image(status=REVIEW), reopened(image(status=REVIEW)), ["review", "approved", "review"], BY_HAND),
    ],
)
def test_change_is_reported_until_message_names_it(
    before: Asset | None, after: Asset | None, walk: Sequence[str], code: str
) -> None:
    (change,) = iter_changes(run_with(before), run_with(after))
    assert change.walk == tuple(of(*walk))
    assert codes(before, after, "typo") == [code]
    told = compare_commit(run_with(before), run_with(after), "typo")
    assert told.transitions == told.by_hand == tuple(of(*walk))
    assert codes(before, after, message(*walk)) == []
    assert compare_commit(run_with(before), run_with(after), message(*walk)).by_hand == ()
    assert codes(before, after, message(*walk, "revised")) == ["trailer-disagrees"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (image(), image()),
        (image(), image(prompt="other words")),
        (LOCKED_ONE, replace(LOCKED_ONE, reason="other words")),
        (reopened(LOCKED_ONE), LOCKED_ONE),
    ],
)
def test_change_without_transition_needs_no_trailer(before: Asset, after: Asset) -> None:
    assert codes(before, after, "typo") == []
    assert compare_commit(run_with(before), run_with(after), "typo") == MessageComparison((), (), ())


def test_change_without_transition_may_have_trailer() -> None:
    assert codes(image(status=REJECTED), image(status=REJECTED, reason="darker"), message("rejected", "rejected")) == []


@pytest.mark.parametrize(
    ("before", "after", "walk"),
    [
        (image(), LOCKED_ONE, ["draft", "review", "approved"]),
        (image(), LOCKED_ONE, ["draft", "rejected", "revised", "approved"]),
        (LOCKED_ONE, reopened(OTHER_BYTES), ["approved", "published", "review", "approved"]),
        (image(), reopened(LOCKED_ONE), ["draft", "approved", "review", "approved"]),
        (None, reopened(LOCKED_ONE), ["none", "approved"]),
        (None, LOCKED_ONE, ["none", "draft", "approved", "review", "approved"]),
        (image(status=REVIEW), image(status=REVIEW), ["review", "rejected", "review"]),
    ],
)
def test_squash_message_with_every_transition_is_accepted(
    before: Asset | None, after: Asset, walk: Sequence[str]
) -> None:
    assert codes(before, after, message(*walk)) == []
    told = compare_changes(iter_changes(run_with(before), run_with(after)), of(*walk))
    assert told.by_hand == ()


@pytest.mark.parametrize(
    ("before", "after", "walk"),
    [
        (image(), LOCKED_ONE, ["review", "approved"]),
        (image(), image(status=REVIEW), ["draft", "approved", "review"]),
        (LOCKED_ONE, reopened(LOCKED_ONE), ["approved", "approved"]),
        (image(), LOCKED_ONE, ["draft", "approving", "approved"]),
        (image(), image(), ["draft", "draft"]),
        (image(), image(), ["draft", "approved"]),
        (LOCKED_ONE, LOCKED_ONE, ["approved", "review", "approved"]),
        (image(), LOCKED_ONE, ["draft", "published", "approved"]),
    ],
)
def test_trailers_that_contradict_manifests_are_reported(before: Asset, after: Asset, walk: Sequence[str]) -> None:
    assert codes(before, after, message(*walk)) == ["trailer-disagrees"]


def test_trailers_that_do_not_form_a_chain_are_reported() -> None:
    claims = [*of("draft", "review"), *of("rejected", "approved")]
    assert codes(image(), LOCKED_ONE, complete_message("typo", "ep1", claims)) == ["trailer-disagrees"]


def test_trailers_count_only_in_last_paragraph_under_any_subject() -> None:
    assert codes(image(), LOCKED_ONE, message("draft", "approved", subject="Looks good")) == []
    assert codes(image(), LOCKED_ONE, f"{message('draft', 'approved')}\nAnd more words.") == [BY_HAND]
    assert codes(image(), LOCKED_ONE, "Assets-Transition: image 1 draft -> approved") == [BY_HAND]


def test_rules_1_check_only_messages_written_by_gitassets() -> None:
    assert codes(image(), LOCKED_ONE, "typo", rules=1) == []
    assert codes(image(), LOCKED_ONE, message("review", "approved"), rules=1) == []
    assert codes(LOCKED_ONE, reopened(LOCKED_ONE), "typo", rules=1) == []
    ours = format_message(CommitMessage("ep1", "note", "segment 1"))
    assert codes(image(), LOCKED_ONE, ours, rules=1) == ["trailer-disagrees"]
    assert codes(LOCKED_ONE, reopened(LOCKED_ONE), ours, rules=1) == []
    assert codes(image(), None, ours, rules=1) == []


def test_move_message_of_0_1_0_names_moved_asset_by_its_segment() -> None:
    moved = format_message(CommitMessage("ep1", "move", "image 1 to 2", "", (), (1, 2)))
    assert codes(image(), None, moved) == []
    assert codes(image(), LOCKED_ONE, moved) == [BY_HAND]


def all_told(before: Manifest, done: Sequence[Change]) -> tuple[Manifest, list[Transition]]:
    """Apply all changes; return the manifest and the transitions that their messages name, in order."""
    claims: list[Transition] = []
    for one in done:
        after = apply(before, one)
        claims += [step for change in iter_changes(before, after) if change.visible for step in change.walk]
        before = after
    return before, claims


@given(bases, histories)
def test_squash_message_with_trailers_of_single_commits_is_accepted(base: Manifest, done: list[Change]) -> None:
    after, claims = all_told(base, done)
    text = complete_message("Squashed", "ep1", claims)
    assert len(parse_claims(text)) == len(claims)
    assert list(check_message(base, follow_rules(after), text)) == []


@given(bases, histories)
def test_tell_commit_produces_message_that_check_accepts(base: Manifest, done: list[Change]) -> None:
    after = follow_rules(all_told(base, done)[0])
    told = compare_commit(base, after, "typo")
    assert list(check_message(base, after, complete_message("typo", "ep1", told.transitions))) == []


@given(manifests(), manifests())
def test_tell_commit_names_every_change_between_any_two_manifests(before: Manifest, after: Manifest) -> None:
    told = compare_commit(before, after, "typo")
    again = compare_changes(iter_changes(before, after), told.transitions)
    assert again.unnamed == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("typo\n", "typo\n\nAssets-Run: ep1\nAssets-Transition: image 1 draft -> approved\n"),
        ("typo\n\nmy words\n", "typo\n\nmy words\n\nAssets-Run: ep1\nAssets-Transition: image 1 draft -> approved\n"),
        (
            "typo\n\nSigned-off-by: Ann <a@b>\n",
            "typo\n\nAssets-Run: ep1\nAssets-Transition: image 1 draft -> approved\nSigned-off-by: Ann <a@b>\n",
        ),
        (
            "typo\n\nAssets-Run: ep1\nAssets-Transition: image 2 draft -> review\n",
            "typo\n\nAssets-Run: ep1\nAssets-Transition: image 1 draft -> approved\n",
        ),
        (
            "assets(ep1): note 1\n\nAssets-Run: ep1\nAssets-Action: note\nAssets-Segments: 1\n",
            "assets(ep1): note 1\n\nAssets-Run: ep1\nAssets-Action: note\nAssets-Segments: 1\n"
            "Assets-Transition: image 1 draft -> approved\n",
        ),
        (
            "one\n\nAssets-Run: ep1\nAssets-Transition: image 2 draft -> review\n\ntwo\n",
            "one\n\ntwo\n\nAssets-Run: ep1\nAssets-Transition: image 1 draft -> approved\n",
        ),
        (
            "\n",
            "assets(ep1): change image 1\n\nAssets-Run: ep1\nAssets-Action: change\n"
            "Assets-Transition: image 1 draft -> approved\n",
        ),
    ],
)
def test_complete_message_adds_trailers_and_keeps_text(text: str, expected: str) -> None:
    assert complete_message(text, "ep1", of("draft", "approved")) == expected


def test_message_preserves_order_of_transitions_per_asset() -> None:
    other = Address(2, Kind.IMAGE)
    claims = (
        *of("approved", "review", "approved"),
        Transition(other, "review", "approved"),
        Transition(other, "approved", "review"),
    )
    parsed = parse_message(format_message(CommitMessage("ep1", "squash", "x", "", claims)))
    assert parsed is not None
    for address in (IMAGE, other):
        kept = [one for one in parsed.transitions if one.address == address]
        assert kept == [one for one in claims if one.address == address]
