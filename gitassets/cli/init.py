"""`gitassets init`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    is_interactive,
)


def register(app: typer.Typer) -> None:
    app.command("init", epilog=examples("init", "init ~/videos/episode-12"))(init)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.", show_default=False)] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Replace cache.type of DVC where it links files, without being asked.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a folder a project, or complete what a clone of a project lacks. Safe to run again.

    Hooks that you have, and files that you track, stay as they are: git calls the hooks of gitassets in the folders of
    runs alone. In a clone of a run's branch nothing is committed.
    """
    from gitassets.actions.init import init as act
    from gitassets.cli.render import emit_json

    ask = is_interactive() and not as_json
    result = act(folder.absolute(), agrees=lambda risky: yes or (ask and _may_replace(risky)))
    if as_json:
        return emit_json("init", result)
    for line in result.done or ("Nothing to do: the project is set up.",):
        typer.echo(line)
    for path in result.uncommitted:
        typer.echo(f"Left uncommitted, since you had changed it before: {path}")
    for line in result.left:
        typer.echo(f"Left for you: {line}", err=True)
    if result.risky:
        typer.echo(f"Left as it is: {_describe_risk(result.risky)}", err=True)
        typer.echo("  → `gitassets init --yes` replaces it. Runs have safe settings of their own either way.", err=True)
    typer.echo(f"Project: {result.root}")
    if result.runs_there:
        shown = ", ".join(result.runs_there[:8]) + (" …" if len(result.runs_there) > 8 else "")
        typer.echo(f"On the server: {shown}. `gitassets pull {result.runs_there[-1]}` brings one here.")
    return None


def _may_replace(risky: Mapping[str, str]) -> bool:
    typer.echo(_describe_risk(risky), err=True)
    return typer.confirm("Replace that?", default=False, err=True)


def _describe_risk(risky: Mapping[str, str]) -> str:
    why = {
        "cache.type": "where files are links into the cache, a program that writes to one changes the cached bytes too",
        "core.autostage": "after a blocked commit the changed .dvc files stay staged",
    }
    return "; ".join(f"DVC's {name} is {value}: {why[name]}" for name, value in risky.items())
