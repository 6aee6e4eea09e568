"""`gitassets status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import LEFT_OUT
from gitassets.cli.options import JsonOption, OptionalRun, examples, load_project, warn_if_not_set_up

if TYPE_CHECKING:
    from gitassets.actions.status import RunStatus
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command("status", epilog=examples("status", "status latest", "status --json"))(status)


_SHOWN_RUNS = 5
_TITLES = {
    "to_decide": "to decide", "rejected": "rejected", "in_conflict": "in conflict", "stale": "stale",
    "altered": "altered", "not_here": "not here", "not_made": "not made",
}  # fmt: skip
_STYLES = {"in_conflict": "red", "altered": "red", "rejected": "red", "to_decide": "yellow"}


@guarded
def status(run: OptionalRun = None, as_json: JsonOption = False) -> None:
    """Show what waits for you: decisions, altered files, the server.

    Below each run are the commands that help, the most urgent first. The server is not asked: `runs` does. Without RUN
    it is the run of the current folder, or all runs.
    """
    from gitassets.actions.status import read_all
    from gitassets.cli.render import emit_json

    project = load_project()
    warn_if_not_set_up(project)
    results = read_all(project, _choose_runs(project, run))
    if as_json:
        emit_json("status", {"runs": results})
        return
    if not results:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
    _print_results(results)


def _choose_runs(project: Project, wanted: str | None) -> Sequence[Run]:
    from pathlib import Path

    from gitassets.runs.lookup import find_run, find_run_around, list_runs

    around = find_run_around(project, Path.cwd()) if wanted in (None, LEFT_OUT) else wanted
    return [find_run(project, around)] if around else list_runs(project)


def _print_results(results: Sequence[RunStatus]) -> None:
    from gitassets.domain.wording import and_more

    # Those that nothing waits for come last.
    ordered = sorted(results, key=lambda one: not one.next_steps)
    for number, one in enumerate(ordered[:_SHOWN_RUNS]):
        if number:
            typer.echo("")
        _print_run(one)
    if len(ordered) > _SHOWN_RUNS:
        typer.echo(f"\n…{and_more(len(ordered), _SHOWN_RUNS)}; `gitassets summary` lists all.")


def _print_run(one: RunStatus) -> None:
    from gitassets.cli.render import count, find_screen, printable
    from gitassets.cli.screen import make_paint
    from gitassets.cli.table import wrap_text
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.selection import format_ranges

    screen = find_screen()
    paint = make_paint(screen)
    where = "" if one.is_open else ", not open"
    typer.echo(
        f"Run {paint(one.run_id, 'bold')}: {one.production_state}, {count(one.segments, 'segment')}{where}", color=True
    )
    if one.problem:
        typer.echo(printable(f"  {one.problem}"))
    for name, title in _TITLES.items():
        lines = wrap_text(format_addresses(getattr(one, name)), screen.width - 15)
        for number, line in enumerate(lines if lines[0] else ()):
            head = paint(title.ljust(11), _STYLES.get(name, "")) if number == 0 else " " * 11
            typer.echo(f"  {head}  {line}", color=True)
    if one.empty:
        typer.echo(
            f"  {'no asset'.ljust(11)}  {'segments' if len(one.empty) > 1 else 'segment'} {format_ranges(one.empty)}"
        )
    typer.echo(f"  {'server'.ljust(11)}  {_describe_server(one)}")
    for step in one.next_steps:
        typer.echo(f"  → {step}")
    if not one.next_steps:
        typer.echo("  Nothing waits here.")


def _describe_server(one: RunStatus) -> str:
    from gitassets.cli.render import count

    if one.remote is None:
        return "none is set up"
    if one.ahead is None or one.behind is None:
        return f"{one.remote} does not have it, as far as is known here"
    parts = [
        f"{count(number, 'commit')} {word}" for number, word in ((one.ahead, "ahead"), (one.behind, "behind")) if number
    ]
    return f"{', '.join(parts) or 'in step'} ({one.remote})"
