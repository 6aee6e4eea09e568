"""Buy assets from services. Each order is on disk before its request is sent, each result as soon as it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import Any
from uuid import uuid4

from msgspec import structs

from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.orders import Order, OrderBook
from gitassets.adapters.state.request_locks import RequestLocks
from gitassets.domain.takes import REQUEST
from gitassets.errors import BusyError, GitAssetsError, ProviderError
from gitassets.making.consent import Allowance
from gitassets.making.deliver import Outcome, log_charge, store_result, write_receipt
from gitassets.making.ledger import read_request_history
from gitassets.making.plan import ProviderCall, make_pending_take
from gitassets.making.record import making_lock
from gitassets.making.refusals import Refusals
from gitassets.making.reuse import find_reuses, reuse_take
from gitassets.providers.base import ChargedError, Generated, RefusedError
from gitassets.runs.project import Project

_NOT_PARAMETERS = ("provider", "kind", "text", "input")


@dataclass(frozen=True)
class MakingContext:
    """What all provider calls of one command share.

    Once `stop` is set, no further call is started. `last_made` and `fresh` are those of `Prepared`. `own_made` holds
    the names under which `turns` recorded what this command made.
    """

    project: Project
    run_id: str
    action: str
    allowance: Allowance
    stop: Event
    log: MadeLog
    turns: RequestLocks
    last_made: Mapping[str, str] | None
    fresh: bool = False
    own_made: set[str] = field(default_factory=set)
    reuse_lock: Lock = field(default_factory=Lock)
    refusals: Refusals = field(default_factory=Refusals)

    @property
    def orders(self) -> OrderBook:
        return OrderBook(self.project.state_dir, self.run_id)


def buy(context: MakingContext, call: ProviderCall) -> list[Outcome]:
    """Make one paid call and return the outcome of each of its jobs.

    An order that is already under way is continued, not bought again. Raise ProviderError if there is no result, and
    LimitError if the call would pass a limit. If the process is killed, the order stays on disk: `settle_orders`, or
    the same call made again, continues it.
    """
    with context.turns.hold(call.request, context.stop):
        context.refusals.require_none(call)
        try:
            return _reuse_newer(context, call) or _buy(context, call)
        except RefusedError as error:
            context.refusals.note(call, error)
            raise


def _reuse_newer(context: MakingContext, call: ProviderCall) -> list[Outcome]:
    """Reuse what the same request made for another command since the histories were read; return [] if nothing."""
    if context.last_made is None or context.orders.order(call.key).is_under_way:
        return []
    with context.reuse_lock:  # Otherwise two takes of one asset could get the same bytes.
        if context.turns.read_last(call.request) in (context.last_made[call.request], *context.own_made):
            return []
        history = read_request_history(context.project, context.run_id, {call.request})
        reuses = find_reuses(context.project, history, [structs.replace(call, jobs=(job,)) for job in call.jobs])
        reused = [reuse_take(one, context.action) for one in reuses] if len(reuses) == len(call.jobs) else []
        for made in reused:
            context.log.add(made)
    return list(reused)


def _buy(context: MakingContext, call: ProviderCall) -> list[Outcome]:
    order = _abandon_order(context, call) if context.fresh else _adopt_order(context, call)
    name, cost_usd = call.provider.name, _price_usd(call, order)
    with context.allowance.run(name, cost_usd, tells_charge=getattr(call.provider, "tells_charge", True)):
        if context.stop.is_set():
            raise ProviderError(f"{call.jobs[0].request.label}: stopped before it was made", "Run the command again.")
        memory = _PricedOrder(context.allowance, call, order, context.allowance.reserve(cost_usd, name))
        placed = _place(context, call, order)
        generated = _generate(context, call, memory, placed)
    md5 = write_receipt(context.project, order, generated)
    outcomes = store_result(context.project, order, generated, md5, context.log)
    context.own_made.add(context.turns.note(call.request))
    return outcomes


def _price_usd(call: ProviderCall, order: Order) -> float:
    """Return the estimated cost that is still to be paid: 0 for an order that is under way."""
    return 0.0 if order.is_under_way else call.cost_usd


@dataclass
class _PricedOrder:
    """The order as its provider sees it: the price that the service names also replaces the reserved amount."""

    allowance: Allowance
    call: ProviderCall
    order: Order
    reserved_usd: float

    def read(self) -> str | None:
        return self.order.read()

    def write(self, job: str) -> None:
        self.order.write(job)

    def write_price(self, cost_usd: float) -> None:
        self.order.write_price(cost_usd)
        self.allowance.correct(self.call.provider.name, self.call.cost_usd, self.reserved_usd, cost_usd)
        self.reserved_usd = cost_usd

    def forget(self) -> None:
        self.order.forget()


def _abandon_order(context: MakingContext, call: ProviderCall) -> Order:
    """Delete an earlier order and return the now empty one. Log its cost as a charge if it was under way."""
    order = context.orders.order(call.key)
    placed = order.read_order()
    if order.is_under_way and placed is not None:
        why = f"{call.provider.name} had not handed it over, and it was bought anew (--fresh)"
        log_charge(context.log, placed, float(placed["cost_usd"]), why)
    order.remove()
    return order


def _adopt_order(context: MakingContext, call: ProviderCall) -> Order:
    """Return the order. Adopt the same order of another run whose command was killed or stopped."""
    order = context.orders.order(call.key)
    for run_id, other in [] if order.is_under_way else context.orders.find_elsewhere(call.key):
        try:
            with hold_lock(making_lock(context.project, run_id), "handing an order over", wait_sec=0.5):
                _move_order(other, order)
        except BusyError:
            continue  # The command on the other run is still at work.
    return order


def _move_order(source: Order, target: Order) -> None:
    service_job = source.read()
    if service_job is not None and source.read_receipt() is None:
        target.write(service_job)
        source.remove()


def _place(context: MakingContext, call: ProviderCall, order: Order) -> dict[str, Any]:
    """Write the order to disk, so that the next command can use a result that arrives for a killed process."""
    pending = [make_pending_take(job, context.action, **{REQUEST: call.request}) for job in call.jobs]
    placed = {
        "id": uuid4().hex[:12],
        "provider": call.provider.name,
        "cost_usd": _find_named_price(order, call),
        "claims": [one.to_json() for one in pending],
        "expected": _expect(call),
    }
    order.place(placed)
    return placed


def _find_named_price(order: Order, call: ProviderCall) -> float:
    """Return what the order was said to cost when it was placed, or the estimate for a new one."""
    earlier = order.read_order() if order.is_under_way else None
    return call.cost_usd if earlier is None else float(earlier["cost_usd"])


def _expect(call: ProviderCall) -> dict[str, Any]:
    """Return what is known beforehand of the take's record."""
    request = call.jobs[0].request
    parameters = {key: value for key, value in call.description.items() if key not in _NOT_PARAMETERS}
    return {
        "source": call.provider.name,
        "model": call.model,
        "prompt": request.prompt,
        "style": request.style,
        "voice": request.voice,
        "seed": request.seed,
        "cost_usd": call.cost_usd,
        "extra": {"parameters": parameters},
    }


def _generate(context: MakingContext, call: ProviderCall, memory: _PricedOrder, placed: Mapping[str, Any]) -> Generated:
    """Call the provider and settle the cost with the allowance.

    After an unexpected error the order and the reserved amount stay, since the outcome of the call is unknown.
    """
    order, paid_before = memory.order, memory.order.is_under_way
    request = replace(call.jobs[0].request, job=memory, stop=context.stop)
    try:
        generated = call.provider.generate(request, order.result_dir)
    except ChargedError as error:
        log_charge(context.log, placed, error.cost_usd, error.message)
        order.remove()
        context.allowance.settle(memory.reserved_usd, 0.0 if paid_before else error.cost_usd)
        raise
    except GitAssetsError:
        under_way = order.is_under_way
        if not under_way:
            order.remove()
        context.allowance.settle(memory.reserved_usd, memory.reserved_usd if under_way else 0.0)
        raise
    context.allowance.settle(memory.reserved_usd, 0.0 if paid_before else generated.cost_usd)
    if not paid_before:
        context.allowance.learn(call.provider.name, call.cost_usd, generated.cost_usd)
    return generated
