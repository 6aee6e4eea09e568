"""`gitassets blame`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    TypeOption,
    examples,
    load_run_to_read,
)

if TYPE_CHECKING:
    from gitassets.actions.blame import Approval
    from gitassets.cli.table import Cell


def register(app: typer.Typer) -> None:
    app.command("blame", epilog=examples("blame latest", "blame latest --type audio --json"))(blame)


@guarded
def blame(run: RunArgument, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show who approved each locked asset, and when.

    Each line names the commit and the md5 of the approved bytes. An approval that the commit message does not name is
    marked "by hand". If one settled a conflict, the decisions of both branches are listed below.
    """
    from gitassets.actions.blame import blame as act
    from gitassets.cli.render import emit_json, print_table, printable
    from gitassets.cli.table import Column

    project, found = load_run_to_read(run, history=True)
    approvals = act(project, found, kind)
    if as_json:
        emit_json("blame", {"run_id": found.run_id, "assets": approvals})
        return
    if not approvals:
        typer.echo("Nothing is approved.")
        return
    columns = [
        Column("Asset"), Column("Status"), Column("By", wrap=True), Column("When"), Column("Commit"),
        Column("md5", rank=1),
    ]  # fmt: skip
    print_table(columns, [_make_cells(one) for one in approvals])
    for one in approvals:
        if one.settled:
            typer.echo(printable(f"{one.address} was decided between two branches: {' against '.join(one.settled)}"))


def _make_cells(one: Approval) -> list[Cell]:
    from gitassets.cli.render import cell_of_status

    status = (*cell_of_status(one.status), *((("by hand", ""),) if one.by_hand else ()))
    date = one.date.replace("T", " ")[:16]
    return [str(one.address), status, one.author, date, one.commit[:10], one.md5[:12]]
