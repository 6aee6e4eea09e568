"""`gitassets replace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    MusicOption,
    RunArgument,
    VideoOption,
    examples,
    load_run,
    make_selection,
)


def register(app: typer.Typer) -> None:
    app.command(
        "replace", epilog=examples("replace latest --image 3 ~/pictures/diagram.png", "replace latest --audio 2")
    )(replace)


@guarded
def replace(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The new file. Default: the asset's own file, which you have changed."),
    ] = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add your own file as a new take of an asset.

    Approved assets are refused.
    """
    from gitassets.actions.replace import replace_asset
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_addresses

    if file is None and (Path(run).is_file() or (Path(run).suffix and not Path(run).exists())):
        run, file = LEFT_OUT, Path(run)
    project, found = load_run(run, dry_run=dry_run)
    result = replace_asset(project, found, make_selection(audio, image, video, music=music), file, dry_run=dry_run)
    if as_json:
        emit_json("replace", result)
        return
    if result.replaced:
        verb = "Would replace" if dry_run else "Replaced"
        typer.echo(f"{verb} {format_addresses(result.replaced)} in {result.run_id}")
    if result.unchanged:
        typer.echo(f"Unchanged, same bytes: {format_addresses(result.unchanged)}")
