"""Requests to each service, and the results of its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gitassets.adapters.media.probe import probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.base import ChargedError, RefusedError, Request, Service, fingerprint
from gitassets.providers.http.trust import set_accepted
from gitassets.providers.services.elevenlabs import ElevenLabs
from gitassets.providers.services.openai_images import FRAME
from tests.providers.conftest import Memory, load
from tests.providers.services import KEYS, LILY, WILL, Answer, Services, image_usage, say, search_answer

Ask = Callable[..., Request]
WORDS = "A drone finds its way through the Valley of fog."
DRAWN_USD = 0.03975 + len(FRAME.format(text=WORDS)) / 3 * 5e-6


class TestElevenLabs:
    def test_elevenlabs_sends_text_voice_and_model_and_stores_the_mp3(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        provider = load("elevenlabs", Kind.AUDIO, services, usd_per_1000_chars=0.5)
        made = provider.generate(ask(Kind.AUDIO, "x" * 100, voice="LILY", seed=4), folder)
        sent = services.calls("/v1/text-to-speech/")[0]
        assert sent.path == f"/v1/text-to-speech/{LILY}/with-timestamps"
        assert sent.query == {"output_format": ["mp3_44100_128"]}
        assert sent.json["model_id"] == "eleven_multilingual_v2"
        assert sent.json["seed"] == 4
        assert made.path == folder / "audio.mp3"
        assert made.path.read_bytes() == media["audio"]
        assert [*folder.iterdir()] == [made.path]
        assert (made.source, made.voice, made.seed) == ("elevenlabs", "LILY", 4)
        assert made.cost_usd == pytest.approx(0.05)
        assert made.extra["parameters"]["voice_id"] == LILY

    def test_elevenlabs_sends_no_seed_without_one(self, services: Services, ask: Ask, folder: Path) -> None:
        load("elevenlabs", Kind.AUDIO, services).generate(ask(Kind.AUDIO), folder)
        assert "seed" not in services.seen[0].json

    def test_elevenlabs_accepts_a_voice_id(self, services: Services, ask: Ask, folder: Path) -> None:
        load("elevenlabs", Kind.AUDIO, services).generate(ask(Kind.AUDIO, voice="AAAAbbbbCCCCddddEEEE"), folder)
        assert [one.path for one in services.seen] == ["/v1/text-to-speech/AAAAbbbbCCCCddddEEEE/with-timestamps"]

    def test_elevenlabs_looks_a_voice_name_up_once(self, services: Services, ask: Ask, tmp_path: Path) -> None:
        provider = load("elevenlabs", Kind.AUDIO, services)
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            provider.generate(ask(Kind.AUDIO, voice="will"), tmp_path / str(number))
        assert len(services.calls("/v1/voices")) == 1
        assert services.seen[-1].path == f"/v1/text-to-speech/{WILL}/with-timestamps"

    def test_elevenlabs_lists_voices_for_unknown_name(self, services: Services, ask: Ask, folder: Path) -> None:
        with pytest.raises(ProviderError, match="Audio 3: elevenlabs has no voice 'nobody'") as caught:
            load("elevenlabs", Kind.AUDIO, services).generate(ask(Kind.AUDIO, voice="nobody"), folder)
        assert "There are Will." in caught.value.hint
        assert not services.calls("/v1/text-to-speech/")

    def test_elevenlabs_escapes_voice_id_in_the_path(self, services: Services, ask: Ask, folder: Path) -> None:
        provider = load("elevenlabs", Kind.AUDIO, services, voices={"evil": "../../v1/voices"})
        services.misbehave("/", say({}, 404))
        with pytest.raises(ProviderError):
            provider.generate(ask(Kind.AUDIO, voice="evil"), folder)
        assert services.seen[0].path == "/v1/text-to-speech/..%2F..%2Fv1%2Fvoices/with-timestamps"

    def test_elevenlabs_looks_for_the_name_in_the_account_before_the_old_names(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        services.voices = [{"voice_id": "own-lily", "name": "Lily - Mine"}]
        provider = load_voices(services)
        provider.look_up_voices(ask(Kind.AUDIO))
        made = provider.generate(ask(Kind.AUDIO, voice="lily"), folder)
        assert (made.voice, made.extra["parameters"]["voice_id"]) == ("lily", "own-lily")

    @pytest.mark.parametrize("voice", ["rachel", "Lily", "AAAAbbbbCCCCddddEEEE"])
    def test_elevenlabs_still_knows_old_names_and_ids_where_voices_may_not_be_listed(
        self, services: Services, ask: Ask, folder: Path, voice: str
    ) -> None:
        refusal = {"detail": {"status": "missing_permissions", "message": "The key lacks the permission voices_read"}}
        services.misbehave("/v1/voices", say(refusal, 401))
        provider = load_voices(services)
        assert provider.look_up_voices(ask(Kind.AUDIO)) == ()
        assert provider.generate(ask(Kind.AUDIO, voice=voice), folder).voice == voice
        with pytest.raises(ProviderError, match=r"does not say which voices the account has.*voices_read"):
            provider.check(ask(Kind.AUDIO, voice="will"))
        assert len(services.calls("/v1/voices")) == 1

    def test_elevenlabs_keeps_the_voice_that_a_take_recorded(self, services: Services, ask: Ask, folder: Path) -> None:
        provider = load_voices(services)
        provider.look_up_voices(ask(Kind.AUDIO))
        made = provider.generate(ask(Kind.AUDIO, voice="Will", voice_id="WillOfLastYear000000"), folder)
        assert made.extra["parameters"]["voice_id"] == "WillOfLastYear000000"

    def test_elevenlabs_has_no_voice_by_default_and_names_those_of_the_account(
        self, services: Services, ask: Ask
    ) -> None:
        provider = load_voices(services, voice=None)
        provider.check(ask(Kind.AUDIO))  # A dry run asks nobody.
        assert "no voice yet" in provider.find_remark(ask(Kind.AUDIO))
        provider.look_up_voices(ask(Kind.AUDIO))
        with pytest.raises(ProviderError, match="Audio 3: no voice is chosen for elevenlabs") as caught:
            provider.check(ask(Kind.AUDIO))
        assert "There are Will. Choose one with --voice" in caught.value.hint

    def test_elevenlabs_suggests_the_voice_that_was_meant(self, services: Services, ask: Ask) -> None:
        provider = load_voices(services)
        provider.look_up_voices(ask(Kind.AUDIO))
        for wanted, meant in (("wil", "Will"), ("rachle", "rachel")):
            with pytest.raises(ProviderError, match="has no voice") as caught:
                provider.check(ask(Kind.AUDIO, voice=wanted))
            assert f"Did you mean {meant}?" in caught.value.hint

    def test_elevenlabs_asks_which_of_two_voices_of_one_name_is_meant(self, services: Services, ask: Ask) -> None:
        services.voices = [{"voice_id": f"id{number}", "name": f"Ann - {number}"} for number in (1, 2)]
        provider = load_voices(services)
        provider.look_up_voices(ask(Kind.AUDIO))
        with pytest.raises(ProviderError, match="2 voices at elevenlabs are called 'ann'") as caught:
            provider.check(ask(Kind.AUDIO, voice="ann"))
        assert "id1, id2" in caught.value.hint
        provider.check(ask(Kind.AUDIO, voice="ann - 2"))

    @pytest.mark.parametrize(
        "voices",
        [
            None, "voices", [None, 1, []], [{"name": "x"}], [{"voice_id": "../x", "name": "x"}],
            [{"voice_id": "ok", "name": "\x1b[2J"}], [{"voice_id": 5, "name": "x"}],
            [{"voice_id": "ok", "name": "x" * 201}],
            [{"voice_id": "ok", "name": ["x"]}],
        ],
    )  # fmt: skip
    def test_elevenlabs_believes_no_voice_without_a_proper_name_and_id(
        self, services: Services, ask: Ask, voices: Any
    ) -> None:
        services.voices = voices
        assert load_voices(services).look_up_voices(ask(Kind.AUDIO)) == ()

    @pytest.mark.parametrize(
        ("sharing", "usd"),
        [
            (None, 0.1),
            ({}, 0.1),
            ({"rate": None, "fiat_rate": None}, 0.1),
            ({"rate": 2.0}, 0.2),
            ({"rate": 0.5}, 0.1),
            ({"fiat_rate": 0.03}, 0.13),
            ({"rate": 2, "fiat_rate": 0.03}, 0.26),
        ],
    )
    def test_elevenlabs_estimate_has_the_surcharge_of_the_voice(
        self, services: Services, ask: Ask, folder: Path, sharing: Any, usd: float
    ) -> None:
        services.voices = [{"voice_id": WILL, "name": "Will", "sharing": sharing}]
        services.character_cost = {}
        provider = load_voices(services, voice="will")
        provider.look_up_voices(ask(Kind.AUDIO))
        assert provider.estimate_usd(ask(Kind.AUDIO, "x" * 1000)) == pytest.approx(usd)
        assert provider.generate(ask(Kind.AUDIO, "x" * 1000), folder).cost_usd == pytest.approx(usd)

    @pytest.mark.parametrize("rate", ["2", float("inf"), float("nan"), -1, 1e9, 10**400, True, [2]])
    @pytest.mark.parametrize("key", ["rate", "fiat_rate"])
    def test_elevenlabs_buys_no_voice_whose_price_cannot_be_read(
        self, services: Services, ask: Ask, key: str, rate: Any
    ) -> None:
        services.voices = [{"voice_id": WILL, "name": "Will", "sharing": {key: rate}}]
        provider = load_voices(services, voice="will")
        provider.look_up_voices(ask(Kind.AUDIO))
        with pytest.raises(ProviderError, match="a price for the voice 'Will' that cannot be read"):
            provider.check(ask(Kind.AUDIO))

    @pytest.mark.parametrize(
        ("header", "usd"),
        [
            ({"character-cost": "27"}, 0.05),
            ({"Character-Cost": "54"}, 0.1),
            ({"x-character-count": "27"}, 0.05),
            ({"character-cost": "0"}, 0.0),
            ({"character-cost": "free"}, 0.1),
            ({"character-cost": "-5"}, 0.1),
            ({"character-cost": "9" * 400}, 0.1),
            ({}, 0.1),
        ],
    )
    def test_elevenlabs_records_what_the_service_says_it_charged(
        self, services: Services, ask: Ask, folder: Path, header: dict[str, str], usd: float
    ) -> None:
        services.character_cost = header
        provider = load_voices(services, usd_per_1000_chars=1000 * 0.1 / 54)
        assert provider.generate(ask(Kind.AUDIO, "x" * 54), folder).cost_usd == pytest.approx(usd)

    def test_elevenlabs_price_follows_the_model_and_flash_is_not_charged_twice(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        services.character_cost = {"character-cost": "500"}
        provider = load_voices(services, model="eleven_flash_v2_5")
        assert provider.estimate_usd(ask(Kind.AUDIO, "x" * 1000)) == pytest.approx(0.05)
        assert provider.generate(ask(Kind.AUDIO, "x" * 1000), folder).cost_usd == pytest.approx(0.05)

    def test_elevenlabs_buys_no_model_whose_price_is_unknown(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="what eleven_v9 costs at elevenlabs is not known"):
            load_voices(services, model="eleven_v9").check(ask(Kind.AUDIO))
        load_voices(services, model="eleven_v9", usd_per_1000_chars=0.3).check(ask(Kind.AUDIO))

    def test_elevenlabs_sends_speed_language_and_the_texts_around(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        provider = load_voices(services, model="eleven_flash_v2_5", speed=0.9, language_code="de")
        request = ask(Kind.AUDIO, "Jetzt.", text_before="Vorher. " * 100, text_after="Nachher.")
        made = provider.generate(request, folder)
        sent = services.calls("/v1/text-to-speech/")[0].json
        assert (sent["voice_settings"]["speed"], sent["language_code"]) == (0.9, "de")
        assert (len(sent["previous_text"]), sent["next_text"]) == (500, "Nachher.")
        assert (made.extra["parameters"]["speed"], made.extra["parameters"]["language_code"]) == (0.9, "de")

    def test_elevenlabs_request_is_the_same_whatever_is_spoken_around_it(self, services: Services, ask: Ask) -> None:
        provider = load_voices(services)
        alone, among = ask(Kind.AUDIO), ask(Kind.AUDIO, text_before="One.", text_after="Three.")
        assert fingerprint(provider.describe(alone)) == fingerprint(provider.describe(among))

    def test_elevenlabs_describes_requests_as_0_1_did_so_that_its_takes_are_found(
        self, services: Services, ask: Ask
    ) -> None:
        settings = {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": True}
        for looked_up in (False, True):
            provider = load_voices(services)
            if looked_up:
                provider.look_up_voices(ask(Kind.AUDIO))
            for voice, described in (
                ("lily", LILY),
                ("Will", "will"),
                ("AAAAbbbbCCCCddddEEEE", "AAAAbbbbCCCCddddEEEE"),
            ):
                assert provider.describe(ask(Kind.AUDIO, "Hello", voice=voice, seed=1)) == {
                    "provider": "elevenlabs", "voice": described, "format": "mp3_44100_128", "text": "Hello",
                    "model_id": "eleven_multilingual_v2", "voice_settings": settings, "seed": 1,
                }  # fmt: skip

    def test_elevenlabs_sends_no_texts_around_to_models_that_refuse_them(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        load_voices(services, model="eleven_v3").generate(ask(Kind.AUDIO, text_before="One."), folder)
        assert "previous_text" not in services.calls("/v1/text-to-speech/")[0].json

    def test_elevenlabs_gives_the_time_of_each_word(self, services: Services, ask: Ask, folder: Path) -> None:
        made = load_voices(services).generate(ask(Kind.AUDIO, "Two words"), folder)
        assert [one.word for one in made.word_times] == ["Two", "words"]
        assert made.word_times[0].start_sec == 0
        assert made.word_times[1].end_sec == pytest.approx(1)

    @pytest.mark.parametrize(
        "alignment",
        [
            [], "soon", {}, {"characters": ["a"], "character_start_times_seconds": [0]},
            {"characters": ["a"], "character_start_times_seconds": ["0"], "character_end_times_seconds": [1]},
            {"characters": ["a"], "character_start_times_seconds": [0], "character_end_times_seconds": [900]},
            {"characters": ["a"], "character_start_times_seconds": [0], "character_end_times_seconds": [10**400]},
            {"characters": ["a"], "character_start_times_seconds": [0], "character_end_times_seconds": [float("nan")]},
            {"characters": [5], "character_start_times_seconds": [0], "character_end_times_seconds": [1]},
            {"characters": ["\x1b"], "character_start_times_seconds": [0], "character_end_times_seconds": [1]},
        ],
    )  # fmt: skip
    def test_elevenlabs_keeps_the_sound_where_the_times_make_no_sense(
        self, services: Services, ask: Ask, folder: Path, alignment: Any
    ) -> None:
        services.alignment = alignment
        made = load_voices(services).generate(ask(Kind.AUDIO), folder)
        assert made.word_times == ()
        assert made.path.exists()

    @pytest.mark.parametrize("raw", [{}, {"audio_base64": None}, {"audio_base64": "AAA"}, {"audio_base64": ""}])
    def test_elevenlabs_answer_without_sound_is_reported_as_possibly_charged(
        self, services: Services, ask: Ask, folder: Path, raw: Any
    ) -> None:
        services.misbehave("/v1/text-to-speech/", say(raw))
        with pytest.raises(ChargedError, match=r"^Audio 3: elevenlabs sends .* It may have been charged"):
            load_voices(services).generate(ask(Kind.AUDIO), folder)

    @pytest.mark.parametrize("seed", [-1, 4_294_967_296])
    def test_elevenlabs_refuses_a_seed_that_the_service_does_not_take(
        self, services: Services, ask: Ask, seed: int
    ) -> None:
        with pytest.raises(ProviderError, match=f"takes no seed {seed}"):
            load_voices(services).check(ask(Kind.AUDIO, seed=seed))
        load_voices(services).check(ask(Kind.AUDIO, seed=4_294_967_295))

    @pytest.mark.parametrize(
        ("section", "problem"),
        [
            ({"format": "pcm_24000"}, "format: write one such as mp3_44100_128"),
            ({"format": "ulaw_8000"}, "format: write one such as mp3_44100_128"),
            ({"format": "alaw_8000"}, "format: write one such as mp3_44100_128"),
            ({"format": "mp3"}, "format: write one such as mp3_44100_128"),
            ({"speed": 1.3}, "speed"),
            ({"language_code": "german"}, "language_code"),
            ({"language_code": "de"}, "takes no language_code"),
        ],
    )
    def test_elevenlabs_settings_that_cannot_work_are_refused_when_they_are_read(
        self, services: Services, section: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(CorruptError, match=problem):
            load_voices(services, **section)

    def test_elevenlabs_plan_that_lacks_a_voice_is_told_in_its_words(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        words = "Free users cannot use library voices via the API. Please upgrade your subscription to use this voice."
        refusal = {"type": "payment_required", "code": "paid_plan_required", "message": words}
        services.misbehave("/v1/text-to-speech/", say({"detail": refusal}, 402))
        with pytest.raises(RefusedError) as caught:
            load_voices(services).generate(ask(Kind.AUDIO), folder)
        assert caught.value.message == f"Audio 3: elevenlabs refuses this (402): {words}"
        assert "money" not in caught.value.message

    def test_elevenlabs_refuses_too_long_text_before_sending(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="Audio 3: 10,001 characters"):
            load("elevenlabs", Kind.AUDIO, services).check(ask(Kind.AUDIO, "x" * 10_001))


def load_voices(services: Services, **more: Any) -> ElevenLabs:
    """Return a provider of its own: those that are loaded by name keep what they have looked up."""
    return ElevenLabs(services.settings(**{"voice": "lily", **more}))


class TestOpenAICompatible:
    def load(self, services: Services, **more: Any) -> Service:
        return load("openai-compatible", Kind.AUDIO, services, **{"usd_per_1000_chars": None, **more})

    def test_compatible_server_gets_documented_fields_and_voices_keep_their_case(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        provider = self.load(services, voices=["Voice_1A", "other"], usd_per_million_chars=20)
        made = provider.generate(ask(Kind.AUDIO, "Hello", voice="voice_1a"), folder)
        assert services.seen[0].json == {
            "model": "kokoro",
            "input": "Hello",
            "voice": "Voice_1A",
            "speed": 1.0,
            "response_format": "mp3",
        }
        assert (made.source, made.voice, made.model, made.seed) == ("openai-compatible", "Voice_1A", "kokoro", None)
        assert made.cost_usd == pytest.approx(0.0001)

    def test_compatible_server_never_gets_the_key_of_openai(
        self, services: Services, ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = self.load(services)
        monkeypatch.delenv("OPENAI_COMPATIBLE_API_KEY")
        services.compatible_needs_key = False
        provider.generate(ask(Kind.AUDIO), folder)
        assert "authorization" not in services.seen[0].headers
        assert provider.info.key is None

    def test_compatible_server_gets_a_key_of_its_own(self, services: Services, ask: Ask, folder: Path) -> None:
        provider = self.load(services)
        provider.generate(ask(Kind.AUDIO), folder)
        assert services.seen[0].headers["authorization"] == f"Bearer {KEYS['OPENAI_COMPATIBLE_API_KEY']}"
        assert provider.info.key == "OPENAI_COMPATIBLE_API_KEY"

    @pytest.mark.parametrize(
        ("section", "price"),
        [
            ({}, 0.0),
            ({"base_url": "http://localhost:1"}, 0.0),
            ({"usd_per_1000_chars": 0.5}, 0.5),
            ({"base_url": "https://speech.example", "usd_per_million_chars": 15}, 0.015),
            ({"base_url": "https://speech.example", "usd_per_1000_chars": 0}, 0.0),
        ],
    )
    def test_compatible_server_is_priced_by_the_settings_and_free_on_this_computer(
        self, services: Services, ask: Ask, section: dict[str, Any], price: float
    ) -> None:
        set_accepted([("openai-compatible", "https://speech.example")])
        provider = self.load(services, **section)
        provider.check(ask(Kind.AUDIO))
        assert provider.estimate_usd(ask(Kind.AUDIO, "x" * 1000)) == pytest.approx(price)

    def test_nothing_is_bought_from_a_compatible_server_without_a_price(self, services: Services, ask: Ask) -> None:
        provider = self.load(services, base_url="https://speech.example")
        with pytest.raises(
            ProviderError, match="Audio 3: what kokoro costs at openai-compatible is not known"
        ) as caught:
            provider.check(ask(Kind.AUDIO))
        assert "usd_per_1000_chars" in caught.value.hint
        assert provider.info.price == "unknown: set a price"

    @pytest.mark.parametrize(
        ("section", "voice", "problem", "hint"),
        [
            ({"voice": None}, None, "no voice is chosen", "--voice"),
            ({"voices": ["Alpha", "Beta"]}, "alpa", "has no voice 'alpa'", "Did you mean Alpha? There are Alpha, Beta"),
        ],
    )
    def test_compatible_server_without_the_voice_is_not_called(
        self, services: Services, ask: Ask, section: dict[str, Any], voice: str | None, problem: str, hint: str
    ) -> None:
        with pytest.raises(ProviderError, match=problem) as caught:
            self.load(services, **section).check(ask(Kind.AUDIO, voice=voice))
        assert hint in caught.value.hint

    def test_compatible_server_refuses_too_long_text_with_a_remedy(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="4,096") as caught:
            self.load(services).check(ask(Kind.AUDIO, "x" * 4097))
        assert "Split the paragraph" in caught.value.hint

    def test_history_tells_servers_apart_and_finds_takes_that_openai_made(self, services: Services, ask: Ask) -> None:
        one, other = (self.load(services, base_url=f"http://127.0.0.1:{port}") for port in (1, 2))
        assert fingerprint(one.describe(ask(Kind.AUDIO))) != fingerprint(other.describe(ask(Kind.AUDIO)))
        openai = self.load(services, base_url="https://api.openai.com/v1", model="tts-1", voice="nova")
        assert openai.describe(ask(Kind.AUDIO, "Hello")) == {
            "provider": "openai", "kind": "audio", "model": "tts-1", "input": "Hello", "voice": "nova", "speed": 1.0,
            "response_format": "mp3",
        }  # fmt: skip


class TestOpenAIImages:
    @pytest.mark.parametrize(
        ("size", "sent"),
        [
            ((1920, 1080), "1920x1088"),
            ((1080, 1920), "1088x1920"),
            ((1080, 1080), "1088x1088"),
            ((640, 360), "1088x608"),
            ((3840, 2160), "3840x2160"),
            ((7680, 4320), "3840x2160"),
            ((2000, 500), "2000x672"),
        ],
    )
    def test_openai_image_size_follows_the_video(
        self, services: Services, ask: Ask, folder: Path, size: tuple[int, int], sent: str
    ) -> None:
        load("dalle", Kind.IMAGE, services).generate(ask(Kind.IMAGE, size=size), folder)
        assert services.seen[0].json["size"] == sent

    @pytest.mark.parametrize(
        ("images", "sent"),
        [
            ({"model": "gpt-image-1.5"}, "1536x1024"),
            ({"model": "gpt-image-2.6-flare"}, "1920x1088"),
            ({"sizes": ["1024x1024", "1536x1024"]}, "1536x1024"),
            ({"sizes": []}, "1920x1088"),
            ({"size": "1280x720"}, "1280x720"),
        ],
    )
    def test_openai_image_size_follows_model_and_settings(
        self, services: Services, ask: Ask, images: dict[str, Any], sent: str
    ) -> None:
        provider = load("openai", Kind.IMAGE, services, images=images)
        assert provider.describe(ask(Kind.IMAGE))["size"] == sent

    @pytest.mark.parametrize(
        ("size", "quality", "usd"),
        [
            ("1536x1024", "low", 0.005), ("1536x1024", "medium", 0.041), ("1536x1024", "high", 0.165),
            ("1024x1024", "low", 0.006), ("1024x1024", "medium", 0.053), ("1024x1024", "high", 0.211),
            ("1024x1536", "auto", 0.165), ("3840x2160", "high", 0.4),
        ],
    )  # fmt: skip
    def test_openai_image_price_follows_size_and_quality(
        self, services: Services, ask: Ask, size: str, quality: str, usd: float
    ) -> None:
        provider = load("openai", Kind.IMAGE, services, images={"size": size, "quality": quality})
        assert provider.estimate_usd(ask(Kind.IMAGE)) == pytest.approx(usd, abs=0.001)

    def test_openai_image_estimate_is_never_below_what_the_tokens_cost(self, services: Services, ask: Ask) -> None:
        for usd, estimated in ((0.0, DRAWN_USD), (0.01, DRAWN_USD), (0.5, 0.5)):
            provider = load("openai", Kind.IMAGE, services, images={"usd_per_image": {"medium": usd}})
            assert provider.estimate_usd(ask(Kind.IMAGE)) == pytest.approx(estimated)

    def test_openai_image_cost_is_that_of_the_tokens_charged(self, services: Services, ask: Ask, folder: Path) -> None:
        services.image_usage = image_usage(1372, input_tokens=20)
        provider = load("openai", Kind.IMAGE, services, images={"usd_per_image": {"medium": 0.07}})
        assert provider.estimate_usd(ask(Kind.IMAGE)) == pytest.approx(0.07)
        assert provider.generate(ask(Kind.IMAGE), folder).cost_usd == pytest.approx(1372 * 30e-6 + 20 * 5e-6)

    @pytest.mark.parametrize("usage", [{"output_tokens": -5}, {"output_tokens": "1"}, {"output_tokens": 1e300}, []])
    def test_openai_image_cost_is_the_estimate_where_the_answer_is_nonsense(
        self, services: Services, ask: Ask, folder: Path, usage: Any
    ) -> None:
        services.image_usage = usage
        made = load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        assert made.cost_usd == pytest.approx(DRAWN_USD)

    def test_openai_image_of_model_without_price_is_not_bought(self, services: Services, ask: Ask) -> None:
        provider = load("openai", Kind.IMAGE, services, images={"model": "gpt-image-2.6-flare"})
        with pytest.raises(ProviderError, match=r"Image 3: the price of a picture by gpt-image-2\.6-flare") as caught:
            provider.check(ask(Kind.IMAGE))
        assert "services.openai.images.usd_per_image: {medium: USD}" in caught.value.hint
        assert provider.info.price == "unknown"
        images = {"model": "gpt-image-2.6-flare", "usd_per_image": {"medium": 0.06}}
        load("openai", Kind.IMAGE, services, images=images).check(ask(Kind.IMAGE))

    @pytest.mark.parametrize("as_url", [False, True])
    def test_openai_image_is_read_from_base64_or_url(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes], as_url: bool
    ) -> None:
        services.image_as_url = as_url
        made = load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE, prompt="A map"), folder)
        assert made.path == folder / "image.png"
        assert made.path.read_bytes() == media["image"]
        assert made.cost_usd == pytest.approx(0.03975 + 5 / 3 * 5e-6)
        assert (made.prompt, made.source) == ("A map", "openai")
        assert made.extra["prompt_sent"] == "A map"
        assert made.extra.get("revised_prompt") == ("Revised" if as_url else None)

    def test_openai_image_in_jpeg_is_stored_as_jpg(
        self, services: Services, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        services.media = {**media, "image": media["jpeg"]}
        made = load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        assert made.path.name == "image.jpg"

    def test_openai_image_is_downloaded_later_without_a_second_purchase(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        services.image_as_url = True
        services.misbehave("/files/", Answer(500, b"", "text/plain"))
        provider = load("openai", Kind.IMAGE, services, tries=2)
        with pytest.raises(ProviderError, match="Image 3: openai has trouble") as caught:
            provider.generate(ask(Kind.IMAGE, job=memory), folder)
        assert "the same command fetches it" in caught.value.hint
        assert "SIGNATURE" not in f"{caught.value.message} {caught.value.hint}"
        services.recover()
        made = provider.generate(ask(Kind.IMAGE, job=memory), folder)
        assert len(services.calls("/v1/images/generations")) == 1
        assert made.cost_usd == pytest.approx(DRAWN_USD)

    def test_openai_image_with_expired_link_is_reported_as_charged(
        self, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = f"{services.url}/files/image?sig=OLD"
        services.misbehave("/files/", Answer(403, b"<Error/>", "application/xml"))
        with pytest.raises(ChargedError, match="can no longer be fetched"):
            load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE, job=memory), folder)
        assert memory.job is None

    @pytest.mark.parametrize(
        "raw",
        [
            {"data": []},
            {"data": [{}]},
            {"data": None},
            {},
            {"data": [{"b64_json": "AAA"}]},
            {"data": [{"b64_json": ""}]},
        ],
    )
    def test_openai_image_answer_without_picture_is_reported_as_possibly_charged(
        self, services: Services, ask: Ask, folder: Path, raw: Any
    ) -> None:
        services.misbehave("/v1/images", say(raw))
        with pytest.raises(ChargedError, match=r"^Image 3: openai sends .* It may have been charged") as caught:
            load("openai", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        assert caught.value.cost_usd == pytest.approx(DRAWN_USD)


@pytest.mark.parametrize("name", ["luma", "runway"])
class TestJobs:
    def test_job_is_ordered_once_and_awaited(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory, media: dict[str, bytes]
    ) -> None:
        services.polls_until_done = 4
        made = load(name, Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert made.path == folder / "video.mp4"
        assert made.path.read_bytes() == media["video"]
        assert services.jobs == {"job-1": 4}
        assert memory.written == ["job-1"]
        assert made.extra["job"] == "job-1"

    def test_job_id_is_stored_before_the_first_poll(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        provider = load(name, Kind.VIDEO, services, tries=1)
        path = "/v1/generations/job" if name == "luma" else "/v1/tasks"
        services.misbehave(path, Answer(500))
        with pytest.raises(ProviderError, match="Video 3") as caught:
            provider.generate(ask(Kind.VIDEO, job=memory), folder)
        assert memory.job == "job-1"
        assert "Job job-1 goes on" in caught.value.hint
        services.recover()
        provider.generate(ask(Kind.VIDEO, job=memory), folder)
        assert len(services.jobs) == 1

    def test_job_that_times_out_is_continued_by_next_command(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        services.polls_until_done = 10**9
        provider = load(name, Kind.VIDEO, services, job_timeout_sec=0.1)
        with pytest.raises(ProviderError, match=f"Video 3: {name} has not finished after 0.1 seconds") as caught:
            provider.generate(ask(Kind.VIDEO, job=memory), folder)
        assert "the same command waits for it" in caught.value.hint
        assert memory.job == "job-1"

    def test_job_is_not_awaited_after_stop(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        stop = Event()
        stop.set()
        services.polls_until_done = 10**9
        provider = load(name, Kind.VIDEO, services, poll_sec=600)
        with pytest.raises(ProviderError, match="Video 3: stopped before it was made") as caught:
            provider.generate(ask(Kind.VIDEO, job=memory, stop=stop), folder)
        assert "Job job-1 goes on" in caught.value.hint

    def test_job_unknown_to_the_service_is_forgotten_and_not_replaced(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = "job-of-last-year"
        with pytest.raises(ProviderError, match="no longer knows the job job-of-last-year"):
            load(name, Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert memory.job is None
        assert not services.jobs

    def test_job_done_without_file_is_reported_as_charged(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        memory.job = "job-1"
        done = {"state": "completed", "output": []} if name == "luma" else {"status": "SUCCEEDED", "output": []}
        services.misbehave("/v1/generations/" if name == "luma" else "/v1/tasks", say(done))
        with pytest.raises(ChargedError, match="gives no file"):
            load(name, Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)

    def test_job_id_is_kept_when_its_file_cannot_be_downloaded(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        services.misbehave("/files/", Answer(403, b"expired", "text/plain"))
        provider = load(name, Kind.VIDEO, services)
        with pytest.raises(ProviderError, match=r"cannot be fetched \(403\)"):
            provider.generate(ask(Kind.VIDEO, job=memory), folder)
        assert memory.job == "job-1"

    @pytest.mark.parametrize("raw", [{}, {"id": None}, {"id": ""}, {"id": "x" * 300}])
    def test_job_order_without_id_is_reported_as_possibly_charged(
        self, name: str, services: Services, ask: Ask, folder: Path, memory: Memory, raw: Any
    ) -> None:
        services.misbehave("/v1/generations" if name == "luma" else "/v1/image_to_video", say(raw))
        with pytest.raises(ChargedError, match="no id of the job"):
            load(name, Kind.VIDEO, services).generate(ask(Kind.VIDEO, job=memory), folder)
        assert memory.written == []


class TestWikimedia:
    def test_wikimedia_refuses_search_without_contact(self, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="Image 3: Wikimedia wants to know") as caught:
            load("wikimedia", Kind.IMAGE, services, contact="").check(ask(Kind.IMAGE))
        assert "services.wikimedia.contact" in caught.value.hint

    def test_wikimedia_records_the_credit(self, services: Services, ask: Ask, folder: Path) -> None:
        made = load("wikimedia", Kind.IMAGE, services, contact="ann@example.com").generate(
            ask(Kind.IMAGE, prompt="drone (flying)"), folder
        )
        assert made.extra["credit"] == {
            "title": "Drone 1",
            "author": "Ann & Bob",
            "licence": "CC BY-SA 4.0",
            "page_url": "https://commons.wikimedia.org/wiki/File:Drone_1.jpg",
        }
        assert made.cost_usd == 0
        query = services.seen[0].query
        assert query["gsrsearch"] == ["filetype:bitmap drone flying"]
        assert all("(ann@example.com)" in one.headers["user-agent"] for one in services.seen)
        assert probe_media(made.path).kind is Kind.IMAGE

    def test_wikimedia_seed_selects_the_picture_and_unlicensed_ones_are_skipped(
        self, services: Services, ask: Ask, tmp_path: Path
    ) -> None:
        provider, titles = load("wikimedia", Kind.IMAGE, services), []
        for seed in range(3):
            (tmp_path / str(seed)).mkdir()
            made = provider.generate(ask(Kind.IMAGE, seed=seed), tmp_path / str(seed))
            titles.append(made.extra["credit"]["title"])
        assert titles == ["Drone 1", "Drone 3", "Drone 1"]

    def test_wikimedia_repeats_search_with_fewer_words(self, services: Services, ask: Ask, folder: Path) -> None:
        services.misbehave("/w/api.php", say({}), say({"batchcomplete": ""}), search_answer(services))
        load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        queries = [one.query["gsrsearch"][0] for one in services.calls("/w/")]
        assert queries[0] == "filetype:bitmap Valley through drone finds"
        assert queries[-1] == "filetype:bitmap Valley through"

    @pytest.mark.parametrize(
        ("wanted", "asked"), [(640, 960), (960, 960), (1000, 1280), (1920, 1920), (1921, 3840), (8192, 3840)]
    )
    def test_wikimedia_asks_for_widths_that_there_are(
        self, services: Services, ask: Ask, folder: Path, wanted: int, asked: int
    ) -> None:
        load("wikimedia", Kind.IMAGE, services, width=wanted).generate(ask(Kind.IMAGE), folder)
        assert services.seen[0].query["iiurlwidth"] == [str(asked)]

    def test_wikimedia_waits_when_status_200_says_that_calls_are_too_many(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        busy = say({"error": {"code": "ratelimited", "info": "You have exceeded your rate limit"}})
        services.misbehave("/w/api.php", busy, search_answer(services))
        load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)
        assert len(services.calls("/w/")) == 2

    def test_wikimedia_that_stays_busy_is_not_called_without_pictures(
        self, services: Services, ask: Ask, folder: Path
    ) -> None:
        services.misbehave("/w/api.php", say({"error": {"code": "ratelimited"}}))
        with pytest.raises(ProviderError, match=r"takes no more calls for now \(429, 5 tries\)"):
            load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)

    @pytest.mark.parametrize("error", [{"code": "badvalue", "info": "Unrecognized value"}, "badvalue", None, []])
    def test_wikimedia_error_of_status_200_is_told(
        self, services: Services, ask: Ask, folder: Path, error: Any
    ) -> None:
        services.misbehave("/w/api.php", say({"error": error}))
        with pytest.raises(ProviderError, match="Image 3: wikimedia sends the error"):
            load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)

    def test_wikimedia_without_result_reports_an_error(self, services: Services, ask: Ask, folder: Path) -> None:
        with pytest.raises(ProviderError, match="Image 3: wikimedia has no free picture for 'nothing'") as caught:
            load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE, prompt="nothing"), folder)
        assert "--prompt" in caught.value.hint

    @pytest.mark.parametrize("pages", [[], {}, None, [{"imageinfo": []}], [{"imageinfo": [{"width": "x"}]}], ["x"]])
    def test_wikimedia_malformed_answer_counts_as_no_picture(
        self, services: Services, ask: Ask, folder: Path, pages: Any
    ) -> None:
        services.misbehave("/w/api.php", say({"query": {"pages": pages}}))
        with pytest.raises(ProviderError, match="no free picture"):
            load("wikimedia", Kind.IMAGE, services).generate(ask(Kind.IMAGE), folder)


CASES = [
    ("elevenlabs", Kind.AUDIO),
    ("openai-compatible", Kind.AUDIO),
    ("openai", Kind.IMAGE),
    ("wikimedia", Kind.IMAGE),
    ("luma", Kind.VIDEO),
    ("runway", Kind.VIDEO),
]


@pytest.mark.parametrize(("name", "kind"), CASES)
class TestDescriptions:
    def test_fingerprint_is_equal_for_equal_requests(self, name: str, kind: Kind, services: Services, ask: Ask) -> None:
        provider = load(name, kind, services)
        assert fingerprint(provider.describe(ask(kind))) == fingerprint(provider.describe(ask(kind, job=Memory())))

    def test_fingerprint_depends_on_the_text(self, name: str, kind: Kind, services: Services, ask: Ask) -> None:
        provider = load(name, kind, services)
        assert fingerprint(provider.describe(ask(kind))) != fingerprint(provider.describe(ask(kind, "Other words")))

    def test_describe_check_and_estimate_send_no_request(
        self, name: str, kind: Kind, services: Services, ask: Ask
    ) -> None:
        provider = load(name, kind, services)
        provider.describe(ask(kind, voice="will"))
        provider.check(ask(kind))
        assert provider.estimate_usd(ask(kind)) >= 0
        assert provider.info.price
        assert services.seen == []

    def test_check_without_key_names_the_environment_variable(
        self, name: str, kind: Kind, services: Services, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        provider = load(name, kind, services)
        variable = provider.info.key
        if variable:
            monkeypatch.delenv(variable)
        if variable is None or name == "openai-compatible":
            provider.check(ask(kind))
            return
        with pytest.raises(ProviderError, match=f"{kind.value.capitalize()} 3: there is no key for {name}") as caught:
            provider.check(ask(kind))
        assert variable in caught.value.hint
        assert provider.info.has_key is False

    def test_check_refuses_empty_text(self, name: str, kind: Kind, services: Services, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="no text"):
            load(name, kind, services).check(ask(kind, "  "))


def test_description_depends_on_the_image(
    services: Services, ask: Ask, tmp_path: Path, media: dict[str, bytes]
) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(media["jpeg"])
    provider = load("runway", Kind.VIDEO, services)
    assert provider.describe(ask(Kind.VIDEO)) != provider.describe(ask(Kind.VIDEO, image=other))
