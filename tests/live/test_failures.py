"""Service failures: the message names asset, provider and remedy, the rest of the batch is made, exit code 1."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gitassets.actions.reopen import reopen_assets
from tests.actions.checks import assert_clean, select
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio
from tests.providers.services import KEYS, Answer, Seen, Services, openai_error, say
from tests.whole_app import app

Call = Callable[..., tuple[int, str, str]]
BOMB = gzip.compress(bytes(200_000_000), 9)


@dataclass(frozen=True)
class Fault:
    """An answer of a service and the expected message; `charged` if the call may have cost money."""

    answer: Answer
    said: str
    hint: str
    charged: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


SOON = {"timeout_sec": 0.8}
DRAWING = {
    "content policy": Fault(
        openai_error(400, "Rejected by our safety system", "content_policy_violation"),
        "openai refuses what it should make", "--prompt",
    ),
    "401": Fault(
        openai_error(401, "Incorrect API key", "invalid_api_key"), "not accept the key (401)", "OPENAI_API_KEY"
    ),
    "402": Fault(say({"error": "Not enough credits"}, 402), "no money or quota left (402)", "Top it up at openai"),
    "422": Fault(say({"detail": [{"loc": ["size"], "msg": "bad"}]}, 422), "(422): size: bad", "services.openai"),
    "429 for ever": Fault(openai_error(429, "Slow down"), "no more calls for now (429, 2 tries)", "concurrency"),
    "500": Fault(Answer(500), "trouble of its own (500, 2 tries)", "Try again later"),
    "time-out": Fault(Answer(hang=True), "did not answer in time", "account at openai", charged=True, settings=SOON),
    "slow drip": Fault(
        Answer(200, b"{" * 4000, drip_sec=0.02), "did not answer in time", "timeout_sec", charged=True, settings=SOON
    ),
    "empty body": Fault(Answer(200), "an empty answer", "account at openai", charged=True),
    "wrong type": Fault(Answer(200, b"<html>", "text/html"), "a web page instead of data", "base_url", charged=True),
    "gzip bomb": Fault(
        Answer(200, BOMB, headers={"Content-Encoding": "gzip"}), "more than 134,217,728 bytes", "account", charged=True
    ),
    "a picture that is none": Fault(
        say({"data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}), "of no accepted type instead of a picture", "account",
        charged=True,
    ),
}  # fmt: skip


@pytest.fixture
def call(studio: Studio, capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that runs a command line and returns exit code, standard output and standard error."""

    def run(*args: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(args=list(args))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def refuse_once_all_are_asked_for(studio: Studio, fault: Answer) -> None:
    """Refuse image 2, after the others were asked for: some refusals keep what has not begun from being tried."""
    all_are_here, met, answer = threading.Barrier(3, timeout=60), threading.Event(), studio.services.answer

    def answer_together(seen: Seen) -> Answer:
        if not met.is_set():
            all_are_here.wait()
            met.set()
        return answer(seen)

    studio.services.misbehave("/v1/images/", fault, holding="Drones")
    studio.services.answer = answer_together  # type: ignore[method-assign]


@pytest.mark.parametrize("name", DRAWING)
def test_failed_image_is_reported_and_the_rest_of_the_batch_is_made(studio: Studio, call: Call, name: str) -> None:
    fault = DRAWING[name]
    studio.set(services={"openai": {"tries": 2, **fault.settings}})
    studio.produce(SCRIPT, audio=False, images=False)
    refuse_once_all_are_asked_for(studio, fault.answer)
    code, out, err = call("produce", "--resume", "ep1", "--live", "--no-audio", "--json")
    result = json.loads(out)
    (failed,) = result["failed"]
    assert (code, sorted(one["segment"] for one in result["made"]), failed["segment"]) == (1, [1, 3], 2)
    assert (failed["kind"], failed["message"].startswith("Image 2: "), "openai" in failed["message"]) == (
        "image", True, True,
    )  # fmt: skip
    assert fault.said in failed["message"]
    assert fault.hint in failed["hint"]
    assert ("may have been charged" in failed["message"]) == fault.charged
    charges = [one["cost_usd"] for one in studio.charges(2)]
    assert charges == ([IMAGE_USD] if fault.charged else [])
    assert result["spent_usd"] == pytest.approx((3 if fault.charged else 2) * IMAGE_USD)
    assert studio.bought() == 2
    studio.assert_settled()
    assert_clean(studio.project, studio.run)
    # Once the service recovers, the same command makes the rest.
    studio.services.recover()
    code, out, err = call("produce", "--resume", "ep1", "--live", "--no-audio")
    assert (code, "Made image 2." in out) == (0, True), err


def test_failed_image_is_reported_as_text_with_remedy_and_cost(studio: Studio, call: Call) -> None:
    studio.produce(SCRIPT, audio=False, images=False)
    refuse_once_all_are_asked_for(studio, DRAWING["402"].answer)
    code, out, err = call("produce", "--resume", "ep1", "--live", "--no-audio")
    assert code == 1
    assert "Made image 1,3." in out or "Made image 3,1." in out
    assert "not made: image 2: the account at openai has no money or quota left (402)" in err
    assert "→ Top it up at openai" in err
    assert "openai (image)  about $0.21" in err
    assert "Spent about $0.14" in out


@dataclass(frozen=True)
class JobFault:
    """A failure of a job, the expected message, and whether the job goes on and is waited for again."""

    said: str
    hint: str
    goes_on: bool
    poll: Answer | None = None
    file: Answer | None = None
    settings: dict[str, Any] = field(default_factory=dict)


FILMING = {
    "a failed job": JobFault("luma failed at it (job job-", "order another", goes_on=False, poll=say(
        {"id": "x", "state": "failed", "failure_reason": "the frame is broken"})),
    "a job that breaks a policy": JobFault("failed at it", "another prompt", goes_on=False, poll=say(
        {"id": "x", "state": "failed", "failure_reason": "moderation: violates our rules"})),
    "a job that never ends": JobFault(
        "has not finished after 0.1 seconds", "the same command waits for it", goes_on=True,
        poll=say({"id": "x", "state": "processing"}), settings={"job_timeout_sec": 0.1}),
    "a job that nobody knows": JobFault("no longer knows the job", "Run the command again", goes_on=False, poll=say(
        {"detail": "Generation not found"}, 404)),
    "trouble while waiting": JobFault("trouble of its own (500", "waits for it", goes_on=True, poll=Answer(500)),
    "a redirect loop": JobFault("from one address to the next without end", "waits for it", goes_on=True, file=Answer(
        302, headers={"Location": "/files/video/again"})),
    "a clip that is a web page": JobFault("a web page instead of a clip", "waits for it", goes_on=True, file=Answer(
        200, b"<html>", "text/html")),
}  # fmt: skip


@pytest.mark.parametrize("name", FILMING)
def test_failed_job_is_reported_and_bought_again_only_if_it_ended(studio: Studio, call: Call, name: str) -> None:
    fault = FILMING[name]
    studio.set(services={"luma": {"tries": 2, **fault.settings}})
    studio.produce(SCRIPT[:2], audio=False)
    studio.approve(image="all")
    break_one_job(studio.services, fault)
    code, out, _ = call("produce", "--resume", "ep1", "--no-audio", "--json", "--yes")
    result = json.loads(out)
    assert "failed" in result, out
    (failed,) = result["failed"]
    assert (code, len(result["made"]), failed["kind"]) == (1, 1, "video")
    assert (fault.said in failed["message"], "luma" in failed["message"]) == (True, True), failed
    assert fault.hint in failed["hint"]
    assert studio.bought("/v1/generations") == 2
    studio.assert_settled(orders=1 if fault.goes_on else 0)
    assert_clean(studio.project, studio.run)
    studio.services.recover()
    studio.services.file_answer = None
    studio.set()
    call("produce", "--resume", "ep1", "--no-audio", "--yes")
    assert studio.bought("/v1/generations") == (2 if fault.goes_on else 3)
    assert {one.cost_usd for name, one in studio.assets().items() if name.startswith("video")} == {CLIP_USD}
    studio.assert_settled()


def break_one_job(services: Services, fault: JobFault) -> None:
    """Let the last job fail; the other succeeds."""
    answer = services.answer

    def break_last(seen: Any) -> Answer:
        if fault.poll and seen.path.endswith("/generations/job-4"):
            services.seen.append(seen)
            return fault.poll
        if fault.file and seen.path.startswith(("/files/video/4", "/files/video/again")):
            return fault.file
        return answer(seen)

    services.answer = break_last  # type: ignore[method-assign]
    services.recover = lambda: setattr(services, "answer", answer)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("provider", "kind", "variable"),
    [
        ("elevenlabs", "audio", "ELEVENLABS_API_KEY"),
        ("openai", "image", "OPENAI_API_KEY"), ("luma", "video", "LUMA_API_KEY"), ("runway", "video", "RUNWAY_API_KEY"),
    ],
)  # fmt: skip
def test_missing_key_is_named_with_provider_and_variable(
    studio: Studio, call: Call, monkeypatch: pytest.MonkeyPatch, provider: str, kind: str, variable: str
) -> None:
    studio.set(providers={"video": "kenburns"})
    studio.produce(SCRIPT[:1], live=False)
    studio.approve(image="1")
    studio.resume()
    for name in KEYS:
        monkeypatch.delenv(name)
    if kind == "image":
        reopen_assets(studio.project, studio.run, select(image="1"), reason="dull")
    code, out, _ = call("regen", "ep1", f"--{kind}", "1", "--provider", provider, "--json")
    error = json.loads(out)["error"]
    assert (code, error["kind"]) == (1, "ProviderError")
    assert f"{kind.capitalize()} 1: there is no key for {provider}" in error["message"]
    assert f"Set {variable} in the environment" in error["hint"]
    assert "--provider" in error["hint"]
    assert studio.services.seen == []


def test_max_cost_is_reported_for_each_asset_not_made(studio: Studio, call: Call) -> None:
    studio.produce(SCRIPT, audio=False, images=False)
    code, out, err = call("produce", "--resume", "ep1", "--live", "--no-audio", "--max-cost", "0.15", "--json")
    result = json.loads(out)
    assert (code, len(result["made"]), result["spent_usd"]) == (1, 2, 0.14)
    assert result["failed"][0]["message"] == "openai was not called: that would pass the $0.15 of --max-cost"
    assert set(result["estimate"]) == {
        "lines", "total_usd", "reused", "going_on", "spent_usd", "run_limit_usd", "max_cost_usd",
    }  # fmt: skip
    assert "Not everything will be made" in err


def test_dry_run_prints_the_estimate(studio: Studio, call: Call) -> None:
    studio.produce(SCRIPT[:1], audio=False)
    args = ("produce", "--resume", "ep1", "--live", "--dry-run")
    code, out, err = call(*args)
    assert (code, err) == (0, "")
    assert "Would make in run ep1: audio 1" in out
    assert "elevenlabs (audio)  about $0.003" in out
    assert "the run has cost $0.07 of at most $25.00" in out
    estimate = json.loads(call(*args, "--json")[1])["estimate"]
    assert estimate["lines"] == [
        {
            "provider": "elevenlabs", "kind": "audio", "live": True, "addresses": [{"segment": 1, "kind": "audio"}],
            "cost_usd": 0.0026,
        }
    ]  # fmt: skip
    assert len(studio.services.seen) == 1


def test_produce_without_a_terminal_refuses_costs_above_the_threshold(studio: Studio, call: Call) -> None:
    studio.set(budget={"confirm_usd": 0.1})
    studio.produce(SCRIPT, audio=False, images=False)
    code, out, _ = call("produce", "--resume", "ep1", "--live", "--no-audio", "--json")
    error = json.loads(out)["error"]
    assert (code, error["kind"]) == (1, "SpendingError")
    assert "--max-cost 0.21" in error["hint"]
    assert studio.services.seen == []
    assert call("produce", "--resume", "ep1", "--live", "--no-audio", "--yes")[0] == 0


def test_providers_command_lists_model_price_key_and_use(
    studio: Studio, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line shows kind, model, price, key and whether the provider is used."""
    monkeypatch.delenv("LUMA_API_KEY")
    code, out, _ = call("providers")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert code == 0
    assert any(line.startswith("local audio free used") for line in lines)
    spoken = "elevenlabs audio eleven_multilingual_v2 0.1 USD for 1,000 characters ELEVENLABS_API_KEY: set"
    assert f"{spoken} used with --live" in lines
    assert any("LUMA_API_KEY: missing" in line for line in lines)
    found = json.loads(call("providers", "--json")[1])["providers"]
    assert {one["name"] for one in found} == {
        "local", "japanese", "card", "chart", "kenburns", "elevenlabs", "openai", "openai-compatible", "wikimedia",
        "luma", "runway", "fal", "comfyui",
    }  # fmt: skip
    assert {one["name"] for one in found if not one["has_key"]} == {"luma"}
