"""`gitassets approve`."""

from __future__ import annotations

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
    app.command(
        "approve",
        epilog=examples(
            "approve latest --audio all",
            "approve latest --image 1,3,5",
            "approve latest --segment 1-10",
            "approve latest --image 3 --expect 9e107d9d",
        ),
    )(approve)


@guarded
def approve(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Approve and lock assets with their current bytes.

    `all` approves every asset that can be approved, and lists the rest. A number that cannot be approved is an error,
    and nothing changes. --expect refuses an asset whose bytes have changed since you looked at it.
    """
    from gitassets.actions.approve import approve as act

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment, music=music)
    result = act(project, found, selection, expected=expect, dry_run=dry_run)
    print_decision(result, "Approved", as_json)
