"""ElevenLabs: narration in many voices and languages."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from gitassets.errors import ProviderError
from gitassets.providers.account import Account, KeyHeader
from gitassets.providers.base import Generated, Request
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, Section, ServiceSettings, Usd, parse_section
from gitassets.providers.services.speech_service import SpeechService

KEY = KeyHeader(variable="ELEVENLABS_API_KEY", header="xi-api-key", prefix="")
_ID = re.compile(r"[A-Za-z0-9]{20}\Z")
_Share = Annotated[float, Field(ge=0, le=1)]


class VoiceSettings(Section):
    stability: _Share = 0.5
    similarity_boost: _Share = 0.75
    style: _Share = 0.0
    use_speaker_boost: bool = True


class ElevenLabsSettings(ServiceSettings):
    """`voices` maps your own names to voice ids; any other name is looked up in the account's voices."""

    base_url: BaseUrl = "https://api.elevenlabs.io"
    model: str = "eleven_multilingual_v2"
    format: str = "mp3_44100_128"
    voice: str = "lily"
    voices: Mapping[str, str] = {
        "lily": "pFZP5JQG7iQjIQuC4Bku",
        "rachel": "21m00Tcm4TlvDq8ikWAM",
        "adam": "pNInz6obpgDQGcFmaJgB",
    }
    voice_settings: VoiceSettings = VoiceSettings()
    max_chars: Annotated[int, Field(ge=1)] = 10_000
    usd_per_1000_chars: Usd = 0.10


class ElevenLabs(SpeechService):
    """Speaks the paragraph in one call, charged by the character."""

    name = "elevenlabs"

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(ElevenLabsSettings, self.name, section)
        super().__init__(self.settings, Account(self.name, self.settings, key=KEY, network=network))
        self._account_voices: dict[str, str] = {}
        self._voices_lock = threading.Lock()

    @property
    def voice_names(self) -> tuple[str, ...]:
        """The voices known without a call. The account may have more."""
        return tuple(self.settings.voices)

    def describe(self, request: Request) -> Mapping[str, Any]:
        known = self._find_known_voice(request)
        voice = known or self._wanted_voice(request).casefold()
        return {"provider": self.name, "voice": voice, "format": self.settings.format, **self._make_body(request)}

    def generate(self, request: Request, folder: Path) -> Generated:
        self.check(request)
        voice_id = self._find_known_voice(request) or self._look_up_voice(request)
        body, cost_usd = self._make_body(request), self.estimate_usd(request)
        path = f"/v1/text-to-speech/{quote(voice_id, safe='')}?output_format={quote(self.settings.format, safe='')}"
        spoken = self._account.buy_file(request, path, body, folder, cost_usd=cost_usd)
        parameters = {"voice_id": voice_id, "format": self.settings.format, **body["voice_settings"]}
        return Generated(
            path=spoken,
            source=self.name,
            model=self.settings.model,
            voice=self._wanted_voice(request),
            seed=request.seed,
            cost_usd=cost_usd,
            extra={"parameters": parameters},
        )

    def _make_body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "text": request.text,
            "model_id": self.settings.model,
            "voice_settings": self.settings.voice_settings.model_dump(),
        }
        return body if request.seed is None else {**body, "seed": request.seed}

    def _wanted_voice(self, request: Request) -> str:
        return (request.voice or self.settings.voice).strip()

    def _find_known_voice(self, request: Request) -> str | None:
        """Return the voice's id if the settings give it, or if the name is an id itself."""
        wanted = self._wanted_voice(request)
        named = {name.casefold(): voice_id for name, voice_id in self.settings.voices.items()}
        return named.get(wanted.casefold()) or (wanted if _ID.match(wanted) else None)

    def _look_up_voice(self, request: Request) -> str:
        """Return the id of the account's voice of that name. Raise ProviderError that lists the voices."""
        wanted = self._wanted_voice(request)
        with self._voices_lock:
            if not self._account_voices:
                self._account_voices = _read_voices(self._account.read(request, "/v1/voices"))
        if wanted.casefold() not in self._account_voices:
            names = ", ".join(sorted({*self.settings.voices, *self._account_voices}))[:400]
            raise ProviderError(f"{request.label}: {self.name} has no voice {wanted!r}", f"There are {names}.")
        return self._account_voices[wanted.casefold()]


def _read_voices(raw: Mapping[str, Any]) -> dict[str, str]:
    """Map names to ids.

    The names of ready-made voices have a description behind a dash: `Lily - Velvety Actress`.
    """
    found: dict[str, str] = {}
    voices = raw.get("voices")
    for one in voices if isinstance(voices, list) else []:
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("voice_id"), str):
            name = one["name"].casefold().strip()
            found.setdefault(name, one["voice_id"])
            found.setdefault(name.split(" - ")[0], one["voice_id"])
    return found
