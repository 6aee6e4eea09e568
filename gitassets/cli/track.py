"""`gitassets track`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
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
    run_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Name of the run. Default: the name of the folder.")
    ] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The script with the texts of the segments.", dir_okay=False)
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Adopt a folder of media files as a run, in place.

    Run it again after you add files. The number in a file name gives its segment: audio_000 and scene_000 are segment
    1. Other names count from 0 if a file in the folder has the number 0, else from 1. If all names in a folder are
    dates and times, as recorders write them, or numbers of a camera such as IMG_4711, the first file is segment 1, the
    next is segment 2. No file is moved, renamed or changed.

    Supported are wav, mp3, m4a, flac, ogg and opus; png, jpg and webp; mp4, m4v, mov, webm and mkv. Each file is
    decoded completely. Files that are left out are listed with the reason, and the exit code is then 1.
    """
    from gitassets.actions.track import track as act
    from gitassets.cli.render import emit_json, printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.interchange.read_script import read_script

    paragraphs = [] if script is None else read_script(script, lambda: b"")
    with show_progress("Reading", as_json) as on_progress:
        result = act(
            load_project(),
            folder.resolve(),
            run_id=run_id,
            paragraphs=paragraphs,
            on_progress=on_progress,
            dry_run=dry_run,
        )
    if as_json:
        emit_json("track", result)
    else:
        what = format_addresses(one.address for one in result.tracked)
        verb = "would track" if dry_run else "tracked"
        typer.echo(f"Run {result.run_id}: {verb} {what}" if what else f"Run {result.run_id}: nothing new to track.")
        for first, last in result.skipped:
            missing = f"segment {first}" if first == last else f"segments {first}-{last}"
            typer.echo(f"  note: there is no {missing}. Is the number of the next file that of its segment?")
        for one in result.left_out:
            typer.echo(printable(f"  left out: {one.path} {one.why}"), err=True)
    if result.left_out:
        raise typer.Exit(PARTIAL)
