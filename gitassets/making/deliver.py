"""What came from a service goes into the cache and the log of made assets, also where its buyer was killed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from gitassets.adapters.files import hash_file
from gitassets.adapters.state.journal import Charge, Made, MadeLog
from gitassets.adapters.state.orders import Order, OrderBook
from gitassets.domain.manifest import Kind
from gitassets.domain.takes import BOUGHT_WITH
from gitassets.errors import ProviderError
from gitassets.making.plan import Claim, Good, examine, find_repetition, now, record
from gitassets.providers.base import Generated
from gitassets.runs.project import Project

Outcome = Made | ProviderError
"""What became of one claim."""


def note_charge(log: MadeLog, order: Mapping[str, Any], cost_usd: float, why: str) -> None:
    """Money that is gone for nothing, or may be, is in the log; once for each order."""
    if cost_usd > 0:
        first = Claim(**order["claims"][0])
        log.add_charge(
            Charge(
                charge=order["id"],
                segment=first.segment,
                kind=first.kind,
                provider=order["provider"],
                cost_usd=round(cost_usd, 6),
                at=now(),
                why=why,
            )
        )


def write_receipt(order: Order, generated: Generated) -> str:
    """The md5 of the file, which is on disk together with what the provider says of it."""
    md5 = hash_file(generated.path)
    values = {name: getattr(generated, name) for name in _SAID}
    order.write_receipt({"file": generated.path.name, "md5": md5, **values, "extra": dict(generated.extra)})
    return md5


_SAID = ("source", "model", "prompt", "style", "voice", "seed", "cost_usd")


def hand_over(project: Project, order: Order, generated: Generated, md5: str, log: MadeLog) -> list[Outcome]:
    """The file is in the cache and in the log, as what each claim asked for; then the order is gone.

    When nobody can take it, what it cost is a charge. ProviderError when the file is of no use.
    """
    raw = order.read_order() or {}
    claims, provider = [Claim(**one) for one in raw["claims"]], str(raw["provider"])
    try:
        good = examine(generated, md5, claims[0].address, provider)
    except ProviderError as error:
        note_charge(log, raw, generated.cost_usd, error.message)
        order.remove()
        raise
    if generated.path != project.blobs.path(md5):
        project.blobs.move_in(generated.path, md5)
    outcomes = list(_share(good, claims, provider, log))
    if not any(isinstance(one, Made) for one in outcomes):
        note_charge(log, raw, generated.cost_usd, f"{provider} made the same again")
    order.remove()
    return outcomes


def _share(good: Good, claims: Sequence[Claim], provider: str, log: MadeLog) -> Iterator[Outcome]:
    """What becomes of each claim; all takes are in the log, the first with the cost of all."""
    earlier = (made for made in log.read() if made.asset.get("md5") == good.md5)
    known = {(made.segment, made.kind, made.asset.get("take")): made for made in earlier}
    payer: Claim | None = None
    for claim in claims:
        problem = find_repetition(claim, good.md5, provider)
        if problem is not None:
            yield problem
            continue
        yield known.get((claim.segment, claim.kind, claim.take)) or _log(log, claim, good, payer)
        payer = payer or claim


def _log(log: MadeLog, claim: Claim, good: Good, payer: Claim | None) -> Made:
    shared = {BOUGHT_WITH: str(payer.address)} if payer else {}
    made = record(claim, good, cost_usd=0.0 if payer else good.generated.cost_usd, **shared)
    log.add(made)
    return made


def settle_orders(project: Project, run_id: str) -> None:
    """Of the orders that a killed command has left only those remain that became a job: the same request goes on with
    it. The caller holds the run's lock for making."""
    log = MadeLog(project.state_dir, run_id)
    for order in OrderBook(project.state_dir, run_id):
        raw = order.read_order()
        if raw is not None:
            _settle(project, order, raw, log)
        elif not order.is_under_way:
            order.remove()


def _settle(project: Project, order: Order, raw: Mapping[str, Any], log: MadeLog) -> None:
    found = _find_result(project, order, raw)
    if found is not None:
        with suppress(ProviderError):  # It is noted as a charge.
            hand_over(project, order, *found, log)
    elif not order.is_under_way:
        why = f"The command was interrupted while {raw['provider']} was asked. It may have been charged"
        note_charge(log, raw, float(raw["cost_usd"]), why)
        order.remove()


def _find_result(project: Project, order: Order, raw: Mapping[str, Any]) -> tuple[Generated, str] | None:
    """The file that came, and its md5; None when there is none that is whole."""
    receipt = order.read_receipt()
    if receipt is None:
        return _find_unsigned(order, raw)
    file, md5 = order.result_dir / str(receipt.pop("file")), str(receipt.pop("md5"))
    path = file if file.exists() else project.blobs.path(md5)
    return (Generated(path=path, **receipt), md5) if path.exists() else None


def _find_unsigned(order: Order, raw: Mapping[str, Any]) -> tuple[Generated, str] | None:
    """A file that was wholly there when its buyer was killed; what is known of it is what was asked for."""
    from gitassets.providers.http.calls import CallError
    from gitassets.providers.http.media_file import WHOLE_NAME, keep_media

    kind = Kind(raw["claims"][0]["kind"])
    for path in order.list_results():
        if path.name == WHOLE_NAME or (path.stem == kind.value and path.suffix != ".part"):
            with suppress(CallError):
                kept = keep_media(path, kind)
                return Generated(path=kept, **_with_job(order, raw["expected"])), hash_file(kept)
    return None


def _with_job(order: Order, expected: Mapping[str, Any]) -> dict[str, Any]:
    job = order.read()
    extra = {**expected["extra"], "job": job} if job and "://" not in job else expected["extra"]
    return {**expected, "extra": extra}
