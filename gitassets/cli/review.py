"""`gitassets review`."""

from __future__ import annotations

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    RunArgument,
    SegmentOption,
    TypeOption,
    VideoOption,
    examples,
    is_interactive,
    load_run,
    make_selection,
)


def register(app: typer.Typer) -> None:
    app.command(
        "review",
        epilog=examples(
            "review latest", "review latest --segment 5", "review latest --audio 1-10", "review latest --type image"
        ),
    )(review)


@guarded
def review(
    run: RunArgument,
    segment: SegmentOption = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    kind: TypeOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Review assets one by one.

    Look or listen, then approve, reject or skip. Each decision is committed at once. Without a terminal, or with
    --json, it moves drafts and revised assets to review and prints the paths of their files. The system's viewer opens
    images and sound; set GITASSETS_VIEWER to use another program.
    """
    from gitassets.cli import review_dialogue as dialogue
    from gitassets.cli.fetching import fetch_and_lay_out
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run, dry_run=dry_run)
    selection = dialogue.choose(make_selection(audio, image, video, segment), kind)
    if found.is_open and not dry_run:
        fetch_and_lay_out(project, found, need_chosen(project, found, selection), as_json)
    if is_interactive() and not as_json and not dry_run:
        dialogue.review_one_by_one(project, found, selection)
    else:
        dialogue.move_and_print(project, found, selection, dry_run=dry_run, as_json=as_json)
