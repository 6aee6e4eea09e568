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
from gitassets.errors import UsageError


def register(app: typer.Typer) -> None:
    app.command(
        "note",
        epilog=examples(
            'note latest --segment 3 "too cartoonish"',
            'note latest --segment 3 ""',
            'note latest --image 3 --region 10,20,30,30 "misspelt"',
            'note latest --audio 2 --at 1.2-3.4 "too fast"',
            "note latest --settle 3f9a41d2",
        ),
    )(note)


@guarded
def note(
    run: RunArgument,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The note; an empty text removes that of a segment.")
    ] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEL", help="The segment or segments: 3, 1,3 or 1-3.")] = None,
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
    _check_one_purpose(segment, address, settle, reply)
    if settle is not None:
        return annotating.settle(run, settle, as_json=as_json)
    if text is None:
        raise UsageError("Say what the note is", "Such as: gitassets note RUN --segment 3 TEXT")
    if reply is not None:
        return annotating.reply(run, reply, text, as_json=as_json)
    if address is not None:
        return annotating.annotate(run, address, text, at, region, as_json=as_json)
    return _note_on_segments(run, segment or "", text, as_json=as_json)


def _check_one_purpose(segment: str | None, address: object, settle: str | None, reply: str | None) -> None:
    if sum(one is not None for one in (segment, address, settle, reply)) != 1:
        raise UsageError(
            "Say what the note is on", "With one of --segment, --audio, --image and --video, or --settle or --reply ID."
        )


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
