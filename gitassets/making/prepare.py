"""Prepare the making of assets: load the providers, find takes to reuse, estimate the cost and ask for consent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.state.orders import OrderBook
from gitassets.adapters.state.request_locks import RequestLocks
from gitassets.domain.commit_message import format_addresses
from gitassets.domain.estimate import Estimate, Purchase, add_usd, group_purchases
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.making.consent import Allowance, Buyer, Terms, require_consent
from gitassets.making.earlier_orders import continue_earlier_orders
from gitassets.making.ledger import RequestHistory, read_request_history
from gitassets.making.plan import Job, ProviderCall
from gitassets.making.record import Failure
from gitassets.making.reuse import Reuse, find_reuses
from gitassets.making.voices import choose_voices
from gitassets.providers.account import Account, find_account
from gitassets.providers.base import Provider, Remarking, Selective, Service, fingerprint
from gitassets.providers.http.keys import MissingKeyError
from gitassets.providers.registry import load_provider
from gitassets.runs.accepted_addresses import accept_address, use_accepted
from gitassets.runs.project import Project


class OmittedText(Struct, frozen=True):
    """The parts of an asset's text that its provider leaves out. A `note` says what else is not as requested."""

    address: Address
    provider: str
    what: tuple[str, ...]
    note: str = ""


class Prepared(Struct, frozen=True):
    """What is to be made, reused from history or cannot be made, and what all of it costs.

    `last_made` has the name under which each request was last made when its history was read. It is None if takes that
    other commands make in the meantime must not be reused. With `fresh`, orders under way are abandoned.
    """

    calls: tuple[ProviderCall, ...]
    reuses: tuple[Reuse, ...]
    failed: tuple[Failure, ...]
    estimate: Estimate
    allowance: Allowance
    last_made: Mapping[str, str] | None
    fresh: bool = False
    left_out: tuple[OmittedText, ...] = ()

    @property
    def count(self) -> int:
        """How many assets will be made or reused if nothing fails."""
        return len(self.reuses) + sum(len(call.jobs) for call in self.calls)


@dataclass(frozen=True)
class _LoadedProvider:
    provider: Provider
    service: Service | None
    model: str | None

    def plan_call(self, job: Job) -> ProviderCall:
        if self.service is None:
            return ProviderCall(provider=self.provider, jobs=(job,))
        description = self.service.describe(job.request)
        account = find_account(self.service)
        elsewhere = {"base_url": account.requested_url} if account and account.requested_url else {}
        request = fingerprint({**elsewhere, **description})
        return ProviderCall(
            provider=self.provider,
            jobs=(job,),
            description=description,
            request=request,
            key=fingerprint({"request": request, "take": job.take_number}),
            cost_usd=self.service.estimate_usd(job.request),
            model=self.model,
        )


@dataclass
class _CallPlanner:
    """Collects a call for each job, and the jobs that failed."""

    project: Project
    describe_alternative: Callable[[Job], str]
    calls: list[ProviderCall] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    _loaded: dict[tuple[str, Kind], _LoadedProvider] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Plan a call for the job. Record a failure if its provider cannot be loaded."""
        try:
            self.calls.append(self._load(job).plan_call(job))
        except GitAssetsError as error:
            self.fail(job, error)

    def _load(self, job: Job) -> _LoadedProvider:
        key = job.provider, job.address.kind
        if key not in self._loaded:
            provider = load_provider(*key, self.project.settings)
            # Reading a service's info may query the keyring, so do it once for each.
            service = provider if isinstance(provider, Service) else None
            self._loaded[key] = _LoadedProvider(provider, service, service.info.model if service else None)
        return self._loaded[key]

    def fail(self, job: Job, error: GitAssetsError) -> None:
        self.failed.append(
            Failure(job.address, error.message, f"{error.hint} {self.describe_alternative(job)}".strip())
        )


def _no_alternative(job: Job) -> str:  # noqa: ARG001 (the signature is given)
    return ""


def prepare(
    project: Project,
    run_id: str,
    jobs: Sequence[Job],
    terms: Terms,
    buyer: Buyer,
    *,
    estimate_only: bool = False,
    describe_alternative: Callable[[Job], str] = _no_alternative,
) -> Prepared:
    """Plan all provider calls and get the buyer's consent before anything is made.

    Raise ProviderError if nothing can be made, and SpendingError if nobody agrees to the cost. With `estimate_only`
    nobody and no service is asked, and a missing key is not a failure; other reasons for a service to refuse are.
    `describe_alternative` says what the command offers instead of a job that cannot be done.
    """
    use_accepted(project)
    if buyer.present and not estimate_only:
        _offer_addresses(project, jobs, buyer)
    jobs = jobs if estimate_only else choose_voices(project, jobs, buyer)
    planner = _plan_calls(project, jobs, describe_alternative)
    if not terms.fresh:
        planner.calls = continue_earlier_orders(project, run_id, planner.calls)
    wanted = {call.request for call in planner.calls if call.is_bought}
    last_made = None if terms.fresh else _read_last_made(project, wanted)
    history = read_request_history(project, run_id, wanted) if wanted else RequestHistory()
    reuses = [] if terms.fresh else find_reuses(project, history, planner.calls)
    if reuses and buyer.present and not estimate_only:
        offer = _estimate(project, run_id, _without(planner.calls, reuses), reuses, history, terms)
        if not buyer.accepts_reuse(offer):
            reuses, last_made = [], None
    calls = _drop_failing(_without(planner.calls, reuses), planner, without_key=estimate_only)
    merged = _merge_identical(calls)
    estimate = _estimate(project, run_id, merged, reuses, history, terms)
    if not estimate_only:
        _require_any(jobs, calls, reuses, planner)
        _ask_for_consent(project, estimate, terms, buyer)
    return Prepared(
        calls=tuple(merged),
        reuses=tuple(reuses),
        failed=tuple(planner.failed),
        estimate=estimate,
        allowance=_make_allowance(project, history, terms),
        last_made=last_made,
        fresh=terms.fresh,
        left_out=tuple(_iter_left_out(calls)),
    )


def _plan_calls(project: Project, jobs: Iterable[Job], describe_alternative: Callable[[Job], str]) -> _CallPlanner:
    planner = _CallPlanner(project, describe_alternative)
    for job in jobs:
        planner.add(job)
    return planner


def _offer_addresses(project: Project, jobs: Iterable[Job], buyer: Buyer) -> None:
    """Ask for each address that is not its service's own. `check` refuses those that the buyer does not accept."""
    accounts: dict[str, Account | None] = {}
    for wanted in dict.fromkeys((job.provider, job.address.kind) for job in jobs):
        with suppress(GitAssetsError):  # What cannot be loaded is told where the calls are planned.
            provider = load_provider(*wanted, project.settings)
            accounts[provider.name] = find_account(provider)
    for name, account in accounts.items():
        if account and account.needs_acceptance and buyer.accepts_address(name, account.settings.base_url):
            accept_address(project, name, account.settings.base_url)


def _ask_for_consent(project: Project, estimate: Estimate, terms: Terms, buyer: Buyer) -> None:
    if estimate.live:
        buyer.show(estimate)
        require_consent(estimate, project.settings.budget.confirm_usd, terms, buyer)


def _make_allowance(project: Project, history: RequestHistory, terms: Terms) -> Allowance:
    return Allowance(
        max_cost_usd=terms.max_cost_usd,
        run_limit_usd=project.settings.budget.run_usd,
        run_spent_usd=history.spent_usd,
    )


def _iter_left_out(calls: Iterable[ProviderCall]) -> Iterator[OmittedText]:
    for call in calls:
        what = call.provider.find_left_out(call.jobs[0].request) if isinstance(call.provider, Selective) else ()
        note = call.provider.find_remark(call.jobs[0].request) if isinstance(call.provider, Remarking) else ""
        if what or note:
            yield OmittedText(call.jobs[0].address, call.provider.name, what, note)


def _read_last_made(project: Project, requests: Iterable[str]) -> dict[str, str]:
    turns = RequestLocks(project.state_dir)
    turns.forget_old()
    return {request: turns.read_last(request) for request in requests}


def _without(calls: Iterable[ProviderCall], reuses: Iterable[Reuse]) -> list[ProviderCall]:
    reused = {id(one.job) for one in reuses}
    return [call for call in calls if id(call.jobs[0]) not in reused]


def _drop_failing(calls: Iterable[ProviderCall], planner: _CallPlanner, *, without_key: bool) -> list[ProviderCall]:
    """Check each call and drop those that cannot succeed. Keep calls that only lack a key if `without_key`."""
    kept = []
    for call in calls:
        try:
            call.provider.check(call.jobs[0].request)
        except GitAssetsError as error:
            if without_key and isinstance(error, MissingKeyError):
                kept.append(call)
            else:
                planner.fail(call.jobs[0], error)
        else:
            kept.append(call)
    return kept


def _require_any(
    jobs: Sequence[Job], calls: Sequence[ProviderCall], reuses: Sequence[Reuse], planner: _CallPlanner
) -> None:
    if jobs and not calls and not reuses:
        what = format_addresses(one.address for one in planner.failed)
        first = planner.failed[0]
        raise ProviderError(f"None of {what} can be made: {first.message}", first.hint)


def _merge_identical(calls: Iterable[ProviderCall]) -> list[ProviderCall]:
    """Merge calls with the same order key, so that identical requests for the same take number are billed once."""
    merged: dict[str, ProviderCall] = {}
    for number, call in enumerate(calls):
        key = call.key or str(number)
        merged[key] = replace(call, jobs=(*merged[key].jobs, *call.jobs)) if key in merged else call
    return list(merged.values())


def _estimate(
    project: Project,
    run_id: str,
    calls: Sequence[ProviderCall],
    reuses: Sequence[Reuse],
    history: RequestHistory,
    terms: Terms,
) -> Estimate:
    orders = OrderBook(project.state_dir, run_id)
    wanted = [] if terms.fresh else [call.key for call in calls if call.is_bought]
    under_way = {key for key in wanted if orders.order(key).is_under_way or orders.find_elsewhere(key)}
    purchases = [_price(call, under_way) for call in calls]
    return Estimate(
        lines=group_purchases(purchases),
        total_usd=add_usd(one.cost_usd for one in purchases),
        reused=tuple(one.reused for one in reuses),
        going_on=tuple(job.address for call in calls if call.key in under_way for job in call.jobs),
        spent_usd=history.spent_usd,
        run_limit_usd=project.settings.budget.run_usd,
        max_cost_usd=terms.max_cost_usd,
    )


def _price(call: ProviderCall, under_way: set[str]) -> Purchase:
    return Purchase(
        addresses=tuple(job.address for job in call.jobs),
        provider=call.provider.name,
        cost_usd=0.0 if call.key in under_way else call.cost_usd,
        live=call.is_bought,
    )
