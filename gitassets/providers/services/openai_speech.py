"""OpenAI's speech: narration in a few voices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import Generated, Request
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.openai_settings import KEY, NAME, OpenAISettings
from gitassets.providers.services.speech_service import SpeechService


class OpenAISpeech(SpeechService):
    """Speaks the paragraph in one call, charged by its length. There is no seed."""

    name = NAME
    split_hint = "Split the paragraph with a blank line, or have it spoken by elevenlabs."

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        settings = parse_section(OpenAISettings, NAME, section)
        self.settings = settings.speech
        super().__init__(self.settings, Account(NAME, settings, key=KEY, network=network))

    @property
    def voice_names(self) -> tuple[str, ...]:
        return self.settings.voices

    def check(self, request: Request) -> None:
        self._check_length(request)
        if self._choose_voice(request) not in self.settings.voices:
            raise ProviderError(
                f"{request.label}: {self.name} has no voice {self._choose_voice(request)!r}",
                f"There are {', '.join(self.settings.voices)}; services.openai.speech.voices can add to them.",
            )
        self._account.check(request)

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, "kind": Kind.AUDIO.value, **self._make_body(request)}

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

    def _choose_voice(self, request: Request) -> str:
        return (request.voice or self.settings.voice).strip().casefold()

    def _make_body(self, request: Request) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "input": request.text,
            "voice": self._choose_voice(request),
            "speed": self.settings.speed,
            "response_format": self.settings.format,
        }
