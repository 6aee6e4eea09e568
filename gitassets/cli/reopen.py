"""`gitassets reopen`."""

from __future__ import annotations

from typing import Annotated

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
from gitassets.cli.phrases import print_decision


def register(app: typer.Typer) -> None:
    app.command("reopen", epilog=examples('reopen latest --audio 4 --reason "the name is mispronounced"'))(reopen)


@guarded
def reopen(
    run: RunArgument,
    reason: Annotated[str, typer.Option(help="Why the asset must change; recorded in the manifest.")],
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Unlock approved assets, or undo a rejection.

    Approved, published and rejected assets go back to review.
    """
    from gitassets.actions.reopen import reopen_assets

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment, music=music)
    result = reopen_assets(project, found, selection, reason=reason, expected=expect, dry_run=dry_run)
    print_decision(result, "Reopened", as_json)
