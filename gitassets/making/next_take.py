"""Plan another take of an asset: what it keeps of the current one, and what is asked of the provider."""

from __future__ import annotations

from dataclasses import dataclass

from gitassets.domain.image_prompt import prompt_for_next, prompt_md5
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.origin import is_handmade, tell_origin
from gitassets.domain.stale import text_md5
from gitassets.domain.takes import next_take
from gitassets.errors import NoMatchError, UsageError
from gitassets.making.plan import Job
from gitassets.providers.base import Request
from gitassets.runs.project import Project


@dataclass(frozen=True, kw_only=True)
class TakeWish:
    """What the new takes are to differ in; None keeps what the current take has.

    Of more than one of the `takes` each is a candidate with a seed of its own, and the current take stays current.
    """

    takes: int = 1
    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    seed: int | None = None
    provider: str | None = None


def plan_take(project: Project, manifest: Manifest, address: Address, wish: TakeWish, step: int = 0) -> Job:
    """Plan the job for a new take, or for number `step` (from 0) of several candidates."""
    asset = manifest.asset(address)
    if asset is None:
        raise NoMatchError(f"Segment {address.segment} of {manifest.run_id} has no {address.kind}")
    segment = manifest.segments[address.segment]
    return Job(
        address=address,
        provider=_provider_of(manifest, address, asset, wish),
        request=_request(project, address, asset, segment, wish, step),
        base=asset,
        text_md5=text_md5(segment.paragraph_text),
        take=next_take(asset) + step,
        candidate=wish.takes > 1,
        prompt_md5=prompt_md5(segment) if address.kind is Kind.IMAGE else None,
    )


def _provider_of(manifest: Manifest, address: Address, asset: Asset, wish: TakeWish) -> str:
    if wish.provider:
        return wish.provider
    if is_handmade(asset):
        raise UsageError(
            f"{address} of {manifest.run_id} {tell_origin(asset)}, so there is no provider to make it again",
            f"Choose one with --provider NAME, or bring another file: "
            f"`gitassets replace {manifest.run_id} --{address.kind} {address.segment} FILE`.",
        )
    return str(asset.source)


def _request(project: Project, address: Address, asset: Asset, segment: Segment, wish: TakeWish, step: int) -> Request:
    prompt = prompt_for_next(segment, asset) if address.kind is Kind.IMAGE else asset.prompt
    width, height = (int(part) for part in project.settings.build.size.split("x"))
    other_provider = wish.provider is not None and wish.provider != asset.source
    return Request(
        kind=address.kind,
        segment=address.segment,
        text=strip_markdown(segment.paragraph_text),
        prompt=wish.prompt or prompt,
        style=wish.style or asset.style,
        voice=wish.voice or (None if other_provider else asset.voice),
        # The embedded providers repeat themselves for the same seed: another take asks for another.
        seed=(next_take(asset) - 1 if wish.seed is None else wish.seed) + step,
        feedback=asset.reason,
        size=(width, height),
    )
