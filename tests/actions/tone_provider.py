"""A provider for tests: real files, made at once, and failures on demand."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Generated, Request
from tests.media import write_picture, write_tone


@dataclass
class ToneProvider:
    """`failing` segments fail when they are made, `hopeless` ones are known to beforehand."""

    name: str = "tone"
    kinds: frozenset[Kind] = frozenset(Kind)
    live: bool = False
    failing: set[int] = field(default_factory=set)
    hopeless: set[int] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    before: Callable[[Request], None] | None = None

    def under_name(self, name: str, *_: object) -> ToneProvider:
        """The same provider under this name, which its assets record."""
        self.used.append(name)
        if name == "unknown":
            raise ProviderError("There is no provider 'unknown'", "The providers are: tone.")
        named = copy(self)  # Shallow: what it was asked is noted in one place.
        named.name = name
        return named

    def check(self, request: Request) -> None:
        if request.segment in self.hopeless:
            raise ProviderError("No key for the service", "Set TONE_KEY.")

    def generate(self, request: Request, folder: Path) -> Generated:
        self.requests.append(request)
        if self.before is not None:
            self.before(request)
        if request.segment in self.failing:
            raise ProviderError(f"The service refused segment {request.segment}", "Try again later.")
        variant = request.segment * 1000 + (request.seed or 0)
        if request.kind is Kind.AUDIO:
            path = write_tone(folder / "made.wav", frequency=200 + variant % 3000, duration_sec=0.2)
        else:
            path = write_picture(folder / "made.png", seed=variant)
        return Generated(
            path=path,
            source=self.name,
            model="tone-1",
            prompt=request.prompt,
            style=request.style,
            voice=request.voice,
            seed=request.seed,
            cost_usd=0.25,
        )
