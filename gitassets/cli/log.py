"""`gitassets log`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    RunArgument,
    SegmentOption,
    TypeOption,
    examples,
    load_run_to_read,
    make_segments,
)

if TYPE_CHECKING:
    from gitassets.domain.audit import LogEntry


def register(app: typer.Typer) -> None:
    app.command("log", epilog=examples("log latest", "log latest --segment 5 --type image"))(log)


@guarded
def log(run: RunArgument, segment: SegmentOption = None, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show the history of a run: who changed what, when and why.

    Transitions are read from the manifests, whatever the commit messages say. Those that a message does not name are
    marked as made by hand.
    """
    from gitassets.actions.log import read_log
    from gitassets.cli.render import emit_json

    project, found = load_run_to_read(run, history=True)
    entries = read_log(project, found, segments=make_segments(segment), kind=kind)
    if as_json:
        emit_json("log", {"run_id": found.run_id, "entries": entries})
        return
    if not entries:
        typer.echo("The history has no entries for these assets.")
    for entry in entries:
        _print_entry(entry)


def _print_entry(entry: LogEntry) -> None:
    from gitassets.cli.render import make_console, plain, printable

    date = entry.date.replace("T", " ")[:16]
    console = make_console()
    console.print(
        f"[yellow]{entry.commit[:10]}[/] {plain(date)}  {plain(entry.author)}  [bold]{plain(entry.summary)}[/]",
        soft_wrap=True,
    )
    if entry.reviewed_by:
        typer.echo(printable(f"    reviewed by {entry.reviewed_by}"))
    if entry.words:
        typer.echo(printable("\n".join(f"    {line}" for line in entry.words.splitlines())))
    for line in entry.describe():
        typer.echo(f"  {line}")
