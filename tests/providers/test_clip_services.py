"""Orders of clips at Luma and Runway, what they charge, and links that expire."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.base import ChargedError, Request
from gitassets.providers.registry import load_provider
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.luma import LumaSettings
from gitassets.providers.services.runway import RunwaySettings
from gitassets.providers.services.runway_models import read_runway_models
from tests.providers.clip_services import RUNWAY_MODELS
from tests.providers.conftest import Memory, load
from tests.providers.services import Answer, Services, say

Ask = Callable[..., Request]
RUNWAY_TASK = "/v1/tasks/job"
LUMA_JOB = "/v1/generations/job"


def seconds_of(provider: Any, request: Request) -> int:
    return int(str(provider.describe(request)["duration"]).removesuffix("s"))


class TestLength:
    @pytest.mark.parametrize(
        ("model", "wanted", "bought"),
        [
            ("gen4_turbo", 1.2, 2), ("gen4_turbo", 3.0, 3), ("gen4.5", 3.01, 4), ("gen4.5", 60, 10),
            ("gen4.5", None, 5),
            ("veo3.1", 3.0, 4), ("veo3.1", 4.5, 6), ("veo3.1", 7.1, 8), ("veo3.1", None, 6), ("veo3.1", 9, 8),
            ("kling_4", 2, 3), ("kling2.5_turbo_pro", 3, 5),
        ],
    )  # fmt: skip
    def test_runway_orders_the_next_length_that_its_model_offers(
        self, services: Services, ask: Ask, model: str, wanted: float | None, bought: int
    ) -> None:
        provider = load("runway", Kind.VIDEO, services, model=model, usd_per_second=9)
        request = ask(Kind.VIDEO, duration_sec=wanted)
        assert seconds_of(provider, request) == bought
        assert provider.estimate_usd(request) == bought * 9

    @pytest.mark.parametrize(("wanted", "bought"), [(None, 5), (3, 5), (5.0, 5), (5.1, 10), (60, 10)])
    def test_luma_orders_five_or_ten_seconds(
        self, services: Services, ask: Ask, wanted: float | None, bought: int
    ) -> None:
        provider = load("luma", Kind.VIDEO, services)
        request = ask(Kind.VIDEO, duration_sec=wanted)
        assert seconds_of(provider, request) == bought
        assert provider.estimate_usd(request) == {5: 0.3, 10: 0.9}[bought]

    def test_lengths_in_the_settings_restrict_those_of_the_model(self, services: Services, ask: Ask) -> None:
        provider = load("runway", Kind.VIDEO, services, seconds=[10, 5])
        assert seconds_of(provider, ask(Kind.VIDEO, duration_sec=3)) == 5


class TestLuma:
    @pytest.mark.parametrize("seconds", [5, 10])
    def test_luma_is_sent_the_image_itself(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes], seconds: int
    ) -> None:
        request = ask(Kind.VIDEO, prompt="A calm sea", size=(1080, 1920), duration_sec=seconds)
        made = load("luma", Kind.VIDEO, services).generate(request, folder)
        sent = services.seen[0].json
        video = sent.pop("video")
        (frame,) = [video.pop("start_frame")] if seconds == 5 else video.pop("keyframes")
        assert (frame["media_type"], base64.b64decode(frame["data"])) == ("image/png", media["image"])
        assert video.pop("keyframe_indexes", [0]) == [0]
        assert sent == {"model": "ray-3.2", "type": "video", "prompt": "A calm sea", "aspect_ratio": "9:16"}
        assert video == {"resolution": "720p", "duration": f"{seconds}s"}
        assert made.extra["parameters"]["from_image"] is True

    def test_luma_refuses_a_clip_that_would_ignore_the_image(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="Video 3: luma sets the segment's image in motion") as caught:
            load("luma", Kind.VIDEO, services).check(ask(Kind.VIDEO, image=None))
        assert "services.luma.from_words: true" in caught.value.hint

    def test_luma_makes_a_clip_from_words_only_where_that_is_said(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        provider = load("luma", Kind.VIDEO, services, from_words=True)
        made = provider.generate(ask(Kind.VIDEO, image=None), folder)
        assert made.extra["parameters"]["from_image"] is False
        assert "start_frame" not in services.seen[0].json["video"]

    def test_luma_uses_the_image_although_words_would_do(self, services: Services, ask: Ask, folder: Path) -> None:
        load("luma", Kind.VIDEO, services, from_words=True).generate(ask(Kind.VIDEO), folder)
        assert "start_frame" in services.seen[0].json["video"]

    def test_luma_tells_another_image_from_the_same(self, services: Services, ask: Ask, tmp_path: Path) -> None:
        other = tmp_path / "other.png"
        Image.new("RGB", (64, 64), "red").save(other)
        provider = load("luma", Kind.VIDEO, services)
        assert provider.describe(ask(Kind.VIDEO)) != provider.describe(ask(Kind.VIDEO, image=other))

    @pytest.mark.parametrize(
        ("section", "named"),
        [
            ({"base_url": "https://api.lumalabs.ai"}, "base_url is of"),
            ({"base_url": "https://api.lumalabs.ai/v1/", "model": "ray-2"}, "base_url, model are of"),
            ({"model": "ray-flash-2"}, "model is of"),
            ({"image_url": "https://x/{md5}"}, "image_url is of"),
            ({"model": "ray-3.2", "usd_per_second": 0.15}, "usd_per_second is of"),
        ],
    )
    def test_settings_of_the_old_api_are_refused_by_name(self, section: dict[str, Any], named: str) -> None:
        with pytest.raises(CorruptError, match=rf"services\.luma: {named} Luma's old API"):
            load_provider("luma", Kind.VIDEO, Settings(services={"luma": section}))

    def test_section_that_version_0_1_wrote_by_itself_counts_as_not_given(self) -> None:
        written = {"base_url": "https://api.lumalabs.ai", "model": "ray-2", "image_url": None, "usd_per_second": 0.15}
        provider = load_provider("luma", Kind.VIDEO, Settings(services={"luma": {**written, "resolution": "1080p"}}))
        assert provider.settings == LumaSettings(resolution="1080p")  # type: ignore[attr-defined]

    def test_luma_without_a_price_buys_nothing(self, services: Services, ask: Ask, folder: Path) -> None:
        provider = load("luma", Kind.VIDEO, services, resolution="360p")
        with pytest.raises(ProviderError, match=r"the price of 5 seconds of ray-3\.2 in 360p at luma is not known"):
            provider.generate(ask(Kind.VIDEO), folder)
        assert services.seen == []
        priced = load("luma", Kind.VIDEO, services, resolution="360p", usd_per_clip={"5s": 0.06})
        assert priced.estimate_usd(ask(Kind.VIDEO)) == 0.06

    def test_luma_failure_is_told_with_its_code(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = "job-1"
        raw = {"state": "failed", "failure_code": "content_moderated", "failure_reason": "Prompt flagged"}
        services.misbehave(LUMA_JOB, say(raw))
        with pytest.raises(
            ProviderError, match=r"luma failed at it \(job job-1\): content_moderated Prompt flagged"
        ) as caught:
            load("luma", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert not isinstance(caught.value, ChargedError)
        assert "another prompt with `gitassets regen RUN --video 3 --prompt TEXT`" in caught.value.hint
        assert memory.job is None

    def test_luma_cuts_prompt_at_a_word_and_records_it(self, services: Services, ask: Ask, folder: Path) -> None:
        made = load("luma", Kind.VIDEO, services).generate(ask(Kind.VIDEO, prompt="word " * 2000), folder)
        sent = services.seen[0].json["prompt"]
        assert len(sent) <= 6000
        assert sent.endswith("word")
        assert made.extra["prompt_cut"] is True


class TestRunwayTable:
    def test_table_holds_every_model_with_lengths_and_shapes_in_order(self) -> None:
        models = read_runway_models()
        assert len(models) == 25
        for name, model in models.items():
            assert list(model.seconds) == sorted(set(model.seconds)), name
            assert set(model.usual) <= set(model.shapes), name
            assert bool(model.shape) == bool(model.shapes), name
            assert set(model.credits_by_shape) <= set(model.shapes), name
            assert not model.credits or all(model.credits_per_second(one, sound=False) for one in model.shapes), name
            parse_section(RunwaySettings, "runway", {"model": name})

    @pytest.mark.parametrize("name", RUNWAY_MODELS)
    def test_order_of_each_model_is_accepted(self, services: Services, ask: Ask, folder: Path, name: str) -> None:
        provider = load("runway", Kind.VIDEO, services, model=name, usd_per_second=0.01)
        made = provider.generate(ask(Kind.VIDEO, seed=7, duration_sec=3), folder)
        assert made.seed == (7 if "seed" in RUNWAY_MODELS[name][0] else None)

    @pytest.mark.parametrize(
        ("section", "said"),
        [
            ({"ratios": ["auto_720p"]}, r"services\.runway\.ratios: gen4_turbo has no ratio auto_720p\. It has 1280"),
            ({"model": "kling_4", "ratios": ["1280:720"]}, r"ratios: kling_4 has no ratio .* It has auto_720p"),
            ({"model": "kling2.5_turbo_pro", "ratios": ["16:9"]}, r"ratios: .* has no ratio 16:9\. It has none"),
            ({"seconds": [11]}, r"services\.runway\.seconds: gen4_turbo has no length 11"),
            ({"seconds": [0]}, r"services\.runway\.seconds\.0"),
            ({"model": "veo3.1", "seconds": [5]}, r"seconds: veo3.1 has no length 5\. It has 4, 6, 8"),
            ({"sound": True}, r"services\.runway\.sound: gen4_turbo makes no sound"),
        ],
    )
    def test_what_a_model_does_not_offer_is_refused_with_the_settings_name(
        self, section: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(CorruptError, match=said):
            parse_section(RunwaySettings, "runway", section)

    @pytest.mark.parametrize("ratios", [[], ["auto_720p"], ["1280:720", "auto_720p"], ["0:0"], ["wide"]])
    def test_ratios_of_an_unknown_model_never_crash(self, services: Services, ask: Ask, ratios: list[str]) -> None:
        provider = load("runway", Kind.VIDEO, services, model="new_1", ratios=ratios, usd_per_second=1)
        assert provider.describe(ask(Kind.VIDEO)).get("ratio", "") in {"", *ratios}

    @pytest.mark.parametrize("model", ["new_1", "kling3.0_pro"])
    def test_model_without_a_price_buys_nothing(self, services: Services, ask: Ask, folder: Path, model: str) -> None:
        provider = load("runway", Kind.VIDEO, services, model=model)
        with pytest.raises(ProviderError, match=f"Video 3: the price of a second of {model} at runway") as caught:
            provider.generate(ask(Kind.VIDEO), folder)
        assert "services.runway.usd_per_second" in caught.value.hint
        assert services.seen == []
        assert "no price known" in provider.info.price

    def test_prices_follow_the_model_shape_and_sound(self, services: Services, ask: Ask) -> None:
        def price(**more: Any) -> float:
            return load("runway", Kind.VIDEO, services, **more).estimate_usd(ask(Kind.VIDEO, duration_sec=4))

        assert price(model="gen4.5") == pytest.approx(0.48)
        assert price(model="veo3.1") == pytest.approx(0.80)
        assert price(model="veo3.1", sound=True) == pytest.approx(1.60)
        assert price(model="grok_imagine_1_5", ratios=["480p"]) == pytest.approx(0.41)  # a credit for the image
        assert price(model="seedance2", ratios=["3840:2160"]) == pytest.approx(6.00)
        assert price(model="seedance2", sound=True) == pytest.approx(1.44)
        assert price(model="seedance2_5", ratios=["854:480"]) == pytest.approx(0.80)
        assert price(model="seedance2_5", ratios=["640:640"], seconds=[5]) == pytest.approx(1.00)
        assert price(model="seedance2_mini") == pytest.approx(0.64)
        assert price(model="hailuo3") == pytest.approx(0.52)
        assert price(model="gen4.5", usd_per_credit=0.02) == pytest.approx(0.96)
        assert price(model="gen4.5", usd_per_second=0.05) == pytest.approx(0.48)  # as older settings say


class TestRunway:
    def test_runway_is_sent_the_image_itself(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        made = load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, prompt="Pan", seed=7), folder)
        sent = services.seen[0].json
        head, _, data = sent.pop("promptImage").partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data) == media["image"]
        assert sent == {"model": "gen4_turbo", "promptText": "Pan", "ratio": "1280:720", "duration": 5, "seed": 7}
        assert made.seed == 7

    def test_runway_reduces_large_image(self, services: Services, ask: Ask, folder: Path, tmp_path: Path) -> None:
        large = tmp_path / "large.png"
        Image.effect_noise((2400, 1600), 90).convert("RGB").save(large)
        assert large.stat().st_size > 3_600_000
        load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, image=large), folder)
        sent = services.seen[0].json["promptImage"]
        assert sent.startswith("data:image/jpeg;base64,")
        assert len(sent) < 5_000_000

    def test_runway_refuses_request_without_image(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="Video 3: runway sets the segment's image in motion"):
            load("runway", Kind.VIDEO, services).check(ask(Kind.VIDEO, image=None))

    @pytest.mark.parametrize("letter", ["w", "é", "\U0001f600", "a\U0001f600"])
    def test_runway_prompt_is_measured_in_utf16(self, services: Services, ask: Ask, folder: Path, letter: str) -> None:
        prompt = f"{letter * 7} " * 300
        made = load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, prompt=prompt, style="ink"), folder)
        sent = services.seen[0].json["promptText"]
        assert 950 < len(sent.encode("utf-16-le")) // 2 <= 1000
        assert sent.endswith("Style: ink.")
        assert made.extra["prompt_cut"] is True

    def test_runway_tells_each_issue(self, services: Services, ask: Ask, folder: Path) -> None:
        issues = [
            {
                "code": "too_big",
                "path": ["promptText"],
                "message": "Too big: expected string to have <=1000 characters",
            },
            {"code": "x", "path": ["references", 0, "uri"], "message": "Invalid URL"},
        ]
        services.misbehave("/v1/image_to_video", say({"error": "Validation of body failed", "issues": issues}, 400))
        with pytest.raises(ProviderError) as caught:
            load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO), folder)
        assert "Validation of body failed; promptText: Too big: expected" in caught.value.message
        assert "references.0.uri: Invalid URL" in caught.value.message


class TestRunwayMoney:
    def test_price_of_the_order_is_stored_and_the_charge_recorded(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        provider = load("runway", Kind.VIDEO, services, model="gen4.5")
        made = provider.generate(ask(Kind.VIDEO, job=memory, duration_sec=5), folder)
        assert memory.prices_usd == [pytest.approx(0.60)]
        assert made.cost_usd == pytest.approx(0.60)

    def test_charge_may_be_lower_than_the_price(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = "job-1"
        done = {"status": "SUCCEEDED", "cost": {"credits": 7}, "output": [f"{services.url}/files/video/1"]}
        services.misbehave(RUNWAY_TASK, say(done))
        made = load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert made.cost_usd == pytest.approx(0.07)

    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    @pytest.mark.parametrize("credits_", [25, 0, None])
    def test_failed_task_is_charged_what_the_service_says(
        self, services: Services, ask: Ask, folder: Path, memory: Memory, status: str, credits_: int | None
    ) -> None:
        memory.job = "job-1"
        cost = {} if credits_ is None else {"cost": {"credits": credits_}}
        services.misbehave(
            RUNWAY_TASK, say({"status": status, "failure": "Unsafe", "failureCode": "SAFETY.INPUT.TEXT", **cost})
        )
        with pytest.raises(ProviderError, match=r"runway failed at it \(job job-1\): SAFETY\.INPUT\.TEXT") as caught:
            load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert isinstance(caught.value, ChargedError) == bool(credits_)
        assert getattr(caught.value, "cost_usd", 0) == pytest.approx((credits_ or 0) / 100)
        assert "another prompt" in caught.value.hint
        assert memory.job is None

    @pytest.mark.parametrize("credits_", ["9", True, -3, 1e300, None, [], {"usd": 1}])
    def test_charge_that_is_no_amount_is_not_believed(
        self, services: Services, ask: Ask, folder: Path, credits_: Any, memory: Memory
    ) -> None:
        memory.job = "job-1"
        done = {"status": "SUCCEEDED", "cost": {"credits": credits_}, "output": [f"{services.url}/files/video/1"]}
        services.misbehave(RUNWAY_TASK, say(done))
        made = load("runway", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert made.cost_usd == pytest.approx(0.25)


@pytest.mark.parametrize("name", ["luma", "runway"])
def test_expired_link_is_asked_for_again(name: str, services: Services, ask: Ask, folder: Path, memory: Memory) -> None:
    services.misbehave(
        "/files/", Answer(403, b"Request has expired", "text/plain"), Answer(200, services.media["video"])
    )
    made = load(name, Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
    assert made.path.read_bytes() == services.media["video"]
    assert len(services.calls("/files/")) == 2
    assert len(services.bought) == 1
