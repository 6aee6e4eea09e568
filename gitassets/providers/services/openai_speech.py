"""OpenAI's speech: narration in a few voices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.account import Account
from gitassets.providers.base import Generated, Request, ServiceInfo
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import parse_section
from gitassets.providers.services.openai_settings import KEY, NAME, OpenAISettings


class OpenAISpeech:
    """Speaks the paragraph in one call, charged by its length. There is no seed."""

    name = NAME
    kinds = frozenset({Kind.AUDIO})
    live = True

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        settings = parse_section(OpenAISettings, NAME, section)
        self.settings = settings.speech
        self.concurrency = settings.concurrency
        self._account = Account(NAME, settings, key=KEY, network=network)

    @property
    def info(self) -> ServiceInfo:
        price = f"{self.settings.usd_per_1000_chars:g} USD for 1,000 characters"
        return ServiceInfo(model=self.settings.model, price=price, key=KEY.variable, has_key=self._account.has_key())

    @property
    def voice_names(self) -> tuple[str, ...]:
        return self.settings.voices

    def estimate_usd(self, request: Request) -> float:
        return len(request.text) / 1000 * self.settings.usd_per_1000_chars

    def check(self, request: Request) -> None:
        if len(request.text) > self.settings.max_chars:
            raise ProviderError(
                f"{request.label}: {len(request.text):,} characters are more than {self.name} speaks at once "
                f"({self.settings.max_chars:,})",
                "Split the paragraph with a blank line, or have it spoken by elevenlabs.",
            )
        if self._voice(request) not in self.settings.voices:
            raise ProviderError(
                f"{request.label}: {self.name} has no voice {self._voice(request)!r}",
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

    def _voice(self, request: Request) -> str:
        return (request.voice or self.settings.voice).strip().casefold()

    def _make_body(self, request: Request) -> dict[str, Any]:
        return {
            "model": self.settings.model,
            "input": request.text,
            "voice": self._voice(request),
            "speed": self.settings.speed,
            "response_format": self.settings.format,
        }
