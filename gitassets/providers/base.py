"""The interface of every provider of audio, images or video."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Protocol, runtime_checkable

from gitassets.domain.manifest import Kind
from gitassets.domain.voices import Voice
from gitassets.domain.word_times import WordTime
from gitassets.errors import ProviderError


class JobMemory(Protocol):
    """Persistent record of a request's job at its service: the job's id, or the URL of its result.

    A repeated identical request resumes that job instead of buying another. One memory belongs to one request
    fingerprint; the caller clears it once the result is safe.
    """

    def read(self) -> str | None: ...

    def write(self, job: str) -> None:
        """Store `job` so that it survives a kill from here on."""

    def write_price(self, cost_usd: float) -> None:
        """Store what the service says the job will cost at most, in place of the estimate."""

    def forget(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """One asset to make.

    `text` are the paragraph's words without Markdown, those to speak or those to show; `markdown` is the paragraph as
    written. `feedback` says why the last take was rejected. `size` is the width and height of the final video in
    pixels. `image` is the picture that a clip animates, `image_source` its provider, and `duration_sec` the wanted
    length of that clip. Once `stop` is set, the provider stops waiting.

    `voice_id` is what the service called the voice when an earlier take recorded it. `text_before` and `text_after` are
    what is spoken around this text: they may shape the tone, but do not make it another request.
    """

    kind: Kind
    segment: int
    text: str
    markdown: str = ""
    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    voice_id: str | None = None
    text_before: str = field(default="", compare=False, repr=False)
    text_after: str = field(default="", compare=False, repr=False)
    seed: int | None = None
    feedback: str | None = None
    size: tuple[int, int] = (1920, 1080)
    image: Path | None = None
    image_source: str | None = None
    duration_sec: float | None = None
    job: JobMemory | None = field(default=None, compare=False, repr=False)
    stop: Event | None = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str:
        """The start of a message about this asset: `Image 3`."""
        return f"{self.kind.value.capitalize()} {self.segment}"


@dataclass(frozen=True, kw_only=True)
class Generated:
    """The file that a provider made, and how it was made, as the manifest records it.

    `extra` may hold `prompt_sent`, `prompt_cut`, `revised_prompt`, `parameters`, `job`, `credit` and `left_out`.
    `word_times` are those that a speech service told, checked against the sound.
    """

    path: Path
    source: str
    model: str | None = None
    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    seed: int | None = None
    cost_usd: float = 0.0
    extra: Mapping[str, Any] = field(default_factory=dict)
    word_times: tuple[WordTime, ...] = ()


@runtime_checkable
class Provider(Protocol):
    """Makes assets of some kinds. Knows nothing of runs or git; must be thread-safe."""

    name: str
    kinds: frozenset[Kind]
    live: bool
    """True if it calls a service on the network."""

    def check(self, request: Request) -> None:
        """Check the request before any money is spent.

        Raise ProviderError if it cannot succeed (no key, no voice, no glyphs).
        """

    def generate(self, request: Request, folder: Path) -> Generated:
        """Create the asset as a new file in the empty `folder`.

        Raise ProviderError with the reason and the remedy if that fails.
        """


@runtime_checkable
class Selective(Provider, Protocol):
    """A provider that skips parts of a text instead of failing."""

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """Return the symbols that will not be spoken or drawn. Makes no network call."""


@runtime_checkable
class Remarking(Provider, Protocol):
    """A provider that says what it makes otherwise than requested."""

    def find_remark(self, request: Request) -> str:
        """Return the rest of a sentence after the asset's name, or nothing. Makes no network call."""


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """Facts about a service for the user. `key` is the environment variable of its key; None if it needs none."""

    model: str
    price: str
    key: str | None = None
    has_key: bool = True


@runtime_checkable
class Service(Provider, Protocol):
    """A provider that calls a service, which costs money or at least someone's bandwidth.

    One whose answers never say what was charged may have `tells_charge = False`.
    """

    @property
    def concurrency(self) -> int:
        """The maximum number of concurrent requests."""

    @property
    def info(self) -> ServiceInfo: ...

    def estimate_usd(self, request: Request) -> float:
        """Estimate the cost of `generate`."""

    def describe(self, request: Request) -> Mapping[str, Any]:
        """Describe the request as it will be sent. Makes no network call.

        Two requests with the same description would buy the same thing twice.
        """


@runtime_checkable
class Speaking(Provider, Protocol):
    """A provider of narration that can list its voices."""

    def list_voices(self) -> tuple[Voice, ...]:
        """Return the voices that are known without a network call."""


@runtime_checkable
class VoiceListing(Service, Protocol):
    """A speech service that can be asked for its voices."""

    def list_account_voices(self, request: Request) -> tuple[Voice, ...]:
        """Look up the voices and return them. Raise ProviderError if the service does not name them."""


@runtime_checkable
class VoiceService(VoiceListing, Protocol):
    """A speech service that knows the voices of the user's account."""

    def needs_voice(self, request: Request) -> bool:
        """Return whether nobody has said which voice is to speak. Makes no network call."""

    def look_up_voices(self, request: Request) -> tuple[Voice, ...]:
        """Ask the service for its voices, which costs nothing, and remember them for the requests that follow."""

    def require_voice(self, request: Request) -> None:
        """Raise ProviderError that names the voices if the request's is none of them. Makes no network call."""


@runtime_checkable
class Succeeding(Service, Protocol):
    """A service that has replaced another one under the same name."""

    def find_predecessor(self, expected: Mapping[str, Any]) -> Service | None:
        """Return what finishes an order that the replaced service placed; None for an order of this one.

        `expected` is what the order says of its result. Makes no network call.
        """


class ChargedError(ProviderError):
    """Nothing usable arrived, but the service has charged `cost_usd`, or may have."""

    def __init__(self, message: str, hint: str = "", *, cost_usd: float) -> None:
        super().__init__(message, hint)
        self.cost_usd = cost_usd


class RefusedError(ProviderError):
    """The service refused for a reason that holds for every like request: its key, its money, the model or voice."""


def fingerprint(description: Mapping[str, Any]) -> str:
    """Return a hash that is the same for equal descriptions, whatever the order of their keys."""
    canonical = json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
