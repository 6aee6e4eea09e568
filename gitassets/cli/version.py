"""`gitassets version`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, examples


def register(app: typer.Typer) -> None:
    app.command("version", epilog=examples("version", "version --json"))(version)


@guarded
def version(as_json: JsonOption = False) -> None:
    """Print the version of gitassets."""
    from gitassets import __version__
    from gitassets.cli.render import emit_json

    if as_json:
        emit_json("version", {"version": __version__})
    else:
        typer.echo(f"gitassets {__version__}")
