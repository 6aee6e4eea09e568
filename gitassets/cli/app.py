"""Build the application; import the module of a command only when that command is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from importlib import import_module
from typing import Annotated, Any

import typer

from gitassets.cli.command import Application, Group
from gitassets.cli.verbosity import QUIET_HELP, VERBOSE_HELP, accept_everywhere, set_quiet, set_verbose

# The sections of `gitassets --help`. Each command has a module named after it; `hooks` is a group of commands.
SECTIONS = (
    ("Start a project or a run", ("init", "produce", "track", "open", "close", "demo")),
    (
        "Inspect",
        (
            "status", "list", "ls", "show", "play", "summary", "takes", "history", "log", "diff", "blame", "cost",
            "providers", "styles",
        ),
    ),
    ("Review", ("review", "serve", "sheet", "decide", "approve", "reject", "reopen", "undo", "note")),
    ("Make and correct assets", ("regen", "choose", "replace", "restore", "edit", "music", "copy", "move")),
    ("Build and export", ("build", "export", "import")),
    ("Share", ("runs", "push", "pull", "publish")),
    ("Check and maintain", ("verify", "doctor", "gc", "cache", "hooks", "upgrade", "config", "version", "help")),
)  # fmt: skip
COMMANDS = tuple(name for _, names in SECTIONS for name in names)
_SWITCHES = ("-q", "--quiet", "-v", "--verbose")
_MODULES = {"import": "import_", "history": "takes", "ls": "list"}


class SwitchedGroup(Group):
    """Let each command take --quiet and --verbose."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        accept_everywhere(self)


class SectionedGroup(SwitchedGroup):
    """List the commands in the help by section."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        del ctx
        shown = {name: one for name, one in self.commands.items() if not one.hidden}
        width = max(map(len, shown), default=0)
        for title, names in SECTIONS:
            rows = [
                (name.ljust(width), shown[name].get_short_help_str(formatter.width - width - 4))
                for name in names
                if name in shown
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def register(app: typer.Typer, names: Iterable[str]) -> None:
    """Import these commands and add them to the application."""
    for module in dict.fromkeys(_MODULES.get(name, name) for name in names):
        import_module(f"gitassets.cli.{module}").register(app)


def make_app(arguments: Sequence[str]) -> typer.Typer:
    """Return an application with only the command that these arguments call, or with all commands.

    To import and build all of them needs more time than most commands. The demo calls others, so it gets all.
    """
    app = Application(
        name="gitassets",
        cls=SectionedGroup,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(epilog="To start, run `gitassets demo` (about a minute), or `gitassets init` in your project.")(
        gitassets
    )
    wanted = next((one for one in arguments if one not in _SWITCHES), "")
    single = wanted in COMMANDS and wanted != "demo"
    register(app, (wanted,) if single else COMMANDS)
    if single:
        app.registered_commands = [one for one in app.registered_commands if one.name == wanted]
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from gitassets import __version__

        typer.echo(f"gitassets {__version__}")
        raise typer.Exit


class Shell(StrEnum):
    """A shell that completion can be set up for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def _install_completion(shell: Shell | None) -> None:
    if shell is not None:
        from gitassets.cli.completion import install

        install(shell.value)
        raise typer.Exit


def _show_completion(shell: Shell | None) -> None:
    if shell is not None:
        from gitassets.cli.completion import show

        show(shell.value)
        raise typer.Exit


def gitassets(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=QUIET_HELP)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help=VERBOSE_HELP)] = False,
    install_completion: Annotated[
        Shell | None,
        typer.Option(
            callback=_install_completion,
            is_eager=True,
            metavar="SHELL",
            help="Set up completion in bash, zsh or fish, also of `git assets`.",
        ),
    ] = None,
    show_completion: Annotated[
        Shell | None,
        typer.Option(
            callback=_show_completion, is_eager=True, metavar="SHELL", help="Print the script that sets up completion."
        ),
    ] = None,
) -> None:
    """Review the narration, images and clips of a video one by one.

    Approved assets are locked, only rejected ones are made again, and the video is built from approved assets alone.
    Every decision is a git commit. --quiet and --verbose can also follow the command.
    """
    del version, install_completion, show_completion  # Their callbacks have acted.
    set_quiet(quiet)
    set_verbose(verbose)
