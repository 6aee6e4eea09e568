"""`gitassets blame`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    TypeOption,
    examples,
    load_run_to_read,
)


def register(app: typer.Typer) -> None:
    app.command("blame", epilog=examples("blame latest", "blame latest --type audio --json"))(blame)


@guarded
def blame(run: RunArgument, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show who approved each locked asset, and when.

    Each line names the commit and the md5 of the approved bytes. An approval that the commit message does not name is
    marked "by hand". If one settled a conflict, the decisions of both branches are listed below.
    """
    from gitassets.actions.blame import blame as act
    from gitassets.cli.render import emit_json, make_console, make_table, plain, printable, style_status

    project, found = load_run_to_read(run, history=True)
    approvals = act(project, found, kind)
    if as_json:
        emit_json("blame", {"run_id": found.run_id, "approvals": approvals})
        return
    if not approvals:
        typer.echo("Nothing is approved.")
        return
    columns = ("Asset", "Status", "By", "When", "Commit", "md5")
    table = make_table(*columns, whole=set(columns) - {"By"})
    for one in approvals:
        mark = " by hand" if one.by_hand else ""
        table.add_row(
            str(one.address), style_status(one.status) + mark, plain(one.author), one.date.replace("T", " ")[:16],
            one.commit[:10], one.md5[:12],
        )  # fmt: skip
    make_console().print(table)
    for one in approvals:
        if one.settled:
            typer.echo(printable(f"{one.address} was decided between two branches: {' against '.join(one.settled)}"))
