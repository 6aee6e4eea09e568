"""Plan another take of an asset: what it keeps from the current take, and what is requested from the provider."""

from __future__ import annotations

from dataclasses import dataclass

from gitassets.domain.annotations import State, iter_on
from gitassets.domain.image_prompt import find_next_prompt, prompt_md5
from gitassets.domain.manifest import MUSIC, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.origin import describe_origin, is_handmade
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.selection import how_to_make
from gitassets.domain.stale import text_md5
from gitassets.domain.takes import next_take
from gitassets.errors import NoMatchError, Remedy, UsageError
from gitassets.making.plan import Job, find_voice_id
from gitassets.making.request_text import find_request_text, find_texts_around
from gitassets.providers.base import Request
from gitassets.providers.chart import choose_maker
from gitassets.runs.project import Project


@dataclass(frozen=True, kw_only=True)
class TakeOptions:
    """How the new takes differ from the current one; None keeps the current value.

    If `takes` is more than 1, or with `beside`, each new take is a candidate, and the current take stays current.
    Each of several has its own seed.
    """

    takes: int = 1
    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    seed: int | None = None
    provider: str | None = None
    beside: bool = False

    @property
    def as_candidates(self) -> bool:
        return self.takes > 1 or self.beside


def plan_take(project: Project, manifest: Manifest, address: Address, options: TakeOptions, step: int = 0) -> Job:
    """Plan the job for a new take, or for candidate number `step` (from 0) of several."""
    asset = manifest.asset(address)
    if address == MUSIC:
        raise UsageError("No provider makes music", Remedy("add-music", run=manifest.run_id))
    if asset is None:
        raise NoMatchError(
            f"Segment {address.segment} of {manifest.run_id} has no {address.kind}", how_to_make(address.kind, manifest)
        )
    segment = manifest.segments[address.segment]
    return Job(
        address=address,
        provider=_choose_provider(manifest, address, asset, options),
        request=_make_request(project, manifest, address, asset, options, step),
        base=asset,
        text_md5=text_md5(segment.paragraph_text, find_script_rules(manifest), address.kind),
        take=next_take(asset) + step,
        candidate=options.as_candidates,
        prompt_md5=prompt_md5(segment) if address.kind is Kind.IMAGE else None,
    )


def _choose_provider(manifest: Manifest, address: Address, asset: Asset, options: TakeOptions) -> str:
    if options.provider:
        return options.provider
    if is_handmade(asset):
        raise UsageError(
            f"{address} of {manifest.run_id} {describe_origin(asset)}, so there is no provider to make it again",
            f"Choose one with --provider NAME, or bring another file: "
            f"`gitassets replace {manifest.run_id} {address.option} FILE`.",
        )
    return choose_maker(str(asset.source), manifest.segments[address.segment].paragraph_text)


def _describe_wishes(address: Address, asset: Asset, segment: Segment) -> str | None:
    """Return why the take was rejected and the open notes on its bytes, for a provider that takes words."""
    notes = (one for one in iter_on(address.segment, segment, address.kind) if one.md5 == asset.md5)
    wishes = [one.wish for one in notes if one.state is State.OPEN]
    return "; ".join(filter(None, (asset.reason, *wishes))) or None


def _make_request(
    project: Project, manifest: Manifest, address: Address, asset: Asset, options: TakeOptions, step: int
) -> Request:
    segment = manifest.segments[address.segment]
    prompt = find_next_prompt(segment, asset) if address.kind is Kind.IMAGE else asset.prompt
    width, height = (int(part) for part in project.settings.build.size.split("x"))
    other_provider = options.provider is not None and options.provider != asset.source
    before, after = find_texts_around(project, manifest, address, options.provider or str(asset.source))
    return Request(
        kind=address.kind,
        segment=address.segment,
        text=find_request_text(project, manifest, address),
        markdown=segment.paragraph_text,
        prompt=options.prompt or prompt,
        style=options.style or asset.style,
        voice=options.voice or (None if other_provider else asset.voice),
        voice_id=None if options.voice or other_provider else find_voice_id(asset),
        text_before=before,
        text_after=after,
        # The embedded providers give the same result for the same seed, so each take gets another one.
        seed=(next_take(asset) - 1 if options.seed is None else options.seed) + step,
        feedback=_describe_wishes(address, asset, segment),
        size=(width, height),
    )
