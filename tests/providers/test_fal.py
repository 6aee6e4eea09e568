"""Orders of each kind at fal, and what they charge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitassets.adapters.state.settings_file import parse_settings
from gitassets.domain.manifest import SEGMENT_KINDS, Kind
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.base import ChargedError, Request
from gitassets.providers.registry import load_provider
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.fal import FalSettings
from gitassets.providers.services.fal_input import fill_input, read_fal_presets
from tests.providers.conftest import Memory, load
from tests.providers.fal_service import MODELS
from tests.providers.services import KEYS, Answer, Services, say

Ask = Callable[..., Request]
WORDS = {"model": "acme/words/to-video", "input": {"prompt": "{prompt}"}, "usd": 0.1}


@pytest.mark.parametrize("model", read_fal_presets())
class TestPresets:
    def test_order_of_each_preset_is_accepted_and_charged_as_estimated(
        self, services: Services, ask: Ask, folder: Path, memory: Memory, model: str
    ) -> None:
        kind = read_fal_presets()[model].kind
        provider = load("fal", kind, services, **{kind.value: {"model": model}})
        request = ask(kind, seed=7, duration_sec=3, job=memory)
        made = provider.generate(request, folder)
        assert made.path.read_bytes() == services.media[kind.value]
        assert (made.source, made.model, made.extra["job"]) == ("fal", model, "job-1")
        assert made.cost_usd == provider.estimate_usd(request) > 0
        assert memory.written == ["job-1"]
        assert services.bought[0].path == f"/{model}"

    def test_settings_of_each_preset_are_valid(self, model: str) -> None:
        kind = read_fal_presets()[model].kind
        parse_section(FalSettings, "fal", {kind.value: {"model": model, "input": read_fal_presets()[model].input}})


class TestPrice:
    def test_price_follows_the_unit(self, services: Services, ask: Ask) -> None:
        def price(kind: Kind, request: Request, **model: Any) -> float:
            return load("fal", kind, services, **{kind.value: model}).estimate_usd(request)

        flux, kokoro, veo = "fal-ai/flux/dev", "fal-ai/kokoro/american-english", "fal-ai/veo3.1/fast/image-to-video"
        assert price(Kind.IMAGE, ask(Kind.IMAGE, size=(1920, 1080)), model=flux) == pytest.approx(0.075)
        assert price(Kind.VIDEO, ask(Kind.VIDEO, duration_sec=4.5), model=veo) == pytest.approx(0.60)
        assert price(Kind.AUDIO, ask(Kind.AUDIO, "x" * 500), model=kokoro) == pytest.approx(0.01)
        assert price(Kind.IMAGE, ask(Kind.IMAGE), model=flux, usd=0.5, unit="call") == 0.5

    def test_charge_that_the_answer_reports_is_recorded(self, services: Services, ask: Ask, folder: Path) -> None:
        services.fal_headers = {"x-fal-billable-units": "7.5"}
        made = load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, duration_sec=3), folder)
        assert made.cost_usd == pytest.approx(7.5 * 0.07)

    @pytest.mark.parametrize(
        ("model", "units", "usd"),
        [
            ("bytedance/seedance-2.0/image-to-video", "108", 1.512),  # 21.6 units a second, not one
            ("bytedance/seedance-2.0/image-to-video", "86.4", 1.2096),
            ("fal-ai/veo3.1/fast/image-to-video", "2.667", 0.60),  # it is not known what it counts
            ("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "1", 0.35),
        ],
    )
    def test_charge_is_counted_in_the_units_of_the_model(
        self, services: Services, ask: Ask, folder: Path, model: str, units: str, usd: float
    ) -> None:
        services.fal_headers = {"x-fal-billable-units": units}
        provider = load("fal", Kind.VIDEO, services, video={"model": model})
        made = provider.generate(ask(Kind.VIDEO, duration_sec=5), folder)
        assert made.cost_usd == pytest.approx(usd)

    @pytest.mark.parametrize(("section", "usd"), [({}, 1.0), ({"billed_usd": 0.01}, 0.3)])
    def test_charge_of_a_model_of_the_users_own_is_lower_only_where_its_unit_is_priced(
        self, services: Services, ask: Ask, folder: Path, section: dict[str, float], usd: float
    ) -> None:
        services.fal_headers = {"x-fal-billable-units": "30"}
        model = {**WORDS, "usd": 0.2, "from_words": True, **section}
        if not section:
            services.fal_headers = {"x-fal-billable-units": "2"}
        made = load("fal", Kind.VIDEO, services, video=model).generate(ask(Kind.VIDEO), folder)
        assert made.cost_usd == pytest.approx(usd)

    @pytest.mark.parametrize(
        ("kind", "model", "changes", "known"),
        [
            (Kind.VIDEO, "fal-ai/veo3.1/fast/image-to-video", {"resolution": "1080p"}, True),
            (Kind.VIDEO, "fal-ai/veo3.1/fast/image-to-video", {"resolution": "4k"}, False),
            (Kind.VIDEO, "fal-ai/veo3.1/fast/image-to-video", {"generate_audio": True}, False),
            (Kind.VIDEO, "fal-ai/veo3.1/fast/image-to-video", {"negative_prompt": "text"}, True),
            (Kind.VIDEO, "fal-ai/veo3.1/fast/image-to-video", {"duration": "8s"}, False),
            (Kind.VIDEO, "bytedance/seedance-2.0/image-to-video", {"resolution": "1080p"}, False),
            (Kind.VIDEO, "bytedance/seedance-2.0/image-to-video", {"generate_audio": True}, True),
            (Kind.IMAGE, "fal-ai/flux/dev", {"num_images": 4}, False),
            (Kind.IMAGE, "fal-ai/flux/dev", {"num_images": 1}, True),
            (Kind.IMAGE, "fal-ai/flux/dev", {"image_size": "square_hd"}, False),
            (Kind.IMAGE, "fal-ai/nano-banana-2", {"resolution": "4K"}, False),
            (Kind.IMAGE, "fal-ai/nano-banana-2", {"enable_web_search": True}, False),
            (Kind.AUDIO, "fal-ai/kokoro/american-english", {"speed": 1.2}, True),
        ],
    )
    def test_price_of_a_preset_holds_only_for_an_input_that_costs_as_much(
        self, services: Services, ask: Ask, kind: Kind, model: str, changes: dict[str, Any], known: bool
    ) -> None:
        provider = load("fal", kind, services, **{kind.value: {"model": model, "input": changes}})
        if known:
            assert provider.estimate_usd(ask(kind)) > 0
            return
        with pytest.raises(ProviderError, match=f"the price of .* of {model} at fal is not known"):
            provider.check(ask(kind))
        priced = load("fal", kind, services, **{kind.value: {"model": model, "input": changes, "usd": 1}})
        assert priced.estimate_usd(ask(kind)) >= 1

    @pytest.mark.parametrize("units", ["many", "nan", "inf", "-1", "1e300", ""])
    def test_charge_that_is_no_amount_is_not_believed(
        self, services: Services, ask: Ask, folder: Path, units: str
    ) -> None:
        services.fal_headers = {"x-fal-billable-units": units}
        made = load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, duration_sec=3), folder)
        assert made.cost_usd == pytest.approx(0.35)

    def test_model_without_price_or_input_buys_nothing(self, services: Services, ask: Ask, folder: Path) -> None:
        for section, said in (
            (
                {"model": "acme/new", "input": {"prompt": "{prompt}"}},
                "the price of an image of acme/new at fal is not",
            ),
            ({"model": "acme/new", "usd": 1}, "the input of acme/new at fal is not known"),
            ({"model": "fal-ai/flux/dev", "unit": "call"}, "the price of a call of fal-ai/flux/dev"),
        ):
            with pytest.raises(ProviderError, match=f"Image 3: {said}") as caught:
                load("fal", Kind.IMAGE, services, image=section).generate(ask(Kind.IMAGE), folder)
            assert "services.fal.image." in caught.value.hint
        assert services.seen == []


class TestImage:
    def test_clip_that_would_ignore_the_image_is_refused_unless_allowed(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        with pytest.raises(ProviderError, match="acme/words/to-video at fal would ignore the segment's image"):
            load("fal", Kind.VIDEO, services, video=WORDS).generate(ask(Kind.VIDEO), folder)
        assert services.seen == []
        load("fal", Kind.VIDEO, services, video={**WORDS, "from_words": True}).generate(ask(Kind.VIDEO), folder)
        assert services.bought[0].json.keys() == {"prompt"}

    def test_clip_without_an_image_is_refused(self, services: Services, ask: Ask, folder: Path) -> None:
        with pytest.raises(ProviderError, match="sets the segment's image in motion"):
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, image=None), folder)

    def test_description_holds_the_images_hash_and_not_its_bytes(self, services: Services, ask: Ask) -> None:
        described = load("fal", Kind.VIDEO, services).describe(ask(Kind.VIDEO))
        assert described["parameters"]["image_url"].startswith("md5:")


class TestSettings:
    @pytest.mark.parametrize("model", ["flux", "https://evil.example/x", "../../x/y", "a//b", "a/b?c=d", "a/../c", ""])
    def test_model_that_is_no_name_is_refused(self, model: str) -> None:
        with pytest.raises(CorruptError, match=r"services\.fal\.image\.model: write a model as fal names it"):
            parse_section(FalSettings, "fal", {"image": {"model": model}})

    def test_unknown_name_in_the_input_is_refused(self) -> None:
        with pytest.raises(CorruptError, match=r"services\.fal\.video\.input: nothing is known of \{promt\}"):
            parse_section(FalSettings, "fal", {"video": {"model": "a/b", "input": {"x": [{"y": "{promt}"}]}}})

    @pytest.mark.parametrize("value", ["2026-11-27", ".nan", "-.inf", "!!binary aGk="])
    def test_input_that_cannot_be_sent_is_refused(self, value: str) -> None:
        text = f"services: {{fal: {{image: {{model: a/b, usd: 1, input: {{x: [{value}]}}}}}}}}"
        settings = parse_settings(text.encode(), "gitassets.yaml")
        with pytest.raises(CorruptError, match=r"services\.fal\.image\.input: write texts, finite numbers"):
            load_provider("fal", Kind.IMAGE, settings)

    def test_input_is_filled_at_any_depth_without_format_tricks(self) -> None:
        values = {"prompt": "a {width}", "width": 5, "seed": None}
        template = {
            "a": ["{prompt}", {"b": "{width}"}],
            "c": "{width}px",
            "d": "{seed}",
            "e": "{0.x}{width:99}",
            "f": 2,
        }
        assert fill_input(template, values) == {
            "a": ["a {width}", {"b": 5}], "c": "5px", "e": "{0.x}{width:99}", "f": 2,
        }  # fmt: skip


class TestJobs:
    def test_addresses_in_answers_are_not_believed(self, services: Services, ask: Ask, folder: Path) -> None:
        load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO), folder)
        status, result = "/fal-ai/kling-video/requests/job-1/status", "/fal-ai/kling-video/requests/job-1"
        assert {one.path for one in services.seen if one.method == "GET"} == {status, result, "/files/video/1"}
        assert KEYS["FAL_KEY"] not in str(services.calls("/files/")[0].headers)

    def test_job_is_resumed_and_not_ordered_again(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        services.polls_until_done = 10**9
        provider = load("fal", Kind.VIDEO, services, job_timeout_sec=0.05)
        with pytest.raises(ProviderError, match="has not finished") as caught:
            provider.generate(ask(Kind.VIDEO, job=memory), folder)
        assert "Job job-1 goes on at fal" in caught.value.hint
        services.polls_until_done = 0
        assert load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder).extra["job"] == "job-1"
        assert len(services.bought) == 1

    @pytest.mark.parametrize(
        "raw", [{}, {"request_id": None}, {"request_id": 7}, {"request_id": "x" * 300}, {"request_id": ".."}]
    )
    def test_order_without_id_may_have_been_charged(self, services: Services, ask: Ask, folder: Path, raw: Any) -> None:
        services.misbehave("/fal-ai/kling-video/v2.5", say(raw))
        with pytest.raises(ChargedError, match="no id of the job"):
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO), folder)

    @pytest.mark.parametrize("done", [False, True])
    def test_id_cannot_change_the_address(self, services: Services, ask: Ask, folder: Path, done: bool) -> None:
        path = "/fal-ai/kling-video/requests/..%2F..%2Fx%3Fy%23z"
        if done:
            services.misbehave(f"{path}/status", say({"status": "COMPLETED"}))
        services.misbehave("/fal-ai/kling-video/v2.5", say({"request_id": "../../x?y#z"}))
        with pytest.raises(ProviderError, match=r"no longer (knows|has)"):
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO), folder)
        assert services.seen[-1].path == (path if done else f"{path}/status")

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_trouble_of_fal_is_not_booked_and_not_repeated(
        self, services: Services, ask: Ask, folder: Path, status: int
    ) -> None:
        services.misbehave("/fal-ai/kling-video/v2.5", Answer(status))
        with pytest.raises(ProviderError, match="fal has trouble of its own") as caught:
            load("fal", Kind.VIDEO, services, tries=2).generate(ask(Kind.VIDEO), folder)
        assert not isinstance(caught.value, ChargedError)
        assert len(services.seen) == (2 if status == 503 else 1)

    def test_failed_job_is_told_with_its_type(self, services: Services, ask: Ask, folder: Path, memory: Memory) -> None:
        memory.job = "job-1"
        failed = {"status": "COMPLETED", "error": "The runner went away", "error_type": "runner_disconnected"}
        services.misbehave("/fal-ai/kling-video/requests/job-1/status", say(failed))
        with pytest.raises(ProviderError, match="runner_disconnected The runner went away") as caught:
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert not isinstance(caught.value, ChargedError)
        assert memory.job is None

    def test_moderated_result_may_have_been_charged(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = "job-1"
        services.misbehave("/fal-ai/kling-video/requests/job-1/status", say({"status": "COMPLETED"}))
        said = "The content could not be processed because it was flagged by a content checker."
        detail = [{"loc": ["body", "prompt"], "msg": said, "type": "content_policy_violation"}]
        services.misbehave("/fal-ai/kling-video/requests/job-1/status", say({"status": "COMPLETED"}))
        services.misbehave("/fal-ai/kling-video/requests/job-1", say({"detail": detail}, 422))
        with pytest.raises(ChargedError, match=r"refuses what it should make: body\.prompt: The content") as caught:
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert "It may have been charged" in caught.value.message
        assert memory.job is None

    @pytest.mark.parametrize("raw", [{}, {"video": None}, {"video": {"url": 7}}, {"videos": []}, {"video": [1]}])
    def test_result_without_file_is_charged(
        self, services: Services, ask: Ask, folder: Path, memory: Memory, raw: Any
    ) -> None:
        memory.job = "job-1"
        services.misbehave("/fal-ai/kling-video/requests/job-1/status", say({"status": "COMPLETED"}))
        services.misbehave("/fal-ai/kling-video/requests/job-1", say(raw))
        with pytest.raises(ChargedError, match="gives no file"):
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)

    def test_result_that_is_gone_is_charged(self, services: Services, ask: Ask, folder: Path, memory: Memory) -> None:
        memory.job = "job-1"
        services.misbehave("/fal-ai/kling-video/requests/job-1/status", say({"status": "COMPLETED"}))
        with pytest.raises(ChargedError, match="no longer has the result of job job-1"):
            load("fal", Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)

    def test_every_stand_in_model_has_a_kind(self) -> None:
        assert {kind for _, _, kind in MODELS.values()} == {one.value for one in SEGMENT_KINDS}
