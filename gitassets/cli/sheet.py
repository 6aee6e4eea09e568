"""`gitassets sheet`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    SegmentOption,
    examples,
    load_run_to_read,
    make_segments,
    show_progress,
)
from gitassets.domain.status import Status

if TYPE_CHECKING:
    from gitassets.actions.sheet import SheetResult


def register(app: typer.Typer) -> None:
    app.command(
        "sheet",
        epilog=examples(
            "sheet pilot", "sheet pilot --only review -o for-ana.html", "sheet pilot --segment 1-12 -o a.png"
        ),
    )(sheet)


@guarded
def sheet(
    run: RunArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write: .html to review on, or .png to look at. Default: RUN-sheet.html.",
        ),
    ] = None,
    segment: SegmentOption = None,
    only: Annotated[
        Status | None, typer.Option(help="Only assets with this status, and what is seen with them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier sheet.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a run to one file to review it anywhere.

    The .html opens in any browser, also on a phone and without a network. It holds small copies of the media, takes
    decisions and notes, and saves them to a small file, which `gitassets decide` commits. The .png is a contact sheet
    with numbers, statuses and waveforms.
    """
    from gitassets.actions.sheet import SheetOptions, write_sheet
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import ALL, AssetSelection
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run_to_read(run)
    options = SheetOptions(output=output, segments=make_segments(segment), only=only, force=force)
    fetch_first(
        project, found, need_chosen(project, found, AssetSelection({}, options.segments or ALL)), as_json, lenient=True
    )
    with show_progress("Copying", as_json) as on_progress:
        result = write_sheet(project, found, options, on_progress)
    if as_json:
        emit_json("sheet", result)
    else:
        _print_sheet(result)


def _print_sheet(result: SheetResult) -> None:
    from rich import filesize

    from gitassets.cli.render import count, printable
    from gitassets.domain.commit_message import format_addresses

    typer.echo(printable(f"Wrote {result.output}: {filesize.decimal(result.size_bytes)}"))
    shown = f"{count(len(result.segments), 'segment')}, {count(len(result.assets), 'asset')}"
    typer.echo(f"  {shown}, {result.undecided} to decide, at commit {result.commit[:10]}")
    if result.missing:
        typer.echo(f"  not here, so not shown: {format_addresses(result.missing)}", err=True)
    if result.output.suffix.lower() == ".html":
        typer.echo(f"  Commit what it saves with `gitassets decide {result.run_id} FILE`.")
