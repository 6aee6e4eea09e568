"""Assets made by services: requests, records, shared purchases and clips."""

from __future__ import annotations

import base64
import json
import threading
from hashlib import md5

import pytest

from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.produce import resume
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.domain.manifest import Kind
from gitassets.making.consent import ABSENT, Terms
from gitassets.making.plan_run import ProduceOptions
from gitassets.providers.base import fingerprint
from gitassets.providers.registry import load_provider
from gitassets.runs.progress import Progress
from tests.actions.checks import addresses, assert_clean, ignore_progress, select, subjects
from tests.live.shop import CLIP_USD, IMAGE_USD, SCRIPT, Studio, spoken_usd
from tests.providers.services import LILY


def test_produce_live_makes_every_asset_by_the_services(studio: Studio) -> None:
    result = studio.produce()
    assert sorted(addresses(result.made)) == ["audio 1", "audio 2", "audio 3", "image 1", "image 2", "image 3"]
    assert (studio.bought("/v1/text-to-speech"), studio.bought("/v1/images")) == (3, 3)
    assert result.spent_usd == pytest.approx(spoken_usd(*SCRIPT) + 3 * IMAGE_USD)
    assert result.estimate.total_usd == pytest.approx(result.spent_usd)
    studio.assert_settled()
    assert_clean(studio.project, studio.run)


def test_produce_live_records_model_cost_prompt_and_request(studio: Studio) -> None:
    studio.services.image_as_url = True
    studio.produce(SCRIPT[:1], style="ink")
    audio, image = studio.asset("audio", 1), studio.asset("image", 1)
    assert (audio.source, audio.model, audio.cost_usd) == ("elevenlabs", "eleven_multilingual_v2", 0.0026)
    assert (audio.extra["parameters"]["voice_id"], "parent" in audio.extra) == (LILY, False)
    assert image.extra["prompt_sent"].endswith("Style: ink.")
    assert (image.extra["revised_prompt"], image.style, image.cost_usd) == ("Revised", "ink", IMAGE_USD)
    provider = load_provider("openai", Kind.IMAGE, studio.project.settings)
    assert len(image.extra["request"]) == len(fingerprint({})) == 64
    assert provider.name == image.source


def test_regen_records_the_parent_take_and_nothing_else_of_it(studio: Studio) -> None:
    studio.services.image_as_url = True
    studio.produce(SCRIPT[:1])
    before = studio.asset("image", 1)
    studio.services.image_as_url = False
    reject(studio.project, studio.run, select(image="1"), reason="too dark")
    studio.regen(image="1", prompt="A bright map")
    now = studio.asset("image", 1)
    assert (now.take, now.status, now.extra["parent"]) == (2, "revised", before.md5)
    assert now.extra["prompt_sent"] == "A bright map The version before was rejected: too dark."
    assert "revised_prompt" not in now.extra
    assert now.extra["request"] != before.extra["request"]
    # Another provider keeps no record of the first one.
    studio.regen(image="1", provider="card")
    card = studio.asset("image", 1)
    assert (card.extra["parent"], set(card.extra)) == (now.md5, {"parent", "parameters"})
    assert_clean(studio.project, studio.run)


def test_produce_buys_equal_requests_once(studio: Studio) -> None:
    result = studio.produce(["The same.", "Another.", "The same."])
    assert (studio.bought("/v1/text-to-speech"), studio.bought("/v1/images")) == (2, 2)
    assert len(result.made) == 6
    first, third = studio.asset("audio", 1), studio.asset("audio", 3)
    assert first.md5 == third.md5
    assert (first.cost_usd, third.cost_usd) == (0.0009, 0)
    assert third.extra["bought_with"] == "audio 1"
    assert result.estimate.total_usd == pytest.approx(result.spent_usd)
    assert_clean(studio.project, studio.run)


def test_regen_buys_another_take_of_the_same_request(studio: Studio) -> None:
    """OpenAI has no seed, so both takes have the same request."""
    studio.produce(SCRIPT[:1], audio=False)
    before = studio.asset("image", 1)
    studio.regen(image="1")
    now = studio.asset("image", 1)
    assert now.extra["request"] == before.extra["request"]
    assert (studio.bought(), now.take, now.md5 != before.md5) == (2, 2, True)


def test_regen_that_returns_the_same_bytes_records_a_charge(studio: Studio) -> None:
    studio.services.unique = False
    studio.produce(SCRIPT[:1], audio=False)
    result = studio.regen(image="1")
    assert "openai made the same image 1 again" in result.failed[0].message
    assert [(one["cost_usd"], one["provider"]) for one in studio.charges(1)] == [(IMAGE_USD, "openai")]
    assert studio.asset("image", 1).take == 1
    assert subjects(studio.run)[0] == "charge image 1"
    assert_clean(studio.project, studio.run)


def test_produce_respects_the_concurrency_of_each_service(studio: Studio) -> None:
    """At most three requests to elevenlabs and two to openai run in parallel."""
    studio.set(services={"elevenlabs": {"concurrency": 3}, "openai": {"concurrency": 2}})
    at_work = {"/v1/text-to-speech/": 0, "/v1/images/": 0}
    most, lock, together = dict(at_work), threading.Lock(), threading.Barrier(5, timeout=20)
    answer = studio.services.answer

    def count(seen: object) -> object:
        path = next(one for one in at_work if seen.path.startswith(one))  # type: ignore[attr-defined]
        with lock:
            at_work[path] += 1
            most[path] = max(most[path], at_work[path])
        if not together.broken and sum(most.values()) <= 5 and len(studio.services.seen) < 5:
            together.wait()
        found = answer(seen)  # type: ignore[arg-type]
        with lock:
            at_work[path] -= 1
        return found

    studio.services.answer = count  # type: ignore[method-assign,assignment]
    studio.produce([f"Paragraph {number}." for number in range(6)])
    assert most == {"/v1/text-to-speech/": 3, "/v1/images/": 2}


def test_progress_reports_the_money_spent(studio: Studio) -> None:
    studio.produce(SCRIPT[:2], images=False, audio=False)
    seen: list[Progress] = []
    options = ProduceOptions(audio=False, terms=Terms(yes=True))
    resume(studio.project, "ep1", None, options, seen.append, ABSENT)
    assert [(one.done, one.total) for one in seen] == [(0, 2), (1, 2), (2, 2)]
    assert [one.spent_usd for one in seen] == pytest.approx([0, IMAGE_USD, 2 * IMAGE_USD], abs=IMAGE_USD + 0.001)
    assert seen[-1].spent_usd == pytest.approx(2 * IMAGE_USD)


class TestClips:
    def test_clips_are_made_of_approved_images_only(self, studio: Studio) -> None:
        studio.produce()
        assert studio.resume().planned == ()
        studio.approve(image="1,3", audio="1")
        result = studio.resume()
        assert sorted(addresses(result.made)) == ["video 1", "video 3"]
        clip, image, audio = studio.asset("video", 1), studio.asset("image", 1), studio.asset("audio", 1)
        assert (clip.source, clip.cost_usd, clip.status) == ("luma", CLIP_USD, "draft")
        assert clip.extra["made_from"] == {"audio": audio.md5, "image": image.md5}
        assert clip.extra["job"].startswith("job-")
        assert studio.resume().planned == ()
        assert_clean(studio.project, studio.run)

    def test_clips_are_not_planned_without_provider_or_with_video_off(self, studio: Studio) -> None:
        studio.produce(SCRIPT[:1], live=False)
        studio.approve(image="1")
        assert studio.resume().planned == ()
        assert studio.resume(live=True, video=False).planned == ()
        assert addresses(studio.resume(live=True, dry_run=True).planned) == ["video 1"]
        studio.set(live={"video": None})
        assert studio.resume(live=True).planned == ()

    def test_clip_by_runway_is_sent_the_approved_bytes(self, studio: Studio) -> None:
        studio.set(live={"video": "runway"})
        studio.produce(SCRIPT[:1], audio=False)
        studio.approve(image="1")
        file = studio.run.require_folder() / studio.asset("image", 1).path
        file.unlink()
        studio.resume(audio=False)
        sent = studio.services.calls("/v1/image_to_video")[0].json
        image = studio.asset("image", 1)
        assert md5(_decode(sent["promptImage"])).hexdigest() == image.md5
        assert studio.asset("video", 1).extra["made_from"] == {"image": image.md5}

    def test_clip_by_kenburns_is_as_long_as_the_audio(self, studio: Studio) -> None:
        studio.set(providers={"video": "kenburns"})
        studio.produce(SCRIPT[:1], live=False)
        studio.approve(image="1")
        studio.resume()
        clip, audio = studio.asset("video", 1), studio.asset("audio", 1)
        assert clip.duration_sec == pytest.approx(audio.duration_sec, abs=0.1)
        assert (clip.source, clip.cost_usd, clip.extra["made_from"]["audio"]) == ("kenburns", 0, audio.md5)
        assert_clean(studio.project, studio.run)

    def test_clip_of_an_image_with_lost_bytes_fails(self, studio: Studio) -> None:
        studio.produce(SCRIPT[:2], audio=False)
        studio.approve(image="all")
        image = studio.asset("image", 1)
        studio.project.blobs.remove(image.md5)
        (studio.run.require_folder() / image.path).unlink()
        result = studio.resume(audio=False)
        assert addresses(result.made) == ["video 2"]
        assert [str(one.address) for one in result.failed] == ["video 1"]
        assert "are not here" in result.failed[0].message
        assert "No DVC remote is set up" in result.failed[0].hint

    def test_clip_regen_requires_an_approved_image(self, studio: Studio) -> None:
        studio.produce(SCRIPT[:1], audio=False)
        studio.approve(image="1")
        studio.resume(audio=False)
        first = studio.asset("video", 1)
        studio.regen(video="1", prompt="Closer")
        now = studio.asset("video", 1)
        assert (now.take, now.extra["parent"]) == (2, first.md5)
        assert now.extra["made_from"] == {"image": studio.asset("image", 1).md5}
        reopen_assets(studio.project, studio.run, select(image="1"), reason="too dark")
        result = studio.regen(video="1")
        assert "not approved but review" in result.failed[0].message
        assert "--image 1" in result.failed[0].hint
        assert studio.bought("/v1/generations") == 2

    def test_clip_keeps_the_credit_of_its_image(self, studio: Studio) -> None:
        studio.set(live={"image": "wikimedia"}, providers={"video": "kenburns"})
        studio.produce(SCRIPT[:1], audio=False)
        studio.approve(image="1")
        studio.set(live={"image": "wikimedia", "video": "kenburns"})
        studio.resume(audio=False)
        credit = studio.asset("image", 1).extra["credit"]
        assert credit["author"] == "Ann & Bob"
        assert studio.asset("video", 1).extra["credit"] == credit


def test_build_credits_a_wikimedia_image_in_captions_and_record(studio: Studio) -> None:
    studio.set(live={"image": "wikimedia"})
    studio.produce(SCRIPT[:1])
    image = studio.asset("image", 1)
    assert (image.source, image.cost_usd) == ("wikimedia", 0)
    assert image.extra["credit"]["licence"] == "CC BY-SA 4.0"
    studio.approve(audio="1", image="1")
    built = build(studio.project, studio.run, BuildOptions(), ignore_progress)
    assert built.captions is not None
    told = " ".join(built.captions.read_text().split())
    assert "[Picture: Drone 1, Ann & Bob, CC BY-SA 4.0]" in told
    record = json.loads((built.captions.parent / "build.json").read_text())
    assert record["segments"][0]["visual"]["credit"] == image.extra["credit"]


def _decode(uri: str) -> bytes:
    return base64.b64decode(uri.split(",", 1)[1])
