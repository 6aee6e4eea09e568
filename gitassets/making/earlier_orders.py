"""Continue orders that are under way at a service which its provider has left since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs

from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.takes import REQUEST
from gitassets.making.plan import Job, ProviderCall
from gitassets.providers.base import Service, Succeeding
from gitassets.runs.project import Project


def continue_earlier_orders(project: Project, run_id: str, calls: Iterable[ProviderCall]) -> list[ProviderCall]:
    """Return the calls; those whose asset is already ordered at a replaced service wait for that order instead."""
    planned = list(calls)
    if not any(isinstance(call.provider, Succeeding) for call in planned):
        return planned
    orders = [(one.key, one.read_order()) for one in OrderBook(project.state_dir, run_id) if one.is_under_way]
    placed = {key: raw for key, raw in orders if raw is not None}
    return [_continue(call, placed) for call in planned]


def _continue(call: ProviderCall, placed: Mapping[str, Mapping[str, Any]]) -> ProviderCall:
    for key, raw in placed.items():
        service = _find_predecessor(call, raw)
        if service is not None and _is_for(call.jobs[0], raw):
            return structs.replace(
                call,
                provider=service,
                description=service.describe(call.jobs[0].request),
                request=raw["claims"][0]["extra"][REQUEST],
                key=key,
                cost_usd=float(raw["cost_usd"]),
                model=service.info.model,
            )
    return call


def _find_predecessor(call: ProviderCall, raw: Mapping[str, Any]) -> Service | None:
    if not isinstance(call.provider, Succeeding) or raw["provider"] != call.provider.name:
        return None
    return call.provider.find_predecessor(raw["expected"])


def _is_for(job: Job, raw: Mapping[str, Any]) -> bool:
    """Return whether the order was placed for this take of the same asset, with the same text and prompt."""
    claim, expected, request = raw["claims"][0], raw["expected"], job.request
    ordered = claim["segment"], claim["kind"], claim["take"], claim["text_md5"], expected["prompt"], expected["style"]
    address = job.address
    return ordered == (
        address.segment, address.kind.value, job.take_number, job.text_md5, request.prompt, request.style,
    )  # fmt: skip
