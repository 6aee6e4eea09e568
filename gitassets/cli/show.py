"""`gitassets show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
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

    project, found = load_run_to_read(run)
    results = show_segment(project, found, parse_selection(segment))
    if as_json:
        emit_json("show", {"run_id": found.run_id, "segments": results})
        return
    for result in results:
        _print_segment(result)


def _print_segment(result: SegmentResult) -> None:
    from gitassets.cli.render import make_console, plain, printable

    console = make_console()
    console.print(f"[bold]Segment {result.segment}[/] of {plain(result.run_id)}: {result.sync_status}")
    typer.echo(printable(f"\n{result.text}\n"))
    if result.prompt:
        typer.echo(printable(f"Image prompt: {result.prompt}\n"))
    if result.text_in_conflict:
        typer.echo("In conflict: two branches changed this text; it contains the lines of both.")
        typer.echo("".join(printable(f"  {one}\n") for one in result.text_sides))
    if result.notes:
        typer.echo(printable(f"Note: {result.notes}\n"))
    for row in result.rows:
        _print_row(row)


def _print_row(row: AssetRow) -> None:
    from gitassets.cli.render import encode, make_console, plain, style_status
    from gitassets.domain.conflict import CONFLICT
    from gitassets.domain.takes import sorted_takes

    console = make_console()
    console.print(f"[bold]{row.kind}[/]: {style_status(row.asset.status)}")
    for remark in _iter_remarks(row):
        console.print(f"  {plain(remark)}")
    for note in row.annotations:
        _print_annotation(note)
    for take in sorted_takes(row.asset):
        console.print(f"  candidate: take {take.take}, {plain(take.path)}", soft_wrap=True)
    for name, value in encode(row.asset).items():
        if name not in ("status", "takes", CONFLICT) and value is not None:
            console.print(f"  {plain(name)}: {plain(_describe_value(name, value))}", soft_wrap=True)


def _print_annotation(note: Annotation) -> None:
    from gitassets.cli.render import printable

    typer.echo(printable(f"  note {note.id} ({note.state}) by {note.author} on {note.place}: {note.body}"))
    for one in note.replies:
        typer.echo(printable(f"    {one.author}: {one.body}"))


def _iter_remarks(row: AssetRow) -> Iterator[str]:
    if row.altered:
        yield "altered: its file holds other bytes than the manifest records"
    if row.stale:
        yield f"stale: {row.stale}"
    if row.conflict:
        yield f"in conflict: {' against '.join(row.conflict)}"


def _describe_value(name: str, value: object) -> str:
    """Format a value of an asset; unknown values are shown as JSON."""
    import json

    from gitassets.domain.conflict import SETTLED, describe_record

    if name == SETTLED and isinstance(value, list):
        return " against ".join(describe_record(one) for one in value if isinstance(one, dict))
    if isinstance(value, dict):
        return "; ".join(f"{key} {_describe_value(key, one)}" for key, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
