"""What was made before by the same request is taken from history instead of being bought again."""

from __future__ import annotations

import threading

import pytest

from gitassets.actions.transition import reject
from gitassets.adapters.files import hash_file
from gitassets.domain.estimate import Estimate
from gitassets.errors import GitAssetsError
from tests.actions.checks import assert_clean, git, select, write_hook
from tests.live.shop import IMAGE_USD, SCRIPT, Somebody, Studio, spoken_usd
from tests.providers.services import Answer, Seen


def test_a_run_of_the_same_script_costs_nothing(studio: Studio) -> None:
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


def test_fresh_buys_all_the_same(studio: Studio) -> None:
    studio.produce(audio=False)
    result = studio.produce(audio=False, run_id="ep2", fresh=True)
    assert (studio.bought(), result.reused) == (6, ())
    assert studio.asset("image", 1).md5 != studio.asset("image", 1, "ep2").md5


def test_whoever_is_there_is_asked(studio: Studio) -> None:
    studio.produce(audio=False)
    somebody = Somebody(reuses=False)
    studio.produce(audio=False, run_id="ep2", buyer=somebody)
    assert [len(one.reused) for one in somebody.asked] == [3]
    assert studio.bought() == 6
    studio.produce(audio=False, run_id="ep3", buyer=Somebody())
    assert studio.bought() == 6


def test_without_a_key_what_is_there_is_taken(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.produce(SCRIPT[:2], audio=False)
    monkeypatch.delenv("OPENAI_API_KEY")
    result = studio.produce(SCRIPT, audio=False, run_id="ep2")
    assert [str(one.address) for one in result.reused] == ["image 1", "image 2"]
    assert [str(one.address) for one in result.failed] == ["image 3"]


@pytest.mark.parametrize("change", [{"style": "ink"}, {"voice": "adam"}])
def test_another_request_is_bought(studio: Studio, change: dict[str, str]) -> None:
    kinds = {"audio": "voice" in change, "images": "style" in change}
    studio.produce(SCRIPT[:1], **kinds)
    studio.produce(SCRIPT[:1], run_id="ep2", **kinds, **change)
    assert studio.bought() == 2


def test_other_settings_make_another_request(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.set(services={"openai": {"images": {"quality": "low"}}})
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2")
    assert studio.bought() == 2


def test_an_asset_is_never_offered_a_take_that_it_had_already(studio: Studio) -> None:
    """Whoever regenerates wants another result."""
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


def test_an_approved_take_is_offered_first_and_a_rejected_one_last(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2", fresh=True)
    reject(studio.project, studio.run, select(image="1"), reason="dull")
    studio.produce(SCRIPT[:1], audio=False, run_id="ep3")
    assert studio.asset("image", 1, "ep3").md5 == studio.asset("image", 1, "ep2").md5


def test_of_bytes_that_are_gone_or_damaged_nothing_is_taken(studio: Studio) -> None:
    studio.produce(SCRIPT[:2], audio=False)
    studio.project.blobs.remove(studio.asset("image", 1).md5)
    damaged = studio.project.blobs.path(studio.asset("image", 2).md5)
    damaged.chmod(0o644)
    damaged.write_bytes(b"other bytes")
    studio.produce(SCRIPT[:2], audio=False, run_id="ep2")
    assert studio.bought() == 4


def test_what_an_interrupted_command_has_made_and_not_yet_committed_counts_too(studio: Studio) -> None:
    studio.produce(SCRIPT, audio=False, images=False)
    hook = write_hook(studio.project, "pre-commit", "exit 1")
    with pytest.raises(GitAssetsError):  # As if killed before the commit.
        studio.resume(audio=False)
    hook.unlink()
    studio.produce(SCRIPT, audio=False, run_id="ep2")
    assert studio.bought() == 3
    image = studio.asset("image", 1, "ep2")
    assert hash_file(studio.project.blobs.path(image.md5)) == image.md5


def test_what_a_history_once_had_is_found(studio: Studio) -> None:
    """The take that another one has replaced, and in a run that is not open."""
    studio.produce(SCRIPT[:1], audio=False)
    first = studio.asset("image", 1)
    studio.regen(image="1", prompt="A map")
    git(studio.project.root, "worktree", "remove", "--force", "runs/ep1")
    studio.produce(SCRIPT[:1], audio=False, run_id="ep2")
    assert studio.asset("image", 1, "ep2").md5 == first.md5
    assert studio.bought() == 2


def test_a_take_from_history_counts_nothing_towards_the_runs_limit(studio: Studio) -> None:
    studio.set(budget={"run_usd": IMAGE_USD})
    studio.produce(SCRIPT[:1], audio=False)
    result = studio.produce([SCRIPT[0], "Another."], audio=False, run_id="ep2")
    assert (len(result.made), result.failed) == (2, ())
    assert studio.bought() == 2


class Overtaken(Somebody):
    """While one looks at the estimate, another command makes the same for another run."""

    def __init__(self, studio: Studio, run_id: str) -> None:
        super().__init__()
        self._studio, self._run_id = studio, run_id

    def show(self, estimate: Estimate) -> None:
        super().show(estimate)
        self._studio.produce(run_id=self._run_id)


def test_what_another_command_made_after_one_has_agreed_is_taken(studio: Studio) -> None:
    result = studio.produce(run_id="ep2", buyer=Overtaken(studio, "ep1"))
    assert (studio.bought(), result.spent_usd) == (6, 0)
    assert sorted(f"{one.address} {one.earlier}" for one in result.reused)[0] == "audio 1 ep1:segment_001/audio"
    assert {one.md5 for one in studio.assets().values()} == {one.md5 for one in studio.assets("ep2").values()}
    studio.assert_settled()


def test_unless_everything_was_to_be_made_anew(studio: Studio) -> None:
    studio.produce(run_id="ep2", fresh=True, buyer=Overtaken(studio, "ep1"))
    assert studio.bought() == 12


def test_another_take_does_not_count_what_its_asset_had_already(studio: Studio) -> None:
    """Two takes of the same request are wanted, and another command has made one of them: the other one is bought."""
    studio.produce(SCRIPT[:1], audio=False)
    overtaken = Overtaken(studio, "ep2")
    overtaken.show = lambda _: studio.produce(SCRIPT[:1], audio=False, run_id="ep2", fresh=True)  # type: ignore[method-assign]
    studio.regen(image="1", takes=2, buyer=overtaken)
    assert studio.bought() == 3
    takes = studio.asset("image", 1).takes
    assert studio.asset("image", 1, "ep2").md5 in takes
    assert len({studio.asset("image", 1).md5, *takes}) == 3


def test_two_commands_at_the_same_moment_buy_what_both_want_once(studio: Studio) -> None:
    """The second has read the histories while the first call of the first is under way, and waits for its result."""
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


def test_takes_of_one_asset_are_made_at_the_same_time(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    together, answer = threading.Barrier(2, timeout=20), studio.services.answer

    def answer_both(seen: Seen) -> Answer:
        together.wait()
        return answer(seen)

    studio.services.answer = answer_both  # type: ignore[method-assign]
    studio.regen(image="1", takes=2)
    assert not together.broken
    assert studio.bought() == 3
