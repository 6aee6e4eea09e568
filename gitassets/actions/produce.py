"""Makes a run from a script, or completes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.claude_studio_files import find_scripts, find_trial_folder, read_script_text
from gitassets.adapters.files import hash_bytes
from gitassets.domain.budget import Budget, choose_image_segments
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.decision import Skipped
from gitassets.domain.estimate import Estimate, Reused
from gitassets.domain.image_prompt import find_prompt, prompt_md5
from gitassets.domain.manifest import Address, Kind, Manifest, Segment
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.run_id import TIME_FORMAT
from gitassets.domain.script import check_script, split_paragraphs
from gitassets.domain.selection import format_ranges
from gitassets.domain.stale import Stale, iter_stale
from gitassets.errors import ConflictError, NoMatchError, NotFoundError, UsageError
from gitassets.making.clip_source import add_images
from gitassets.making.consent import ABSENT, NO_TERMS, Buyer, Terms
from gitassets.making.make import finish_making, make_assets
from gitassets.making.plan import Job
from gitassets.making.prepare import LeftOut, Prepared, prepare
from gitassets.making.record import Failure, hold_making, record_log
from gitassets.making.renew import Renewal, plan_renewal
from gitassets.providers.base import Request
from gitassets.providers.registry import embedded_providers, find_name
from gitassets.runs.create import check_new_run_id, check_set_up, create_run
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run, find_run, read_manifest
from gitassets.runs.transaction import Session, begin

if TYPE_CHECKING:
    from gitassets.adapters.state.settings_file import LiveNames, ProviderNames


@dataclass(frozen=True, kw_only=True)
class ProduceOptions:
    """What to make. `start` and `limit` choose paragraphs, from 0; None leaves a choice to the plan or settings.

    `stale`: what is there already is made again where it no longer fits.
    """

    run_id: str | None = None
    budget: Budget | None = None
    start: int = 0
    limit: int | None = None
    audio: bool = True
    images: bool = True
    video: bool = True
    voice: str | None = None
    style: str | None = None
    live: bool = False
    stale: bool = False
    terms: Terms = NO_TERMS
    dry_run: bool = False


class ProduceResult(Struct, frozen=True):
    """`made` and `failed` are what was to be made, `reused` that part of `made` which was taken from history.

    With a dry run `planned` is what would be made, and nothing was done. `estimate` is what it was to cost. `stale` are
    the assets that no longer fit and that were not to be made again, `skipped` those left out though it was wanted.
    `left_out` is what of a text was not spoken or drawn.
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
    left_out: tuple[LeftOut, ...]
    spent_usd: float
    interrupted: bool
    commit: str | None
    dry_run: bool


def read_script(source: Path | None, stdin: Callable[[], bytes]) -> list[str]:
    """The paragraphs of a script file, or of standard input when `source` is None; an error says what is wrong."""
    name = "standard input" if source is None else str(source)
    try:
        data = stdin() if source is None else source.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no script {name}") from error
    except IsADirectoryError as error:
        raise NotFoundError(f"{name} is a folder, not a script") from error
    return split_paragraphs(check_script(data, name))


def read_trial(work: Path, name: str) -> tuple[Path, list[str]]:
    """The script of the newest trial of claude-studio in `work` whose name contains `name`, and its paragraphs."""
    folder = find_trial_folder(work, name)
    scripts = find_scripts(folder)
    if not scripts:
        raise NotFoundError(f"The trial {folder.name} holds no *_script.txt", "Name its script with --script FILE.")
    text = read_script_text(scripts[0])
    return scripts[0], split_paragraphs(check_script(text.encode(), str(scripts[0])))


def produce(
    project: Project,
    paragraphs: Sequence[str],
    options: ProduceOptions,
    on_progress: OnProgress,
    buyer: Buyer = ABSENT,
) -> ProduceResult:
    """A new run with what the options ask for. What cannot be made is listed; the rest is kept and committed."""
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
    plan = _plan(project, {}, options)
    manifest = Manifest(run_id=run_id, segments=_select(paragraphs, options), extra={"plan": plan})
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
    """The run has what it lacked. Nothing that exists was touched but, where that is wanted, what is stale.

    A script adds the paragraphs that the run lacks.
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
    def name_way(job: Job) -> str:
        embedded = embedded_providers(job.address.kind)
        by_service = find_name(job.provider) not in embedded
        return f"Without --live it is made by {' or '.join(embedded)}." if options.live and by_service else ""

    terms, look_only = options.terms, options.dry_run
    return prepare(project, run_id, jobs, terms, buyer, look_only=look_only, name_way=name_way)


@dataclass(frozen=True)
class _Planned:
    """What the run is to be, the jobs that this takes, and what is known to fail: of `failed` no job came about.

    `stale` assets are not made again, of `skipped` ones because that cannot be.
    """

    manifest: Manifest
    jobs: tuple[Job, ...]
    prepared: Prepared
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    stale: tuple[Stale, ...] = ()


def _extend_run(session: Session, paragraphs: Sequence[str] | None, options: ProduceOptions) -> Manifest:
    """The run with the paragraphs that it lacks, and with the plan as the options change it."""
    manifest = session.manifest
    plan = _plan(session.project, manifest.extra.get("plan"), options)
    return replace(_extend(manifest, paragraphs, options), extra={**manifest.extra, "plan": plan})


def _find_stale(manifest: Manifest, options: ProduceOptions) -> tuple[Stale, ...]:
    """What no longer fits of the kinds and segments that the options choose."""
    wanted = {Kind.AUDIO: options.audio, Kind.IMAGE: options.images, Kind.VIDEO: options.video}
    numbers = set(_chosen_numbers(manifest, options))
    stale = (one for one in iter_stale(manifest) if one.address.segment in numbers)
    return tuple(one for one in stale if wanted[one.address.kind])


def _plan_resumed(
    session: Session, after: Manifest, options: ProduceOptions, stale: Sequence[Stale]
) -> tuple[Renewal, list[Job], tuple[Failure, ...]]:
    missing = plan_jobs(session.project, after, options, after.extra["plan"])
    renewal = plan_renewal(session.project, after, missing, stale if options.stale else ())
    return (renewal, *add_images(session.project, session.run, after, renewal.jobs))


def _commit_extension(project: Project, run: Run, paragraphs: Sequence[str] | None, options: ProduceOptions) -> None:
    """The added paragraphs and the changed plan are committed: only now, since the buyer may have said no."""
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
    """What is to be made; for a dry run without what is known to fail."""
    hopeless = {one.address for one in planned.prepared.failed} if dry_run else set()
    return tuple(job.address for job in planned.jobs if job.address not in hopeless)


def _select(paragraphs: Sequence[str], options: ProduceOptions) -> dict[int, Segment]:
    """The chosen paragraphs as segments that keep their number in the whole script."""
    if options.start >= len(paragraphs):
        raise NoMatchError(
            f"--start {options.start} is behind the end: the script has {len(paragraphs)} paragraphs",
            f"They count from 0 to {len(paragraphs) - 1}.",
        )
    end = None if options.limit is None else options.start + options.limit
    chosen = paragraphs[options.start : end]
    return {number: Segment(paragraph_text=text) for number, text in enumerate(chosen, start=options.start + 1)}


def _extend(manifest: Manifest, paragraphs: Sequence[str] | None, options: ProduceOptions) -> Manifest:
    if paragraphs is None:
        return manifest
    chosen = _select(paragraphs, options)
    for number, segment in chosen.items():
        present = manifest.segments.get(number)
        if present is not None and present.paragraph_text not in ("", segment.paragraph_text):
            raise ConflictError(
                f"Segment {number} of {manifest.run_id} has another text than paragraph {number} of the script",
                "Leave out --script or --trial to go on with the run's own texts, or make a new run.",
            )
    # An upgraded run may be a part of its script: what it does not have is added only where it is asked for.
    whole = "claude_studio" in manifest.extra and not options.start and options.limit is None
    added = {} if whole else {n: one for n, one in chosen.items() if n not in manifest.segments}
    # What a clip of an upgraded run speaks is not known where it came without a text: only the script's maker knows.
    told = {
        n: replace(manifest.segments[n], paragraph_text=one.paragraph_text)
        for n, one in chosen.items()
        if n in manifest.segments and not manifest.segments[n].paragraph_text and not manifest.segments[n].audio
    }
    return manifest.with_segments({**added, **told})


def _plan(project: Project, earlier: object, options: ProduceOptions) -> dict[str, object]:
    """What the run is to have: the options where given, else what was planned before, else the settings."""
    before = earlier if isinstance(earlier, dict) else {}
    settings = project.settings
    # An upgraded run names the segments that its maker wanted pictures for: without a budget, those it is.
    named = {"images": before["images"]} if isinstance(before.get("images"), list) else {}
    budget = options.budget or before.get("budget") or (None if named else settings.budget.tier)
    return {
        "budget": None if budget is None else str(budget),
        **named,
        "voice": options.voice or before.get("voice") or settings.voice,
        "style": options.style or before.get("style") or settings.style,
        "live": options.live or before.get("live") is True,
    }


def makes_clips(project: Project, run: Run, options: ProduceOptions) -> bool:
    """Whether there is a provider for the clips of this run, and they are wanted."""
    earlier = read_manifest(project, run).extra.get("plan")
    return options.video and bool(_choose_names(project, _plan(project, earlier, options)).video)


def _choose_names(project: Project, plan: Mapping[str, object]) -> ProviderNames | LiveNames:
    return project.settings.live if plan["live"] else project.settings.providers


def plan_jobs(project: Project, manifest: Manifest, options: ProduceOptions, plan: Mapping[str, object]) -> list[Job]:
    """An asset for each chosen segment that lacks one: audio for all, images as far as the budget goes, and where a
    provider is set for them, clips for those whose image is approved."""
    numbers = _chosen_numbers(manifest, options)
    illustrated = _choose_illustrated(manifest, plan)
    names = _choose_names(project, plan)
    wanted = [Address(number, Kind.AUDIO) for number in numbers if options.audio]
    wanted += [Address(number, Kind.IMAGE) for number in numbers if options.images and number in illustrated]
    if options.video and names.video:
        wanted += [Address(number, Kind.VIDEO) for number in numbers if _has_approved_image(manifest, number)]
    return [
        _job(project, manifest, address, getattr(names, address.kind), plan)
        for address in wanted
        if manifest.asset(address) is None
    ]


def _has_approved_image(manifest: Manifest, number: int) -> bool:
    image = manifest.segments[number].image
    return image is not None and image.approved


def _choose_illustrated(manifest: Manifest, plan: Mapping[str, object]) -> set[int]:
    """The segments that are to have an image. Where some are named, the budget adds to those that have one already."""
    order, named = list(manifest.segments), plan.get("images")
    has = {number for number, segment in manifest.segments.items() if segment.image is not None}
    planned = [number for number in named if number in manifest.segments] if isinstance(named, list) else []
    if plan["budget"] is None:
        return has | set(planned)
    chosen = [order[place - 1] for place in choose_image_segments(len(order), _budget(plan))]
    if named is None:
        return set(chosen)
    lacking = [number for number in dict.fromkeys((*chosen, *planned)) if number not in has]
    count = min(max(len(chosen) - len(has), 0), len(lacking))
    return has | {lacking[place * len(lacking) // count] for place in range(count)}


def _chosen_numbers(manifest: Manifest, options: ProduceOptions) -> list[int]:
    last = float("inf") if options.limit is None else options.start + options.limit
    numbers = [number for number in manifest.segments if options.start < number <= last]
    if not numbers:
        raise NoMatchError(
            f"{manifest.run_id} has no segment in the range that --start and --limit choose",
            f"It has the segments {format_ranges(list(manifest.segments))}.",
        )
    return numbers


def _budget(plan: Mapping[str, object]) -> Budget:
    try:
        return Budget(str(plan["budget"]))
    except ValueError as error:
        raise UsageError(f"{plan['budget']!r} is not a budget", f"Take one of {', '.join(Budget)}.") from error


def _job(project: Project, manifest: Manifest, address: Address, provider: str, plan: Mapping[str, object]) -> Job:
    segment = manifest.segments[address.segment]
    text = strip_markdown(segment.paragraph_text)
    width, height = (int(part) for part in project.settings.build.size.split("x"))
    voice, style = plan["voice"], plan["style"]
    request = Request(
        kind=address.kind,
        segment=address.segment,
        text=text,
        prompt=find_prompt(segment) if address.kind is Kind.IMAGE else None,
        voice=str(voice) if voice and address.kind is Kind.AUDIO else None,
        style=str(style) if style and address.kind is not Kind.AUDIO else None,
        size=(width, height),
    )
    said = prompt_md5(segment) if address.kind is Kind.IMAGE else None
    return Job(address, provider, request, text_md5=hash_bytes(text.encode()), prompt_md5=said)
