"""`gitassets cost`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, OptionalRun, examples, load_project, load_run_to_read
from gitassets.cli.paths import show_path

if TYPE_CHECKING:
    from gitassets.actions.cost import CostResult, RunCost
    from gitassets.cli.table import Cell


def register(app: typer.Typer) -> None:
    app.command("cost", epilog=examples("cost", "cost latest", "cost latest --plot cost.png", "cost --json"))(cost)


@guarded
def cost(
    run: OptionalRun = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Also draw a plot into this file (needs matplotlib).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what runs have cost, by kind and provider.

    Costs are in US dollars and come from the history: every take counts. Wasted is money spent on takes that were
    rejected, replaced without approval, or passed over as candidates when another was approved, and on calls that were
    or may have been charged without a result. Reused takes and copies from other runs cost nothing. Prices are those in
    gitassets.yaml at the time; the bills of the services may differ.
    """
    from gitassets.actions.cost import read_costs
    from gitassets.cli.render import emit_json, encode

    project, found = (load_project(), None) if run is None else load_run_to_read(run, history=True)
    result = read_costs(project, found)
    if plot is not None:
        from gitassets.actions.cost_plot import plot_costs

        plot_costs(result, plot)
    if as_json:
        emit_json("cost", {**encode(result), "plot": plot})
        return
    _print_costs(result)
    if plot is not None:
        typer.echo(f"Drew the plot {show_path(plot)}")


def _print_costs(result: CostResult) -> None:
    from gitassets.cli.render import print_table
    from gitassets.cli.table import Column

    if not result.runs:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
        return
    titles = ("Takes", "Cost", "Wasted takes", "Wasted")
    columns = (Column("Run"), Column("Kind"), Column("Provider"), *(Column(one, right=True) for one in titles))
    rows = [row for run in result.runs for row in _make_rows(run)]
    print_table(columns, rows + (_make_totals(result) if len(result.runs) > 1 else []))
    _print_footnotes(result)


def _make_rows(run: RunCost) -> Iterator[list[Cell]]:
    from gitassets.domain.estimate import format_usd

    for row in run.rows:
        yield [
            run.run_id, row.kind.value, row.provider, str(row.takes), format_usd(row.cost_usd), str(row.wasted_takes),
            format_usd(row.wasted_usd),
        ]  # fmt: skip
    takes, wasted = sum(row.takes for row in run.rows), sum(row.wasted_takes for row in run.rows)
    yield _embolden(
        run.run_id, "all", "", str(takes), format_usd(run.total_usd), str(wasted), format_usd(run.wasted_usd)
    )


def _make_totals(result: CostResult) -> list[list[Cell]]:
    from gitassets.domain.estimate import format_usd

    rows: list[list[Cell]] = []
    for named, kind, provider in (
        *((one, one.name, "") for one in result.by_kind), *((one, "", one.name) for one in result.by_provider),
    ):  # fmt: skip
        numbers = (str(named.takes), format_usd(named.cost_usd), "", format_usd(named.wasted_usd))
        rows.append(["all runs", kind, provider, *numbers])
    sums = (format_usd(result.total_usd), "", format_usd(result.wasted_usd))
    return [*rows, _embolden("all runs", "all", "", "", *sums)]


def _embolden(*texts: str) -> list[Cell]:
    return [((one, "bold"),) if one else "" for one in texts]


def _print_footnotes(result: CostResult) -> None:
    from gitassets.cli.render import count
    from gitassets.domain.estimate import format_usd

    charges = sum(row.charges for run in result.runs for row in run.rows)
    unknown = sum(run.unknown_takes for run in result.runs)
    if charges:
        typer.echo(f"{count(charges, 'call')} returned nothing and may have been charged: counted as wasted.")
    if unknown:
        typer.echo(f"The cost of {count(unknown, 'take')} is unknown: not counted.")
    if result.pending_usd:
        pending = format_usd(result.pending_usd)
        typer.echo(f"Another {pending} is ordered or not recorded yet: run the interrupted command again.")
