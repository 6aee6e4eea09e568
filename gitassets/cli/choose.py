"""`gitassets choose`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ExpectOption,
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
from gitassets.errors import MissingInputError

if TYPE_CHECKING:
    from gitassets.actions.choose import ChooseResult


def register(app: typer.Typer) -> None:
    app.command(
        "choose", epilog=examples("choose latest --image 3 --take 2", "choose latest --audio 5 --take 9e107d9d")
    )(choose)


@guarded
def choose(
    run: RunArgument,
    take: Annotated[
        str | None, typer.Option(metavar="N", help="The take: its number, or the start of its md5.")
    ] = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a candidate the current take of an asset.

    The previous take becomes a candidate, so you can change your mind. A draft stays a draft, a rejected asset becomes
    revised, and one in review stays in review. An earlier take that is not a candidate comes back in review, as with
    `restore --take`. Approved assets are refused.
    """
    from gitassets.actions.choose import choose as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_chosen

    if take is None:
        raise MissingInputError(
            "Say which take to choose, with --take N", "`gitassets takes` lists the takes of an asset."
        )
    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment, music=music)
    if not dry_run:
        fetch_first(project, found, need_chosen(project, found, selection, take), as_json)
    result = act(project, found, selection, take, expected=expect, dry_run=dry_run)
    if as_json:
        emit_json("choose", result)
    else:
        _print_chosen(result)


def _print_chosen(result: ChooseResult) -> None:
    what = f"take {result.take} of {result.address} in {result.run_id}"
    if result.commit is None and not result.dry_run:
        typer.echo(f"Nothing to do: the current take is already {what}")
        return
    typer.echo(f"{'Would choose' if result.dry_run else 'Chose'} {what}")
    step = f"{result.before} → {result.after}" if result.before is not result.after else f"still {result.after}"
    typer.echo(f"  {result.address}: {step}")
