"""Before anything is made: by whom each asset is made, what is there already, what the rest costs, and who agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.state.orders import OrderBook
from gitassets.adapters.state.request_locks import Turns
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.estimate import Estimate, Purchase, add_usd, group_purchases
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.consent import Buyer, Purse, Terms, require_consent
from gitassets.making.ledger import Past, look_back
from gitassets.making.plan import Job, Work
from gitassets.making.record import Failure
from gitassets.making.reuse import Reuse, find_earlier
from gitassets.providers.base import Provider, Selective, Service, fingerprint
from gitassets.providers.http.keys import MissingKeyError
from gitassets.providers.registry import load_provider
from gitassets.runs.project import Project


class LeftOut(Struct, frozen=True):
    """What of an asset's text its provider leaves out."""

    address: Address
    provider: str
    what: tuple[str, ...]


class Prepared(Struct, frozen=True):
    """What is to be made, what is taken from history, what cannot be made, and what all of it costs.

    `last` are the names by which each request had last been made when its history was read; None where whatever others
    make of the same requests meanwhile is not wanted. With `fresh` what was ordered and has not come is given up.
    """

    works: tuple[Work, ...]
    reuses: tuple[Reuse, ...]
    failed: tuple[Failure, ...]
    estimate: Estimate
    purse: Purse
    last: Mapping[str, str] | None
    fresh: bool = False
    left_out: tuple[LeftOut, ...] = ()

    @property
    def count(self) -> int:
        """How many assets there will be, if all goes well."""
        return len(self.reuses) + sum(len(work.jobs) for work in self.works)


@dataclass(frozen=True)
class _Maker:
    provider: Provider
    service: Service | None
    model: str | None

    def work_on(self, job: Job) -> Work:
        if self.service is None:
            return Work(provider=self.provider, jobs=(job,))
        description = self.service.describe(job.request)
        request = fingerprint(description)
        return Work(
            provider=self.provider,
            jobs=(job,),
            description=description,
            request=request,
            key=fingerprint({"request": request, "take": job.take_number}),
            cost_usd=self.service.estimate_usd(job.request),
            model=self.model,
        )


@dataclass
class _Draft:
    """The works of single jobs as far as they are known, and what has failed."""

    project: Project
    name_way: Callable[[Job], str]
    works: list[Work] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    _makers: dict[tuple[str, Kind], _Maker] = field(default_factory=dict)

    def begin(self, job: Job) -> None:
        """The job is among the works, or among the failures when its provider cannot be had."""
        try:
            self.works.append(self._find_maker(job).work_on(job))
        except GitAssetsError as error:
            self.fail(job, error)

    def _find_maker(self, job: Job) -> _Maker:
        key = job.provider, job.address.kind
        if key not in self._makers:
            provider = load_provider(*key, self.project.settings)
            # What a service says of itself may ask the keyring, so each is asked once.
            service = provider if isinstance(provider, Service) else None
            self._makers[key] = _Maker(provider, service, service.info.model if service else None)
        return self._makers[key]

    def fail(self, job: Job, error: GitAssetsError) -> None:
        self.failed.append(Failure(job.address, error.message, f"{error.hint} {self.name_way(job)}".strip()))


def _name_no_way(job: Job) -> str:  # noqa: ARG001 (the form of what names one)
    return ""


def prepare(
    project: Project,
    run_id: str,
    jobs: Sequence[Job],
    terms: Terms,
    buyer: Buyer,
    *,
    look_only: bool = False,
    name_way: Callable[[Job], str] = _name_no_way,
) -> Prepared:
    """Everything is known before anything is made, and whoever pays has agreed to it.

    ProviderError when none of it can be made, SpendingError when nobody agrees to what it costs. With `look_only`
    nobody is asked, and a key that is missing is no failure: what a service would refuse otherwise is one.
    `name_way` says for a job that cannot be done what the command offers instead.
    """
    draft = _Draft(project, name_way)
    for job in jobs:
        draft.begin(job)
    wanted = {work.request for work in draft.works if work.is_bought}
    last = None if terms.fresh else _read_last(project, wanted)
    past = look_back(project, run_id, wanted) if wanted else Past()
    reuses = [] if terms.fresh else find_earlier(project, past, draft.works)
    if reuses and buyer.present and not look_only:
        told = _estimate(project, run_id, _without(draft.works, reuses), reuses, past, terms)
        reuses, last = (reuses, last) if buyer.wants_earlier(told) else ([], None)
    works = _without(draft.works, reuses)
    works = _drop_hopeless(works, draft, without_key=look_only)
    if not look_only:
        _require_any(jobs, works, reuses, draft)
    grouped = _share(works)
    estimate = _estimate(project, run_id, grouped, reuses, past, terms)
    if estimate.live and not look_only:
        buyer.show(estimate)
        require_consent(estimate, project.settings.budget.confirm_usd, terms, buyer)
    purse = Purse(
        max_cost_usd=terms.max_cost_usd,
        run_limit_usd=project.settings.budget.run_usd,
        run_spent_usd=past.spent_usd,
    )
    left_out = tuple(_iter_left_out(works))
    return Prepared(tuple(grouped), tuple(reuses), tuple(draft.failed), estimate, purse, last, terms.fresh, left_out)


def _iter_left_out(works: Iterable[Work]) -> Iterator[LeftOut]:
    for work in works:
        what = work.provider.find_left_out(work.jobs[0].request) if isinstance(work.provider, Selective) else ()
        if what:
            yield LeftOut(work.jobs[0].address, work.provider.name, what)


def _read_last(project: Project, requests: Iterable[str]) -> dict[str, str]:
    turns = Turns(project.state_dir)
    turns.forget_old()
    return {request: turns.read_last(request) for request in requests}


def _without(works: Iterable[Work], reuses: Iterable[Reuse]) -> list[Work]:
    done = {id(one.job) for one in reuses}
    return [work for work in works if id(work.jobs[0]) not in done]


def _drop_hopeless(works: Iterable[Work], draft: _Draft, *, without_key: bool) -> list[Work]:
    """The works that can succeed, as far as is known before anything is spent; perhaps once there is a key."""
    hopeful = []
    for work in works:
        try:
            work.provider.check(work.jobs[0].request)
        except GitAssetsError as error:
            if without_key and isinstance(error, MissingKeyError):
                hopeful.append(work)
            else:
                draft.fail(work.jobs[0], error)
        else:
            hopeful.append(work)
    return hopeful


def _require_any(jobs: Sequence[Job], works: Sequence[Work], reuses: Sequence[Reuse], draft: _Draft) -> None:
    if jobs and not works and not reuses:
        what = format_addresses(one.address for one in draft.failed)
        first = draft.failed[0]
        raise ProviderError(f"None of {what} can be made: {first.message}", first.hint)


def _share(works: Iterable[Work]) -> list[Work]:
    """The same orders are one: what is the very same request, and as many takes on, is bought once."""
    shared: dict[str, Work] = {}
    for number, work in enumerate(works):
        key = work.key or str(number)
        shared[key] = replace(work, jobs=(*shared[key].jobs, *work.jobs)) if key in shared else work
    return list(shared.values())


def _estimate(
    project: Project, run_id: str, works: Sequence[Work], reuses: Sequence[Reuse], past: Past, terms: Terms
) -> Estimate:
    orders = OrderBook(project.state_dir, run_id)
    wanted = [] if terms.fresh else [work.key for work in works if work.is_bought]
    going_on = {key for key in wanted if orders.order(key).is_under_way or orders.find_elsewhere(key)}
    purchases = [_price(work, going_on) for work in works]
    return Estimate(
        lines=group_purchases(purchases),
        total_usd=add_usd(one.cost_usd for one in purchases),
        reused=tuple(one.told for one in reuses),
        going_on=tuple(job.address for work in works if work.key in going_on for job in work.jobs),
        spent_usd=past.spent_usd,
        run_limit_usd=project.settings.budget.run_usd,
        max_cost_usd=terms.max_cost_usd,
    )


def _price(work: Work, going_on: set[str]) -> Purchase:
    return Purchase(
        addresses=tuple(job.address for job in work.jobs),
        provider=work.provider.name,
        cost_usd=0.0 if work.key in going_on else work.cost_usd,
        live=work.is_bought,
    )
