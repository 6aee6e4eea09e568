"""`gitassets open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    load_run,
)
from gitassets.cli.paths import show_path

if TYPE_CHECKING:
    from gitassets.actions.open import OpenResult
    from gitassets.runs.project import Project


def register(app: typer.Typer) -> None:
    app.command("open", epilog=examples("open 20260207_101747"))(open_)


@guarded
def open_(run: RunArgument, as_json: JsonOption = False) -> None:
    """Create the folder of a run, or restore its missing files.

    Use it for a run that exists only as a branch, here or on a remote.
    """
    from gitassets.actions.open import open_run
    from gitassets.cli.fetching import complete_opened
    from gitassets.cli.render import count, emit_json

    project, found = load_run(run)
    result = complete_opened(project, open_run(project, found.run_id), as_json)
    if as_json:
        emit_json("open", result)
        return
    typer.echo(f"{'Opened' if result.opened else 'Already open:'} {result.run_id} in {show_path(result.folder)}")
    if result.restored:
        typer.echo(f"Restored {count(len(result.restored), 'file')}.")
    for path in result.differing:
        typer.echo(f"  unchanged, but not the recorded bytes: {path}", err=True)
    if result.missing:
        _print_missing(project, result)


def _print_missing(project: Project, opened: OpenResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.runs.lookup import find_run
    from gitassets.runs.missing_blobs import suggest_fetch
    from gitassets.runs.required_blobs import need_all

    run = find_run(project, opened.run_id)
    hint = suggest_fetch(
        project, run, [md5 for md5, one in need_all(project, run).items() if one.path in opened.missing]
    )
    verb = "is" if len(opened.missing) == 1 else "are"
    typer.echo(printable(f"{count(len(opened.missing), 'file')} {verb} not here.\n  → {hint}"), err=True)
