"""`gitassets note`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    check_segment,
    examples,
    load_run,
)
from gitassets.errors import MissingInputError


def register(app: typer.Typer) -> None:
    app.command(
        "note",
        epilog=examples(
            'note latest 3 "too cartoonish"',
            'note latest 1-3 ""',
            'note latest --image 3 --region 10,20,30,30 "misspelt"',
            'note latest --audio 2 --at 1.2-3.4 "too fast"',
            "note latest --settle 3f9a41d2",
        ),
    )(note)


@guarded
def note(
    run: RunArgument,
    chosen: Annotated[
        str | None,
        typer.Argument(metavar="[SEGMENT]", help="The segment or segments: 3, 1,3 or 1-3. Not with an option below."),
    ] = None,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="The note; an empty text removes that of a segment.")
    ] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEL", hidden=True)] = None,
    audio: Annotated[str | None, typer.Option(metavar="N", help="The narration of this segment.")] = None,
    image: Annotated[str | None, typer.Option(metavar="N", help="The image of this segment.")] = None,
    video: Annotated[str | None, typer.Option(metavar="N", help="The clip of this segment.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="SEC", help="A moment or range of it, in seconds: 1.2 or 1.2-3.4.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="A part of the picture, or a point X,Y, in percent.")
    ] = None,
    settle: Annotated[str | None, typer.Option(metavar="ID", help="Settle this note on an asset.")] = None,
    reply: Annotated[str | None, typer.Option(metavar="ID", help="Answer this note on an asset.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a segment, or on an asset of it.

    A note on an asset belongs to the bytes it was written about. It can name a moment or a part of the picture, be
    answered, and be settled; `show` lists such notes with their ids.
    """
    from gitassets.cli import annotating

    address = annotating.find_address(audio, image, video)
    others = [one for one in (segment, address, settle, reply) if one is not None]
    needed = 0 if settle is not None else 1 if others else 2
    given = [one for one in (run or None, chosen, text) if one is not None]
    if len(others) > 1 or len(given) not in (needed, needed + 1):
        raise MissingInputError(
            "Say what the note is on, and what it says",
            "Give a segment or one of --audio, --image, --video, --reply, and a text.",
        )
    run, *words = given if len(given) > needed else (LEFT_OUT, *given)
    if needed == len(words) == 2:
        check_segment("note", run, words[0])
    if settle is not None:
        return annotating.settle(run, settle, as_json=as_json)
    if reply is not None:
        return annotating.reply(run, reply, words[0], as_json=as_json)
    if address is not None:
        return annotating.annotate(run, address, words[0], at, region, as_json=as_json)
    return _note_on_segments(run, segment or words[0], words[-1], as_json=as_json)


def _note_on_segments(run: str, segment: str, text: str, *, as_json: bool) -> None:
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
