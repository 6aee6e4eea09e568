"""`gitassets doctor`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import JsonOption, examples, load_project


def register(app: typer.Typer) -> None:
    app.command("doctor", epilog=examples("doctor"))(doctor)


@guarded
def doctor(as_json: JsonOption = False) -> None:
    """Repair what interrupted or killed commands left behind.

    It completes interrupted commands and repairs lock files of a killed git, flags that hide changes from git, hooks,
    .dvc files, the cache, and settings that were lost or cut off.
    """
    from gitassets.actions.doctor import doctor as act
    from gitassets.cli.render import emit_json, printable

    result = act(load_project(check_hooks=False))
    if as_json:
        emit_json("doctor", result)
    else:
        for line in result.mended:
            typer.echo(printable(line))
        for line in result.left:
            typer.echo(printable(f"Left for you: {line}"), err=True)
        if not result.mended and not result.left:
            typer.echo("Nothing to repair.")
    if result.left:
        raise typer.Exit(PARTIAL)
