"""What is to be made, and the record of it once its bytes are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.adapters.state.journal import Made
from gitassets.domain.manifest import Address, Asset, Kind, default_path
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.status import Status
from gitassets.domain.takes import CREDIT, MADE_FROM, PARENT, PROMPT_MD5, next_take
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.base import Generated, Provider, Request


@dataclass(frozen=True)
class Job:
    """One asset to be made by a provider; `base` is what it replaces, `take` the number of what is to come. A
    `candidate` does not replace it, but is to lie beside it; where it `renews` one that does not fit any more, another
    that the asset had before will do.

    `prompt_md5` is that of what the segment says its image is to show, be the request's prompt that or another one;
    `made_from` are the md5s of the audio and image that a clip is made from, `credit` what must be said of that image.
    """

    address: Address
    provider: str
    request: Request
    base: Asset | None = None
    text_md5: str | None = None
    take: int | None = None
    candidate: bool = False
    renews: bool = False
    prompt_md5: str | None = None
    made_from: Mapping[str, str] = field(default_factory=dict)
    credit: Mapping[str, Any] = field(default_factory=dict)

    @property
    def take_number(self) -> int:
        return next_take(self.base) if self.take is None else self.take


class Work(Struct, frozen=True, kw_only=True):
    """What a provider makes in one go, for one job or for several that ask a service for the very same.

    `description` is the request as a service is sent it and `request` its fingerprint, by which it is found in history;
    `key` names the order: another take of the same request is another order. All are empty for an embedded provider.
    """

    provider: Provider
    jobs: tuple[Job, ...]
    description: Mapping[str, Any] = {}
    request: str = ""
    key: str = ""
    cost_usd: float = 0.0
    model: str | None = None

    @property
    def is_bought(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True)
class Claim:
    """An asset that waits for its bytes: what is known of its take before they are there. All of it is plain JSON."""

    segment: int
    kind: str
    base_md5: str | None
    action: str
    take: int
    text_md5: str | None
    extra: Mapping[str, Any]
    candidate: bool = False

    @property
    def address(self) -> Address:
        return Address(self.segment, Kind(self.kind))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def make_claim(job: Job, action: str, **extra: Any) -> Claim:
    """The claim of this job; `extra` goes into the take's record too."""
    known = {
        PARENT: job.base.md5 if job.base else None,
        PROMPT_MD5: job.prompt_md5,
        MADE_FROM: dict(job.made_from),
        CREDIT: dict(job.credit),
    }
    return Claim(
        segment=job.address.segment,
        kind=job.address.kind.value,
        base_md5=job.base.md5 if job.base else None,
        action=action,
        take=job.take_number,
        text_md5=job.text_md5,
        extra={key: value for key, value in {**known, **extra}.items() if value},
        candidate=job.candidate,
    )


def make_entry(claim: Claim, asset: Asset) -> Made:
    """What the log of made assets says of the asset that this claim waited for."""
    return Made(claim.segment, claim.kind, claim.base_md5, claim.action, raw_asset(asset), claim.candidate)


@dataclass(frozen=True)
class Good:
    """A provider's file, known to be whole and of the kind that was wanted."""

    generated: Generated
    info: MediaInfo
    md5: str


def examine(generated: Generated, md5: str, address: Address, provider: str) -> Good:
    """ProviderError when the file, whose hash is `md5`, is broken, or of another kind than the asset."""
    try:
        info = probe_media(generated.path)
    except CorruptError as error:
        raise ProviderError(f"{provider} gave a broken file for {address}: {error.message}") from error
    if info.kind is not address.kind:
        raise ProviderError(f"{provider} gave {info.kind} for {address}")
    return Good(generated, info, md5)


def find_repetition(claim: Claim, md5: str, provider: str) -> ProviderError | None:
    """The error to tell where the provider has made the very take that this one is to replace."""
    if md5 != claim.base_md5:
        return None
    return ProviderError(
        f"{provider} made the same {claim.address} again",
        "`gitassets regen` makes another one with another --seed, --prompt, --style or --voice.",
    )


def record(claim: Claim, good: Good, *, cost_usd: float, **extra: Any) -> Made:
    """The made asset as the log holds it."""
    generated, info = good.generated, good.info
    asset = Asset(
        path=default_path(claim.address, info.suffix),
        status=Status.DRAFT,
        md5=good.md5,
        size=info.size_bytes,
        duration_sec=None if info.duration_sec is None else round(info.duration_sec, 3),
        width=info.width,
        height=info.height,
        voice=generated.voice,
        source=generated.source,
        model=generated.model,
        prompt=generated.prompt,
        style=generated.style,
        seed=generated.seed,
        text_md5=claim.text_md5,
        generated_at=now(),
        take=claim.take,
        cost_usd=round(cost_usd, 6),
        extra={**generated.extra, **claim.extra, **extra},
    )
    return make_entry(claim, asset)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
