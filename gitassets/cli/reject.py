"""`gitassets reject`."""

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
    is_interactive,
    load_run,
    make_selection,
)
from gitassets.cli.phrases import print_decision


def register(app: typer.Typer) -> None:
    app.command(
        "reject", epilog=examples('reject latest --image 2 --reason "wrong style"', "reject latest --image 3,7")
    )(reject)


@guarded
def reject(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    reason: Annotated[
        str | None, typer.Option(help="The reason; it is sent to the service that makes the asset again.")
    ] = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reject assets, with a reason.

    On a terminal it asks for the reason; elsewhere the reason is optional.
    """
    from gitassets.actions.reject import reject as act

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment, music=music)
    if reason is None and is_interactive() and not selection.empty and not dry_run:
        reason = typer.prompt("Reason", default="", show_default=False)
    words = (reason or "").strip() or None
    result = act(project, found, selection, reason=words, expected=expect, dry_run=dry_run)
    print_decision(result, "Rejected", as_json)
