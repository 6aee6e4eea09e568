"""What every provider of audio, images or video is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Protocol, runtime_checkable

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError


class JobMemory(Protocol):
    """Remembers, beyond the end of this process, what a request became at its service: a job's id, or a result's URL.

    Whoever makes the same request again goes on with it instead of buying another. One memory belongs to one
    fingerprint of a request; the caller makes it forget once the result is safe.
    """

    def read(self) -> str | None: ...

    def write(self, job: str) -> None:
        """`job` survives a kill from here on."""

    def forget(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """One asset to be made. `text` is the paragraph without markdown marks; `feedback` why the last take was rejected.

    `size` is width and height in pixels of what will be built; `image` the picture that a clip animates, and
    `duration_sec` how long that clip is wanted. Once `stop` is set, nothing is waited for any longer.
    """

    kind: Kind
    segment: int
    text: str
    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    seed: int | None = None
    feedback: str | None = None
    size: tuple[int, int] = (1920, 1080)
    image: Path | None = None
    duration_sec: float | None = None
    job: JobMemory | None = field(default=None, compare=False, repr=False)
    stop: Event | None = field(default=None, compare=False, repr=False)

    @property
    def label(self) -> str:
        """How a sentence about this asset begins: `Image 3`."""
        return f"{self.kind.value.capitalize()} {self.segment}"


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What a provider made: the file, and what the manifest records of how it was made.

    `extra` may hold `prompt_sent`, `prompt_cut`, `revised_prompt`, `parameters`, `job`, `credit` and `left_out`.
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


@runtime_checkable
class Provider(Protocol):
    """Makes assets of some kinds. Knows nothing of runs or git; must be safe to call from several threads."""

    name: str
    kinds: frozenset[Kind]
    live: bool
    """Whether it calls a service on the network."""

    def check(self, request: Request) -> None:
        """ProviderError when this request cannot succeed (no key, no voice, no glyphs), before anything is spent."""

    def generate(self, request: Request, folder: Path) -> Generated:
        """The asset as a new file in the empty `folder`. ProviderError says what failed and the remedy."""


@runtime_checkable
class Selective(Provider, Protocol):
    """A provider that leaves something of a text out and goes on."""

    def find_left_out(self, request: Request) -> tuple[str, ...]:
        """The symbols that will not be spoken, or drawn. Calls nobody."""


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """What a user wants to know of a service. `key` is the environment variable of its key; None: it needs none."""

    model: str
    price: str
    key: str | None = None
    has_key: bool = True


@runtime_checkable
class Service(Provider, Protocol):
    """A provider that calls a service: it costs money or at least somebody's bandwidth."""

    @property
    def concurrency(self) -> int:
        """How many requests it may be given at once."""

    @property
    def info(self) -> ServiceInfo: ...

    def estimate_usd(self, request: Request) -> float:
        """About what `generate` will cost."""

    def describe(self, request: Request) -> Mapping[str, Any]:
        """The request as it will be sent: what has the same description would be bought twice. Calls nobody."""


class ChargedError(ProviderError):
    """Nothing usable came, and yet the service has charged `cost_usd` for it, or may have."""

    def __init__(self, message: str, hint: str = "", *, cost_usd: float) -> None:
        super().__init__(message, hint)
        self.cost_usd = cost_usd


def fingerprint(description: Mapping[str, Any]) -> str:
    """The same for equal descriptions, whatever the order of their keys."""
    canonical = json.dumps(description, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
