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
    from gitassets.cli.render import cell_of_counts, format_duration, print_table
    from gitassets.cli.table import Column

    columns = (
        Column("Run"), Column("State"), Column("Segments", right=True), Column("Assets", wrap=True, least=20),
        Column("Narration", right=True), Column("Cost", right=True),
    )  # fmt: skip
    rows = [
        [
            one.run_id + ("" if one.is_open else " (not open)"), one.production_state, str(one.segments),
            one.problem or cell_of_counts(one.counts, altered=one.altered), format_duration(one.duration_sec),
            f"${one.cost_usd:.2f}",
        ]
        for one in results
    ]  # fmt: skip
    print_table(columns, rows)
