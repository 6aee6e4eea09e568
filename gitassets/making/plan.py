"""Describe what is to be made, and record each take once its bytes are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from gitassets.adapters.media.asset import make_draft
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.adapters.state.journal import MadeTake
from gitassets.domain.manifest import Address, Asset, Kind, default_path
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.takes import CREDIT, MADE_FROM, PARENT, PROMPT_MD5, next_take
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.base import Generated, Provider, Request

_VOICE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


@dataclass(frozen=True)
class Job:
    """One asset to be made by a provider.

    `base` is the take that it replaces, `take` the number of the new one. A `candidate` does not replace `base`, but
    lies beside it. A job that `renews` a stale asset may also reuse a take that the asset had before. `prompt_md5` is
    the md5 of the segment's own image prompt, even if the request has another one. `made_from` are the md5s of the
    audio and image that a clip is made from, `credit` is the credit that the image requires.
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


class ProviderCall(Struct, frozen=True, kw_only=True):
    """One call of a provider, for one job or for several that make the identical request.

    `description` is the request as the service receives it, `request` its fingerprint, by which it is found in the
    history. `key` names the order: another take of the same request is another order. All three are empty for an
    embedded provider.
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
class PendingTake:
    """What is known of a take before its bytes are there. All values are plain JSON."""

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


def make_pending_take(job: Job, action: str, **extra: Any) -> PendingTake:
    """Return the pending take of this job; `extra` is added to the take's record."""
    known = {
        PARENT: job.base.md5 if job.base else None,
        PROMPT_MD5: job.prompt_md5,
        MADE_FROM: dict(job.made_from),
        CREDIT: dict(job.credit),
    }
    return PendingTake(
        segment=job.address.segment,
        kind=job.address.kind.value,
        base_md5=job.base.md5 if job.base else None,
        action=action,
        take=job.take_number,
        text_md5=job.text_md5,
        extra={key: value for key, value in {**known, **extra}.items() if value},
        candidate=job.candidate,
    )


def make_log_entry(pending: PendingTake, asset: Asset) -> MadeTake:
    """Return the entry for the log of made assets."""
    return MadeTake(
        pending.segment, pending.kind, pending.base_md5, pending.action, raw_asset(asset), pending.candidate
    )


def find_voice_id(asset: Asset) -> str | None:
    """Return what the service called the voice of this take, if the take records it."""
    parameters = asset.extra.get("parameters")
    voice_id = parameters.get("voice_id") if isinstance(parameters, Mapping) else None
    return voice_id if isinstance(voice_id, str) and _VOICE_ID.match(voice_id) else None


@dataclass(frozen=True)
class CheckedFile:
    """A provider's file that is complete and of the requested kind."""

    generated: Generated
    info: MediaInfo
    md5: str


def check_file(generated: Generated, md5: str, address: Address, provider: str) -> CheckedFile:
    """Probe the file, whose hash is `md5`. Raise ProviderError if it is broken or of another kind than the asset."""
    try:
        info = probe_media(generated.path)
    except CorruptError as error:
        raise ProviderError(f"{provider} gave a broken file for {address}: {error.message}") from error
    if info.kind is not address.kind:
        raise ProviderError(f"{provider} gave {info.kind} for {address}")
    return CheckedFile(generated, info, md5)


def make_handmade(address: Address, current: Asset | None, info: MediaInfo, md5: str) -> Asset:
    """Return the draft of a file that no provider made, as the next take."""
    return make_draft(
        info,
        default_path(address, info.suffix),
        md5,
        source="manual",
        generated_at=now(),
        take=next_take(current),
        extra={PARENT: current.md5} if current else {},
    )


def find_repetition(pending: PendingTake, md5: str, provider: str) -> ProviderError | None:
    """Return the error to report if the provider made the same bytes that this take is to replace."""
    if md5 != pending.base_md5:
        return None
    return ProviderError(
        f"{provider} made the same {pending.address} again",
        "`gitassets regen` makes another one with another --seed, --prompt, --style or --voice.",
    )


def make_log_entry_for_file(pending: PendingTake, checked: CheckedFile, *, cost_usd: float, **extra: Any) -> MadeTake:
    """Return the log entry for the pending take, made from its file."""
    generated, info = checked.generated, checked.info
    asset = make_draft(
        info,
        default_path(pending.address, info.suffix),
        checked.md5,
        voice=generated.voice,
        source=generated.source,
        model=generated.model,
        prompt=generated.prompt,
        style=generated.style,
        seed=generated.seed,
        text_md5=pending.text_md5,
        generated_at=now(),
        take=pending.take,
        cost_usd=round(cost_usd, 6),
        extra={**generated.extra, **pending.extra, **extra},
    )
    return make_log_entry(pending, asset)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
