"""`gitassets cost`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, OptionalRun, examples, load_project, load_run_to_read

if TYPE_CHECKING:
    from rich.table import Table

    from gitassets.actions.cost import CostResult, RunCost


def register(app: typer.Typer) -> None:
    app.command("cost", epilog=examples("cost", "cost latest", "cost latest --plot cost.png", "cost --json"))(cost)


@guarded
def cost(
    run: OptionalRun = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Also draw a plot into this file.")] = None,
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
        typer.echo(f"Drew the plot {plot}")


def _print_costs(result: CostResult) -> None:
    from gitassets.cli.render import make_console, make_table

    if not result.runs:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
        return
    numbers = ("Takes", "Cost", "Wasted takes", "Wasted")
    table = make_table("Run", "Kind", "Provider", *numbers, right=numbers)
    for run in result.runs:
        _add_run(table, run)
    if len(result.runs) > 1:
        _add_totals(table, result)
    make_console().print(table)
    _print_footnotes(result)


def _add_run(table: Table, run: RunCost) -> None:
    from gitassets.cli.render import plain
    from gitassets.domain.estimate import format_usd

    for row in run.rows:
        table.add_row(
            plain(run.run_id), row.kind.value, plain(row.provider), str(row.takes), format_usd(row.cost_usd),
            str(row.wasted_takes), format_usd(row.wasted_usd),
        )  # fmt: skip
    takes, wasted = sum(row.takes for row in run.rows), sum(row.wasted_takes for row in run.rows)
    table.add_row(
        f"[bold]{plain(run.run_id)}[/]", "[bold]all[/]", "", f"[bold]{takes}[/]",
        f"[bold]{format_usd(run.total_usd)}[/]", f"[bold]{wasted}[/]", f"[bold]{format_usd(run.wasted_usd)}[/]",
        end_section=True,
    )  # fmt: skip


def _add_totals(table: Table, result: CostResult) -> None:
    from gitassets.cli.render import plain
    from gitassets.domain.estimate import format_usd

    for one in result.by_kind:
        cells = (str(one.takes), format_usd(one.cost_usd), "", format_usd(one.wasted_usd))
        table.add_row("all runs", one.name, "", *cells)
    for one in result.by_provider:
        cells = (str(one.takes), format_usd(one.cost_usd), "", format_usd(one.wasted_usd))
        table.add_row("all runs", "", plain(one.name), *cells)
    sums = (format_usd(result.total_usd), "", format_usd(result.wasted_usd))
    table.add_row("[bold]all runs[/]", "[bold]all[/]", "", "", *(f"[bold]{one}[/]" for one in sums))


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
