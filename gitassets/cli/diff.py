"""`gitassets diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    load_run_to_read,
)


def register(app: typer.Typer) -> None:
    app.command("diff", epilog=examples("diff latest", "diff pilot run/pilot~3..run/pilot"))(diff)


@guarded
def diff(
    run: RunArgument,
    span: Annotated[
        str | None, typer.Argument(metavar="A..B", help="Two commits. Default: the last commit and its parent.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe what changed between two commits of a run.

    It lists transitions, takes and texts.
    """
    from gitassets.actions.diff import diff as act
    from gitassets.cli.render import emit_json, printable

    project, found = load_run_to_read(run, history=True)
    result = act(project, found, span)
    if as_json:
        emit_json("diff", result)
        return
    for line in result.lines or ("Nothing changed.",):
        typer.echo(printable(line))
