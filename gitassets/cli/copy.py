"""`gitassets copy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    MusicOption,
    examples,
    load_project,
    load_run,
    make_selection,
)

if TYPE_CHECKING:
    from gitassets.actions.copy import CopyResult
    from gitassets.domain.selection import AssetSelection


def register(app: typer.Typer) -> None:
    app.command(
        "copy",
        epilog=examples("copy 20260207_101747 latest --audio approved", "copy pilot latest --image 1-3,7 --replace"),
    )(copy)


_COPY_SELECTION = "segments (from 1): approved, all, 5, 1,3,5 or 1-10"


@guarded
def copy(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="The run to copy from; its folder may be closed."),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The run to copy into.")],
    audio: Annotated[str | None, typer.Option(metavar="SEL", help=f"Narration of {_COPY_SELECTION}.")] = None,
    image: Annotated[str | None, typer.Option(metavar="SEL", help=f"Images of {_COPY_SELECTION}.")] = None,
    video: Annotated[str | None, typer.Option(metavar="SEL", help=f"Clips of {_COPY_SELECTION}.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEL", help=f"Every asset of {_COPY_SELECTION}.")] = None,
    music: MusicOption = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace assets that TARGET already has; their takes stay in the history.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy assets to the same segments of another run.

    Each copy keeps its status and records its origin. If the text of the segment differs, the copy is in review and
    marked stale. If the history of SOURCE does not prove an approval, for example after a commit that bypassed the
    hooks, the copy is in review too. Approved assets are never replaced.
    """
    from gitassets.domain.selection import parse_copy_selection

    selection = make_selection(audio, image, video, segment, music=music, parse=parse_copy_selection)
    copy_chosen(source, target, selection, replace=replace, dry_run=dry_run, as_json=as_json)


def copy_chosen(
    source: str, target: str, selection: AssetSelection, *, replace: bool, dry_run: bool, as_json: bool
) -> None:
    """Copy the chosen assets, and print the result."""
    from gitassets.actions.copy import CopyOptions, copy_assets, list_needed_bytes
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.lookup import missing_run

    if LEFT_OUT in (source, target):
        raise missing_run(load_project(), "TARGET" if source else "SOURCE")
    project, giving = load_run(source, dry_run=dry_run)
    receiving = load_run(target, dry_run=dry_run)[1]
    if not dry_run and not selection.empty:
        fetch_first(project, giving, list_needed_bytes(project, giving, selection), as_json)
    result = copy_assets(project, giving, receiving, selection, CopyOptions(replace=replace, dry_run=dry_run))
    if as_json:
        emit_json("copy", result)
    else:
        _print_copied(result)


def _print_copied(result: CopyResult) -> None:
    from gitassets.cli.phrases import print_skipped, print_unproven
    from gitassets.domain.commit_message import format_addresses

    what = format_addresses(one.address for one in result.copied) or "nothing"
    typer.echo(f"{'Would copy' if result.dry_run else 'Copied'} {what} from {result.source} to {result.run_id}")
    for status in dict.fromkeys(one.status for one in result.copied):
        typer.echo(f"  {status}: {format_addresses(one.address for one in result.copied if one.status == status)}")
    differing = format_addresses(one.address for one in result.copied if one.texts_differ)
    if differing:
        typer.echo(f"  the text differs there: {differing}")
    if result.unchanged:
        typer.echo(f"  already there: {format_addresses(result.unchanged)}")
    print_skipped(result.skipped)
    print_unproven(result.source, result.unproven)
