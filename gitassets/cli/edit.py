"""`gitassets edit`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import DryRunOption, JsonOption, RunArgument, examples, load_run

if TYPE_CHECKING:
    from gitassets.actions.edit import EditResult


def register(app: typer.Typer) -> None:
    app.command(
        "edit",
        epilog=examples(
            'edit latest 3 --text "Maps tell us where we are."',
            "edit latest 3 --text - < paragraph.md",
            'edit latest 3 --prompt "a hand-drawn map of the coast" --dry-run',
        ),
    )(edit)


@guarded
def edit(
    run: RunArgument,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="The segment's number.")],
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What is to be spoken; - takes it from standard input.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the image is to show; an empty one leaves that open.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Change what a segment says, or what its image is to show.

    What was made before stays as it is, and is listed as stale: `produce --resume RUN --stale` makes it again. While
    the narration is approved its text cannot be changed, nor the prompt of an approved image: reopen it first. Where
    two branches changed a text, this settles it, also while they are being merged.
    """
    from gitassets.actions.edit import EditOptions
    from gitassets.actions.edit import edit as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import parse_selection

    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    project, found = load_run(run, dry_run=dry_run)
    result = act(project, found, parse_selection(segment), EditOptions(text=text, prompt=prompt, dry_run=dry_run))
    if as_json:
        emit_json("edit", result)
    else:
        _tell_edited(result)


def _tell_edited(result: EditResult) -> None:
    from gitassets.cli.phrases import tell_settled
    from gitassets.cli.render import printable

    if not result.changed and result.merge is not None:
        typer.echo(f"Settled the text of segment {result.segment} in {result.run_id}")
        tell_settled(result.merge)
        return
    if not result.changed:
        typer.echo(f"Nothing to change: segment {result.segment} of {result.run_id} is so already.")
        return
    done = "Would change" if result.dry_run else "Changed"
    typer.echo(f"{done} the {' and the '.join(result.changed)} of segment {result.segment} in {result.run_id}")
    tell_settled(result.merge)
    for one in result.stale:
        typer.echo(printable(f"  stale: {one.address} {one.why}"))
    if result.stale and not result.dry_run:
        typer.echo(f"Make it again: gitassets produce --resume {result.run_id} --stale")
