"""`gitassets restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    ImageOption,
    JsonOption,
    RunArgument,
    SegmentOption,
    VideoOption,
    examples,
    load_run,
    make_selection,
)


def register(app: typer.Typer) -> None:
    app.command("restore", epilog=examples("restore latest --image 3", "restore latest --image 3 --take 1"))(restore)


@guarded
def restore(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    take: Annotated[
        str | None,
        typer.Option(metavar="N", help="Make this older take the current one, in review: its number, or its md5."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put back the recorded bytes of assets, or bring an older take back. What lay there is kept in the cache."""
    from gitassets.actions.restore import restore as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run)
    selection = make_selection(audio, image, video, segment)
    if found.is_open and not selection.empty:
        fetch_first(project, found, need_chosen(project, found, selection, take), as_json)
    result = act(project, found, selection, take)
    if as_json:
        emit_json("restore", result)
    elif not result.restored:
        typer.echo("Nothing to restore: the files are as recorded.")
    elif result.take is not None:
        typer.echo(f"Take {result.take} is the current one again, in review: {result.restored[0]}")
    else:
        typer.echo(f"Put back {', '.join(result.restored)}")
