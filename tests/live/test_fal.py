"""A run whose narration, pictures and clips are all made by fal."""

from __future__ import annotations

import pytest

from tests.actions.checks import addresses, assert_clean
from tests.live.shop import SCRIPT, Studio

LIVE = {"audio": "fal", "image": "fal", "video": "fal"}
SPOKEN_USD, IMAGE_USD, CLIP_USD = len(SCRIPT[0]) * 0.00002, 0.025, 0.35


def test_run_of_fal_is_bought_once_at_the_prices_that_its_answers_name(studio: Studio) -> None:
    studio.set(live=LIVE)
    made = studio.produce(SCRIPT[:1])
    assert made.failed == ()
    assert made.spent_usd == pytest.approx(SPOKEN_USD + IMAGE_USD, abs=1e-5)
    studio.approve(image="1", audio="1")
    studio.services.fal_headers = {"x-fal-billable-units": "6"}
    clips = studio.resume()
    assert addresses(clips.made) == ["video 1"]
    assert studio.asset("video", 1).cost_usd == pytest.approx(6 * 0.07)
    assert studio.bought() == 3
    assert studio.resume().planned == ()
    studio.assert_settled()
    assert_clean(studio.project, studio.run)


def test_clip_of_fal_that_was_not_awaited_is_continued(studio: Studio) -> None:
    studio.set(live=LIVE, services={"fal": {"job_timeout_sec": 0.001}})
    studio.services.polls_until_done = 0
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    studio.services.polls_until_done = 10**9
    assert "has not finished" in studio.resume(audio=False).failed[0].message
    studio.assert_settled(orders=1)
    studio.services.polls_until_done = 0
    result = studio.resume(audio=False)
    assert (addresses(result.made), result.spent_usd) == (["video 1"], 0)
    assert studio.asset("video", 1).cost_usd == pytest.approx(CLIP_USD)
    assert studio.bought() == 2
    studio.assert_settled()
