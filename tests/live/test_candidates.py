"""Candidates from the services: each is bought once and its cost is counted."""

from __future__ import annotations

import os

import pytest

from gitassets.actions.choose import choose, drop_candidates
from gitassets.actions.cost import read_costs
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.state.orders import Order
from gitassets.domain.manifest import Asset
from tests.actions.checks import assert_clean, select
from tests.faults.points import BYTES, COMMIT, LOG_REMOVED, LOGGED, PLACED, Point, dies_at
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio
from tests.providers.services import Answer

RECEIPT = {"the receipt is written": Point(Order, "write_receipt")}
GONE = {"the order is gone": Point(Order, "remove")}
JOB = Point(Order, "write")


@pytest.fixture
def drawn(studio: Studio) -> Studio:
    """Produce a run with one image."""
    studio.produce(SCRIPT[:1], audio=False)
    return studio


def candidates(studio: Studio, kind: str = "image") -> list[Asset]:
    return sorted(studio.asset(kind, 1).takes.values(), key=lambda take: take.take)


def test_regen_takes_buys_each_candidate_and_records_its_request(drawn: Studio) -> None:
    drawn.services.image_as_url = True
    planned = drawn.regen(image="1", takes=3, prompt="a map", dry_run=True)
    assert planned.estimate.total_usd == pytest.approx(3 * IMAGE_USD)
    assert drawn.bought() == 1
    before = drawn.asset("image", 1)
    result = drawn.regen(image="1", takes=3, prompt="a map")
    assert (drawn.bought(), result.spent_usd) == (4, pytest.approx(3 * IMAGE_USD))
    found = candidates(drawn)
    assert [one.take for one in found] == [2, 3, 4]
    for one in found:
        assert (one.source, one.prompt, one.cost_usd) == ("openai", "a map", IMAGE_USD)
        assert one.extra["parent"] == before.md5
        assert "a map" in one.extra["prompt_sent"]
        assert {"request", "parameters", "revised_prompt"} <= one.extra.keys()
    drawn.assert_settled()
    assert_clean(drawn.project, drawn.run)


def test_choose_keeps_the_records_of_both_takes(drawn: Studio) -> None:
    drawn.regen(image="1", takes=2, prompt="a map")
    before, (second, _) = drawn.asset("image", 1), candidates(drawn)
    choose(drawn.project, drawn.run, select(image="1"), "2")
    now = drawn.asset("image", 1)
    assert (now.md5, now.prompt, now.cost_usd, dict(now.extra)) == (
        second.md5, second.prompt, second.cost_usd, dict(second.extra)
    )  # fmt: skip
    former = now.takes[before.md5]
    assert (former.cost_usd, former.seed, former.text_md5) == (before.cost_usd, before.seed, before.text_md5)
    assert former.extra == before.extra
    choose(drawn.project, drawn.run, select(image="1"), "1")
    assert drawn.asset("image", 1).extra == before.extra


def test_cost_counts_candidates_and_marks_dropped_ones_as_wasted(drawn: Studio) -> None:
    drawn.regen(image="1", takes=2)
    choose(drawn.project, drawn.run, select(image="1"), "2")
    (row,) = read_costs(drawn.project, drawn.run).runs[0].rows
    assert (row.takes, row.cost_usd, row.wasted_takes) == (3, pytest.approx(3 * IMAGE_USD), 0)
    drawn.approve(image="1")
    drop_candidates(drawn.project, drawn.run, select(image="1"))
    (row,) = read_costs(drawn.project, drawn.run).runs[0].rows
    assert (row.takes, row.wasted_takes, row.wasted_usd) == (3, 2, pytest.approx(2 * IMAGE_USD))


def test_max_cost_limits_candidates(drawn: Studio) -> None:
    result = drawn.regen(image="1", takes=3, max_cost_usd=2.5 * IMAGE_USD)
    assert (drawn.bought(), len(result.candidates), len(result.failed)) == (3, 2, 1)
    assert "--max-cost" in result.failed[0].message


def test_regen_takes_reuses_a_different_earlier_take_for_each_candidate(drawn: Studio) -> None:
    drawn.regen(image="1", takes=2)
    drawn.produce(SCRIPT[:1], run_id="ep2", audio=False, fresh=True)
    bought = drawn.bought()
    result = drawn.regen(image="1", takes=3, run_id="ep2")
    assert (drawn.bought(), len(result.reused)) == (bought, 3)
    taken = drawn.asset("image", 1, "ep2").takes
    assert taken.keys() == {drawn.asset("image", 1).md5, *drawn.asset("image", 1).takes}
    assert all(one.cost_usd == 0 and "reused_from" in one.extra for one in taken.values())


def test_regen_takes_records_equal_bytes_as_one_candidate_and_a_charge(drawn: Studio) -> None:
    drawn.services.unique = False
    result = drawn.regen(image="1", takes=2)
    (made,) = result.candidates
    assert [one.message for one in result.failed] == [f"openai made take {made.take} of image 1 again"]
    assert [one["cost_usd"] for one in drawn.charges(1)] == [IMAGE_USD]
    assert read_costs(drawn.project, drawn.run).total_usd == pytest.approx(drawn.bought() * IMAGE_USD)
    assert_clean(drawn.project, drawn.run)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
@pytest.mark.parametrize("point", {**RECEIPT, **BYTES, **LOGGED, **GONE, **PLACED, **COMMIT, **LOG_REMOVED})
def test_regen_takes_killed_at_any_point_buys_no_candidate_twice(drawn: Studio, point: str) -> None:
    points = {**RECEIPT, **BYTES, **LOGGED, **GONE, **PLACED, **COMMIT, **LOG_REMOVED}
    drawn.set(services={"openai": {"concurrency": 1}})
    dies_at(points[point], lambda: drawn.regen(image="1", takes=2))
    assert len(drawn.regen(image="1", takes=2).candidates) == 2
    assert (drawn.bought(), [one.take for one in candidates(drawn)]) == (3, [2, 3])
    assert drawn.charges(1) == []
    drawn.assert_settled()
    assert_clean(drawn.project, drawn.run)
    assert verify(drawn.project, [drawn.run], VerifyOptions(full=True)).holds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
def test_regen_takes_resumes_the_job_of_a_candidate_after_a_kill(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    studio.resume(audio=False)
    studio.set(services={"luma": {"poll_sec": 0.01, "concurrency": 1}})
    dies_at(JOB, lambda: studio.regen(video="1", takes=2))
    assert studio.bought("/v1/generations") == 2
    studio.regen(video="1", takes=2)
    assert studio.bought("/v1/generations") == 3
    found = candidates(studio, "video")
    assert [one.take for one in found] == [2, 3]
    assert all(one.cost_usd == CLIP_USD and one.extra["made_from"] for one in found)
    studio.assert_settled()


def test_regen_takes_with_a_failing_service_records_charges_only(drawn: Studio) -> None:
    drawn.services.misbehave("/v1/images/", Answer(200, b"{}"))
    result = drawn.regen(image="1", takes=2)
    assert (result.candidates, len(result.failed)) == ((), 2)
    assert len(drawn.charges(1)) == 2
    drawn.assert_settled()
