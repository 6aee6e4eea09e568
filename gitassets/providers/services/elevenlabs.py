"""ElevenLabs: narration in many voices and languages."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, model_validator

from gitassets.adapters.media.probe import probe_media
from gitassets.domain.voices import Voice
from gitassets.domain.word_times import WordTime, find_fault, join_characters
from gitassets.errors import ProviderError
from gitassets.providers.account import MAX_LIST_BYTES, Account, BoughtAnswer, KeyHeader
from gitassets.providers.base import Generated, Request
from gitassets.providers.http.calls import CallError, Problem
from gitassets.providers.http.keys import MissingKeyError
from gitassets.providers.http.network import Network
from gitassets.providers.model_ends import OLD_VOICES_END
from gitassets.providers.service_settings import BaseUrl, Section, ServiceSettings, Usd, parse_section
from gitassets.providers.services.elevenlabs_voices import (
    OLD_VOICES,
    AccountVoice,
    VoiceBook,
    read_voices,
)
from gitassets.providers.services.speech_service import SpeechService

KEY = KeyHeader(variable="ELEVENLABS_API_KEY", header="xi-api-key", prefix="")
MAX_SEED = 4_294_967_295
# US dollars for 1,000 characters, from people's copies of https://elevenlabs.io/pricing/api of June to October 2026,
# read on 2026-11-28. For flash and turbo some have 0.04: the higher price is reserved. Other models need a price in the
# settings.
USD_PER_1000_CHARS = {
    "eleven_multilingual_v2": 0.10,
    "eleven_v3": 0.10,
    "eleven_flash_v2_5": 0.05,
    "eleven_flash_v2": 0.05,
    "eleven_turbo_v2_5": 0.05,
    "eleven_turbo_v2": 0.05,
}
# Credits for a character. The header `character-cost` counts them.
_CREDITS = {model: usd / 0.10 for model, usd in USD_PER_1000_CHARS.items()}
_COST_HEADERS = ("character-cost", "x-character-count")
# Raw sound without a header: no player can tell its rate, and neither can we.
_FORMAT = re.compile(r"(?:mp3_\d{4,6}_\d{2,3}|opus_\d{4,6}_\d{2,3}|wav_\d{4,6})\Z")
_MAX_CONTINUITY_CHARS = 500
_MAX_SEC = 100_000
_Share = Annotated[float, Field(ge=0, le=1)]


def _check_format(value: str) -> str:
    if not _FORMAT.match(value):
        raise ValueError("write one such as mp3_44100_128, opus_48000_128 or wav_44100: others are raw sound")
    return value


class VoiceSettings(Section):
    stability: _Share = 0.5
    similarity_boost: _Share = 0.75
    style: _Share = 0.0
    use_speaker_boost: bool = True


class ElevenLabsSettings(ServiceSettings):
    """`voices` maps your own names to voice ids; any other name is looked up in the account's voices."""

    base_url: BaseUrl = "https://api.elevenlabs.io"
    model: str = "eleven_multilingual_v2"
    format: Annotated[str, AfterValidator(_check_format)] = "mp3_44100_128"
    voice: str | None = None
    voices: Mapping[str, str] = {}
    voice_settings: VoiceSettings = VoiceSettings()
    speed: Annotated[float, Field(ge=0.7, le=1.2)] = 1.0
    language_code: Annotated[str, Field(pattern=r"^[a-z]{2}$")] | None = None
    continuity: bool = True
    max_chars: Annotated[int, Field(ge=1)] = 10_000
    usd_per_1000_chars: Usd | None = None

    @model_validator(mode="after")
    def _refuse_language(self) -> Self:
        if self.language_code and "multilingual_v2" in self.model:
            raise ValueError(f"{self.model} takes no language_code: leave it out, or choose eleven_flash_v2_5")
        return self


class ElevenLabs(SpeechService):
    """Speaks the paragraph in one call, charged by the character. The account's voices are looked up once a command."""

    name = "elevenlabs"

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(ElevenLabsSettings, self.name, section)
        super().__init__(self.settings, Account(self.name, self.settings, key=KEY, network=network))
        self._voices = VoiceBook(own=self.settings.voices)
        self._looking_up = threading.Lock()

    @property
    def usd_per_1000_chars(self) -> float | None:
        price = self.settings.usd_per_1000_chars
        return USD_PER_1000_CHARS.get(self.settings.model) if price is None else price

    @property
    def voice_names(self) -> tuple[str, ...]:
        """The voices known without a call. The account may have others."""
        return tuple(dict.fromkeys((*self.settings.voices, *OLD_VOICES)))

    def list_voices(self) -> tuple[Voice, ...]:
        own = (Voice(name=name, id=voice_id) for name, voice_id in self.settings.voices.items())
        ends = f"ends {OLD_VOICES_END[0]}; only accounts made before March 2026 have it"
        old = (Voice(name=name, id=voice_id, language="en", note=ends) for name, voice_id in OLD_VOICES.items())
        return tuple({one.name: one for one in (*own, *old)}.values())

    def needs_voice(self, request: Request) -> bool:
        return not self._wanted_voice(request)

    def look_up_voices(self, request: Request) -> tuple[Voice, ...]:
        """Ask the service for the account's voices, which costs nothing.

        If that fails, `check` reports it for each request that needs the answer: a key may be allowed to speak, but not
        to list voices.
        """
        with self._looking_up:
            self._voices = VoiceBook(own=self.settings.voices)
            try:
                account = read_voices(self._account.read(request, "/v1/voices", max_bytes=MAX_LIST_BYTES))
                self._voices = VoiceBook(own=self.settings.voices, account=account)
            except MissingKeyError:
                pass  # `check` reports it.
            except ProviderError as error:
                self._voices = VoiceBook(own=self.settings.voices, failure=error)
            return tuple(one.voice for one in self._voices.account or ())

    def list_account_voices(self, request: Request) -> tuple[Voice, ...]:
        voices = self.look_up_voices(request)
        if self._voices.failure:
            raise self._voices.failure
        return voices

    def require_voice(self, request: Request) -> None:
        if self._voices.is_looked_up:
            self._require_voice(request)

    def estimate_usd(self, request: Request) -> float:
        voice = self._find_voice(request)
        return self._price(request.text, voice or AccountVoice(voice=Voice(name="")))

    def check(self, request: Request) -> None:
        super().check(request)
        if request.seed is not None and not 0 <= request.seed <= MAX_SEED:
            raise ProviderError(
                f"{request.label}: {self.name} takes no seed {request.seed}", f"Choose one from 0 to {MAX_SEED}."
            )
        if not self._voices.is_looked_up:
            return  # The voices are not looked up, as on a dry run.
        voice = self._require_voice(request)
        if not voice.priced:
            raise ProviderError(
                f"{request.label}: {self.name} asks a price for the voice {voice.voice.name!r} that cannot be read, "
                "so it is not bought",
                "Choose another voice with --voice.",
            )

    def find_remark(self, request: Request) -> str:
        """Say that a voice is still to be chosen."""
        return "has no voice yet: choose one with --voice" if self.needs_voice(request) else ""

    def describe(self, request: Request) -> Mapping[str, Any]:
        """Describe what is bought. The texts before and after do not count: a changed neighbour is not bought again."""
        voice = self._describe_voice(request)
        return {"provider": self.name, "voice": voice, "format": self.settings.format, **self._make_body(request)}

    def _describe_voice(self, request: Request) -> str:
        """Return the voice's id if it is known without a call, else its name.

        Dry runs, which ask nobody, and later commands then find the same takes.
        """
        wanted = self._wanted_voice(request)
        known = self._voices.find_known_id(wanted)
        found = self._find_voice(request) if known else None
        return found.voice.id if found else known or wanted.casefold()

    def generate(self, request: Request, folder: Path) -> Generated:
        if not self._voices.is_looked_up and self._find_voice(request) is None:
            self.look_up_voices(request)
        self.check(request)
        voice = self._require_voice(request)
        cost_usd = self._price(request.text, voice)
        bought = self._buy(request, voice, cost_usd)
        with self._account.buying(request, cost_usd):
            sound = _decode_sound(bought.raw)
        path = self._account.keep_bought(request, sound, folder, cost_usd=cost_usd)
        return Generated(
            path=path,
            source=self.name,
            model=self.settings.model,
            voice=self._wanted_voice(request),
            seed=request.seed,
            cost_usd=self._read_cost(bought.headers, request.text, voice, cost_usd),
            extra={"parameters": self._list_parameters(voice)},
            word_times=_read_word_times(bought.raw, request.text, path),
        )

    def _buy(self, request: Request, voice: AccountVoice, cost_usd: float) -> BoughtAnswer:
        place = f"/v1/text-to-speech/{quote(voice.voice.id, safe='')}/with-timestamps"
        path = f"{place}?output_format={quote(self.settings.format, safe='')}"
        body = {**self._make_body(request), **self._make_continuity(request)}
        return self._account.buy_answer(request, path, body, cost_usd=cost_usd)

    def _make_body(self, request: Request) -> dict[str, Any]:
        settings = self.settings
        # Without what has its default, requests look as earlier versions sent them, so that their takes are found.
        speed = {} if settings.speed == 1.0 else {"speed": settings.speed}
        more = {"language_code": settings.language_code, "seed": request.seed}
        return {
            "text": request.text,
            "model_id": settings.model,
            "voice_settings": {**settings.voice_settings.model_dump(), **speed},
            **{key: value for key, value in more.items() if value is not None},
        }

    def _make_continuity(self, request: Request) -> dict[str, str]:
        """Return the texts around this one, by which the voice keeps its tone. Models of v3 refuse them."""
        if not self.settings.continuity or self.settings.model.startswith("eleven_v3"):
            return {}
        before, after = request.text_before[-_MAX_CONTINUITY_CHARS:], request.text_after[:_MAX_CONTINUITY_CHARS]
        return {key: text for key, text in (("previous_text", before), ("next_text", after)) if text.strip()}

    def _list_parameters(self, voice: AccountVoice) -> dict[str, Any]:
        settings = self.settings
        more = {"speed": settings.speed if settings.speed != 1.0 else None, "language_code": settings.language_code}
        surcharge = {"rate": voice.rate if voice.rate != 1.0 else None, "fiat_rate": voice.fiat_usd or None}
        return {
            "voice_id": voice.voice.id,
            "format": settings.format,
            **settings.voice_settings.model_dump(),
            **{key: value for key, value in (more | surcharge).items() if value is not None},
        }

    def _price(self, text: str, voice: AccountVoice) -> float:
        usd = self.usd_per_1000_chars or 0.0
        return len(text) / 1000 * voice.rate * (usd + voice.fiat_usd)

    def _read_cost(self, headers: Mapping[str, str], text: str, voice: AccountVoice, cost_usd: float) -> float:
        """Return the cost by the credits that the answer says it took; the estimate if it says nothing sensible."""
        expected = len(text) * voice.rate * _CREDITS.get(self.settings.model, 1.0)
        said = next((headers[name] for name in _COST_HEADERS if name in headers), "")
        credit_count = float(said) if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", said.strip()) else None
        return cost_usd if credit_count is None or not expected else cost_usd * credit_count / expected

    def _wanted_voice(self, request: Request) -> str:
        return (request.voice or self.settings.voice or "").strip()

    def _require_voice(self, request: Request) -> AccountVoice:
        """Return the voice. Raise ProviderError that lists the names there are."""
        return self._find_voice(request) or self._voices.refuse(request.label, self._wanted_voice(request))

    def _find_voice(self, request: Request) -> AccountVoice | None:
        return self._voices.find(self._wanted_voice(request), request.voice_id)


def _decode_sound(raw: Mapping[str, Any]) -> bytes:
    """Return the sound of the answer. Raise CallError if there is none."""
    text = raw.get("audio_base64")
    try:
        sound = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        raise CallError(Problem.CONTENT, "a sound that is cut off") from None
    if not sound:
        raise CallError(Problem.CONTENT, "an answer without a sound")
    return sound


def _list_letters(text: str) -> list[str]:
    return [char for char in text.casefold() if char.isalnum()]


def _read_word_times(raw: Mapping[str, Any], text: str, path: Path) -> tuple[WordTime, ...]:
    """Return when each word is spoken; nothing if the answer does not say it of this text, or says what cannot be."""
    alignment = raw.get("alignment")
    if not isinstance(alignment, dict):
        return ()
    names = ("characters", "character_start_times_seconds", "character_end_times_seconds")
    characters, starts, ends = (alignment.get(name) for name in names)
    if not (isinstance(characters, list) and isinstance(starts, list) and isinstance(ends, list)):
        return ()
    are_texts = all(isinstance(one, str) for one in characters)
    are_times = all(isinstance(one, int | float) and 0 <= one < _MAX_SEC for one in (*starts, *ends))
    if not are_texts or _list_letters("".join(characters)) != _list_letters(text):
        return ()
    if not are_times or not len(characters) == len(starts) == len(ends):
        return ()
    times = join_characters(characters, [*map(float, starts)], [*map(float, ends)])
    return () if find_fault(times, probe_media(path).duration_sec or 0.0) else times
