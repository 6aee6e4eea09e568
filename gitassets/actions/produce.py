"""Make a run from a script, or complete one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.edit import require_same_narration
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.decision import Skipped
from gitassets.domain.estimate import Estimate, Reused
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.run_id import TIME_FORMAT
from gitassets.domain.script_changes import ScriptChanges
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import Stale, iter_stale
from gitassets.errors import ConflictError
from gitassets.making.clip_source import add_images
from gitassets.making.consent import ABSENT, Buyer
from gitassets.making.given_script import AnyScript, GivenScript, read_changed_script, read_new_script
from gitassets.making.make import finish_making, make_assets
from gitassets.making.pictures import AdoptedPictures, adopt_pictures, plan_pictures, store_pictures, with_pictures
from gitassets.making.plan import Job
from gitassets.making.plan_run import (
    ProduceOptions,
    check_chosen_providers,
    extend_manifest,
    make_plan,
    plan_jobs,
    select_numbers,
)
from gitassets.making.prepare import OmittedText, Prepared, prepare
from gitassets.making.record import Failure, hold_making, record_log
from gitassets.making.renew import plan_renewal
from gitassets.providers.registry import embedded_providers, resolve_name
from gitassets.runs.create import check_new_run_id, check_set_up, create_run
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin


class ProduceResult(Struct, frozen=True):
    """What was `made` and what `failed`. `reused` is the part of `made` that came from history, `pictures` from files.

    On a dry run `planned` lists what would be made. `estimate` is the expected cost. `stale` assets no longer fit, but
    were not to be made again; `skipped` ones were, but could not be. `left_out` lists text not spoken or drawn.
    `changes` are those of the script since the run was made; `remarks` say what of the script is not used. A new run
    `remade_from` an older one has `taken` over its assets.
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
    pictures: tuple[Address, ...] = ()
    changes: ScriptChanges | None = None
    remarks: tuple[str, ...] = ()
    remade_from: str | None = None
    taken: tuple[Address, ...] = ()


def produce(
    project: Project, script: AnyScript, options: ProduceOptions, on_progress: OnProgress, buyer: Buyer = ABSENT
) -> ProduceResult:
    """Create a run with what the options ask for. Commit what could be made, and list the rest as failed."""
    check_set_up(project)
    check_chosen_providers(project, options)
    project.git.check_identity()
    run_id = options.run_id if options.run_id is not None else datetime.now().strftime(TIME_FORMAT)  # noqa: DTZ005 (the user's own clock)
    folder = project.runs_dir / run_id
    check_new_run_id(project, run_id, folder)
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(
            f"{folder} exists already and is no run",
            f"Adopt it with `gitassets track {folder}`, or take another --run-id.",
        )
    given = read_new_script(project, script, options)
    plan = make_plan(project, given.plan, options)
    manifest = Manifest(run_id=run_id, segments=given.chosen, extra={**given.keys, "plan": plan})
    planned = plan_new_run(project, manifest, given, options, buyer)
    if options.dry_run:
        return report(run_id, None, planned, dry_run=True)
    store_pictures(project, given.pictures.files)
    run = create_run(project, planned.manifest, folder)
    with hold_making(project, run):
        return carry_out(project, run, planned, on_progress)


def resume(
    project: Project,
    wanted: str,
    script: AnyScript | None,
    options: ProduceOptions,
    on_progress: OnProgress,
    buyer: Buyer = ABSENT,
) -> ProduceResult:
    """Make what the run lacks, and replace nothing but stale assets if the options ask for that.

    Paragraphs of the script that the run lacks are added, and those that differ become the texts of their segments.
    If paragraphs were inserted, removed or moved, make a new run with all that fits (see remake.py).
    """
    check_chosen_providers(project, options)
    project.git.check_identity()
    run = find_run(project, wanted)
    given = None if script is None else read_changed_script(read_manifest(project, run), script, options)
    if script is not None and given is not None and given.changes.needs_new_run:
        from gitassets.actions.remake import find_begun, remake, resume_begun  # It imports this module itself.

        begun = find_begun(project, run, script, options)
        if begun is not None:
            return resume_begun(project, begun, run, script, options, on_progress, buyer)
        return remake(project, run, given, options, on_progress, buyer)
    with hold_making(project, run):
        with begin(project, run, "resume") as session:
            record_log(session)
            run, after = session.run, _extend_run(session, given, options)
            planned = _plan_resumed(session, after, given, options, buyer)
        if options.dry_run:
            return report(run.run_id, run.folder, planned, dry_run=True)
        store_pictures(project, given.pictures.files if given else {})
        _commit_extension(project, run, given, options)
        return carry_out(project, run, planned, on_progress)


def _prepare(project: Project, run_id: str, jobs: Sequence[Job], options: ProduceOptions, buyer: Buyer) -> Prepared:
    def describe_alternative(job: Job) -> str:
        embedded = embedded_providers(job.address.kind)
        # A chosen provider makes it with and without --live.
        by_live = job.address.kind not in options.providers and resolve_name(job.provider) not in embedded
        return f"Without --live it is made by {embedded[0]}." if options.live and by_live else ""

    terms, estimate_only = options.terms, options.dry_run
    return prepare(
        project, run_id, jobs, terms, buyer, estimate_only=estimate_only, describe_alternative=describe_alternative
    )


@dataclass(frozen=True)
class Planned:
    """The manifest to be, and the jobs for it. `failed` assets have no job.

    `stale` assets are not made again; `skipped` ones cannot be.
    """

    manifest: Manifest
    jobs: tuple[Job, ...]
    prepared: Prepared
    pictures: AdoptedPictures
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    stale: tuple[Stale, ...] = ()
    changes: ScriptChanges | None = None
    remarks: tuple[str, ...] = ()


def plan_new_run(
    project: Project, manifest: Manifest, given: GivenScript, options: ProduceOptions, buyer: Buyer
) -> Planned:
    """Plan what the new run lacks, which may have assets of an earlier one already."""
    after = with_pictures(manifest, given.pictures.files)
    pictures = _plan_pictures(project, manifest, after, given, options)
    jobs = _without_pictures(plan_jobs(project, after, options, after.extra["plan"]), pictures)
    prepared = _prepare(project, manifest.run_id, jobs, options, buyer)
    return Planned(after, jobs, prepared, pictures, skipped=pictures.skipped, remarks=given.pictures.remarks)


def _plan_pictures(
    project: Project, before: Manifest, after: Manifest, given: GivenScript | None, options: ProduceOptions
) -> AdoptedPictures:
    numbers = select_numbers(after, options) if options.images else []
    return plan_pictures(project, before, after, numbers, given.pictures.files if given else {})


def _without_pictures(jobs: Sequence[Job], pictures: AdoptedPictures) -> tuple[Job, ...]:
    return tuple(job for job in jobs if job.address not in pictures.md5s)


def _extend_run(session: Session, given: GivenScript | None, options: ProduceOptions) -> Manifest:
    """Add the paragraphs that the run lacks, set the texts that differ, and change the plan by the options."""
    manifest = session.manifest
    plan = make_plan(session.project, manifest.extra.get("plan"), _note_studio(manifest, options))
    if given is None:
        return replace(manifest, extra={**manifest.extra, "plan": plan})
    require_same_narration(manifest, {n: one for n, one in given.chosen.items() if n in given.changes.edited})
    extended = with_pictures(extend_manifest(manifest, given.chosen, options), given.pictures.files)
    return replace(extended, extra={**manifest.extra, **given.keys, "plan": plan})


def _note_studio(manifest: Manifest, options: ProduceOptions) -> ProduceOptions:
    """Remember that a run is one of claude-studio, whatever its script is read from now."""
    return options if "claude_studio" not in manifest.extra else dataclasses.replace(options, studio=True)


def _find_stale(manifest: Manifest, options: ProduceOptions) -> tuple[Stale, ...]:
    """List the stale assets of the kinds and segments in the options."""
    wanted = {Kind.AUDIO: options.audio, Kind.IMAGE: options.images, Kind.VIDEO: options.video}
    numbers = set(select_numbers(manifest, options))
    stale = (one for one in iter_stale(manifest) if one.address.segment in numbers)
    return tuple(one for one in stale if wanted[one.address.kind])


def _plan_resumed(
    session: Session, after: Manifest, given: GivenScript | None, options: ProduceOptions, buyer: Buyer
) -> Planned:
    project, run = session.project, session.run
    pictures = _plan_pictures(project, session.manifest, after, given, options)
    stale = tuple(one for one in _find_stale(after, options) if one.address not in pictures.md5s)
    missing = _without_pictures(plan_jobs(project, after, options, after.extra["plan"]), pictures)
    renewal = plan_renewal(project, after, missing, stale if options.stale else ())
    jobs, failed = add_images(project, run, after, renewal.jobs)
    return Planned(
        after,
        tuple(jobs),
        _prepare(project, run.run_id, jobs, options, buyer),
        pictures,
        failed,
        (*renewal.skipped, *pictures.skipped),
        tuple(one for one in stale if one.address not in renewal.addresses),
        given.changes if given else None,
        given.pictures.remarks if given else (),
    )


def _commit_extension(project: Project, run: Run, given: GivenScript | None, options: ProduceOptions) -> None:
    """Commit the new texts and the changed plan. This comes after the purchase is agreed to."""
    with begin(project, run, "resume") as session:
        after = _extend_run(session, given, options)
        if after != session.manifest:
            session.commit(after, _describe_extension(session.manifest, after))


def _describe_extension(before: Manifest, after: Manifest) -> CommitMessage:
    added = [number for number in after.segments if number not in before.segments]
    edited = [n for n, one in before.segments.items() if one.paragraph_text != after.segments[n].paragraph_text]
    if edited:
        what = f"the text of segment{'s' * (len(edited) > 1)} {format_ranges(edited)}"
        what += f", and add {format_ranges(added)}" if added else ""
        return CommitMessage(after.run_id, "edit", what, segments=tuple(edited))
    what = f"segments {format_ranges(added)}" if added else "the plan"
    return CommitMessage(after.run_id, "add" if added else "change", what)


def carry_out(project: Project, run: Run, planned: Planned, on_progress: OnProgress) -> ProduceResult:
    """Make what is planned and record it. The caller holds the run's lock for making."""
    adopted = adopt_pictures(project, planned.manifest, planned.pictures)
    results = make_assets(project, run, planned.prepared, "produce", on_progress)
    results.made += adopted
    recorded = finish_making(project, run, results, "produce")
    return replace(
        report(run.run_id, run.folder, planned, dry_run=False),
        made=recorded.made,
        reused=tuple(one for one in results.reused if one.address in recorded.made),
        failed=(*planned.failed, *planned.prepared.failed, *results.failed, *recorded.failed),
        left_out=tuple(one for one in planned.prepared.left_out if one.address in recorded.made),
        spent_usd=results.spent_usd,
        interrupted=results.interrupted,
        commit=recorded.commit,
    )


def report(run_id: str, folder: Path | None, planned: Planned, *, dry_run: bool) -> ProduceResult:
    """Return the result before anything is made."""
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
        pictures=tuple(planned.pictures.md5s),
        changes=planned.changes,
        remarks=planned.remarks,
    )


def _list_planned(planned: Planned, *, dry_run: bool) -> tuple[Address, ...]:
    """List what is to be made; on a dry run, without what is known to fail."""
    failed = {one.address for one in planned.prepared.failed} if dry_run else set()
    return tuple(job.address for job in planned.jobs if job.address not in failed)
