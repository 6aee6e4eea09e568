"""The command close."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    load_run,
)

if TYPE_CHECKING:
    pass

from gitassets.cli.options import examples


def register(app: typer.Typer) -> None:
    app.command("close", epilog=examples("close 20260207_101747"))(close)


@guarded
def close(run: RunArgument, as_json: JsonOption = False) -> None:
    """Take a run's folder away when nothing in it would be lost. The branch and the cached files stay."""
    from gitassets.actions.open_close import close_run
    from gitassets.cli.render import emit_json

    project, found = load_run(run)
    result = close_run(project, found)
    if as_json:
        emit_json("close", result)
        return
    typer.echo(f"Closed {result.run_id}. `gitassets open {result.run_id}` brings it back.")
