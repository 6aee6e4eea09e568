"""`gitassets track`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    JsonOption,
    examples,
    load_project,
    show_progress,
)


def register(app: typer.Typer) -> None:
    app.command("track", epilog=examples("track runs/old_episode", "track runs/x --script x.md"))(track)


@guarded
def track(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with audio/, images/ or video/ in it.")],
    run_id: Annotated[str | None, typer.Option(metavar="ID", help="Name of the run. Default: the folder's.")] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The script, for the segments' texts.", dir_okay=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Adopt a folder of media files as a run, where it lies. Run it again when files were added.

    The number in a file's name says its segment: audio_000 and scene_000 are segment 1. Other names count from 0
    if one of the folder's files has the number 0, else from 1. Where all files of a folder are named by date and time,
    as recorders do, the first is segment 1, the next segment 2. No file is moved, renamed or changed.

    Taken are wav, mp3, m4a, flac, ogg and opus; png, jpg and webp; mp4, m4v, mov, webm and mkv. Each file is decoded
    as a whole. What is left out is named with the reason, and the exit code is 1.
    """
    from gitassets.actions.track import track as act
    from gitassets.cli.render import emit_json, printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.interchange.read_script import read_script

    paragraphs = [] if script is None else read_script(script, lambda: b"")
    with show_progress("Reading", as_json) as on_progress:
        result = act(load_project(), folder.resolve(), run_id=run_id, paragraphs=paragraphs, on_progress=on_progress)
    if as_json:
        emit_json("track", result)
    else:
        what = format_addresses(one.address for one in result.tracked)
        typer.echo(f"Run {result.run_id}: tracks {what}" if what else f"Run {result.run_id}: nothing new to track.")
        for one in result.left_out:
            typer.echo(printable(f"  left out: {one.path} {one.why}"), err=True)
    if result.left_out:
        raise typer.Exit(PARTIAL)
