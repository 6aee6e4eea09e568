"""`gitassets close`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    load_run,
)


def register(app: typer.Typer) -> None:
    app.command("close", epilog=examples("close 20260207_101747"))(close)


@guarded
def close(run: RunArgument, as_json: JsonOption = False) -> None:
    """Remove a run's folder, if nothing in it would be lost.

    The branch and the cached files stay.
    """
    from gitassets.actions.close import close_run
    from gitassets.cli.render import emit_json

    project, found = load_run(run)
    result = close_run(project, found)
    if as_json:
        emit_json("close", result)
        return
    typer.echo(f"Closed {result.run_id}. `gitassets open {result.run_id}` brings it back.")
