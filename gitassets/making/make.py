"""Has providers make assets, and keeps each result at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from threading import Event

from gitassets.adapters.files import hash_file
from gitassets.adapters.state.journal import Made, MadeLog
from gitassets.adapters.state.request_locks import Turns
from gitassets.domain.estimate import Reused
from gitassets.domain.takes import REUSED_FROM
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.buy import Shop, buy
from gitassets.making.deliver import Outcome
from gitassets.making.plan import Job, Work, examine, find_repetition, make_claim, record
from gitassets.making.prepare import Prepared
from gitassets.making.record import Failure, Recorded, record_made
from gitassets.making.reuse import take_earlier
from gitassets.providers.base import Service
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import begin

PARALLEL = 2
NOT_BEGUN = "not begun"


@dataclass
class Results:
    """What came of the jobs. `interrupted`: the user stopped before all were begun."""

    made: list[Made] = field(default_factory=list)
    reused: list[Reused] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    interrupted: bool = False
    spent_usd: float = 0.0

    def add(self, work: Work, outcomes: Sequence[Outcome]) -> None:
        for job, outcome in zip(work.jobs, outcomes, strict=True):
            if isinstance(outcome, Made):
                self.keep(outcome, job)
            else:
                self.failed.append(Failure(job.address, outcome.message, outcome.hint))

    def keep(self, made: Made, job: Job) -> None:
        self.made.append(made)
        earlier = made.asset.get(REUSED_FROM)
        if earlier is not None:
            self.reused.append(Reused(job.address, earlier["asset"]))

    def fail(self, work: Work, message: str, hint: str = "") -> None:
        self.failed += [Failure(job.address, message, hint) for job in work.jobs]


def make_assets(project: Project, run: Run, prepared: Prepared, action: str, on_progress: OnProgress) -> Results:
    """Every result is in the cache and in the log of made assets as soon as it exists. Ctrl-C ends the work early."""
    state_dir = project.state_dir
    shop = Shop(
        project, run.run_id, action, prepared.purse, Event(), MadeLog(state_dir, run.run_id),
        Turns(state_dir), prepared.last, prepared.fresh,
    )  # fmt: skip
    results = Results()
    for reuse in prepared.reuses:
        made = take_earlier(reuse, action)
        shop.log.add(made)
        results.keep(made, reuse.job)
    done = len(prepared.reuses)
    on_progress(Progress(done, prepared.count, ""))
    with _Team(shop) as team:
        try:
            for work in prepared.works:
                team.give(work)
            for future in as_completed(team.futures):
                work = team.futures[future]
                _collect(team.hand_in(future), work, results)
                done += len(work.jobs)
                on_progress(Progress(done, prepared.count, _name(work), shop.purse.spent_usd))
        except KeyboardInterrupt:
            results.interrupted = True
    if results.interrupted:
        _collect_late(team, prepared.works, results)
    results.spent_usd = shop.purse.spent_usd
    return results


class _Team:
    """Threads that make assets: as many for each service as it allows, and a few for all that is made here."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._executors: dict[str, ThreadPoolExecutor] = {}
        self.futures: dict[Future[list[Outcome]], Work] = {}
        self._handed_in: set[Future[list[Outcome]]] = set()

    def __enter__(self) -> _Team:
        return self

    def __exit__(self, *_: object) -> None:
        """Everything that was begun has ended, as soon as it can; nothing else is begun."""
        self._shop.stop.set()
        for executor in self._executors.values():
            executor.shutdown(wait=False, cancel_futures=True)
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    def give(self, work: Work) -> None:
        executor = self._find_executor(work)
        self.futures[executor.submit(_make, self._shop, work)] = work

    def hand_in(self, future: Future[list[Outcome]]) -> Future[list[Outcome]]:
        self._handed_in.add(future)
        return future

    def list_late(self) -> list[Future[list[Outcome]]]:
        return [one for one in self.futures if one not in self._handed_in]

    def _find_executor(self, work: Work) -> ThreadPoolExecutor:
        name = work.provider.name if work.is_bought else ""
        if name not in self._executors:
            count = work.provider.concurrency if isinstance(work.provider, Service) else PARALLEL
            self._executors[name] = ThreadPoolExecutor(max_workers=count)
        return self._executors[name]


def _name(work: Work) -> str:
    return str(work.jobs[0].address)


def _collect(future: Future[list[Outcome]], work: Work, results: Results) -> None:
    try:
        results.add(work, future.result())
    except GitAssetsError as error:
        results.fail(work, error.message, error.hint)
    except OSError as error:
        results.fail(work, f"{_name(work)} could not be written: {error}")


def _collect_late(team: _Team, works: Sequence[Work], results: Results) -> None:
    """What was under way when the user stopped has been finished and is kept; the rest is listed as not made."""
    for future in team.list_late():
        work = team.futures[future]
        if future.cancelled():
            results.fail(work, NOT_BEGUN)
        else:
            _collect(future, work, results)
    for work in works[len(team.futures) :]:
        results.fail(work, NOT_BEGUN)


def _make(shop: Shop, work: Work) -> list[Outcome]:
    """What became of each job. It is in the log before this thread ends: whoever waits for it may be killed."""
    if shop.stop.is_set():
        raise ProviderError(NOT_BEGUN)
    if work.is_bought:
        return buy(shop, work)
    return [_make_here(shop, work, job) for job in work.jobs]


def _make_here(shop: Shop, work: Work, job: Job) -> Made:
    claim = make_claim(job, shop.action)
    with shop.project.scratch() as folder:
        generated = work.provider.generate(job.request, folder)
        md5 = hash_file(generated.path)
        good = examine(generated, md5, job.address, job.provider)
        problem = find_repetition(claim, md5, job.provider)
        if problem is not None:
            raise problem
        made = record(claim, good, cost_usd=generated.cost_usd)
        shop.project.blobs.move_in(generated.path, md5)
    shop.log.add(made)
    return made


def finish_making(project: Project, run: Run, results: Results, action: str, *, words: str = "") -> Recorded:
    """What was made is committed, with what was paid for nothing, and the log of made assets is empty."""
    with begin(project, run, action) as session:
        log = MadeLog(project.state_dir, run.run_id)
        recorded = record_made(session, results.made, log.read_charges(), action, words=words)
        log.remove()
    return recorded
