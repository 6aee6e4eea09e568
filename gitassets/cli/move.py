"""`gitassets move`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    RunArgument,
    VideoOption,
    examples,
    load_run,
    make_selection,
)


def register(app: typer.Typer) -> None:
    app.command("move", epilog=examples("move latest --image 3 --to 5", "move latest --image 3 --take 1 --to 4"))(move)


@guarded
def move(
    run: RunArgument,
    to: Annotated[int, typer.Option(min=1, help="The segment to move it to.")],
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    take: Annotated[
        str | None, typer.Option(metavar="N", help="Copy this take instead of moving the current one.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move an asset to another segment, with its status and notes.

    Notes on the segment itself stay there. The asset that the other segment has becomes an earlier take.
    """
    from gitassets.actions.move import move as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video)
    if found.is_open and not selection.empty and not dry_run:
        fetch_first(project, found, need_chosen(project, found, selection, take), as_json)
    result = act(project, found, selection, to, take, dry_run=dry_run)
    if as_json:
        emit_json("move", result)
    else:
        verb = "Would move" if dry_run else "Moved"
        typer.echo(f"{verb} {result.source} of {result.run_id} to {result.target}: {result.path}")
