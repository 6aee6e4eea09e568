"""`gitassets show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    check_segment,
    examples,
    load_run_to_read,
)

if TYPE_CHECKING:
    from gitassets.actions.list import AssetRow
    from gitassets.actions.show import SegmentResult
    from gitassets.domain.annotations import Annotation


def register(app: typer.Typer) -> None:
    app.command("show", epilog=examples("show latest 5", "show latest 1-3 --json"))(show)


@guarded
def show(
    run: RunArgument,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="A segment's number, or several: 5, 1-3.")],
    as_json: JsonOption = False,
) -> None:
    """Show a segment: its text, its note and its assets.

    Each asset is shown with its prompt, take and reason.
    """
    from gitassets.actions.show import show_segment
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import parse_selection

    check_segment("show", run, segment)
    project, found = load_run_to_read(run)
    results = show_segment(project, found, parse_selection(segment))
    if as_json:
        emit_json("show", {"run_id": found.run_id, "segments": results})
        return
    for result in results:
        _print_segment(result)


def _print_segment(result: SegmentResult) -> None:
    from gitassets.cli.render import make_console, plain, print_paragraph, print_words

    console = make_console()
    if result.segment:
        console.print(f"[bold]Segment {result.segment}[/] of {plain(result.run_id)}: {result.sync_status}")
    else:
        console.print(f"[bold]Music[/] of {plain(result.run_id)}")
    if result.text_in_conflict:
        print_words(f"\n{result.text}\n")
    else:
        print_paragraph(result.text)
    if result.prompt:
        print_words(f"Image prompt: {result.prompt}\n")
    if result.text_in_conflict:
        print_words("In conflict: two branches changed this text; it contains the lines of both.")
        for side in result.text_sides:
            print_words(side, indent=2)
        typer.echo()
    if result.notes:
        print_words(f"Note: {result.notes}\n")
    for row in result.rows:
        _print_row(row)


def _print_row(row: AssetRow) -> None:
    from gitassets.cli.asset_facts import iter_facts
    from gitassets.cli.render import make_console, plain, print_words, style_status
    from gitassets.domain.takes import sorted_takes

    make_console().print(f"[bold]{row.kind}[/]: {style_status(row.asset.status)}, take {row.asset.take}")
    for remark in _iter_remarks(row):
        print_words(remark, indent=2)
    for note in row.annotations:
        _print_annotation(note)
    for take in sorted_takes(row.asset):
        print_words(f"candidate: take {take.take}, {take.path}", indent=2)
    for name, value in iter_facts(row.asset):
        if " " in value:
            print_words(f"{name}: {value}", indent=2)
        else:
            # A path stays in one piece, also on a narrow terminal.
            make_console().print(f"  {plain(name)}: {plain(value)}", soft_wrap=True)


def _print_annotation(note: Annotation) -> None:
    from gitassets.cli.render import print_words

    print_words(f"note {note.id} ({note.state}) by {note.author} on {note.place}: {note.body}", indent=2)
    for one in note.replies:
        print_words(f"{one.author}: {one.body}", indent=4)


def _iter_remarks(row: AssetRow) -> Iterator[str]:
    if row.altered:
        yield "altered: its file holds other bytes than the manifest records"
    if row.stale:
        yield f"stale: {row.stale}"
    if row.conflict:
        yield f"in conflict: {' against '.join(row.conflict)}"
