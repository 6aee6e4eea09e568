"""`gitassets list`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

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
from gitassets.domain.manifest import Address

if TYPE_CHECKING:
    from gitassets.actions.list import AssetRow, EmptySegment, ListResult
    from gitassets.cli.table import Cell
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(
        "list",
        epilog=examples(
            "list latest", "list 20260207_101747 --status review", "list latest --type audio --segment 1-10 --json"
        ),
    )(list_)
    app.command("ls", hidden=True, epilog=examples("ls latest"))(list_)


# On narrower terminals details go below the row, where the first words of the segment would leave them no room.
_WIDTH_FOR_DETAILS = 110
_SHOWN_CHARS = 200
_PERHAPS_MARKDOWN = re.compile(r"[^\w\s.,;:?()'\"’“”–…]|_|www|\n|^\s*\d")


@guarded
def list_(
    run: RunArgument,
    status: StatusOption = None,
    kind: TypeOption = None,
    segment: SegmentOption = None,
    wide: Annotated[bool, typer.Option("--wide", help="Shorten nothing, however wide the terminal is.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the assets of a run with their status.

    Each segment is shown with its first words. A narrow terminal shows fewer columns: `--wide` shows all.
    """
    from gitassets.actions.list import list_assets
    from gitassets.cli.render import emit_json

    project, found = load_run_to_read(run)
    result = list_assets(project, found, status=status, kind=kind, segments=make_segments(segment))
    if as_json:
        emit_json("list", result)
    else:
        _print_list(result, filtered=status is not None or kind is not None or segment is not None, wide=wide)
        _print_altered(result)
        _print_absent(project, found, result)


def _print_altered(result: ListResult) -> None:
    from gitassets.cli.render import count
    from gitassets.domain.commit_message import format_addresses, format_options

    found = [Address(row.segment, row.kind) for row in result.rows if row.altered]
    if found:
        typer.echo(
            f"{count(len(found), 'file')} altered: {format_addresses(found)}. The manifest records other bytes.\n"
            f"  → `gitassets restore {result.run_id} {format_options(found)}` brings those back; `gitassets replace` "
            "makes a file a new take."
        )


def _print_absent(project: Project, run: Run, result: ListResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.runs.missing_blobs import suggest_fetch

    absent = {row.asset.md5 for row in result.rows if not row.present and not row.cached}
    if absent:
        hint = suggest_fetch(project, run, absent)
        typer.echo(printable(f"The bytes of {count(len(absent), 'asset')} are not here.\n  → {hint}"))


def _print_list(result: ListResult, *, filtered: bool, wide: bool) -> None:
    from gitassets.cli.render import count, find_screen, printable
    from gitassets.cli.screen import make_paint

    screen = find_screen()
    segments = count(result.segments, "segment")
    name = make_paint(screen)(printable(result.run_id), "bold")
    typer.echo(f"Run {name}: {printable(result.production_state)}, {segments}", color=True)
    if not result.rows:
        typer.echo("No assets of this kind." if filtered else "No assets yet.")
    if not result.rows and not result.empty:
        return
    _print_rows(result, wide=wide, beside=wide or screen.width >= _WIDTH_FOR_DETAILS)


def _print_rows(result: ListResult, *, wide: bool, beside: bool) -> None:
    from gitassets.cli.render import print_table
    from gitassets.cli.table import Column

    described = {id(row): _describe(row, result) for row in result.rows}
    rows_and_gaps: list[AssetRow | EmptySegment] = [*result.rows, *result.empty]
    rows_and_gaps.sort(key=lambda one: one.segment)
    details = [described.get(id(one), "") for one in rows_and_gaps]
    beside = beside and any(details)
    columns = [
        Column("Segment", right=True), Column("Type"), Column("Status"), Column("Take", right=True),
        Column("Length", right=True, rank=1), Column("Text", cut=not wide, least=24),
        *([Column("Details", wrap=not wide, least=30)] if beside else []),
        Column("File", rank=2), Column("From", rank=3),
    ]  # fmt: skip
    before = (None, *rows_and_gaps)
    rows = [_make_cells(*one, beside=beside) for one in zip(rows_and_gaps, before, details, strict=False)]
    print_table(columns, rows, below=() if beside else details, wide=wide)


def _make_cells(
    row: AssetRow | EmptySegment, before: AssetRow | EmptySegment | None, detail: str, *, beside: bool
) -> list[Cell]:
    from gitassets.actions.list import EmptySegment
    from gitassets.cli.render import cell_of_status, format_duration

    if isinstance(row, EmptySegment):
        words = _format_first_words(row.text)
        return [str(row.segment), "–", "no asset", "", "", words, *([""] if beside else []), "", ""]
    asset = row.asset
    first_words = "" if before is not None and before.segment == row.segment else _format_first_words(row.text)
    return [
        str(row.segment or "–"), row.kind, cell_of_status(asset.status), str(asset.take),
        format_duration(asset.duration_sec), first_words, *([detail] if beside else []), asset.path, asset.source or "",
    ]  # fmt: skip


def _format_first_words(text: str) -> str:
    start = text[:_SHOWN_CHARS]
    # Most texts have no marks, and to look for each of them takes 40 times as long.
    if _PERHAPS_MARKDOWN.search(start):
        from gitassets.cli.paragraph import find_first_words

        start = find_first_words(start)
    return " ".join(start.split())


def _describe(row: AssetRow, result: ListResult) -> str:
    """Return the details of an asset that have no column of their own, in one line."""
    from gitassets.cli.render import count, shorten

    asset = row.asset
    candidates = count(len(asset.takes), "candidate") if asset.takes else None
    stale = f"stale: {row.stale}" if row.stale else None
    open_notes = sum(one.state == "open" for one in row.annotations)
    noted = count(open_notes, "open note") if open_notes else None
    details = [text for text in (candidates, stale, noted, asset.reason, row.notes) if text]
    if row.altered:
        details.insert(0, "altered")
    elif not row.present and not row.cached:
        details.insert(0, "not here")
    elif not row.present and result.folder is not None:
        details.insert(0, "file missing, bytes cached: `open`")
    if row.conflict:
        details.insert(0, f"in conflict: {' against '.join(row.conflict)}")
    return shorten("; ".join(details), 160) if details else ""
