"""`gitassets list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    SegmentOption,
    StatusOption,
    TypeOption,
    examples,
    load_run_to_read,
    make_segments,
)

if TYPE_CHECKING:
    from rich.table import Table

    from gitassets.actions.list import AssetRow, ListResult
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(
        "list",
        epilog=examples(
            "list latest", "list 20260207_101747 --status review", "list latest --type audio --segment 1-10 --json"
        ),
    )(list_)


# On narrower terminals details go below the file name, which would otherwise be broken.
_WIDTH_FOR_DETAILS = 110


@guarded
def list_(
    run: RunArgument,
    status: StatusOption = None,
    kind: TypeOption = None,
    segment: SegmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the assets of a run with their status."""
    from gitassets.actions.list import list_assets
    from gitassets.cli.render import emit_json

    project, found = load_run_to_read(run)
    result = list_assets(project, found, status=status, kind=kind, segments=make_segments(segment))
    if as_json:
        emit_json("list", result)
    else:
        _print_list(result, filtered=status is not None or kind is not None or segment is not None)
        _print_absent(project, found, result)


def _print_absent(project: Project, run: Run, result: ListResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.runs.missing_blobs import suggest_fetch

    absent = {row.asset.md5 for row in result.rows if not row.present and not row.cached}
    if absent:
        hint = suggest_fetch(project, run, absent)
        typer.echo(printable(f"The bytes of {count(len(absent), 'asset')} are not here.\n  → {hint}"))


def _print_list(result: ListResult, *, filtered: bool) -> None:
    from gitassets.cli.render import count, make_console, plain

    console = make_console()
    console.print(
        f"Run [bold]{plain(result.run_id)}[/]: {result.production_state}, {count(result.segments, 'segment')}"
    )
    if not result.rows:
        console.print("No assets of this kind." if filtered else "No assets yet.")
        return
    console.print(_make_list_table(result, console.width))


def _make_list_table(result: ListResult, width: int) -> Table:
    from gitassets.cli.render import make_table, plain, shorten

    details = [plain(shorten(_describe(row, result), 160 if row.conflict else 60)) for row in result.rows]
    columns = ["Segment", "Type", "Status", "Take", "Length", "From", "File"]
    beside = any(details) and width >= _WIDTH_FOR_DETAILS
    last = ["Details"] if beside else []
    table = make_table(*columns, *last, right=("Segment", "Take"), whole=columns if beside else columns[:-1])
    for row, detail in zip(result.rows, details, strict=True):
        cells = _format_cells(row)
        if beside:
            cells.append(detail)
        elif detail:
            cells[-1] += f"\n[dim]{detail}[/]"
        table.add_row(*cells)
    return table


def _format_cells(row: AssetRow) -> list[str]:
    from gitassets.cli.render import format_duration, plain, style_status

    asset = row.asset
    return [
        str(row.segment), row.kind.value, style_status(asset.status), str(asset.take),
        format_duration(asset.duration_sec), plain(asset.source or ""), plain(asset.path),
    ]  # fmt: skip


def _describe(row: AssetRow, result: ListResult) -> str:
    """Return the details of an asset that have no column of their own, in one line."""
    from gitassets.cli.render import count

    asset = row.asset
    candidates = count(len(asset.takes), "candidate") if asset.takes else None
    stale = f"stale: {row.stale}" if row.stale else None
    details = [text for text in (candidates, stale, asset.reason, row.notes) if text]
    if not row.present and not row.cached:
        details.insert(0, "not here")
    elif not row.present and result.folder is not None:
        details.insert(0, "file missing, bytes cached: `open`")
    if row.conflict:
        details.insert(0, f"in conflict: {' against '.join(row.conflict)}")
    return "; ".join(details)
