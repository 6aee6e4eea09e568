"""`gitassets note`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    examples,
    load_run,
)


def register(app: typer.Typer) -> None:
    app.command("note", epilog=examples('note latest --segment 3 "too cartoonish"', 'note latest --segment 3 ""'))(note)


@guarded
def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; an empty text removes the note.")],
    segment: Annotated[str, typer.Option(metavar="SEL", help="The segment or segments: 3, 1,3 or 1-3.")],
    as_json: JsonOption = False,
) -> None:
    """Write a note on a segment."""
    from gitassets.actions.note import note as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import format_ranges, parse_selection

    project, found = load_run(run)
    result = act(project, found, parse_selection(segment), text)
    if as_json:
        emit_json("note", result)
    elif result.segments:
        typer.echo(f"Noted on segment {format_ranges(result.segments)} of {result.run_id}")
    else:
        typer.echo("Nothing to do: the note is already there.")
