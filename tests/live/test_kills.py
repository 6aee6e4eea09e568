"""After a kill at any point, no purchase is lost or made twice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.gc import gc
from gitassets.actions.note import note
from gitassets.actions.produce import resume
from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.orders import Order, OrderBook
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.selection import parse_selection
from gitassets.making import buy as buying
from gitassets.making.consent import Terms
from gitassets.making.plan_run import ProduceOptions
from gitassets.providers import account
from gitassets.providers.http import media_file
from gitassets.providers.http.calls import Call
from gitassets.providers.http.client import HttpClient, Pause
from gitassets.runs.lookup import find_run
from gitassets.runs.progress import Progress
from tests.actions.checks import addresses, assert_clean, select
from tests.actions.crashes import DIED, dies_in
from tests.faults.points import BYTES, COMMIT, LOG_REMOVED, LOGGED, PLACED, Point, dies_at
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio, spoken_usd
from tests.providers.services import Answer
from tests.starter import call_in_process, replaced

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")

RECEIVED = {
    "the file is checked": Point(account, "keep_media"),
    "the receipt is written": Point(Order, "write_receipt"),
}
HANDED_OVER = {
    "the order is gone": Point(Order, "remove"),
}
JOB = {
    "the job is remembered": Point(Order, "write"),
}
AFTERWARDS = {**RECEIVED, **BYTES, **LOGGED, **HANDED_OVER, **PLACED, **COMMIT, **LOG_REMOVED}


@pytest.fixture
def empty(studio: Studio) -> Studio:
    """Produce a run without assets."""
    studio.produce(SCRIPT[:1], audio=False, images=False)
    return studio


def speak(studio: Studio) -> None:
    studio.resume(images=False)


def draw(studio: Studio) -> None:
    studio.resume(audio=False, video=False)


def film(studio: Studio) -> None:
    studio.resume(audio=False)


def assert_whole(studio: Studio, name: str, cost_usd: float) -> None:
    found = studio.assets()[name]
    assert (found.cost_usd, found.take) == (pytest.approx(cost_usd), 1)
    assert found.extra["request"]
    assert studio.charges(1) == []
    studio.assert_settled()
    assert_clean(studio.project, studio.run)


@pytest.mark.parametrize("point", AFTERWARDS)
def test_audio_received_before_a_kill_is_kept(empty: Studio, point: str) -> None:
    dies_at(AFTERWARDS[point], lambda: speak(empty))
    speak(empty)
    assert empty.bought() == 1
    assert_whole(empty, "audio 1", spoken_usd(SCRIPT[0]))


@pytest.mark.parametrize("point", {**JOB, **AFTERWARDS})
def test_image_linked_before_a_kill_is_downloaded_and_kept(empty: Studio, point: str) -> None:
    empty.services.image_as_url = True
    dies_at({**JOB, **AFTERWARDS}[point], lambda: draw(empty))
    draw(empty)
    assert empty.bought() == 1
    assert_whole(empty, "image 1", IMAGE_USD)


@pytest.mark.parametrize("point", {**JOB, **RECEIVED, **BYTES, **LOGGED, **HANDED_OVER})
def test_clip_job_is_resumed_after_a_kill(studio: Studio, point: str) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    dies_at({**JOB, **RECEIVED, **BYTES, **LOGGED, **HANDED_OVER}[point], lambda: film(studio))
    film(studio)
    assert studio.bought("/v1/generations") == 1
    assert_whole(studio, "video 1", CLIP_USD)
    assert studio.asset("video", 1).extra["job"] == "job-2"


def test_complete_file_not_checked_before_a_kill_is_kept(empty: Studio) -> None:
    dies_in(media_file, "_check", lambda: speak(empty))
    write_a_note(empty)
    assert (empty.bought(), empty.assets()["audio 1"].cost_usd) == (1, pytest.approx(spoken_usd(SCRIPT[0])))
    assert empty.asset("audio", 1).extra["parameters"]["model_id"] == "eleven_multilingual_v2"
    assert_whole(empty, "audio 1", spoken_usd(SCRIPT[0]))


def write_a_note(studio: Studio) -> None:
    """Run a writing command that does not ask for the purchased asset."""
    note(studio.project, studio.run, parse_selection("1"), "Hm.")


@pytest.mark.parametrize("point", RECEIVED)
def test_purchase_left_by_a_kill_is_recorded_by_any_command(empty: Studio, point: str) -> None:
    dies_at(RECEIVED[point], lambda: speak(empty))
    write_a_note(empty)
    assert_whole(empty, "audio 1", spoken_usd(SCRIPT[0]))


def test_call_with_unknown_outcome_is_recorded_as_a_charge(empty: Studio) -> None:
    """The request may have been sent and charged."""
    dies_at(Point(Order, "place"), lambda: speak(empty))
    speak(empty)
    assert empty.bought() == 1
    assert [(one["provider"], one["cost_usd"]) for one in empty.charges(1)] == [
        ("elevenlabs", pytest.approx(spoken_usd(SCRIPT[0])))
    ]
    assert "interrupted while elevenlabs was asked" in empty.charges(1)[0]["why"]
    empty.assert_settled()
    assert_clean(empty.project, empty.run)


def test_partial_file_left_by_a_kill_is_charged_and_bought_again(empty: Studio) -> None:
    def die_in_the_middle(_: HttpClient, request: Call, sink: IO[bytes], __: Pause) -> Mapping[str, str]:
        if not request.buys:
            sink.write(b'{"voices": []}')
            return {}
        sink.write(b"ID3\x04half")
        sink.flush()
        os._exit(DIED)

    with replaced(HttpClient, "fetch", die_in_the_middle):
        code, said = call_in_process(lambda: speak(empty))
    assert code == DIED, said
    speak(empty)
    assert len(empty.charges(1)) == 1
    assert empty.asset("audio", 1).cost_usd == pytest.approx(spoken_usd(SCRIPT[0]))


def test_charge_is_recorded_once_after_a_kill_at_any_point(empty: Studio) -> None:
    empty.services.misbehave("/v1/text-to-speech/", Answer(200, b"<html>", "text/html"))
    points = [Point(MadeLog, "add_charge"), Point(Order, "remove"), *COMMIT.values(), *LOG_REMOVED.values()]
    for point in points:
        dies_at(point, lambda: speak(empty))
        write_a_note(empty)
        assert len(empty.charges(1)) == len(empty.services.calls("/v1/text-to-speech/"))
        empty.assert_settled()
    assert_clean(empty.project, empty.run)


def test_order_of_a_job_is_readable_only_by_its_owner(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    dies_at(JOB["the job is remembered"], lambda: film(studio))
    (order,) = OrderBook(studio.project.state_dir, "ep1")
    assert order.read() == "job-2"
    assert order.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in order.folder.iterdir() if path.is_file()} == {0o600}


def test_ctrl_c_while_waiting_for_a_job_keeps_the_job(studio: Studio) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    studio.approve(image="1")
    studio.services.polls_until_done = 1_000_000

    def interrupt(progress: Progress) -> None:
        if progress.done:  # The audio is made, the clip is pending.
            raise KeyboardInterrupt

    options = ProduceOptions(terms=Terms(yes=True))
    result = resume(studio.project, "ep1", None, options, interrupt)
    assert (result.interrupted, addresses(result.made)) == (True, ["audio 1"])
    assert "stopped before it was made" in result.failed[0].message
    assert "goes on at luma" in result.failed[0].hint
    assert result.spent_usd == pytest.approx(spoken_usd(SCRIPT[0]) + CLIP_USD)
    studio.assert_settled(orders=1)
    studio.services.polls_until_done = 2
    film(studio)
    assert studio.bought("/v1/generations") == 1
    assert_whole(studio, "video 1", CLIP_USD)


def test_job_left_by_a_kill_is_resumed_by_another_run(studio: Studio) -> None:
    """A new run with the same request does not buy the clip again."""
    for run_id in ("ep1", "ep2"):
        studio.produce(SCRIPT[:1], audio=False, run_id=run_id)
        approve(studio.project, find_run(studio.project, run_id), select(image="1"))
    assert studio.bought() == 1
    dies_at(JOB["the job is remembered"], lambda: film(studio))
    result = studio.resume(audio=False, run_id="ep2")
    assert [str(one) for one in result.estimate.going_on] == ["video 1"]
    assert (result.estimate.total_usd, result.spent_usd) == (0, 0)
    assert studio.bought("/v1/generations") == 1
    assert studio.assets("ep2")["video 1"].cost_usd == CLIP_USD
    studio.assert_settled()


def test_gc_keeps_the_blob_of_a_pending_order(empty: Studio) -> None:
    dies_at(BYTES["a blob is moved in"], lambda: speak(empty))
    gc(empty.project, KeepPolicy.HISTORY, dry_run=False)
    speak(empty)
    assert empty.bought() == 1
    assert_whole(empty, "audio 1", spoken_usd(SCRIPT[0]))


@pytest.mark.parametrize("error", [ValueError, OSError, MemoryError])
def test_unexpected_error_after_the_answer_loses_no_purchase(
    empty: Studio, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """A bug or a full disk after the answer leaves the purchase recorded."""
    written = buying.write_receipt

    def fail(*_: object) -> str:
        raise error("no space")

    monkeypatch.setattr(buying, "write_receipt", fail)
    with suppress(error):
        speak(empty)
    monkeypatch.setattr(buying, "write_receipt", written)
    speak(empty)
    assert empty.bought() == 1
    assert_whole(empty, "audio 1", spoken_usd(SCRIPT[0]))
