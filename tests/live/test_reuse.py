"""Takes of an earlier equal request are reused from history instead of bought again."""

from __future__ import annotations

import threading

import pytest

from gitassets.actions.reject import reject
from gitassets.adapters.files import hash_file
from gitassets.domain.estimate import Estimate
from gitassets.errors import GitAssetsError
from tests.actions.checks import assert_clean, git, select, write_hook
from tests.live.shop import IMAGE_USD, SCRIPT, Somebody, Studio, spoken_usd
from tests.providers.services import Answer, Seen


def test_produce_of_the_same_script_reuses_every_take_for_free(studio: Studio) -> None:
    studio.produce()
    result = studio.produce(run_id="ep2")
    assert (studio.bought(), result.spent_usd, result.estimate.total_usd) == (6, 0, 0)
    assert sorted(f"{one.address} {one.earlier}" for one in result.reused)[0] == "audio 1 ep1:segment_001/audio"
    before, now = studio.asset("image", 2), studio.asset("image", 2, "ep2")
    assert (now.md5, now.cost_usd, now.status, now.take) == (before.md5, 0, "draft", 1)
    assert now.extra["reused_from"] == {"asset": "ep1:segment_002/image", "take": 1}
    assert now.extra["prompt_sent"] == before.extra["prompt_sent"]
    assert (now.width, now.size, now.model, now.generated_at) == (
        before.width, before.size, before.model, before.generated_at,
    )  # fmt: skip
    studio.assert_settled()
    assert_clean(studio.project, studio.run)


def test_produce_fresh_buys_every_asset_again(studio: Studio) -> None:
    studio.produce(audio=False)
    result = studio.produce(audio=False, run_id="ep2", fresh=True)
    assert (studio.bought(), result.reused) == (6, ())
    assert studio.asset("image", 1).md5 != studio.asset("image", 1, "ep2").md5


def test_produce_at_a_terminal_asks_before_reuse(studio: Studio) -> None:
    studio.produce(audio=False)
    somebody = Somebody(reuses=False)
    studio.produce(audio=False, run_id="ep2", buyer=somebody)
    assert [len(one.reused) for one in somebody.asked] == [3]
    assert studio.bought() == 6
    studio.produce(audio=False, run_id="ep3", buyer=Somebody())
    assert studio.bought() == 6


def test_produce_without_a_key_reuses_existing_takes(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.produce(SCRIPT[:2], audio=False)
    monkeypatch.delenv("OPENAI_API_KEY")
    result = studio.produce(SCRIPT, audio=False, run_id="ep2")
    assert [str(one.address) for one in result.reused] == ["image 1", "image 2"]
    assert [str(one.address) for one in result.failed] == ["image 3"]


@pytest.mark.parametrize("change", [{"style": "ink"}, {"voice": "adam"}])
def test_produce_with_another_style_or_voice_buys_again(studio: Studio, change: dict[str, str]) -> None:
    kinds = {"audio": "voice" in change, "images": "style" in change}
    studio.produce(SCRIPT[:1], **kinds)
    studio.produce(SCRIPT[:1], run_id="ep2", **kinds, **change)
    assert studio.bought() == 2


def test_produce_with_other_service_settings_buys_again(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.set(services={"openai": {"images": {"quality": "low"}}})
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2")
    assert studio.bought() == 2


def test_regen_never_reuses_a_take_of_the_same_asset(studio: Studio) -> None:
    """Regenerating asks for another result."""
    studio.produce(SCRIPT[:1], audio=False)
    studio.regen(image="1")
    studio.regen(image="1")
    assert studio.bought() == 3
    # The same image of another run may have them, one after the other.
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2")
    assert studio.asset("image", 1, "ep2").md5 == studio.asset("image", 1).md5
    seen = {studio.asset("image", 1, "ep2").md5}
    for _ in range(2):
        studio.regen(image="1", run_id="ep2")
        seen.add(studio.asset("image", 1, "ep2").md5)
    assert (studio.bought(), len(seen)) == (3, 3)
    studio.regen(image="1", run_id="ep2")
    assert studio.bought() == 4


def test_produce_prefers_other_takes_to_rejected_ones_for_reuse(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2", fresh=True)
    reject(studio.project, studio.run, select(image="1"), reason="dull")
    studio.produce(SCRIPT[:1], audio=False, run_id="ep3")
    assert studio.asset("image", 1, "ep3").md5 == studio.asset("image", 1, "ep2").md5


def test_produce_never_reuses_missing_or_damaged_bytes(studio: Studio) -> None:
    studio.produce(SCRIPT[:2], audio=False)
    studio.project.blobs.remove(studio.asset("image", 1).md5)
    damaged = studio.project.blobs.path(studio.asset("image", 2).md5)
    damaged.chmod(0o644)
    damaged.write_bytes(b"other bytes")
    studio.produce(SCRIPT[:2], audio=False, run_id="ep2")
    assert studio.bought() == 4


def test_produce_reuses_uncommitted_results_of_an_interrupted_command(studio: Studio) -> None:
    studio.produce(SCRIPT, audio=False, images=False)
    hook = write_hook(studio.project, "pre-commit", "exit 1")
    with pytest.raises(GitAssetsError):  # As if killed before the commit.
        studio.resume(audio=False)
    hook.unlink()
    studio.produce(SCRIPT, audio=False, run_id="ep2")
    assert studio.bought() == 3
    image = studio.asset("image", 1, "ep2")
    assert hash_file(studio.project.blobs.path(image.md5)) == image.md5


def test_produce_reuses_replaced_takes_of_runs_that_are_not_open(studio: Studio) -> None:
    """The take was replaced, and its run is not open."""
    studio.produce(SCRIPT[:1], audio=False)
    first = studio.asset("image", 1)
    studio.regen(image="1", prompt="A map")
    git(studio.project.root, "worktree", "remove", "--force", "runs/ep1")
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2")
    assert studio.asset("image", 1, "ep2").md5 == first.md5
    assert studio.bought() == 2


def test_reused_take_does_not_count_towards_the_run_limit(studio: Studio) -> None:
    studio.set(budget={"run_usd": IMAGE_USD})
    studio.produce(SCRIPT[:1], audio=False)
    result = studio.produce([SCRIPT[0], "Another."], audio=False, run_id="ep2")
    assert (len(result.made), result.failed) == (2, ())
    assert studio.bought() == 2


class Overtaken(Somebody):
    """A user during whose look at the estimate another command produces the same assets."""

    def __init__(self, studio: Studio, run_id: str) -> None:
        super().__init__()
        self._studio, self._run_id = studio, run_id

    def show(self, estimate: Estimate) -> None:
        super().show(estimate)
        self._studio.produce(run_id=self._run_id)


def test_produce_reuses_what_another_command_made_after_consent(studio: Studio) -> None:
    result = studio.produce(run_id="ep2", buyer=Overtaken(studio, "ep1"))
    assert (studio.bought(), result.spent_usd) == (6, 0)
    assert sorted(f"{one.address} {one.earlier}" for one in result.reused)[0] == "audio 1 ep1:segment_001/audio"
    assert {one.md5 for one in studio.assets().values()} == {one.md5 for one in studio.assets("ep2").values()}
    studio.assert_settled()


def test_produce_fresh_ignores_what_another_command_made_after_consent(studio: Studio) -> None:
    studio.produce(run_id="ep2", fresh=True, buyer=Overtaken(studio, "ep1"))
    assert studio.bought() == 12


def test_regen_takes_reuses_a_new_take_of_another_command_and_buys_the_rest(studio: Studio) -> None:
    """Of two requested takes, another command has made one, so only the other is bought."""
    studio.produce(SCRIPT[:1], audio=False)
    overtaken = Overtaken(studio, "ep2")
    overtaken.show = lambda _: studio.produce(SCRIPT[:1], audio=False, run_id="ep2", fresh=True)  # type: ignore[method-assign]
    studio.regen(image="1", takes=2, buyer=overtaken)
    assert studio.bought() == 3
    takes = studio.asset("image", 1).takes
    assert studio.asset("image", 1, "ep2").md5 in takes
    assert len({studio.asset("image", 1).md5, *takes}) == 3


def test_parallel_commands_buy_equal_requests_once(studio: Studio) -> None:
    """The second reads the histories during the first purchase and waits for its result."""
    first_has_asked, second_has_agreed, answer = threading.Event(), threading.Event(), studio.services.answer

    def slowly(seen: Seen) -> Answer:
        first_has_asked.set()
        assert second_has_agreed.wait(timeout=30)
        return answer(seen)

    class Second(Somebody):
        def show(self, estimate: Estimate) -> None:
            super().show(estimate)
            second_has_agreed.set()

    studio.services.answer = slowly  # type: ignore[method-assign]
    first = threading.Thread(target=lambda: studio.produce(images=False))
    first.start()
    assert first_has_asked.wait(timeout=30)
    second = Second()
    result = studio.produce(images=False, run_id="ep2", buyer=second)
    first.join(timeout=30)
    assert studio.bought() == 3
    assert [one.total_usd for one in second.seen] == [pytest.approx(spoken_usd(*SCRIPT))]
    assert {one.md5 for one in studio.assets().values()} == {one.md5 for one in studio.assets("ep2").values()}
    assert sum(one.cost_usd or 0 for run in ("ep1", "ep2") for one in studio.assets(run).values()) == pytest.approx(
        spoken_usd(*SCRIPT)
    )
    assert result.failed == ()


def test_regen_takes_buys_the_takes_of_one_asset_in_parallel(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    together, answer = threading.Barrier(2, timeout=20), studio.services.answer

    def answer_both(seen: Seen) -> Answer:
        together.wait()
        return answer(seen)

    studio.services.answer = answer_both  # type: ignore[method-assign]
    studio.regen(image="1", takes=2)
    assert not together.broken
    assert studio.bought() == 3
