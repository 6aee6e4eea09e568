"""The command on money: cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, OptionalRun, examples, load_project, look_at_run

if TYPE_CHECKING:
    from rich.table import Table

    from gitassets.actions.cost import CostResult, RunCost


def register(app: typer.Typer) -> None:
    app.command("cost", epilog=examples("cost", "cost latest", "cost latest --plot cost.png", "cost --json"))(cost)


@guarded
def cost(
    run: OptionalRun = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw it as well, into this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run has cost, or all runs, by kind and provider, from the history: every take counts, in US dollars.

    Wasted is what was paid for takes that are rejected, that were replaced without ever having been approved, or that
    were candidates when another one was approved; and for calls that were charged, or may have been, and brought
    nothing. Takes from history and copies of other runs' assets cost nothing. Prices are those of gitassets.yaml at the
    time: the services' bills are what is owed.
    """
    from gitassets.actions.cost import read_costs
    from gitassets.cli.render import emit_json, encode

    project, found = (load_project(), None) if run is None else look_at_run(run, history=True)
    result = read_costs(project, found)
    if plot is not None:
        from gitassets.actions.cost_plot import plot_costs

        plot_costs(result, plot)
    if as_json:
        emit_json("cost", {**encode(result), "plot": plot})
        return
    _print_costs(result)
    if plot is not None:
        typer.echo(f"Drawn: {plot}")


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
        _add_sums(table, result)
    make_console().print(table)
    _tell_rest(result)


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


def _add_sums(table: Table, result: CostResult) -> None:
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


def _tell_rest(result: CostResult) -> None:
    from gitassets.cli.render import count
    from gitassets.domain.estimate import format_usd

    charges = sum(row.charges for run in result.runs for row in run.rows)
    unknown = sum(run.unknown_takes for run in result.runs)
    if charges:
        typer.echo(f"{count(charges, 'call')} brought nothing and may have been charged: counted as wasted.")
    if unknown:
        typer.echo(f"Of {count(unknown, 'take')} nobody recorded the cost: not counted.")
    if result.pending_usd:
        told = format_usd(result.pending_usd)
        typer.echo(f"Besides, {told} is ordered or not recorded yet: run the command again that was interrupted.")
