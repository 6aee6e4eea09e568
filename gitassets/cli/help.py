"""`gitassets help`: print the text of `gitassets COMMAND --help`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.options import examples


def show_help(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A command, such as `hooks install`.")
    ] = None,
) -> None:
    """Show the help of a command, or of gitassets."""
    from gitassets.cli.app import make_app

    arguments = words or []
    make_app(arguments)(args=[*arguments, "--help"], prog_name="gitassets")


def register(app: typer.Typer) -> None:
    app.command("help", epilog=examples("help", "help approve", "help hooks install"))(show_help)
