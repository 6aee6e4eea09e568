"""`gitassets runs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    load_project,
    warn_if_not_set_up,
)

if TYPE_CHECKING:
    from gitassets.actions.runs import RunRow, RunsResult
    from gitassets.cli.table import Cell


def register(app: typer.Typer) -> None:
    app.command("runs", epilog=examples("runs", "runs --remote backup --json"))(runs)


@guarded
def runs(
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote", "--git-remote", metavar="NAME", help="The git remote to query. Default: origin."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """List the runs here and on the server.

    It shows their state and counts, and opens none of them.
    """
    from gitassets.actions.runs import show_runs
    from gitassets.cli.render import emit_json, encode, printable

    project = load_project()
    warn_if_not_set_up(project)
    result = show_runs(project, remote)
    if result.problem is not None:
        typer.echo(
            printable(f"Showing the last known state, since {result.remote} cannot be reached: {result.problem}"),
            err=True,
        )
    if as_json:
        server = ({"sync": row.sync, "ahead": row.ahead, "behind": row.behind} for row in result.runs)
        rows = [{**encode(row.summary), **more} for row, more in zip(result.runs, server, strict=True)]
        emit_json("runs", {"remote": result.remote, "runs": rows, "problem": result.problem})
    else:
        _print_runs(result)


def _print_runs(result: RunsResult) -> None:
    from gitassets.cli.render import print_table
    from gitassets.cli.table import Column

    if not result.runs:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
        return
    columns = (
        Column("Run"), Column("State"), Column("Segments", right=True, rank=1), Column("Assets", wrap=True, least=20),
        Column("Here"), Column(result.remote or "Server"),
    )  # fmt: skip
    print_table(columns, [_make_cells(row) for row in result.runs])


def _make_cells(row: RunRow) -> list[Cell]:
    from gitassets.cli.render import cell_of_counts

    one = row.summary
    counts = one.problem or cell_of_counts(one.counts, altered=one.altered)
    return [one.run_id, one.production_state, str(one.segments), counts, _describe_here(row), _describe_sync(row)]


def _describe_here(row: RunRow) -> str:
    if row.sync == "only on the server":
        return "no"
    return "open" if row.summary.is_open else "not open"


def _describe_sync(row: RunRow) -> str:
    parts = [f"{number} {word}" for number, word in ((row.ahead, "ahead"), (row.behind, "behind")) if number]
    return ", ".join(parts) or row.sync.value
