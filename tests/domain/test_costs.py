"""Cost of a run according to its history, and the wasted share of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.domain.costs import CostRow, Ledger, iter_charges, sum_up, with_charges
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.status import Status
from tests.domain.builders import a_manifest, a_segment, audio, image

APPROVED, REJECTED, REVIEW = Status.APPROVED, Status.REJECTED, Status.REVIEW
IMAGE = Address(1, Kind.IMAGE)


def bought(take: int = 1, status: Status = Status.DRAFT, **changes: Any) -> Asset:
    return image(take=take, status=status, **{"cost_usd": 0.07, "source": "openai", **changes})


def run_with(shown: Asset | None, **values: Any) -> Manifest:
    return a_manifest({1: a_segment(image=shown, **values)})


def spend(*states: Asset | Manifest | None) -> list[tuple[float | None, bool]]:
    """Return cost and waste of each take after a history of these states."""
    ledger = Ledger()
    for one in states:
        ledger.add_state(one if isinstance(one, Manifest) else run_with(one))
    return [(one.cost_usd, one.wasted) for one in ledger.iter_spent()]


def test_each_take_is_counted_once_over_all_states() -> None:
    first = bought()
    states = [first, replace(first, status=REVIEW), replace(first, reason="x"), bought(2), bought(2, REVIEW)]
    assert spend(*states) == [(0.07, True), (0.07, False)]


@pytest.mark.parametrize(
    ("states", "wasted"),
    [
        ([bought()], [False]),
        ([bought(), bought(1, REJECTED)], [True]),
        ([bought(1, REJECTED), bought(1, REVIEW)], [False]),
        ([bought(), bought(2)], [True, False]),
        # It had been approved, so it was used until it was replaced.
        ([bought(1, APPROVED), bought(1, REVIEW), bought(2)], [False, False]),
        ([bought(1, APPROVED), bought(1, REJECTED), bought(2)], [True, False]),
        # An older take is the current one again.
        ([bought(), bought(2), bought()], [False, True]),
        ([bought(), None], [True]),
    ],
)
def test_take_is_wasted_if_rejected_or_replaced_without_approval(
    states: list[Asset | None], wasted: list[bool]
) -> None:
    assert [one for _, one in spend(*states)] == wasted


@pytest.mark.parametrize(("status", "wasted"), [(REVIEW, False), (REJECTED, False), (APPROVED, True)])
def test_candidate_is_wasted_once_another_take_is_approved(status: Status, wasted: bool) -> None:
    other = bought(2, path="takes/scene_000.2.png")
    found = spend(bought(1, status, takes={other.md5: other}))
    assert found == [(0.07, wasted), (0.07, status is REJECTED)]
    assert spend(bought(1, takes={other.md5: other}), bought()) == [(0.07, True), (0.07, False)]


def test_copied_and_manual_takes_cost_nothing() -> None:
    copied = bought(extra={"copied_from": {"asset": "ep0:segment_001/image"}})
    assert spend(copied) == []
    assert spend(copied, bought(2)) == [(0.07, False)]
    assert spend(bought(source="manual", cost_usd=None)) == []


def test_moved_take_is_counted_once_at_its_new_place() -> None:
    moved = replace(bought(), path="images/scene_001.png", extra={"moved_from": "image 1"})
    after = a_manifest({1: a_segment(), 2: a_segment(image=moved)})
    before = a_manifest({1: a_segment(image=bought()), 2: a_segment()})
    assert spend(before, after) == [(0.07, False)]


def test_take_without_recorded_cost_counts_as_unknown() -> None:
    ledger = Ledger()
    ledger.add_state(run_with(bought(cost_usd=None)))
    (row,) = sum_up(ledger.iter_spent())
    assert (row.cost_usd, row.unknown_takes, ledger.total_usd) == (0, 1, 0)


def charge(cost_usd: object = 0.05, kind: str = "image", **more: object) -> dict[str, object]:
    return {"kind": kind, "provider": "openai", "cost_usd": cost_usd, **more}


def test_charges_count_as_wasted_even_when_removed_later() -> None:
    with_one = run_with(bought(), extra={"charges": {"a": charge()}})
    assert spend(with_one, run_with(bought())) == [(0.07, False), (0.05, True)]


@pytest.mark.parametrize(
    "edited", [None, 5, {"a": 5}, {"a": charge("x")}, {"a": charge(True)}, {"a": charge(kind="x")}]
)
def test_iter_charges_skips_malformed_records(edited: object) -> None:
    assert list(iter_charges(a_segment(extra={"charges": edited}))) == []


def test_with_charges_adds_to_existing_charges() -> None:
    before = a_manifest({1: a_segment(extra={"charges": {"a": charge()}, "mood": "calm"}), 2: a_segment()})
    after = with_charges(before, {(1, "b"): charge(), (2, "c"): charge(), (9, "d"): charge()})
    assert dict(after.segments[1].extra) == {"charges": {"a": charge(), "b": charge()}, "mood": "calm"}
    assert dict(after.segments[2].extra) == {"charges": {"c": charge()}}
    assert with_charges(after, {(1, "b"): charge()}) == after
    assert with_charges(before, {}) is before


def test_sum_up_returns_rows_by_kind_and_provider() -> None:
    ledger = Ledger()
    spoken = audio(cost_usd=0.01, source="elevenlabs")
    ledger.add_state(a_manifest({1: a_segment(image=bought(), audio=spoken, extra={"charges": {"a": charge()}})}))
    ledger.add_state(a_manifest({1: a_segment(image=bought(2), audio=spoken, extra={"charges": {"a": charge()}})}))
    assert sum_up(ledger.iter_spent()) == (
        CostRow(
            kind=Kind.AUDIO, provider="elevenlabs", takes=1, cost_usd=0.01, wasted_takes=0, wasted_usd=0, charges=0,
            unknown_takes=0,
        ),
        CostRow(
            kind=Kind.IMAGE, provider="openai", takes=2, cost_usd=0.19, wasted_takes=1, wasted_usd=0.12, charges=1,
            unknown_takes=0,
        ),
    )  # fmt: skip
    assert ledger.total_usd == 0.2
