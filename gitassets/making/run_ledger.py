"""Read what a run's history has bought, from where an earlier command ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from gitassets import __version__
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.ledger_record import (
    ChargeRecord,
    LedgerRecord,
    TakeRecord,
    read_ledger_record,
    write_ledger_record,
)
from gitassets.domain.costs import CostPoint, Ledger
from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.manifest_parsing import parse_asset
from gitassets.domain.takes import REQUEST
from gitassets.errors import CorruptError
from gitassets.runs.history import HistoryReader, format_time
from gitassets.runs.project import Project, Run


class RunLedger(NamedTuple):
    """What a run's history has bought, and the sums over time."""

    ledger: Ledger
    points: list[CostPoint]


def read_ledger(project: Project, run: Run, tip: str) -> RunLedger:
    """Return the ledger of the run's branch, whose last commit is `tip`. Only commits since the record are read."""
    reader = HistoryReader(project.git, project.objects)
    known = _read_known(project, run, tip)
    found = _resume(reader, known) if known else None
    if found is None:
        known, found = None, RunLedger(Ledger(), [])
    if known is None or known.tip != tip:
        _add_commits(found, reader, reader.list_commits([tip], [known.tip] if known else []))
        write_ledger_record(_path(project, run), _make_record(found, tip))
    return found


def iter_requested(project: Project, run: Run, tip: str, wanted: Collection[str]) -> Iterator[tuple[Address, Asset]]:
    """Yield the takes that these requests made in the run's history."""
    record = read_ledger_record(_path(project, run), __version__)
    try:
        if record is not None and record.tip == tip:
            yield from [_parse_take(one) for one in record.takes if one.asset.get(REQUEST) in wanted]
            return
    except (CorruptError, TypeError):
        _path(project, run).unlink(missing_ok=True)
    takes = read_ledger(project, run, tip).ledger.takes.items()
    yield from ((address, asset) for (address, _, _), asset in takes if asset.extra.get(REQUEST) in wanted)


def _path(project: Project, run: Run) -> Path:
    return project.state_dir / "ledgers" / f"{run.run_id}.json"


def _read_known(project: Project, run: Run, tip: str) -> LedgerRecord | None:
    """Return the record if the history of `tip` begins with its own."""
    record = read_ledger_record(_path(project, run), __version__)
    try:
        is_part = record is not None and (record.tip == tip or project.git.is_ancestor(record.tip, tip))
        return record if is_part else None
    except CommandError:
        return None  # Its commit is gone: the branch was rewritten.


def _resume(reader: HistoryReader, record: LedgerRecord) -> RunLedger | None:
    """Return the ledger as it was recorded; None if the record is damaged."""
    try:
        takes = [(*_parse_take(one), one.approved) for one in record.takes]
    except CorruptError:
        return None
    ledger = Ledger(
        takes={(address, asset.take, asset.md5): asset for address, asset, _ in takes},
        approved={asset.md5 for _, asset, approved in takes if approved},
        charges={(one.segment, one.name): one.charge for one in record.charges},
    )
    ledger.set_state(reader.read_last_manifest(record.tip) or Manifest(run_id="none"))
    return RunLedger(ledger, [*record.points])


def _parse_take(record: TakeRecord) -> tuple[Address, Asset]:
    address = Address(record.segment, record.kind)
    return address, parse_asset(record.asset, record.kind, str(address))


def _add_commits(found: RunLedger, reader: HistoryReader, oids: list[str]) -> None:
    ledger, points = found
    total_usd = points[-1].total_usd if points else 0.0
    for commit, state in reader.iter_states(oids):
        if state.manifest is None:
            continue
        ledger.add_state(state.manifest)
        spent_usd = ledger.take_spent_usd()
        if spent_usd:
            total_usd = add_usd((total_usd, spent_usd))
            points.append(CostPoint(commit.oid, format_time(commit.time), total_usd))


def _make_record(found: RunLedger, tip: str) -> LedgerRecord:
    ledger = found.ledger
    return LedgerRecord(
        version=__version__,
        tip=tip,
        takes=[
            TakeRecord(address.segment, address.kind, raw_asset(asset), md5 in ledger.approved)
            for (address, _, md5), asset in ledger.takes.items()
        ],
        charges=[ChargeRecord(segment, name, dict(charge)) for (segment, name), charge in ledger.charges.items()],
        points=found.points,
    )
