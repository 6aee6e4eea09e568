"""Make assets with their providers, and store each result as soon as it exists."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event

from gitassets.adapters.files import hash_file
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.adapters.state.request_locks import RequestLocks
from gitassets.domain.estimate import Reused
from gitassets.domain.takes import REUSED_FROM
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.buy import MakingContext, buy
from gitassets.making.deliver import Outcome, keep_word_times
from gitassets.making.plan import (
    Job,
    ProviderCall,
    check_file,
    find_repetition,
    make_log_entry_for_file,
    make_pending_take,
)
from gitassets.making.prepare import Prepared
from gitassets.making.record import Failure, Recorded, record_made
from gitassets.making.reuse import Reuse, reuse_take
from gitassets.providers.base import Service
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import begin

LOCAL_WORKERS = 2
NOT_BEGUN = "not begun"


@dataclass
class Results:
    """The results of the jobs. `interrupted`: the user stopped the command before all were started."""

    made: list[MadeTake] = field(default_factory=list)
    reused: list[Reused] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    interrupted: bool = False
    spent_usd: float = 0.0

    def add(self, call: ProviderCall, outcomes: Sequence[Outcome]) -> None:
        for job, outcome in zip(call.jobs, outcomes, strict=True):
            if isinstance(outcome, MadeTake):
                self.add_made(outcome, job)
            else:
                self.failed.append(Failure(job.address, outcome.message, outcome.hint))

    def add_made(self, made: MadeTake, job: Job) -> None:
        self.made.append(made)
        earlier = made.asset.get(REUSED_FROM)
        if earlier is not None:
            self.reused.append(Reused(job.address, earlier["asset"]))

    def fail(self, call: ProviderCall, message: str, hint: str = "") -> None:
        self.failed += [Failure(job.address, message, hint) for job in call.jobs]


def make_assets(project: Project, run: Run, prepared: Prepared, action: str, on_progress: OnProgress) -> Results:
    """Run the prepared calls in parallel. Put each result in the cache and the log of made assets at once.

    Ctrl-C starts no further call, and waits for those that are running.
    """
    state_dir = project.state_dir
    context = MakingContext(
        project, run.run_id, action, prepared.allowance, Event(), MadeLog(state_dir, run.run_id),
        RequestLocks(state_dir), prepared.last_made, prepared.fresh,
    )  # fmt: skip
    results = Results()
    _reuse_takes(context, prepared.reuses, results)
    with _Workers(context) as workers:
        try:
            _run_calls(context, workers, prepared, results, on_progress)
        except KeyboardInterrupt:
            results.interrupted = True
    if results.interrupted:
        _collect_rest(workers, prepared.calls, results)
    results.spent_usd = context.allowance.spent_usd
    return results


def _reuse_takes(context: MakingContext, reuses: Sequence[Reuse], results: Results) -> None:
    for reuse in reuses:
        made = reuse_take(reuse, context.action)
        context.log.add(made)
        results.add_made(made, reuse.job)


def _run_calls(
    context: MakingContext, workers: _Workers, prepared: Prepared, results: Results, on_progress: OnProgress
) -> None:
    done = len(prepared.reuses)
    on_progress(Progress(done, prepared.count, ""))
    for call in prepared.calls:
        workers.submit(call)
    for future in as_completed(workers.futures):
        call = workers.futures[future]
        _collect(workers.mark_collected(future), call, results)
        done += len(call.jobs)
        on_progress(Progress(done, prepared.count, _name(call), context.allowance.spent_usd))


class _Workers:
    """Threads that make assets: as many for each service as it allows, and a few for the embedded providers."""

    def __init__(self, context: MakingContext) -> None:
        self._context = context
        self._executors: dict[str, ThreadPoolExecutor] = {}
        self.futures: dict[Future[list[Outcome]], ProviderCall] = {}
        self._collected: set[Future[list[Outcome]]] = set()

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        """Start no further call, and wait until the running ones have ended as soon as they can."""
        self._context.stop.set()
        for executor in self._executors.values():
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    def submit(self, call: ProviderCall) -> None:
        executor = self._find_executor(call)
        self.futures[executor.submit(_run_call, self._context, call)] = call

    def mark_collected(self, future: Future[list[Outcome]]) -> Future[list[Outcome]]:
        self._collected.add(future)
        return future

    def list_uncollected(self) -> list[Future[list[Outcome]]]:
        return [one for one in self.futures if one not in self._collected]

    def _find_executor(self, call: ProviderCall) -> ThreadPoolExecutor:
        name = call.provider.name if call.is_bought else ""
        if name not in self._executors:
            count = call.provider.concurrency if isinstance(call.provider, Service) else LOCAL_WORKERS
            self._executors[name] = ThreadPoolExecutor(max_workers=count)
        return self._executors[name]


def _name(call: ProviderCall) -> str:
    return str(call.jobs[0].address)


def _collect(future: Future[list[Outcome]], call: ProviderCall, results: Results) -> None:
    try:
        results.add(call, future.result())
    except GitAssetsError as error:
        results.fail(call, error.message, error.hint)
    except OSError as error:
        results.fail(call, f"{_name(call)} could not be written: {error}")


def _collect_rest(workers: _Workers, calls: Sequence[ProviderCall], results: Results) -> None:
    """Collect the calls that were running when the user stopped. List all others as not started."""
    for future in workers.list_uncollected():
        call = workers.futures[future]
        if future.cancelled():
            results.fail(call, NOT_BEGUN)
        else:
            _collect(future, call, results)
    for call in calls[len(workers.futures) :]:
        results.fail(call, NOT_BEGUN)


def _run_call(context: MakingContext, call: ProviderCall) -> list[Outcome]:
    """Return the outcome of each job. Log it in this thread, since the thread that waits for it may be killed."""
    if context.stop.is_set():
        raise ProviderError(NOT_BEGUN)
    if call.is_bought:
        return buy(context, call)
    return [_make_locally(context, call, job) for job in call.jobs]


def _make_locally(context: MakingContext, call: ProviderCall, job: Job) -> MadeTake:
    pending = make_pending_take(job, context.action)
    with context.project.scratch() as folder:
        generated = call.provider.generate(job.request, folder)
        md5 = hash_file(generated.path)
        checked = check_file(generated, md5, job.address, job.provider)
        problem = find_repetition(pending, md5, job.provider)
        if problem is not None:
            raise problem
        made = make_log_entry_for_file(pending, checked, cost_usd=generated.cost_usd)
        context.project.blobs.move_in(generated.path, md5)
        keep_word_times(context.project, generated, md5)
    context.log.add(made)
    return made


def finish_making(project: Project, run: Run, results: Results, action: str, *, words: str = "") -> Recorded:
    """Commit what was made and the charges that produced nothing, then delete the log of made assets."""
    with begin(project, run, action) as session:
        log = MadeLog(project.state_dir, run.run_id)
        recorded = record_made(session, results.made, log.read_charges(), action, words=words)
        log.remove()
    return recorded
