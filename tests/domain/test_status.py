from __future__ import annotations

from itertools import pairwise, product

import pytest

from gitassets.domain.status import EDGES, LOCKED, Status, find_path, status_after_new_take

DRAFT, REVIEW, APPROVED = Status.DRAFT, Status.REVIEW, Status.APPROVED
REJECTED, REVISED, PUBLISHED = Status.REJECTED, Status.REVISED, Status.PUBLISHED


def test_edges_define_every_status() -> None:
    assert set(EDGES) == set(Status)


def test_only_approved_and_published_are_locked() -> None:
    assert {status for status in Status if status.locked} == {APPROVED, PUBLISHED} == LOCKED


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        (DRAFT, APPROVED, (DRAFT, REVIEW, APPROVED)),
        (DRAFT, PUBLISHED, (DRAFT, REVIEW, APPROVED, PUBLISHED)),
        (REVISED, REJECTED, (REVISED, REVIEW, REJECTED)),
        (REJECTED, APPROVED, (REJECTED, REVIEW, APPROVED)),
        (REJECTED, REVISED, (REJECTED, REVISED)),
        (APPROVED, PUBLISHED, (APPROVED, PUBLISHED)),
        (APPROVED, APPROVED, (APPROVED,)),
    ],
)
def test_find_path_returns_shortest_path(before: Status, after: Status, path: tuple[Status, ...]) -> None:
    assert find_path(before, after) == path


@pytest.mark.parametrize("before", [APPROVED, PUBLISHED])
@pytest.mark.parametrize("after", [REVIEW, REJECTED, REVISED])
def test_find_path_leaves_a_lock_only_by_reopen(before: Status, after: Status) -> None:
    assert find_path(before, after) is None
    path = find_path(before, after, reopened=True)
    assert path is not None
    assert path[:2] == (before, REVIEW)


def test_find_path_from_published_to_approved_leads_through_review() -> None:
    assert find_path(PUBLISHED, APPROVED) is None
    assert find_path(PUBLISHED, APPROVED, reopened=True) == (PUBLISHED, REVIEW, APPROVED)


@pytest.mark.parametrize("before", [one for one in Status if one is not DRAFT])
@pytest.mark.parametrize("reopened", [False, True])
def test_find_path_never_returns_to_draft(before: Status, reopened: bool) -> None:
    assert find_path(before, DRAFT, reopened=reopened) is None


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
@pytest.mark.parametrize("reopened", [False, True])
def test_find_path_follows_the_edges(before: Status, after: Status, reopened: bool) -> None:
    path = find_path(before, after, reopened=reopened)
    if path is None:
        return
    assert (path[0], path[-1]) == (before, after)
    assert len(set(path)) == len(path)
    assert all(following in EDGES[one] for one, following in pairwise(path))
    assert reopened or not any(one in LOCKED and following is REVIEW for one, following in pairwise(path))


def test_new_take_turns_rejected_into_revised_and_keeps_other_statuses() -> None:
    after = {status: status_after_new_take(status) for status in Status if not status.locked}
    assert after == {DRAFT: DRAFT, REVIEW: REVIEW, REJECTED: REVISED, REVISED: REVISED}
