"""Buys from a service: what was asked for is on disk before it is asked, and what came before anything else is done."""

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
from gitassets.adapters.state.request_locks import Turns
from gitassets.domain.takes import REQUEST
from gitassets.errors import BusyError, GitAssetsError
from gitassets.making.consent import Purse
from gitassets.making.deliver import Outcome, hand_over, note_charge, write_receipt
from gitassets.making.ledger import look_back
from gitassets.making.plan import Work, make_claim
from gitassets.making.record import making_lock
from gitassets.making.reuse import find_earlier, take_earlier
from gitassets.providers.base import ChargedError, Generated
from gitassets.runs.project import Project

_NO_WORDS_OF = ("provider", "kind", "text", "input")


@dataclass(frozen=True)
class Shop:
    """Where the assets of one run are made: who pays, where results go. Once `stop` is set nothing more is begun.

    `last` and `fresh` are those of `Prepared`; `own` are the names by which `turns` knows what was made here.
    """

    project: Project
    run_id: str
    action: str
    purse: Purse
    stop: Event
    log: MadeLog
    turns: Turns
    last: Mapping[str, str] | None
    fresh: bool = False
    own: set[str] = field(default_factory=set)
    taking: Lock = field(default_factory=Lock)

    @property
    def orders(self) -> OrderBook:
        return OrderBook(self.project.state_dir, self.run_id)


def buy(shop: Shop, work: Work) -> list[Outcome]:
    """What became of each of the jobs. Nothing is bought where the same order is under way already.

    ProviderError when there is no result; LimitError when it may not be bought. Killed at any moment, this leaves an
    order from which `settle_orders`, or the same order placed again, goes on.
    """
    with shop.turns.take(work.request, shop.stop):
        return _take_newer(shop, work) or _buy(shop, work)


def _take_newer(shop: Shop, work: Work) -> list[Outcome]:
    """What the same request has made for another command since this one read the histories; empty when nothing."""
    if shop.last is None or shop.orders.order(work.key).is_under_way:
        return []
    with shop.taking:  # Or two takes of the same asset would be the same one.
        if shop.turns.read_last(work.request) in (shop.last[work.request], *shop.own):
            return []
        past = look_back(shop.project, shop.run_id, {work.request})
        reuses = find_earlier(shop.project, past, [structs.replace(work, jobs=(job,)) for job in work.jobs])
        taken = [take_earlier(one, shop.action) for one in reuses] if len(reuses) == len(work.jobs) else []
        for made in taken:
            shop.log.add(made)
    return list(taken)


def _buy(shop: Shop, work: Work) -> list[Outcome]:
    order = _give_up(shop, work) if shop.fresh else _take_over(shop, work)
    shop.purse.reserve(_price_usd(work, order), work.provider.name)
    placed = _place(shop, work, order)
    generated = _generate(shop, work, order, placed)
    md5 = write_receipt(order, generated)
    outcomes = hand_over(shop.project, order, generated, md5, shop.log)
    shop.own.add(shop.turns.note(work.request))
    return outcomes


def _price_usd(work: Work, order: Order) -> float:
    """About what is still to be paid."""
    return 0.0 if order.is_under_way else work.cost_usd


def _give_up(shop: Shop, work: Work) -> Order:
    """The order, of which nothing is known any more; what it had become is not asked for, and is a charge."""
    order = shop.orders.order(work.key)
    placed = order.read_order()
    if order.is_under_way and placed is not None:
        why = f"{work.provider.name} had not handed it over, and it was bought anew (--fresh)"
        note_charge(shop.log, placed, float(placed["cost_usd"]), why)
    order.remove()
    return order


def _take_over(shop: Shop, work: Work) -> Order:
    """The order; what a command on another run had ordered before it was killed or stopped goes over to this one."""
    order = shop.orders.order(work.key)
    for run_id, other in [] if order.is_under_way else shop.orders.find_elsewhere(work.key):
        try:
            with hold_lock(making_lock(shop.project, run_id), "handing an order over", wait_sec=0.5):
                _hand_on(other, order)
        except BusyError:
            continue  # It is still being made there.
    return order


def _hand_on(other: Order, order: Order) -> None:
    job = other.read()
    if job is not None and other.read_receipt() is None:
        order.write(job)
        other.remove()


def _place(shop: Shop, work: Work, order: Order) -> dict[str, Any]:
    """What is asked for, on disk: with it the next command can make use of a result whose buyer was killed."""
    claims = [make_claim(job, shop.action, **{REQUEST: work.request}) for job in work.jobs]
    placed = {
        "id": uuid4().hex[:12],
        "provider": work.provider.name,
        "cost_usd": work.cost_usd,
        "claims": [one.to_json() for one in claims],
        "expected": _expect(work),
    }
    order.place(placed)
    return placed


def _expect(work: Work) -> dict[str, Any]:
    """What the record of a take will be, as far as that is known beforehand."""
    request = work.jobs[0].request
    parameters = {key: value for key, value in work.description.items() if key not in _NO_WORDS_OF}
    return {
        "source": work.provider.name,
        "model": work.model,
        "prompt": request.prompt,
        "style": request.style,
        "voice": request.voice,
        "seed": request.seed,
        "cost_usd": work.cost_usd,
        "extra": {"parameters": parameters},
    }


def _generate(shop: Shop, work: Work, order: Order, placed: Mapping[str, Any]) -> Generated:
    """The result; the purse knows what it cost. Any error but an expected one leaves the order as it is, and the money
    reserved: what became of the call is not known."""
    paid_before, reserved_usd = order.is_under_way, _price_usd(work, order)
    request = replace(work.jobs[0].request, job=order, stop=shop.stop)
    try:
        generated = work.provider.generate(request, order.result_dir)
    except ChargedError as error:
        note_charge(shop.log, placed, error.cost_usd, error.message)
        order.remove()
        shop.purse.settle(reserved_usd, 0.0 if paid_before else error.cost_usd)
        raise
    except GitAssetsError:
        under_way = order.is_under_way
        if not under_way:
            order.remove()
        shop.purse.settle(reserved_usd, reserved_usd if under_way else 0.0)
        raise
    shop.purse.settle(reserved_usd, 0.0 if paid_before else generated.cost_usd)
    return generated
