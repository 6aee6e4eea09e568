"""`gitassets restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    MusicOption,
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
    music: MusicOption = False,
    segment: SegmentOption = None,
    take: Annotated[
        str | None,
        typer.Option(metavar="N", help="Make this earlier take the current one, in review: its number or md5."),
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Restore the recorded bytes of assets, or an earlier take.

    The replaced bytes are kept in the cache.
    """
    from gitassets.actions.restore import restore as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment, music=music)
    if found.is_open and not selection.empty and not dry_run:
        fetch_first(project, found, need_chosen(project, found, selection, take), as_json)
    result = act(project, found, selection, take, dry_run=dry_run)
    if as_json:
        emit_json("restore", result)
    elif not result.restored:
        typer.echo("Nothing to restore: the files have the recorded bytes.")
    elif result.take is not None:
        verb = "Would restore" if dry_run else "Restored"
        typer.echo(f"{verb} take {result.take} as the current one, in review: {result.restored[0]}")
    else:
        typer.echo(f"{'Would restore' if dry_run else 'Restored'} {', '.join(result.restored)}")
