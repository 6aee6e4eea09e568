"""The parts of the application, of which a command needs one: each is imported where it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

# In the order in which a production uses them. A part may bring groups of commands besides.
PARTS = {
    "setup": ("init", "produce", "track", "open", "close", "demo"),
    "assets": (
        "list", "review", "approve", "reject", "reopen", "note", "regen", "replace", "restore", "copy", "build",
    ),
    "takes": ("takes", "choose", "history"),
    "editing": ("edit",),
    "reading": ("show", "summary", "log", "blame", "diff", "providers"),
    "money": ("cost",),
    "sharing": ("push", "pull", "publish", "runs"),
    "files": ("export", "import"),
    "integrity": ("verify", "doctor", "gc"),
    "upgrading": ("upgrade", "move"),
}  # fmt: skip


def make_app(arguments: Sequence[str]) -> typer.Typer:
    """The application for these arguments: with the one command that the first of them names, else with all.

    Importing and building all of them takes longer than most do. The demo calls the others, so it has them all.
    """
    app = typer.Typer(
        name="gitassets",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(
        epilog="Begin with `gitassets demo`, which shows the whole way in about a minute, or `gitassets init`."
    )(gitassets)
    wanted = arguments[0] if arguments else ""
    part = next((one for one, names in PARTS.items() if wanted in names and wanted != "demo"), None)
    for one in PARTS if part is None else (part,):
        import_module(f"gitassets.cli.{one}").register(app)
    if part is not None:
        app.registered_commands = [one for one in app.registered_commands if name_of(one) == wanted]
        app.registered_groups = []
    return app


def name_of(command: CommandInfo) -> str | None:
    return command.name or (get_command_name(command.callback.__name__) if command.callback else None)


def _show_version(wanted: bool) -> None:
    if wanted:
        from gitassets import __version__

        typer.echo(f"gitassets {__version__}")
        raise typer.Exit


def gitassets(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Review the narration, images and clips of a video one by one, keep what is approved under lock, make again
    only what was rejected, and build the video out of approved assets alone. Every decision is a git commit.
    """
