"""Estimates, consent and limits of spending."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest

from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.reject import reject
from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.selection import parse_selection
from gitassets.making.consent import Allowance, LimitError, SpendingError
from gitassets.runs.lookup import find_runs
from tests.actions.checks import addresses, assert_clean, select, snapshot
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Somebody, Studio, spoken_usd
from tests.live.test_failures import call as call
from tests.providers.services import KEYS, Answer, image_usage, say

Call = Callable[..., tuple[int, str, str]]


class TestConsent:
    def test_produce_below_the_threshold_shows_the_estimate_without_asking(self, studio: Studio) -> None:
        somebody = Somebody(spends=False)
        studio.produce(SCRIPT, yes=False, buyer=somebody)
        assert (len(somebody.seen), somebody.asked) == (1, [])
        assert [(line.provider, str(line.kind), len(line.addresses)) for line in somebody.seen[0].lines] == [
            ("elevenlabs", "audio", 3), ("openai", "image", 3),
        ]  # fmt: skip

    def test_produce_above_the_threshold_asks_at_a_terminal(self, studio: Studio) -> None:
        studio.set(budget={"confirm_usd": 0.1})
        with pytest.raises(SpendingError, match="you did not agree"):
            studio.produce(SCRIPT, yes=False, buyer=Somebody(spends=False))
        assert (studio.bought(), find_runs(studio.project)) == (0, {})
        studio.produce(SCRIPT, yes=False, buyer=Somebody())
        assert studio.bought() == 6

    def test_produce_above_the_threshold_without_a_terminal_makes_nothing(self, studio: Studio) -> None:
        studio.set(budget={"confirm_usd": 0.1})
        with pytest.raises(SpendingError, match=r"costs about \$0\.216, and above \$0\.10 somebody") as caught:
            studio.produce(SCRIPT, yes=False)
        assert "--yes" in caught.value.hint
        assert "--max-cost 0.22" in caught.value.hint
        assert (studio.services.bought, find_runs(studio.project)) == ([], {})
        studio.produce(SCRIPT, yes=False, max_cost_usd=0.22)
        assert studio.bought() == 6

    def test_resume_after_refused_consent_changes_nothing(self, studio: Studio) -> None:
        studio.set(budget={"confirm_usd": 0.01})
        studio.produce(SCRIPT, audio=False, images=False)
        before = snapshot(studio.run)
        for buyer in (Somebody(spends=False), Somebody(spends=False, present=False)):
            with pytest.raises(SpendingError):
                studio.resume(yes=False, buyer=buyer, style="another")
        assert snapshot(studio.run) == before

    def test_dry_run_estimates_without_asking_or_buying(self, studio: Studio) -> None:
        somebody = Somebody()
        result = studio.produce(SCRIPT, yes=False, dry_run=True, buyer=somebody)
        assert result.estimate.total_usd == pytest.approx(spoken_usd(*SCRIPT) + 3 * IMAGE_USD)
        assert (somebody.seen, somebody.asked, studio.services.seen) == ([], [], [])
        studio.produce(SCRIPT)
        again = studio.regen(image="2", dry_run=True)
        assert (again.estimate.total_usd, again.estimate.spent_usd) == (
            IMAGE_USD, pytest.approx(spoken_usd(*SCRIPT) + 3 * IMAGE_USD),
        )  # fmt: skip

    def test_dry_run_needs_no_key(self, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY")
        assert studio.produce(SCRIPT, audio=False, dry_run=True).estimate.total_usd == pytest.approx(3 * IMAGE_USD)

    def test_free_assets_never_ask_for_consent(self, studio: Studio) -> None:
        studio.set(budget={"confirm_usd": 0})
        somebody = Somebody(spends=False)
        studio.produce(SCRIPT[:1], live=False, yes=False, buyer=somebody)
        assert (somebody.seen, somebody.asked) == ([], [])


class TestLimits:
    def test_max_cost_limits_one_command(self, studio: Studio) -> None:
        result = studio.produce(SCRIPT, audio=False, max_cost_usd=2 * IMAGE_USD)
        assert (len(result.made), studio.bought(), result.spent_usd) == (2, 2, pytest.approx(2 * IMAGE_USD))
        assert result.estimate.breaks_limit
        assert [one.message for one in result.failed] == [
            "openai was not called: that would pass the $0.14 of --max-cost"
        ]
        assert "higher --max-cost" in result.failed[0].hint
        assert_clean(studio.project, studio.run)
        # The next command has its own limit.
        assert len(studio.resume(audio=False, max_cost_usd=IMAGE_USD).made) == 1

    def test_run_limit_counts_earlier_costs(self, studio: Studio) -> None:
        studio.set(budget={"run_usd": 3 * IMAGE_USD})
        studio.produce(SCRIPT[:2], audio=False)
        reject(studio.project, studio.run, select(image="1"), reason="dull")
        assert len(studio.regen(image="1").made) == 1
        result = studio.regen(image="2")
        assert "the run would cost more than $0.21" in result.failed[0].message
        assert "budget.run_usd" in result.failed[0].hint
        assert studio.bought() == 3
        assert result.estimate.breaks_limit
        # Free assets are still made.
        assert addresses(studio.regen(image="2", provider="card").made) == ["image 2"]
        studio.set(budget={"run_usd": None})
        assert addresses(studio.regen(image="2", provider="openai").made) == ["image 2"]

    def test_run_limit_counts_charges_without_result(self, studio: Studio) -> None:
        studio.set(budget={"run_usd": 2 * IMAGE_USD}, services={"openai": {"concurrency": 1}})
        studio.services.misbehave("/v1/images/", Answer(200, b"{}"))
        result = studio.produce(SCRIPT, audio=False)
        assert (len(result.failed), len(studio.services.seen)) == (3, 2)
        studio.services.recover()
        assert studio.resume(audio=False).made == ()
        assert studio.bought() == 0
        assert_clean(studio.project, studio.run)

    def test_run_limit_counts_pending_orders(self, studio: Studio) -> None:
        studio.produce(SCRIPT[:1], audio=False, style="plain")
        studio.approve(image="1")
        studio.set(budget={"run_usd": IMAGE_USD + CLIP_USD}, services={"luma": {"job_timeout_sec": 0.001}})
        result = studio.resume(audio=False)
        assert "has not finished" in result.failed[0].message
        assert result.spent_usd == CLIP_USD
        studio.assert_settled(orders=1)
        studio.set(budget={"run_usd": IMAGE_USD + CLIP_USD})
        # The limit leaves nothing for another clip; the ordered one is paid for.
        refused = studio.resume(audio=False, style="another")
        assert "the run would cost more" in refused.failed[0].message
        result = studio.resume(audio=False, style="plain")
        assert (addresses(result.made), result.spent_usd) == (["video 1"], 0)
        assert studio.bought("/v1/generations") == 1
        studio.assert_settled()

    def test_allowance_holds_with_parallel_calls(self) -> None:
        allowance = Allowance(max_cost_usd=1.0, run_limit_usd=None, run_spent_usd=0)
        taken: list[float] = []

        def spend() -> None:
            for _ in range(100):
                try:
                    allowance.reserve(0.1, "openai")
                except LimitError:
                    continue
                allowance.settle(0.1, 0.1)
                taken.append(0.1)

        threads = [threading.Thread(target=spend) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(taken), allowance.spent_usd) == (10, 1.0)

    def test_allowance_releases_the_reserve_of_a_failed_call(self) -> None:
        allowance = Allowance(max_cost_usd=0.1, run_limit_usd=None, run_spent_usd=0)
        allowance.reserve(0.1, "openai")
        with pytest.raises(LimitError):
            allowance.reserve(0.1, "openai")
        allowance.settle(0.1, 0)
        allowance.reserve(0.1, "openai")


TOO_LONG = {"elevenlabs": "A word. " * 1_300, "openai": "A word. " * 600, "fal": "A word. " * 700}


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("provider", TOO_LONG)
def test_produce_dry_run_reports_texts_that_a_service_refuses_without_pricing_them(
    studio: Studio, call: Call, monkeypatch: pytest.MonkeyPatch, provider: str, with_key: bool
) -> None:
    studio.set(live={"audio": provider})
    for name in () if with_key else KEYS:
        monkeypatch.delenv(name)
    script = [SCRIPT[0], TOO_LONG[provider]]
    (studio.project.root / "script.md").write_text("\n\n".join(script), "utf-8")
    line = ("produce", "--script", "script.md", "--live", "--no-images", "--dry-run", "--run-id", "ep1")
    code, out, _ = call(*line, "--json")
    told = json.loads(out)
    assert (code, [one["segment"] for one in told["planned"]]) == (1, [1])
    assert [one["segment"] for one in told["failed"]] == [2]
    alone = studio.produce(SCRIPT[:1], images=False, dry_run=True).estimate.total_usd
    assert told["estimate"]["total_usd"] == pytest.approx(alone)
    code, out, err = call(*line)
    assert "will be refused: audio 2" in err
    assert "Without --live it is made by local." in err
    assert "--provider" not in err
    wordless = studio.produce([SCRIPT[0], "**", "…", "🎉"], images=False, dry_run=True)
    assert addresses(wordless.failed) == ["audio 2", "audio 3", "audio 4"]
    assert wordless.estimate.total_usd == pytest.approx(alone)
    assert studio.bought() == 0


def test_produce_dry_run_says_what_limits_of_a_service_change(studio: Studio, call: Call) -> None:
    (studio.project.root / "script.md").write_text("Word after word. " * 2_000, "utf-8")
    line = ("produce", "--script", "script.md", "--live", "--no-audio", "--dry-run", "--provider", "image=openai")
    code, out, _ = call(*line)
    assert code == 0
    assert "image 1: its prompt is cut to the 32,000 characters that openai takes" in " ".join(out.split())


def test_regen_dry_run_reports_a_text_that_a_service_refuses(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], live=False, images=False)
    edit(studio.project, studio.run, parse_selection("1"), EditOptions(text="A word. " * 1_300))
    result = studio.regen(audio="1", provider="elevenlabs", dry_run=True)
    assert "are more than elevenlabs speaks at once" in result.failed[0].message
    assert "--provider local" in result.failed[0].hint
    assert result.estimate.total_usd == 0


class TestChargesOfTheService:
    def test_allowance_raises_later_reserves_by_the_excess_of_earlier_ones(self) -> None:
        allowance = Allowance(max_cost_usd=1.0, run_limit_usd=None, run_spent_usd=0)
        reserved = allowance.reserve(0.2, "runway")
        allowance.correct("runway", 0.2, reserved, 0.5)
        with pytest.raises(LimitError):
            allowance.reserve(0.25, "runway")  # costs 0.625 at the price that the first one showed
        assert allowance.reserve(0.2, "runway") == pytest.approx(0.5)
        allowance.settle(0.5, 0.5)
        allowance.settle(0.5, 0.4)
        assert allowance.spent_usd == pytest.approx(0.9)
        assert allowance.reserve(0.1, "luma") == 0.1

    @pytest.mark.parametrize(("usd", "made"), [(0.082, 2), (0.164, 4)])
    def test_calls_whose_charge_is_not_known_yet_run_one_by_one_near_a_limit(
        self, studio: Studio, usd: float, made: int
    ) -> None:
        """Four pictures that cost four times the estimate: one of them passes the limit, not all that fit in it."""
        studio.set(services={"openai": {"images": {"usd_per_image": {"medium": usd / made}}}})
        studio.services.image_usage = image_usage(output_tokens=round(usd / made * 4 / 30e-6))
        result = studio.produce([f"Map {number}." for number in range(4)], audio=False, max_cost_usd=usd)
        assert studio.bought() == 1
        assert result.spent_usd == pytest.approx(usd / made * 4, rel=1e-3)
        assert {"would pass the" in one.message for one in result.failed} == {True}
        assert_clean(studio.project, studio.run)

    def test_price_told_with_an_order_lets_the_next_one_run(self) -> None:
        allowance = Allowance(max_cost_usd=1.0, run_limit_usd=None, run_spent_usd=0)

        def order() -> None:
            with allowance.run("runway", 0.2, tells_charge=True):
                pass

        with allowance.run("runway", 0.2, tells_charge=True):
            reserved = allowance.reserve(0.2, "runway")
            other = threading.Thread(target=order)
            other.start()
            allowance.correct("runway", 0.2, reserved, 0.3)
            other.join()  # while the first order is still under way

    @pytest.mark.parametrize(("limit_usd", "tells"), [(None, True), (4.0, True), (0.4, False)])
    def test_calls_run_together_where_no_limit_is_near_or_no_charge_is_told(
        self, limit_usd: float | None, tells: bool
    ) -> None:
        allowance = Allowance(max_cost_usd=limit_usd, run_limit_usd=None, run_spent_usd=0)
        with allowance.run("luma", 0.2, tells_charge=tells), allowance.run("luma", 0.2, tells_charge=tells):
            assert allowance.reserve(0.2, "luma") == 0.2

    def test_clip_that_failed_is_recorded_at_what_it_cost(self, studio: Studio) -> None:
        studio.set(live={"video": "runway"})
        studio.produce(SCRIPT[:1], audio=False)
        studio.approve(image="1")
        failed = {
            "id": "x",
            "status": "FAILED",
            "failure": "broken",
            "failureCode": "INTERNAL",
            "cost": {"credits": 25},
        }
        studio.services.misbehave("/v1/tasks/", say(failed))
        result = studio.resume(audio=False)
        assert "It has been charged" in result.failed[0].message
        assert [one["cost_usd"] for one in studio.charges(1)] == [0.25]
        assert result.spent_usd == 0.25
        studio.assert_settled()

    def test_order_under_way_counts_at_the_price_that_the_service_named(self, studio: Studio) -> None:
        studio.set(live={"video": "runway"}, services={"runway": {"model": "gen4.5", "job_timeout_sec": 0.001}})
        studio.produce(SCRIPT[:1], audio=False)
        studio.approve(image="1")
        named = say({"id": "job-2", "estimatedCost": {"credits": 90}})
        studio.services.misbehave("/v1/image_to_video", named)
        studio.services.jobs["job-2"] = -10
        result = studio.resume(audio=False)
        assert "has not finished" in result.failed[0].message
        assert result.spent_usd == pytest.approx(0.9)
        assert studio.resume(audio=False, dry_run=True).estimate.spent_usd == pytest.approx(IMAGE_USD + 0.9)


def test_order_at_the_old_api_of_luma_is_finished_and_not_bought_again(studio: Studio) -> None:
    studio.set(services={"luma": {"job_timeout_sec": 0.001}})
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    studio.services.polls_until_done = 10**9
    assert "has not finished" in studio.resume(audio=False).failed[0].message
    (order,) = OrderBook(studio.project.state_dir, "ep1")
    placed = order.read_order()
    assert placed is not None
    placed["expected"] |= {"model": "ray-2", "cost_usd": 0.75, "extra": {"parameters": {"aspect_ratio": "16:9"}}}
    placed["cost_usd"] = 0.75
    older = OrderBook(studio.project.state_dir, "ep1").order("0" * 64)
    older.place(placed)
    older.write(str(order.read()))
    order.remove()
    studio.services.polls_until_done = 1
    studio.set()
    before = len(studio.services.bought)
    result = studio.resume(audio=False)
    assert (addresses(result.made), result.spent_usd, len(studio.services.bought)) == (["video 1"], 0, before)
    clip = studio.asset("video", 1)
    assert (clip.source, clip.model, clip.cost_usd) == ("luma", "ray-2", 0.75)
    assert studio.services.calls("/dream-machine/v1/generations/", "GET")
    studio.assert_settled()
