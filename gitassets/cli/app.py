"""The application: every command, in the order in which a production uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from gitassets.cli import assets, editing, files, integrity, money, reading, setup, sharing, takes, upgrading

app = typer.Typer(
    name="gitassets",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from gitassets import __version__

        typer.echo(f"gitassets {__version__}")
        raise typer.Exit


@app.callback(epilog="Begin with `gitassets demo`, which shows the whole way in about a minute, or `gitassets init`.")
def gitassets(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Review the narration, images and clips of a video one by one, keep what is approved under lock, make again
    only what was rejected, and build the video out of approved assets alone. Every decision is a git commit.
    """


_PARTS = (setup, assets, takes, editing, reading, money, sharing, files, integrity, upgrading)
for _part in _PARTS:
    _part.register(app)


def narrow(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Where the first argument names a command, the app has only that one: building all takes longer than most do.

    The demo calls the others, so it keeps them all.
    """
    wanted = [one for one in app.registered_commands if arguments and _name(one) == arguments[0]]
    if wanted and arguments[0] != "demo":
        app.registered_commands, app.registered_groups = wanted, []


def _name(command: CommandInfo) -> str | None:
    return command.name or (get_command_name(command.callback.__name__) if command.callback else None)
