"""Sum up what runs have cost, from their histories."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from gitassets.adapters.state.journal import MadeLog
from gitassets.domain.costs import CostPoint, CostRow, sum_up
from gitassets.domain.estimate import add_usd
from gitassets.making.ledger import read_open_orders_usd
from gitassets.making.run_ledger import read_ledger
from gitassets.runs.lookup import find_runs, read_tips
from gitassets.runs.project import Project, Run


class RunCost(Struct, frozen=True, kw_only=True):
    """The cost of one run: a row for each kind and provider, and their sums.

    `pending_usd` is what is ordered, or was bought by an interrupted command, and is in no history yet; the sums do
    not include it. `unknown_takes` counts takes whose cost is not recorded. `points` are the sums over time.
    """

    run_id: str
    rows: tuple[CostRow, ...]
    total_usd: float
    wasted_usd: float
    pending_usd: float
    unknown_takes: int
    points: tuple[CostPoint, ...] = ()


class Share(Struct, frozen=True, kw_only=True):
    """The cost of all takes of one kind, or of one provider."""

    name: str
    takes: int
    cost_usd: float
    wasted_usd: float


class CostResult(Struct, frozen=True, kw_only=True):
    runs: tuple[RunCost, ...]
    by_kind: tuple[Share, ...]
    by_provider: tuple[Share, ...]
    total_usd: float
    wasted_usd: float
    pending_usd: float


def read_costs(project: Project, run: Run | None = None) -> CostResult:
    """Sum up the given run, or all runs."""
    runs = [run] if run is not None else list(find_runs(project).values())
    tips = read_tips(project)
    costs = tuple(_read_run(project, one, tips[one.ref]) for one in runs if one.ref in tips)
    rows = [row for one in costs for row in one.rows]
    return CostResult(
        runs=costs,
        by_kind=_share_by(rows, lambda row: row.kind.value),
        by_provider=_share_by(sorted(rows, key=lambda row: row.provider), lambda row: row.provider),
        total_usd=add_usd(one.total_usd for one in costs),
        wasted_usd=add_usd(one.wasted_usd for one in costs),
        pending_usd=add_usd(one.pending_usd for one in costs),
    )


def _read_run(project: Project, run: Run, tip: str) -> RunCost:
    ledger, points = read_ledger(project, run, tip)
    rows = sum_up(ledger.iter_spent())
    return RunCost(
        run_id=run.run_id,
        rows=rows,
        total_usd=add_usd(row.cost_usd for row in rows),
        wasted_usd=add_usd(row.wasted_usd for row in rows),
        pending_usd=_read_pending_usd(project, run),
        unknown_takes=sum(row.unknown_takes for row in rows),
        points=tuple(points),
    )


def _read_pending_usd(project: Project, run: Run) -> float:
    log = MadeLog(project.state_dir, run.run_id)
    made = [cost for one in log.read() if isinstance(cost := one.asset.get("cost_usd"), int | float)]
    return add_usd((read_open_orders_usd(project, run.run_id), *made, *(one.cost_usd for one in log.read_charges())))


def _share_by(rows: Iterable[CostRow], name_of: Callable[[CostRow], str]) -> tuple[Share, ...]:
    grouped: dict[str, list[CostRow]] = {}
    for row in rows:
        grouped.setdefault(name_of(row), []).append(row)
    return tuple(
        Share(
            name=name,
            takes=sum(row.takes for row in found),
            cost_usd=add_usd(row.cost_usd for row in found),
            wasted_usd=add_usd(row.wasted_usd for row in found),
        )
        for name, found in grouped.items()
    )
