"""Our requests and the stand-ins' answers, compared with the services' own SDKs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qs

import pytest

from gitassets.domain.manifest import Kind
from gitassets.providers.base import Request
from gitassets.providers.services.elevenlabs import _FORMAT
from tests.providers.conftest import load
from tests.providers.oracles import (
    capture_request,
    find_misfit,
    find_type,
    make_elevenlabs,
    make_openai,
    read_answer,
    read_json,
)
from tests.providers.services import Services, image_usage

Ask = Callable[..., Request]
PICTURE = "openai.types.image_generate_params:ImageGenerateParams"


class TestOracle:
    def test_oracle_names_unknown_keys_and_wrong_values(self) -> None:
        right = {"model": "gpt-image-2", "prompt": "A map"}
        assert find_misfit(PICTURE, right) is None
        assert find_misfit(PICTURE, {**right, "promt": "A map"}) == "unknown keys: promt"
        assert "valid integer" in (find_misfit(PICTURE, {**right, "n": "one"}) or "")

    def test_oracle_knows_names_as_they_are_on_the_wire(self) -> None:
        order = {"model": "gen4_turbo", "promptImage": "https://x/y.png", "ratio": "1280:720", "duration": 5}
        assert find_misfit("runwayml.types:ImageToVideoCreateParams", order) is None
        assert find_misfit("runwayml.types:ImageToVideoCreateParams", {**order, "ratio": "1:1"})


class TestOpenAIImages:
    @pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (640, 360)])
    def test_openai_images_sends_what_its_sdk_sends(
        self, services: Services, ask: Ask, folder: Path, size: tuple[int, int]
    ) -> None:
        load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE, prompt="A map", size=size), folder)
        sent = services.seen[0]
        wanted = capture_request(make_openai, lambda sdk: sdk.images.generate(**sent.json))
        assert find_misfit(PICTURE, sent.json) is None
        assert (wanted.url.path, read_json(wanted)) == (sent.path, sent.json)
        assert wanted.headers["authorization"] == sent.headers["authorization"]

    @pytest.mark.parametrize("usage", [None, image_usage(1325, input_tokens=20)])
    def test_openai_images_stand_in_answers_what_its_sdk_reads(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes], usage: dict[str, object] | None
    ) -> None:
        services.image_usage = usage
        load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        read = read_answer("openai.types:ImagesResponse", json.loads(services.answer(services.seen[0]).body))
        assert base64.b64decode(read.data[0].b64_json) == media["image"]
        assert usage is None or read.usage.output_tokens == 1325


# fal-client has no types for models, and ComfyUI has no SDK: their stand-ins follow the documentation and the server.
class TestOthers:
    def test_luma_sends_what_its_sdk_describes_and_is_answered_so(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        for seconds in (3, 9):
            load("luma", Kind.VIDEO, services).generate(ask(Kind.VIDEO, duration_sec=seconds), folder)
        for order in services.calls("/v1/generations", "POST"):
            assert find_misfit("luma_agents.types:GenerationCreateParams", order.json) is None
        for poll in services.calls("/v1/generations/", "GET"):
            assert read_answer("luma_agents.types:Generation", json.loads(services.answer(poll).body)).id

    @pytest.mark.parametrize("model", ["gen4_turbo", "gen4.5", "veo3.1"])
    def test_runway_sends_what_its_sdk_describes_and_is_answered_so(
        self, services: Services, ask: Ask, folder: Path, model: str
    ) -> None:
        load("runway", Kind.VIDEO, services, model=model).generate(ask(Kind.VIDEO, duration_sec=4), folder)
        (order,) = services.calls("/v1/image_to_video")
        assert find_misfit("runwayml.types:ImageToVideoCreateParams", order.json) is None
        (poll, *_) = services.calls("/v1/tasks/")
        task = json.loads(services.answer(poll).body)
        assert read_answer("runwayml.types:TaskRetrieveResponse", task).id == task["id"]

    def test_compatible_server_is_asked_as_the_sdk_of_openai_asks(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        load("openai-compatible", Kind.AUDIO, services).generate(ask(Kind.AUDIO), folder)
        assert find_misfit("openai.types.audio:SpeechCreateParams", services.seen[0].json) is None

    def test_stand_in_of_elevenlabs_answers_what_its_sdk_reads(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        provider = load("elevenlabs", Kind.AUDIO, services, voice="Will")
        provider.generate(ask(Kind.AUDIO), folder)
        (listed,), (spoken,) = services.calls("/v1/voices"), services.calls("/v1/text-to-speech/")
        voices = read_answer("elevenlabs.types:GetVoicesResponse", json.loads(services.answer(listed).body))
        speech = json.loads(services.answer(spoken).body)
        assert voices.voices[0].name
        assert read_answer("elevenlabs.types:AudioWithTimestampsResponse", speech).alignment


class TestElevenLabs:
    @pytest.mark.parametrize(
        "section",
        [
            {},
            {"model": "eleven_flash_v2_5", "language_code": "de", "speed": 1.1, "format": "opus_48000_128"},
            {"model": "eleven_v3", "voice_settings": {"stability": 1.0}},
        ],
    )
    def test_elevenlabs_sends_what_its_sdk_sends(
        self, services: Services, ask: Ask, folder: Path, section: dict[str, object]
    ) -> None:
        provider = load("elevenlabs", Kind.AUDIO, services, voice="Will", **section)
        provider.generate(ask(Kind.AUDIO, seed=7, text_before="Before.", text_after="After."), folder)
        (sent,) = services.calls("/v1/text-to-speech/")
        settings = find_type("elevenlabs.types:VoiceSettings").model_validate(sent.json["voice_settings"])
        body = {**sent.json, "voice_settings": settings}
        wanted = capture_request(
            make_elevenlabs,
            lambda sdk: sdk.text_to_speech.convert_with_timestamps(
                sent.path.split("/")[3], output_format=sent.query["output_format"][0], **body
            ),
        )
        assert not settings.model_extra
        assert (wanted.url.path, parse_qs(wanted.url.query.decode())) == (sent.path, sent.query)
        assert read_json(wanted) == sent.json
        assert wanted.headers["xi-api-key"] == sent.headers["xi-api-key"]

    def test_elevenlabs_takes_the_formats_of_its_sdk_that_a_file_can_hold(self) -> None:
        offered = find_type("elevenlabs.text_to_speech.types:TextToSpeechConvertWithTimestampsRequestOutputFormat")
        for name in get_args(get_args(offered)[0]):
            raw = name.startswith(("pcm_", "ulaw_", "alaw_"))
            assert bool(_FORMAT.match(name)) is not raw, name
