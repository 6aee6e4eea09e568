"""`--quiet` and `--verbose`, which stand before or after the name of any command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperOption

_state = {"quiet": False}
QUIET_HELP = "Print no progress and no notes, only results and errors."
VERBOSE_HELP = "Print each git, ffmpeg and DVC transfer that runs, with its time, on standard error."


def is_quiet() -> bool:
    return _state["quiet"]


def set_quiet(wanted: bool) -> None:
    _state["quiet"] = wanted


def set_verbose(wanted: bool) -> None:
    # The module of the processes is loaded only if somebody listens, or has.
    if wanted or "gitassets.adapters.process" in sys.modules:
        from gitassets.actions.trace import trace_commands

        trace_commands(_say if wanted else None)


def _say(line: str) -> None:
    from gitassets.cli.render import printable

    typer.echo(printable(line), err=True)


def accept_everywhere(command: Any) -> None:
    """Let the command and those below it take both options. The help of gitassets lists them once for all."""
    for inner in getattr(command, "commands", {}).values():
        accept_everywhere(inner)
    if not getattr(command, "commands", {}):
        taken = {name for param in command.params for name in param.opts}
        command.params += [one for one in _make_options() if not taken.intersection(one.opts)]


def _make_options() -> Iterator[TyperOption]:
    """Make the options of one command. They only switch on: the group's have switched off."""
    for names, switch in ((["--quiet", "-q"], set_quiet), (["--verbose", "-v"], set_verbose)):

        def turn_on(context: Any, param: Any, value: bool, switch: Any = switch) -> None:
            del context, param
            if value:
                switch(True)

        yield TyperOption(
            param_decls=names,
            is_flag=True,
            default=False,
            hidden=True,
            is_eager=True,
            expose_value=False,
            callback=turn_on,
        )
