"""Has new takes made of chosen assets by the provider that each came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from gitassets.actions.making import Job, OnProgress, check_jobs, finish_making, make_assets
from gitassets.actions.project import Project, Run
from gitassets.actions.recording import Failure, hold_making, record_log
from gitassets.actions.transaction import begin
from gitassets.adapters.files import hash_bytes
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.decision import Skipped
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.takes import next_take
from gitassets.errors import LockedError, NoMatchError, ProviderError, UsageError
from gitassets.providers.base import Request

# The last two are claude-studio's, for figures of a document and for what it cut itself.
_NO_PROVIDERS = (None, "manual", "kb_extraction", "ffmpeg")


@dataclass(frozen=True, kw_only=True)
class RegenOptions:
    """What the new takes are to differ in; None keeps what the take before had."""

    prompt: str | None = None
    style: str | None = None
    voice: str | None = None
    seed: int | None = None
    provider: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class RegenResult:
    run_id: str
    planned: tuple[Address, ...]
    made: tuple[Address, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Skipped, ...]
    interrupted: bool
    commit: str | None
    dry_run: bool


def regen(
    project: Project, run: Run, selection: AssetSelection, options: RegenOptions, on_progress: OnProgress
) -> RegenResult:
    """A new take of each chosen asset: a draft stays a draft, a rejected one is revised. Locked ones are refused."""
    if selection.empty:
        raise UsageError("Say which assets to regenerate", "With --audio, --image or --video and a selection.")
    project.git.check_identity()
    with hold_making(project, run):
        with begin(project, run, "regen") as session:
            record_log(session)
            addresses, skipped = _choose(session.manifest, selection, options)
            jobs = [_job(project, session.manifest, address, options) for address in addresses]
        if options.dry_run:
            return RegenResult(run.run_id, tuple(addresses), (), (), skipped, False, None, True)
        return _make(project, run, jobs, skipped, options, on_progress)


def _make(
    project: Project,
    run: Run,
    jobs: Sequence[Job],
    skipped: tuple[Skipped, ...],
    options: RegenOptions,
    on_progress: OnProgress,
) -> RegenResult:
    hopeless = _check(project, jobs, options)
    failing = {one.address for one in hopeless}
    results = make_assets(project, run, [job for job in jobs if job.address not in failing], "regen", on_progress)
    recorded = finish_making(project, run, results, "regen", words=_describe(options))
    return RegenResult(
        run.run_id,
        tuple(job.address for job in jobs),
        recorded.made,
        (*hopeless, *results.failed, *recorded.failed),
        skipped,
        results.interrupted,
        recorded.commit,
        False,
    )


def _check(project: Project, jobs: Sequence[Job], options: RegenOptions) -> list[Failure]:
    """The jobs that cannot succeed. No asset goes to another provider than it came from unless the user says so."""
    try:
        hopeless = check_jobs(project, jobs)
    except ProviderError as error:
        raise type(error)(error.message, _name_option(error.hint, options)) from error
    return [replace(one, hint=_name_option(one.hint, options)) for one in hopeless]


def _name_option(hint: str, options: RegenOptions) -> str:
    if options.provider or "--provider" in hint:
        return hint
    return f"{hint} Or have another provider make it, with --provider NAME.".strip()


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
        elif asset is not None and not one.explicit and _is_handmade(asset) and not options.provider:
            skipped.append(Skipped(one.address, f"{_tell_origin(asset)}, so there is no provider to make it again"))
        else:
            chosen.append(one.address)
    if not chosen:
        raise NoMatchError(f"Nothing to regenerate in {manifest.run_id}", _join_reasons(skipped))
    return chosen, tuple(skipped)


def _locked(manifest: Manifest, address: Address, asset: Asset) -> LockedError:
    return LockedError(
        f"Cannot regenerate {address} of {manifest.run_id}: it is {asset.status}, and so locked",
        f"Reopen it first: `gitassets reopen {manifest.run_id} --{address.kind} {address.segment} --reason …`.",
    )


def _is_handmade(asset: Asset) -> bool:
    return asset.source in _NO_PROVIDERS


def _tell_origin(asset: Asset) -> str:
    return "was made by hand" if asset.source in (None, "manual") else f"came from {asset.source}"


def _join_reasons(skipped: Sequence[Skipped]) -> str:
    whys = dict.fromkeys(one.why for one in skipped)
    return "; ".join(f"{format_addresses(one.address for one in skipped if one.why == why)} {why}" for why in whys)


def _job(project: Project, manifest: Manifest, address: Address, options: RegenOptions) -> Job:
    asset = manifest.asset(address)
    if asset is None:
        raise NoMatchError(f"Segment {address.segment} of {manifest.run_id} has no {address.kind}")
    text = strip_markdown(manifest.segments[address.segment].paragraph_text)
    provider = _provider_of(manifest, address, asset, options)
    return Job(address, provider, _request(project, address, asset, text, options), asset, hash_bytes(text.encode()))


def _provider_of(manifest: Manifest, address: Address, asset: Asset, options: RegenOptions) -> str:
    if options.provider:
        return options.provider
    if _is_handmade(asset):
        raise UsageError(
            f"{address} of {manifest.run_id} {_tell_origin(asset)}, so there is no provider to make it again",
            f"Choose one with --provider NAME, or bring another file: "
            f"`gitassets replace {manifest.run_id} --{address.kind} {address.segment} FILE`.",
        )
    return str(asset.source)


def _request(project: Project, address: Address, asset: Asset, text: str, options: RegenOptions) -> Request:
    width, height = (int(part) for part in project.settings.build.size.split("x"))
    other_provider = options.provider is not None and options.provider != asset.source
    return Request(
        kind=address.kind,
        segment=address.segment,
        text=text,
        prompt=options.prompt or asset.prompt,
        style=options.style or asset.style,
        voice=options.voice or (None if other_provider else asset.voice),
        # The embedded providers repeat themselves for the same seed: another take asks for another.
        seed=next_take(asset) - 1 if options.seed is None else options.seed,
        feedback=asset.reason,
        size=(width, height),
    )


def _describe(options: RegenOptions) -> str:
    parts = {"Prompt": options.prompt, "Style": options.style, "Voice": options.voice, "Seed": options.seed}
    return "\n".join(f"{name}: {value}" for name, value in parts.items() if value is not None)
