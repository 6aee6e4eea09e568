"""`gitassets summary`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    OptionalRun,
    examples,
    load_project,
    warn_if_not_set_up,
)

if TYPE_CHECKING:
    from gitassets.actions.summary import RunSummary


def register(app: typer.Typer) -> None:
    app.command("summary", epilog=examples("summary", "summary latest --json"))(summary)


@guarded
def summary(run: OptionalRun = None, as_json: JsonOption = False) -> None:
    """Show the state of one run, or of all runs.

    It shows counts by status, the length of the narration and the cost of the current takes.
    """
    from gitassets.actions.summary import summarize
    from gitassets.cli.render import (
        emit_json,
    )
    from gitassets.runs.lookup import find_run

    project = load_project()
    warn_if_not_set_up(project)
    results = summarize(project, None if run is None else find_run(project, run))
    if as_json:
        emit_json("summary", {"runs": results})
        return
    if not results:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
    else:
        _print_summary(results)


def _print_summary(results: Iterable[RunSummary]) -> None:
    from gitassets.cli.render import format_duration, make_console, make_table, plain, shorten, style_status

    table = make_table(
        "Run", "State", "Segments", "Assets", "Narration", "Cost",
        right=("Segments", "Narration", "Cost"), whole=("State", "Segments", "Narration", "Cost"),
    )  # fmt: skip
    for one in results:
        counts = ", ".join(f"{count} {style_status(status)}" for status, count in one.counts.items())
        where = "" if one.is_open else " (not open)"
        table.add_row(
            plain(one.run_id + where), plain(one.production_state), str(one.segments),
            plain(shorten(one.problem, 80)) if one.problem else counts, format_duration(one.duration_sec),
            f"${one.cost_usd:.2f}",
        )  # fmt: skip
    make_console().print(table)
