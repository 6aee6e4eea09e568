"""`gitassets log`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

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
    app.command(
        "log",
        epilog=examples("log latest", "log latest --segment 5 --type image", "log latest --oneline --graph -n 20"),
    )(log)


@guarded
def log(
    run: RunArgument,
    segment: SegmentOption = None,
    kind: TypeOption = None,
    number: Annotated[
        int | None, typer.Option("--max-count", "-n", metavar="N", min=1, help="Show at most N commits.")
    ] = None,
    oneline: Annotated[bool, typer.Option("--oneline", help="Show each commit in one line.")] = False,
    graph: Annotated[bool, typer.Option("--graph", help="Draw how branches were merged.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the history of a run: who changed what, when and why.

    Transitions are read from the manifests, whatever the commit messages say. Those that a message does not name are
    marked as made by hand. A terminal shows it through the pager that git uses (GIT_PAGER, core.pager, PAGER).
    """
    from gitassets.actions.log import read_graph, read_log
    from gitassets.cli.pager import show_paged
    from gitassets.cli.render import emit_json

    project, found = load_run_to_read(run, history=True)
    entries = read_log(project, found, segments=make_segments(segment), kind=kind)[:number]
    if as_json:
        emit_json("log", {"run_id": found.run_id, "entries": entries})
        return
    if not entries:
        typer.echo("The history has no entries for these assets.")
        return
    shown = {one.commit: _format_entry(one, oneline=oneline) for one in entries}
    rows = read_graph(project, found) if graph else [("", one.commit) for one in entries]
    show_paged(project, "\n".join(_iter_lines(rows, shown)))


def _iter_lines(rows: Iterable[tuple[str, str]], shown: dict[str, list[str]]) -> Iterator[str]:
    """Yield the lines of the shown commits, beside the drawing of the graph if there is one."""
    left = len(shown)
    for drawn, commit in rows:
        if not left:
            return
        lines = shown.get(commit, [])
        left -= bool(lines)
        if lines or not commit:
            yield f"{drawn}{lines[0] if lines else ''}".rstrip()
            yield from (f"{drawn.replace('*', '|')}{line}".rstrip() for line in lines[1:])


def _format_entry(entry: LogEntry, *, oneline: bool) -> list[str]:
    from gitassets.cli.render import find_screen, printable, wrap_lines
    from gitassets.cli.screen import make_paint
    from gitassets.cli.table import measure

    screen = find_screen()
    paint = make_paint(screen)
    commit, summary = paint(entry.commit[:10], "yellow"), printable(entry.summary)
    if oneline:
        return [f"{commit} {' '.join(summary.split())}"]
    date = entry.date.replace("T", " ")[:16]
    head, what = f"{commit} {printable(date)}  {printable(entry.author)}", " ".join(summary.split())
    heads = [f"{head}  {paint(what, 'bold')}"]
    if screen.is_terminal and measure(f"{entry.commit[:10]} {date}  {entry.author}  {what}") > screen.width:
        heads = [head, *(f"    {paint(line.strip(), 'bold')}" for line in wrap_lines(what, "    "))]
    words = [one for line in entry.words.splitlines() for one in wrap_lines(line, "    ")]
    by = [f"    reviewed by {printable(entry.reviewed_by)}"] if entry.reviewed_by else []
    return [*heads, *by, *words, *(f"  {printable(line)}" for line in entry.describe())]
