"""Make new takes of the chosen assets, each by its provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import format_addresses
from gitassets.domain.decision import Skipped
from gitassets.domain.estimate import Estimate, Reused
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.origin import describe_origin, is_handmade
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.errors import LockedError, MissingInputError, NoMatchError, ProviderError
from gitassets.making.clip_source import add_images
from gitassets.making.consent import ABSENT, NO_TERMS, Buyer, Terms
from gitassets.making.make import finish_making, make_assets
from gitassets.making.next_take import TakeOptions, plan_take
from gitassets.making.plan import Job
from gitassets.making.prepare import OmittedText, Prepared, prepare
from gitassets.making.record import Failure, RecordedCandidate, hold_making, record_log
from gitassets.providers.registry import (
    embedded_providers,
    find_providers_of_voice,
    resolve_name,
)
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin


@dataclass(frozen=True, kw_only=True)
class RegenOptions(TakeOptions):
    """How the new takes differ, and the terms for buying them."""

    terms: Terms = NO_TERMS
    dry_run: bool = False


class RegenResult(Struct, frozen=True):
    """The assets with a new current take (`made`), and the new `candidates` beside current takes.

    `reused` is the part that came from history; `estimate` the expected cost. `left_out` lists text that was not spoken
    or drawn. `prompt_ignored` are assets whose provider follows no prompt, if one was given.
    """

    run_id: str
    planned: tuple[Address, ...]
    estimate: Estimate
    made: tuple[Address, ...]
    candidates: tuple[RecordedCandidate, ...]
    reused: tuple[Reused, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Skipped, ...]
    left_out: tuple[OmittedText, ...]
    spent_usd: float
    interrupted: bool
    commit: str | None
    dry_run: bool
    prompt_ignored: tuple[Address, ...] = ()


def regen(
    project: Project,
    run: Run,
    selection: AssetSelection,
    options: RegenOptions,
    on_progress: OnProgress,
    buyer: Buyer = ABSENT,
) -> RegenResult:
    """Make a new take of each chosen asset, or several candidates. Refuse locked assets.

    With a new take a draft stays a draft, and a rejected asset becomes revised; candidates do not change the status.
    """
    if selection.empty:
        raise MissingInputError("Say which assets to regenerate", "With --audio, --image or --video and a selection.")
    project.git.check_identity()
    with hold_making(project, run):
        planned = _plan(project, run, selection, options, buyer)
        return _result(run, planned) if options.dry_run else _make(project, run, planned, options, on_progress)


@dataclass(frozen=True)
class _Planned:
    """What to make. `failed` assets have no job.

    `recovered` are wanted candidates that an interrupted command had made.
    """

    addresses: tuple[Address, ...]
    skipped: tuple[Skipped, ...]
    prepared: Prepared
    failed: tuple[Failure, ...]
    recovered: tuple[RecordedCandidate, ...]
    prompt_ignored: tuple[Address, ...] = ()


def _plan(project: Project, run: Run, selection: AssetSelection, options: RegenOptions, buyer: Buyer) -> _Planned:
    with begin(project, run, "regen") as session:
        record_log(session)
        addresses, skipped = _choose(session.manifest, selection, options)
        recovered = _list_recovered(session, addresses) if options.as_candidates else ()
        wanted = [
            plan_take(project, session.manifest, address, options, step)
            for address in addresses
            for step in range(options.takes - sum(one.address == address for one in recovered))
        ]
        jobs, failed = add_images(project, session.run, session.manifest, wanted)
    prepared = _prepare(project, run, jobs, options, buyer)
    return _Planned(tuple(addresses), skipped, prepared, failed, recovered, _list_ignoring(jobs, options))


def _list_ignoring(jobs: Sequence[Job], options: RegenOptions) -> tuple[Address, ...]:
    """List the assets on which the given prompt has no effect: narration, and what is made on this computer."""
    if not options.prompt:
        return ()
    ignoring = (
        one.address
        for one in jobs
        if one.address.kind is Kind.AUDIO or resolve_name(one.provider) in embedded_providers(one.address.kind)
    )
    return tuple(dict.fromkeys(ignoring))


def _list_recovered(session: Session, addresses: Sequence[Address]) -> tuple[RecordedCandidate, ...]:
    """List the candidates that an interrupted run of the same command made."""
    found = []
    for address, md5 in session.recovered_candidates:
        asset = session.manifest.asset(address)
        if asset is not None and address in addresses:
            take = asset.takes[md5]
            found.append(RecordedCandidate(address, take.take, md5, take.path))
    return tuple(found)


def _make(project: Project, run: Run, planned: _Planned, options: RegenOptions, on_progress: OnProgress) -> RegenResult:
    results = make_assets(project, run, planned.prepared, "regen", on_progress)
    recorded = finish_making(project, run, results, "regen", words=_describe(options))
    kept = {*recorded.made, *(one.address for one in recorded.candidates)}
    return replace(
        _result(run, planned),
        made=recorded.made,
        candidates=(*planned.recovered, *recorded.candidates),
        reused=tuple(one for one in results.reused if one.address in kept),
        failed=(*planned.failed, *planned.prepared.failed, *results.failed, *recorded.failed),
        left_out=tuple(one for one in planned.prepared.left_out if one.address in kept),
        spent_usd=results.spent_usd,
        interrupted=results.interrupted,
        commit=recorded.commit,
        dry_run=False,
    )


def _result(run: Run, planned: _Planned) -> RegenResult:
    return RegenResult(
        run_id=run.run_id,
        planned=planned.addresses,
        estimate=planned.prepared.estimate,
        made=(),
        candidates=(),
        reused=(),
        failed=(*planned.failed, *planned.prepared.failed),
        skipped=planned.skipped,
        left_out=planned.prepared.left_out,
        spent_usd=0.0,
        interrupted=False,
        commit=None,
        dry_run=True,
        prompt_ignored=planned.prompt_ignored,
    )


def _prepare(project: Project, run: Run, jobs: Sequence[Job], options: RegenOptions, buyer: Buyer) -> Prepared:
    """Prepare the jobs. An asset changes its provider only if the user says so."""
    suggestion = _suggest_provider(project, jobs, options)
    try:
        prepared = prepare(
            project,
            run.run_id,
            jobs,
            options.terms,
            buyer,
            estimate_only=options.dry_run,
            describe_alternative=_suggest_embedded,
        )
    except ProviderError as error:
        raise type(error)(error.message, _add_hint(error.hint, suggestion)) from error
    failed = tuple(replace(one, hint=_add_hint(one.hint, suggestion)) for one in prepared.failed)
    return replace(prepared, failed=failed)


def _suggest_embedded(job: Job) -> str:
    """Suggest the providers on this computer that make the same kind."""
    embedded = embedded_providers(job.address.kind)
    if resolve_name(job.provider) in embedded:
        return ""
    return f"On this computer --provider {embedded[0]} makes it."


def _suggest_provider(project: Project, jobs: Sequence[Job], options: RegenOptions) -> str:
    """Suggest --provider: one that has the wanted voice, or the option as such."""
    speakers = find_providers_of_voice(options.voice, project.settings) if options.voice else []
    if speakers and not {resolve_name(job.provider) for job in jobs} & set(speakers):
        return f"{options.voice} is a voice of {' and '.join(speakers)}: --provider {speakers[0]} uses it."
    return "" if options.provider else "Or have another provider make it, with --provider NAME."


def _add_hint(hint: str, suggestion: str) -> str:
    return hint if "--provider" in hint else f"{hint} {suggestion}".strip()


def _choose(
    manifest: Manifest, selection: AssetSelection, options: RegenOptions
) -> tuple[list[Address], tuple[Skipped, ...]]:
    chosen, skipped = [], []
    for one in select_assets(selection, manifest):
        asset = manifest.asset(one.address)
        if asset is not None and asset.locked:
            if one.explicit:
                raise _locked(manifest, one.address, asset)
            skipped.append(Skipped(one.address, f"is {asset.status}, and so locked"))
        elif asset is not None and not one.explicit and is_handmade(asset) and not options.provider:
            skipped.append(Skipped(one.address, f"{describe_origin(asset)}, so there is no provider to make it again"))
        else:
            chosen.append(one.address)
    if not chosen:
        raise NoMatchError(f"Nothing to regenerate in {manifest.run_id}", _join_reasons(skipped))
    return chosen, tuple(skipped)


def _locked(manifest: Manifest, address: Address, asset: Asset) -> LockedError:
    return LockedError(
        f"Cannot regenerate {address} of {manifest.run_id}: it is {asset.status}, and so locked",
        how_to_reopen(manifest.run_id, address),
    )


def _join_reasons(skipped: Sequence[Skipped]) -> str:
    whys = dict.fromkeys(one.why for one in skipped)
    return "; ".join(f"{format_addresses(one.address for one in skipped if one.why == why)} {why}" for why in whys)


def _describe(options: RegenOptions) -> str:
    parts = {"Prompt": options.prompt, "Style": options.style, "Voice": options.voice, "Seed": options.seed}
    return "\n".join(f"{name}: {value}" for name, value in parts.items() if value is not None)
