"""Has providers make assets, and keeps each result at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gitassets.actions.project import Project, Run
from gitassets.actions.recording import Failure, Recorded, record_made
from gitassets.actions.transaction import begin
from gitassets.adapters.files import hash_file
from gitassets.adapters.journal import Made, MadeLog
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.manifest import Address, Asset, default_path, raw_asset
from gitassets.domain.status import Status
from gitassets.domain.takes import next_take
from gitassets.errors import CorruptError, GitAssetsError, ProviderError
from gitassets.providers.base import Generated, Provider, Request, Service
from gitassets.providers.registry import embedded_providers, load_provider

PARALLEL = 2
NOT_BEGUN = "not begun"


@dataclass(frozen=True)
class Job:
    """One asset to be made by a provider; `base` is what it replaces."""

    address: Address
    provider: str
    request: Request
    base: Asset | None = None
    text_md5: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a long work is."""

    done: int
    total: int
    what: str


OnProgress = Callable[[Progress], None]


@dataclass
class Results:
    """What came of the jobs. `interrupted`: the user stopped before all were begun."""

    made: list[Made] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    interrupted: bool = False


def _load(project: Project, job: Job) -> Provider:
    """The job's provider. ProviderError for a service: nothing here asks before money is spent, or counts it."""
    provider = load_provider(job.provider, job.address.kind, project.settings)
    if isinstance(provider, Service):
        raise ProviderError(
            f"This version does not call {job.provider} yet, since it does not guard what that costs",
            f"Without --live, and with --provider, these make {job.address.kind}: "
            f"{', '.join(embedded_providers(job.address.kind))}.",
        )
    return provider


def check_jobs(project: Project, jobs: Sequence[Job]) -> list[Failure]:
    """The jobs that cannot succeed, found before anything is made or paid. ProviderError when that is all of them."""
    failures = []
    for job in jobs:
        try:
            _load(project, job).check(job.request)
        except GitAssetsError as error:
            failures.append(Failure(job.address, error.message, error.hint))
    if jobs and len(failures) == len(jobs):
        what = format_addresses(one.address for one in failures)
        raise ProviderError(f"None of {what} can be made: {failures[0].message}", failures[0].hint)
    return failures


def make_assets(project: Project, run: Run, jobs: Sequence[Job], action: str, on_progress: OnProgress) -> Results:
    """Every result is in the cache and in the log of made assets as soon as it exists. Ctrl-C ends the work early."""
    log = MadeLog(project.state_dir, run.run_id)
    results = Results()
    on_progress(Progress(0, len(jobs), ""))
    executor = ThreadPoolExecutor(max_workers=PARALLEL)
    futures: dict[Future[Made], Job] = {}
    try:
        futures.update((executor.submit(_make, project, job, action, log), job) for job in jobs)
        for done, future in enumerate(as_completed(futures), start=1):
            _collect(future, futures[future], results)
            on_progress(Progress(done, len(jobs), str(futures[future].address)))
    except KeyboardInterrupt:
        results.interrupted = True
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    if results.interrupted:
        _collect_late(futures, results)
        results.failed += [Failure(job.address, NOT_BEGUN) for job in jobs[len(futures) :]]
    return results


def _collect(future: Future[Made], job: Job, results: Results) -> None:
    try:
        results.made.append(future.result())
    except GitAssetsError as error:
        results.failed.append(Failure(job.address, error.message, error.hint))
    except OSError as error:
        results.failed.append(Failure(job.address, f"{job.address} could not be written: {error}"))


def _collect_late(futures: dict[Future[Made], Job], results: Results) -> None:
    """What was under way when the user stopped has been finished and is kept; the rest is listed as not made."""
    known = {(made.segment, made.kind) for made in results.made}
    known |= {(one.address.segment, one.address.kind.value) for one in results.failed}
    for future, job in futures.items():
        if (job.address.segment, job.address.kind.value) in known:
            continue
        if future.cancelled():
            results.failed.append(Failure(job.address, NOT_BEGUN))
        else:
            _collect(future, job, results)


def _make(project: Project, job: Job, action: str, log: MadeLog) -> Made:
    """The made asset. It is in the log before this thread ends: whoever waits for it may be killed meanwhile."""
    from gitassets.adapters.probe import probe_media

    with project.scratch() as folder:
        generated = _load(project, job).generate(job.request, folder)
        try:
            info = probe_media(generated.path)
        except CorruptError as error:
            raise ProviderError(f"{job.provider} gave a broken file for {job.address}: {error.message}") from error
        if info.kind is not job.address.kind:
            raise ProviderError(f"{job.provider} gave {info.kind} for {job.address}")
        md5 = hash_file(generated.path)
        if job.base is not None and md5 == job.base.md5:
            raise ProviderError(
                f"{job.provider} made the same {job.address} again",
                "Give another --seed, --prompt, --style or --voice.",
            )
        asset = Asset(
            path=default_path(job.address, info.suffix),
            status=Status.DRAFT,
            md5=md5,
            size=info.size_bytes,
            duration_sec=None if info.duration_sec is None else round(info.duration_sec, 3),
            width=info.width,
            height=info.height,
            **_record(generated),
            text_md5=job.text_md5,
            generated_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            take=next_take(job.base),
            extra=dict(generated.extra),
        )
        project.blobs.move_in(generated.path, md5)
    base_md5 = None if job.base is None else job.base.md5
    made = Made(job.address.segment, job.address.kind.value, base_md5, action, raw_asset(asset))
    log.add(made)
    return made


def _record(generated: Generated) -> dict[str, Any]:
    return {
        "voice": generated.voice,
        "source": generated.source,
        "model": generated.model,
        "prompt": generated.prompt,
        "style": generated.style,
        "seed": generated.seed,
        "cost_usd": generated.cost_usd,
    }


def finish_making(project: Project, run: Run, results: Results, action: str, *, words: str = "") -> Recorded:
    """What was made is committed, and the log of made assets is empty."""
    with begin(project, run, action) as session:
        recorded = record_made(session, results.made, action, words=words)
        MadeLog(project.state_dir, run.run_id).remove()
    return recorded
