"""Store what a service delivered in the cache and the log of made assets, also for orders of a killed command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from gitassets.adapters.files import hash_file
from gitassets.adapters.state.journal import Charge, MadeLog, MadeTake
from gitassets.adapters.state.orders import Order, OrderBook
from gitassets.domain.manifest import Kind
from gitassets.domain.takes import BOUGHT_WITH
from gitassets.domain.word_times import TimedWords
from gitassets.errors import ProviderError
from gitassets.making.plan import CheckedFile, PendingTake, check_file, find_repetition, make_log_entry_for_file, now
from gitassets.providers.base import Generated
from gitassets.runs.project import Project
from gitassets.runs.word_files import keep_words

Outcome = MadeTake | ProviderError
"""The result of one pending take."""


def log_charge(log: MadeLog, order: Mapping[str, Any], cost_usd: float, why: str) -> None:
    """Log a charge that produced no asset, or may have; once for each order. A cost of 0 is not logged."""
    if cost_usd > 0:
        first = PendingTake(**order["claims"][0])
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


def write_receipt(project: Project, order: Order, generated: Generated) -> str:
    """Write the receipt: the file's name and md5 and what the provider says about it. Return the md5."""
    md5 = hash_file(generated.path)
    keep_word_times(project, generated, md5)
    values = {name: getattr(generated, name) for name in _RECEIPT_FIELDS}
    order.write_receipt({"file": generated.path.name, "md5": md5, **values, "extra": dict(generated.extra)})
    return md5


def keep_word_times(project: Project, generated: Generated, md5: str) -> None:
    """Keep the word times that the provider told. The commit that records the sound takes them up."""
    if generated.word_times:
        made_by = generated.model or generated.source
        keep_words(project, md5, TimedWords(made_by, generated.word_times))


_RECEIPT_FIELDS = ("source", "model", "prompt", "style", "voice", "seed", "cost_usd")


def store_result(project: Project, order: Order, generated: Generated, md5: str, log: MadeLog) -> list[Outcome]:
    """Move the file into the cache, log it for each pending take of the order, then remove the order.

    Log the cost as a charge if no pending take can use the file. Raise ProviderError if the file is unusable.
    """
    raw = order.read_order() or {}
    pending, provider = [PendingTake(**one) for one in raw["claims"]], str(raw["provider"])
    try:
        checked = check_file(generated, md5, pending[0].address, provider)
    except ProviderError as error:
        log_charge(log, raw, generated.cost_usd, error.message)
        order.remove()
        raise
    if generated.path != project.blobs.path(md5):
        project.blobs.move_in(generated.path, md5)
    outcomes = list(_share(checked, pending, provider, log))
    if not any(isinstance(one, MadeTake) for one in outcomes):
        log_charge(log, raw, generated.cost_usd, f"{provider} made the same again")
    order.remove()
    return outcomes


def _share(checked: CheckedFile, pending: Sequence[PendingTake], provider: str, log: MadeLog) -> Iterator[Outcome]:
    """Log the file for each pending take; the first one bears the whole cost."""
    earlier = (made for made in log.read() if made.asset.get("md5") == checked.md5)
    known = {(made.segment, made.kind, made.asset.get("take")): made for made in earlier}
    payer: PendingTake | None = None
    for one in pending:
        problem = find_repetition(one, checked.md5, provider)
        if problem is not None:
            yield problem
            continue
        yield known.get((one.segment, one.kind, one.take)) or _log(log, one, checked, payer)
        payer = payer or one


def _log(log: MadeLog, pending: PendingTake, checked: CheckedFile, payer: PendingTake | None) -> MadeTake:
    shared = {BOUGHT_WITH: str(payer.address)} if payer else {}
    made = make_log_entry_for_file(pending, checked, cost_usd=0.0 if payer else checked.generated.cost_usd, **shared)
    log.add(made)
    return made


def settle_orders(project: Project, run_id: str) -> None:
    """Finish the orders that a killed command left. Keep only those that are under way at their service.

    The same request, made again, continues a kept order. The caller holds the run's lock for making.
    """
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
        with suppress(ProviderError):  # Logged as a charge.
            store_result(project, order, *found, log)
    elif not order.is_under_way:
        why = f"The command was interrupted while {raw['provider']} was asked. It may have been charged"
        log_charge(log, raw, float(raw["cost_usd"]), why)
        order.remove()


def _find_result(project: Project, order: Order, raw: Mapping[str, Any]) -> tuple[Generated, str] | None:
    """Return the delivered file and its md5, or None if there is no complete file."""
    receipt = order.read_receipt()
    if receipt is None:
        return _find_without_receipt(order, raw)
    file, md5 = order.result_dir / str(receipt.pop("file")), str(receipt.pop("md5"))
    path = file if file.exists() else project.blobs.path(md5)
    return (Generated(path=path, **receipt), md5) if path.exists() else None


def _find_without_receipt(order: Order, raw: Mapping[str, Any]) -> tuple[Generated, str] | None:
    """Find a file that was complete when the process was killed. Describe it by what was requested."""
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
    service_job = order.read()
    # It may also be the URL of a result.
    is_id = service_job is not None and "://" not in service_job
    extra = {**expected["extra"], "job": service_job} if service_job and is_id else expected["extra"]
    return {**expected, "extra": extra}
