"""Parse command lines: RUN may be left out, and a wrong option is answered with the right one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType

from gitassets.cli.boundary import print_error
from gitassets.cli.usage import explain, explain_group, is_usage_error, note_command

LEFT_OUT = ""
_USAGE = 2
RUN_METAVAR = "[RUN]"
_TWO_RUNS = ["SOURCE", "TARGET"]


class Application(typer.Typer):
    """An application whose commands are all a Command."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"cls": Group, **options})

    def command(self, name: str | None = None, **options: Any) -> Callable[[CommandFunctionType], CommandFunctionType]:
        return super().command(name, **{"cls": Command, **options})


class Command(TyperCommand):
    """A command of ours. If there are fewer arguments than it needs, RUN is `LEFT_OUT`: the command finds the run."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for one in self.params:
            if one.metavar == RUN_METAVAR:
                one.required = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        note_command(self)
        as_json = "--json" in args
        try:
            if not ctx.resilient_parsing:
                args = self._fill_in(ctx, args)
            return super().parse_args(ctx, args)
        except Exception as error:
            if ctx.resilient_parsing or not is_usage_error(error):
                raise
            _suggest_option(error)
            print_error("UsageError", *explain(self, error), as_json=as_json)
            raise typer.Exit(_USAGE) from None

    def _fill_in(self, ctx: Any, args: list[str]) -> list[str]:
        arguments = [one for one in self.params if one.param_type_name == "argument"]
        needed = [one for one in arguments if one.required or one.metavar == RUN_METAVAR]
        names = [one.metavar for one in needed]
        if RUN_METAVAR not in names and names != _TWO_RUNS:
            return args
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        missing = [one for one in needed if not isinstance(given.get(str(one.name)), str | list)]
        if not missing or given.get("help"):
            return args
        return [LEFT_OUT, *args] if RUN_METAVAR in names else [*args, *(LEFT_OUT for _ in missing)]


class Group(TyperGroup):
    """A group of commands. A wrong name or option of its own is told like any other error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _end_group(ctx, error, args)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            _end_group(ctx, error, args)
            raise


def _end_group(ctx: Any, error: Exception, args: list[str]) -> None:
    """Print an error of the parser and end; let any other error pass, such as the help without arguments."""
    if ctx.resilient_parsing or not is_usage_error(error) or not getattr(error, "message", ""):
        return
    _suggest_option(error)
    print_error("UsageError", *explain_group(error), as_json="--json" in args)
    raise typer.Exit(_USAGE) from None


def _suggest_option(error: Exception) -> None:
    possible = getattr(error, "possibilities", None)
    if possible and hasattr(error, "option_name"):
        error.message = f"{error.message}. Did you mean {' or '.join(possible)}?"  # type: ignore[attr-defined]
        error.possibilities = None  # type: ignore[attr-defined]
