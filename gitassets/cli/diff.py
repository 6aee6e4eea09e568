"""`gitassets diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    load_run_to_read,
)


def register(app: typer.Typer) -> None:
    app.command("diff", epilog=examples("diff latest", "diff pilot run/pilot~3..run/pilot", "diff pilot latest"))(diff)


@guarded
def diff(
    run: RunArgument,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="A..B|RUN", help="Two commits, or another run. Default: the last commit and its parent."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Describe what changed between two commits, or two runs.

    It lists transitions, takes and texts. Two runs are compared segment by segment.
    """
    from gitassets.actions.diff import diff as act
    from gitassets.actions.diff import diff_runs, is_span
    from gitassets.cli.render import emit_json, printable

    if other is None and is_span(run):
        run, other = LEFT_OUT, run
    project, found = load_run_to_read(run, history=True)
    if other is None or is_span(other):
        result = act(project, found, other)
    else:
        result = diff_runs(project, found, load_run_to_read(other)[1])
    if as_json:
        emit_json("diff", result)
        return
    for line in result.lines or ("Nothing changed.",):
        typer.echo(printable(line))
