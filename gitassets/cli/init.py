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
from gitassets.cli.paths import shorten_paths, show_path


def register(app: typer.Typer) -> None:
    app.command("init", epilog=examples("init", "init ~/videos/episode-12"))(init)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project folder.", show_default=False)] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Replace the cache.type of DVC without asking, if it links files.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Set up a folder as a project, or complete a clone of one.

    It is safe to run again. Your own hooks and tracked files stay as they are: git calls the hooks of gitassets only in
    run folders. In a clone of a run's branch, nothing is committed.
    """
    from gitassets.actions.init import init as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.built_in_looks import DEFAULT_LOOK

    ask = is_interactive() and not as_json
    result = act(folder.absolute(), look=DEFAULT_LOOK, agrees=lambda risky: yes or (ask and _may_replace(risky)))
    if as_json:
        return emit_json("init", result)
    for line in result.done or ("Nothing to do: the project is already set up.",):
        typer.echo(shorten_paths(line))
    for path in result.uncommitted:
        typer.echo(f"Not committed, since it had your own changes: {show_path(path)}")
    for line in result.left:
        typer.echo(f"Left for you: {line}", err=True)
    if result.risky:
        typer.echo(f"Unchanged: {_describe_risk(result.risky)}", err=True)
        typer.echo("  → `gitassets init --yes` replaces it. Runs have their own safe settings in any case.", err=True)
    typer.echo(f"Project: {show_path(result.root)}")
    if result.runs_there:
        from gitassets.domain.wording import name_some

        shown = name_some(result.runs_there, 8)
        typer.echo(f"On the server: {shown}. Get one with `gitassets pull {result.runs_there[-1]}`.")
    return None


def _may_replace(risky: Mapping[str, str]) -> bool:
    typer.echo(_describe_risk(risky), err=True)
    return typer.confirm("Replace it?", default=False, err=True)


def _describe_risk(risky: Mapping[str, str]) -> str:
    why = {
        "cache.type": "if files are links into the cache, a program that writes to one also changes the cached bytes",
        "core.autostage": "after a blocked commit, changed .dvc files stay staged",
    }
    return "; ".join(f"DVC's {name} is {value}: {why[name]}" for name, value in risky.items())
