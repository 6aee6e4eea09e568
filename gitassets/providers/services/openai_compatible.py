"""Speech by a server that speaks OpenAI's protocol, such as a Kokoro server on this computer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from gitassets.domain.manifest import Kind
from gitassets.domain.voices import Voice
from gitassets.errors import ProviderError
from gitassets.providers.account import MAX_LIST_BYTES, Account, KeyHeader
from gitassets.providers.base import Generated, Request
from gitassets.providers.check_account import list_names
from gitassets.providers.http.addresses import is_loopback_host
from gitassets.providers.http.network import Network
from gitassets.providers.model_ends import SPEECH_END
from gitassets.providers.service_settings import BaseUrl, ServiceSettings, Usd, parse_section
from gitassets.providers.services.speech_service import SpeechService, say_close

NAME = "openai-compatible"
# Never OPENAI_API_KEY: whoever runs such a server must not get the key of another company.
KEY = KeyHeader(variable="OPENAI_COMPATIBLE_API_KEY", optional=True)
OPENAI_URL = "https://api.openai.com"


class CompatibleSettings(ServiceSettings):
    """A price is for 1,000 or for a million characters. Without one, only a server on this computer is used.

    If `voices` are given, no other is asked for.
    """

    base_url: BaseUrl = "http://127.0.0.1:8880"
    model: str = "kokoro"
    voice: str | None = None
    voices: tuple[str, ...] = ()
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    format: Literal["mp3", "wav", "flac", "opus", "aac"] = "mp3"
    max_chars: Annotated[int, Field(ge=1)] = 4096
    usd_per_1000_chars: Usd | None = None
    usd_per_million_chars: Usd | None = None

    @model_validator(mode="after")
    def _require_one_price(self) -> Self:
        if self.usd_per_1000_chars is not None and self.usd_per_million_chars is not None:
            raise ValueError("give the price for 1,000 or for a million characters, not both")
        return self

    @property
    def is_local(self) -> bool:
        return is_loopback_host(urlsplit(self.base_url).hostname or "")


class OpenAICompatible(SpeechService):
    """Speaks the paragraph in one call. There is no seed."""

    name = NAME
    tells_charge = False
    split_hint = "Split the paragraph with a blank line, or raise services.openai-compatible.max_chars."

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings, self._network = parse_section(CompatibleSettings, NAME, section), network
        super().__init__(self.settings, Account(NAME, self.settings, key=KEY, network=network, describes_url=True))

    @property
    def usd_per_1000_chars(self) -> float | None:
        settings = self.settings
        if settings.usd_per_million_chars is not None:
            return settings.usd_per_million_chars / 1000
        if settings.usd_per_1000_chars is None and settings.is_local:
            return 0.0
        return settings.usd_per_1000_chars

    @property
    def voice_names(self) -> tuple[str, ...]:
        return self.settings.voices or ((self.settings.voice,) if self.settings.voice else ())

    def list_voices(self) -> tuple[Voice, ...]:
        return tuple(Voice(name=name) for name in self.voice_names)

    def list_account_voices(self, request: Request) -> tuple[Voice, ...]:
        """Ask the server for its voices, once and not for long. OpenAI's protocol has no such call; many servers do."""
        if self.settings.voices:
            return self.list_voices()
        quick = self.settings.model_copy(update={"tries": 1, "timeout_sec": min(self.settings.timeout_sec, 5)})
        account = Account(NAME, quick, key=KEY, network=self._network)
        raw = account.read(request, "/v1/audio/voices", max_bytes=MAX_LIST_BYTES)
        return tuple(Voice(name=name) for name in _read_voices(raw))

    def check(self, request: Request) -> None:
        super().check(request)
        self._require_voice(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        body = self._make_body(request)
        if self.settings.base_url == OPENAI_URL:  # As takes of earlier versions have it, so that they are found.
            return {"provider": "openai", "kind": Kind.AUDIO.value, **body}
        return {"provider": self.name, "base_url": self.settings.base_url, **body}

    def generate(self, request: Request, folder: Path) -> Generated:
        self.check(request)
        cost_usd = self.estimate_usd(request)
        body = self._make_body(request)
        return Generated(
            path=self._account.buy_file(request, "/v1/audio/speech", body, folder, cost_usd=cost_usd),
            source=self.name,
            model=self.settings.model,
            voice=body["voice"],
            cost_usd=cost_usd,
            extra={"parameters": {"speed": self.settings.speed, "format": self.settings.format}},
        )

    def _find_voice(self, request: Request) -> str:
        """Return the voice in the letters that the settings write it in; the server may tell a from A."""
        wanted = (request.voice or self.settings.voice or "").strip()
        known = self.voice_names
        return next((one for one in known if one == wanted), "") or next(
            (one for one in known if one.casefold() == wanted.casefold()), wanted
        )

    def _require_voice(self, request: Request) -> None:
        voice, voices = self._find_voice(request), self.settings.voices
        if not voice:
            raise ProviderError(
                f"{request.label}: no voice is chosen for {self.name}",
                "Choose one of your server with --voice, or set services.openai-compatible.voice in gitassets.yaml.",
            )
        if voices and voice not in voices:
            raise ProviderError(
                f"{request.label}: {self.name} has no voice {voice!r}",
                f"{say_close(voice, voices)}There are {', '.join(voices)}; "
                "services.openai-compatible.voices can add to them.",
            )

    def _make_body(self, request: Request) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "input": request.text,
            "voice": self._find_voice(request),
            "speed": self.settings.speed,
            "response_format": self.settings.format,
        }


def _read_voices(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Read `voices` or `data`: a list of names, or of objects that have one."""
    rows = raw.get("voices", raw.get("data"))
    named = [{"id": one} if isinstance(one, str) else one for one in rows] if isinstance(rows, list) else []
    return list_names(named, "id", "voice_id", "name")


def explain_openai_speech() -> ProviderError:
    """Return the error for a project that still names `openai` as its voice."""
    return ProviderError(
        f"OpenAI ends its speech on {SPEECH_END}, so `openai` makes pictures only",
        "Have it spoken by elevenlabs or local, or by a server of your own that speaks the same protocol: set its "
        "base_url, model and voice below services.openai-compatible in gitassets.yaml. Until then that section reaches "
        "OpenAI, too: base_url https://api.openai.com, the model, a price, and the key in OPENAI_COMPATIBLE_API_KEY.",
    )
