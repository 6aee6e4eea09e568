"""`gitassets undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import DryRunOption, JsonOption, RunArgument, examples, load_run

if TYPE_CHECKING:
    from gitassets.actions.undo import UndoResult


def register(app: typer.Typer) -> None:
    app.command("undo", epilog=examples("undo latest", "undo latest --dry-run", "undo latest --commit 1a2b3c4d5e"))(
        undo
    )


@guarded
def undo(
    run: RunArgument,
    commit: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Undo this commit, if nothing of what it changed was changed since."),
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the last command on a run, by a new commit.

    Decisions, notes, texts, and takes that were made, chosen, replaced, restored, moved or copied can be undone. An
    approval that is undone leads to review, and the reopen is recorded. Called again, it undoes the command before. It
    refuses what was published or built, and what somebody else did.
    """
    from gitassets.actions.undo import undo as act
    from gitassets.cli.render import emit_json

    project, found = load_run(run, dry_run=dry_run)
    result = act(project, found, commit, dry_run=dry_run)
    if as_json:
        emit_json("undo", result)
    else:
        print_undone(result)


def print_undone(result: UndoResult) -> None:
    from gitassets.cli.render import printable

    done = "Would undo" if result.dry_run else "Undid"
    typer.echo(printable(f"{done} “{result.summary}” in {result.run_id} ({result.undone[:10]})"))
    for line in result.lines:
        typer.echo(printable(f"  {line}"))
