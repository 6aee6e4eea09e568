"""The application: its commands, each in a module of its own that is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

# In the order in which a production uses them. Each has a module named after it, and the group hooks besides.
COMMANDS = (
    "init", "produce", "track", "open", "close", "demo", "list", "review", "approve", "reject", "reopen", "note",
    "regen", "replace", "restore", "copy", "build", "takes", "choose", "history", "edit", "show", "summary", "log",
    "blame", "diff", "providers", "cost", "push", "pull", "publish", "runs", "export", "import", "verify", "doctor",
    "gc", "hooks", "upgrade", "move", "help",
)  # fmt: skip
_MODULES = {"import": "import_", "history": "takes"}


def register(app: typer.Typer, names: Iterable[str]) -> None:
    """Add these commands to the application; each is imported only now."""
    for module in dict.fromkeys(_MODULES.get(name, name) for name in names):
        import_module(f"gitassets.cli.{module}").register(app)


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
    register(app, (wanted,) if wanted in COMMANDS and wanted != "demo" else COMMANDS)
    return app


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
