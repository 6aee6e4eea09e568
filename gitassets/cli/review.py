"""`gitassets review`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
    TypeOption,
    VideoOption,
    examples,
    is_interactive,
    load_run,
    load_run_to_read,
    make_selection,
)
from gitassets.cli.paths import show_path
from gitassets.cli.render import emit_json
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import ALL, AssetSelection
from gitassets.domain.takes import sorted_takes
from gitassets.runs.project import Project, Run

if TYPE_CHECKING:
    from gitassets.actions.list import AssetRow


def register(app: typer.Typer) -> None:
    app.command(
        "review",
        epilog=examples(
            "review latest",
            "review latest --segment 5",
            "review latest --audio 1-10",
            "review latest --type image",
            "review latest --start --json",
        ),
    )(review)


@guarded
def review(
    run: RunArgument,
    segment: SegmentOption = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    kind: TypeOption = None,
    start: Annotated[
        bool, typer.Option("--start", help="Move drafts and revised assets to review, and print the paths of all.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Review assets one by one.

    Look or listen, then press a key. Each decision is a commit at once. a approves, r rejects, s skips, b goes back to
    look, u undoes the last change of this review, o opens the file again, n writes a note, e edits the text, g makes a
    new take, 1 to 9 choose a candidate, c shows the next one, ? explains the keys, q quits.

    Without a terminal, or with --json, it only prints the paths of the files; --start then begins the review. The
    system's viewer opens images and sound; set GITASSETS_VIEWER to use another program, with its arguments. Where there
    is no display, such as by SSH, `review` names the files and draws pictures in the terminal.
    """
    from gitassets.cli.fetching import fetch_and_lay_out
    from gitassets.runs.required_blobs import need_chosen

    selection = _choose(make_selection(audio, image, video, segment, music=music), kind)
    asks = is_interactive() and not (as_json or dry_run or start)
    if asks or start:
        project, found = load_run(run, dry_run=dry_run)
    else:
        project, found = load_run_to_read(run)
    if (asks or start) and found.is_open and not dry_run:
        fetch_and_lay_out(project, found, need_chosen(project, found, selection), as_json)
    if asks:
        from gitassets.cli.review_dialogue import review_one_by_one

        review_one_by_one(project, found, selection)
    else:
        _print_waiting(project, found, selection, start=start, dry_run=dry_run, as_json=as_json)


def _choose(selection: AssetSelection, kind: Kind | None) -> AssetSelection:
    """Return the selection, or all assets if it is empty, limited to the kind of --type."""
    if selection.empty:
        return AssetSelection({kind: ALL}) if kind is not None else AssetSelection({}, ALL)
    if kind is None:
        return selection
    by_kind = {one: sel for one, sel in selection.by_kind.items() if one is kind}
    if selection.segments is not None:
        by_kind.setdefault(kind, selection.segments)
    return AssetSelection(by_kind)


def _print_waiting(
    project: Project, run: Run, selection: AssetSelection, *, start: bool, dry_run: bool, as_json: bool
) -> None:
    """Print the paths of all chosen assets. To `start` the review, move drafts and revised assets to it first."""
    from gitassets.actions.list import read_rows
    from gitassets.actions.review import move_to_review

    result = move_to_review(project, run, selection, dry_run=dry_run) if start else None
    rows = read_rows(project, run, selection)
    if as_json:
        commit = result.commit if result else None
        emit_json("review", {"run_id": run.run_id, "commit": commit, "dry_run": dry_run, "assets": rows})
        return
    _print_rows(run, rows)


def _print_rows(run: Run, rows: Sequence[AssetRow]) -> None:
    for row in rows:
        path = run.folder / row.asset.path if run.folder else row.asset.path
        typer.echo(f"{Address(row.segment, row.kind)}\t{row.asset.status.value}\t{show_path(path)}")
        for take in sorted_takes(row.asset):
            path = run.folder / take.path if run.folder else take.path
            typer.echo(f"{Address(row.segment, row.kind)}\tcandidate, take {take.take}\t{show_path(path)}")
