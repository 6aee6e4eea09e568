"""Make a run from a script, or complete one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.decision import Skipped
from gitassets.domain.estimate import Estimate, Reused
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.run_id import TIME_FORMAT
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import Stale, iter_stale
from gitassets.errors import ConflictError
from gitassets.making.clip_source import add_images
from gitassets.making.consent import ABSENT, Buyer
from gitassets.making.make import finish_making, make_assets
from gitassets.making.plan import Job
from gitassets.making.plan_run import (
    ProduceOptions,
    extend_manifest,
    make_plan,
    plan_jobs,
    select_numbers,
    select_paragraphs,
)
from gitassets.making.prepare import OmittedText, Prepared, prepare
from gitassets.making.record import Failure, hold_making, record_log
from gitassets.making.renew import Renewal, plan_renewal
from gitassets.providers.registry import embedded_providers, resolve_name
from gitassets.runs.create import check_new_run_id, check_set_up, create_run
from gitassets.runs.lookup import find_run
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin


class ProduceResult(Struct, frozen=True):
    """What was `made` and what `failed`. `reused` is the part of `made` that came from history.

    On a dry run `planned` lists what would be made. `estimate` is the expected cost. `stale` assets no longer fit, but
    were not to be made again; `skipped` ones were, but could not be. `left_out` lists text not spoken or drawn.
    """

    run_id: str
    folder: Path | None
    segments: int
    planned: tuple[Address, ...]
    estimate: Estimate
    made: tuple[Address, ...]
    reused: tuple[Reused, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Skipped, ...]
    stale: tuple[Stale, ...]
    left_out: tuple[OmittedText, ...]
    spent_usd: float
    interrupted: bool
    commit: str | None
    dry_run: bool


def produce(
    project: Project,
    paragraphs: Sequence[str],
    options: ProduceOptions,
    on_progress: OnProgress,
    buyer: Buyer = ABSENT,
) -> ProduceResult:
    """Create a run with what the options ask for. Commit what could be made, and list the rest as failed."""
    check_set_up(project)
    project.git.check_identity()
    run_id = options.run_id if options.run_id is not None else datetime.now().strftime(TIME_FORMAT)  # noqa: DTZ005 (the user's own clock)
    folder = project.runs_dir / run_id
    check_new_run_id(project, run_id, folder)
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(
            f"{folder} exists already and is no run",
            f"Adopt it with `gitassets track {folder}`, or take another --run-id.",
        )
    plan = make_plan(project, {}, options)
    manifest = Manifest(run_id=run_id, segments=select_paragraphs(paragraphs, options), extra={"plan": plan})
    jobs = plan_jobs(project, manifest, options, plan)
    prepared = _prepare(project, run_id, jobs, options, buyer)
    planned = _Planned(manifest, tuple(jobs), prepared)
    if options.dry_run:
        return _result(run_id, None, planned, dry_run=True)
    run = create_run(project, manifest, folder)
    with hold_making(project, run):
        return _carry_out(project, run, planned, on_progress)


def resume(
    project: Project,
    wanted: str,
    paragraphs: Sequence[str] | None,
    options: ProduceOptions,
    on_progress: OnProgress,
    buyer: Buyer = ABSENT,
) -> ProduceResult:
    """Make what the run lacks, and replace nothing but stale assets if the options ask for that.

    The paragraphs of a script that the run lacks are added.
    """
    project.git.check_identity()
    run = find_run(project, wanted)
    with hold_making(project, run):
        with begin(project, run, "resume") as session:
            record_log(session)
            run, after = session.run, _extend_run(session, paragraphs, options)
            stale = _find_stale(after, options)
            renewal, jobs, failed = _plan_resumed(session, after, options, stale)
        left = tuple(one for one in stale if one.address not in renewal.addresses)
        prepared = _prepare(project, run.run_id, jobs, options, buyer)
        planned = _Planned(after, tuple(jobs), prepared, failed, renewal.skipped, left)
        if options.dry_run:
            return _result(run.run_id, run.folder, planned, dry_run=True)
        _commit_extension(project, run, paragraphs, options)
        return _carry_out(project, run, planned, on_progress)


def _prepare(project: Project, run_id: str, jobs: Sequence[Job], options: ProduceOptions, buyer: Buyer) -> Prepared:
    def describe_alternative(job: Job) -> str:
        embedded = embedded_providers(job.address.kind)
        by_service = resolve_name(job.provider) not in embedded
        return f"Without --live it is made by {' or '.join(embedded)}." if options.live and by_service else ""

    terms, estimate_only = options.terms, options.dry_run
    return prepare(
        project, run_id, jobs, terms, buyer, estimate_only=estimate_only, describe_alternative=describe_alternative
    )


@dataclass(frozen=True)
class _Planned:
    """The manifest to be, and the jobs for it. `failed` assets have no job.

    `stale` assets are not made again; `skipped` ones cannot be.
    """

    manifest: Manifest
    jobs: tuple[Job, ...]
    prepared: Prepared
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    stale: tuple[Stale, ...] = ()


def _extend_run(session: Session, paragraphs: Sequence[str] | None, options: ProduceOptions) -> Manifest:
    """Add the paragraphs that the run lacks, and the plan as changed by the options."""
    manifest = session.manifest
    plan = make_plan(session.project, manifest.extra.get("plan"), options)
    return replace(extend_manifest(manifest, paragraphs, options), extra={**manifest.extra, "plan": plan})


def _find_stale(manifest: Manifest, options: ProduceOptions) -> tuple[Stale, ...]:
    """List the stale assets of the kinds and segments in the options."""
    wanted = {Kind.AUDIO: options.audio, Kind.IMAGE: options.images, Kind.VIDEO: options.video}
    numbers = set(select_numbers(manifest, options))
    stale = (one for one in iter_stale(manifest) if one.address.segment in numbers)
    return tuple(one for one in stale if wanted[one.address.kind])


def _plan_resumed(
    session: Session, after: Manifest, options: ProduceOptions, stale: Sequence[Stale]
) -> tuple[Renewal, list[Job], tuple[Failure, ...]]:
    missing = plan_jobs(session.project, after, options, after.extra["plan"])
    renewal = plan_renewal(session.project, after, missing, stale if options.stale else ())
    return (renewal, *add_images(session.project, session.run, after, renewal.jobs))


def _commit_extension(project: Project, run: Run, paragraphs: Sequence[str] | None, options: ProduceOptions) -> None:
    """Commit the added paragraphs and the changed plan. This comes after the purchase is agreed to."""
    with begin(project, run, "resume") as session:
        after = _extend_run(session, paragraphs, options)
        if after != session.manifest:
            added = [number for number in after.segments if number not in session.manifest.segments]
            what = f"segments {format_ranges(added)}" if added else "the plan"
            session.commit(after, CommitMessage(run.run_id, "add" if added else "change", what))


def _carry_out(project: Project, run: Run, planned: _Planned, on_progress: OnProgress) -> ProduceResult:
    results = make_assets(project, run, planned.prepared, "produce", on_progress)
    recorded = finish_making(project, run, results, "produce")
    return replace(
        _result(run.run_id, run.folder, planned, dry_run=False),
        made=recorded.made,
        reused=tuple(one for one in results.reused if one.address in recorded.made),
        failed=(*planned.failed, *planned.prepared.failed, *results.failed, *recorded.failed),
        left_out=tuple(one for one in planned.prepared.left_out if one.address in recorded.made),
        spent_usd=results.spent_usd,
        interrupted=results.interrupted,
        commit=recorded.commit,
    )


def _result(run_id: str, folder: Path | None, planned: _Planned, *, dry_run: bool) -> ProduceResult:
    return ProduceResult(
        run_id=run_id,
        folder=folder,
        segments=len(planned.manifest.segments),
        planned=_list_planned(planned, dry_run=dry_run),
        estimate=planned.prepared.estimate,
        made=(),
        reused=(),
        failed=(*planned.failed, *planned.prepared.failed) if dry_run else (),
        skipped=planned.skipped,
        stale=planned.stale,
        left_out=planned.prepared.left_out,
        spent_usd=0.0,
        interrupted=False,
        commit=None,
        dry_run=dry_run,
    )


def _list_planned(planned: _Planned, *, dry_run: bool) -> tuple[Address, ...]:
    """List what is to be made; on a dry run, without what is known to fail."""
    failed = {one.address for one in planned.prepared.failed} if dry_run else set()
    return tuple(job.address for job in planned.jobs if job.address not in failed)
