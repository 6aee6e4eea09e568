"""Commands that only read: show, summary, log, blame, diff, providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    OptionalRun,
    RunArgument,
    SegmentOption,
    TypeOption,
    load_project,
    look_at_run,
    make_segments,
    tell_unprepared,
)

if TYPE_CHECKING:
    from gitassets.actions.query import SegmentResult
    from gitassets.adapters.state.settings_file import Settings
    from gitassets.domain.audit import LogEntry
    from gitassets.providers.registry import ProviderLine


def register(app: typer.Typer) -> None:
    app.command(epilog="Examples:\n\n  gitassets show latest 5\n\n  gitassets show latest 1-3 --json")(show)
    app.command(epilog="Examples:\n\n  gitassets summary\n\n  gitassets summary latest --json")(summary)
    app.command(epilog="Examples:\n\n  gitassets log latest\n\n  gitassets log latest --segment 5 --type image")(log)
    app.command(epilog="Examples:\n\n  gitassets blame latest\n\n  gitassets blame latest --type audio --json")(blame)
    app.command(epilog="Examples:\n\n  gitassets diff latest\n\n  gitassets diff pilot run/pilot~3..run/pilot")(diff)
    app.command(epilog="Examples:\n\n  gitassets providers\n\n  gitassets providers --json")(providers)


@guarded
def show(
    run: RunArgument,
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="A segment's number, or several: 5, 1-3.")],
    as_json: JsonOption = False,
) -> None:
    """Show everything about a segment: its text, note, and each asset with prompt, take and reason."""
    from gitassets.actions.query import show_segment
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import parse_selection

    project, found = look_at_run(run)
    results = show_segment(project, found, parse_selection(segment))
    if as_json:
        emit_json("show", {"run_id": found.run_id, "segments": results})
        return
    for result in results:
        _print_segment(result)


def _print_segment(result: SegmentResult) -> None:
    from gitassets.cli.render import encode, make_console, plain, printable, style_status
    from gitassets.domain.conflict import CONFLICT
    from gitassets.domain.takes import sorted_takes

    console = make_console()
    console.print(f"[bold]Segment {result.segment}[/] of {plain(result.run_id)}: {result.sync_status}")
    typer.echo(printable(f"\n{result.text}\n"))
    if result.prompt:
        typer.echo(printable(f"Image prompt: {result.prompt}\n"))
    if result.text_in_conflict:
        typer.echo("In conflict: this text was changed on two branches, and holds the lines of both.\n")
    if result.notes:
        typer.echo(printable(f"Note: {result.notes}\n"))
    for row in result.rows:
        console.print(f"[bold]{row.kind}[/]: {style_status(row.asset.status)}")
        if row.stale:
            console.print(f"  stale: {plain(row.stale)}")
        if row.conflict:
            console.print(f"  in conflict: {plain(' against '.join(row.conflict))}")
        for take in sorted_takes(row.asset):
            console.print(f"  candidate: take {take.take}, {plain(take.path)}", soft_wrap=True)
        for name, value in encode(row.asset).items():
            if name not in ("status", "takes", CONFLICT) and value is not None:
                console.print(f"  {plain(name)}: {plain(_describe_value(name, value))}", soft_wrap=True)


def _describe_value(name: str, value: object) -> str:
    """A value of an asset in words; one that nobody knows as JSON."""
    import json

    from gitassets.domain.conflict import SETTLED, describe_record

    if name == SETTLED and isinstance(value, list):
        return " against ".join(describe_record(one) for one in value if isinstance(one, dict))
    if isinstance(value, dict):
        return "; ".join(f"{key} {_describe_value(key, one)}" for key, one in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@guarded
def summary(run: OptionalRun = None, as_json: JsonOption = False) -> None:
    """Show the state of one run, or of all: counts by status, length of the narration, cost of the current takes."""
    from gitassets.actions.query import summarize
    from gitassets.cli.render import (
        emit_json,
        format_duration,
        make_console,
        make_table,
        plain,
        shorten,
        style_status,
    )
    from gitassets.runs.project import find_run

    project = load_project()
    tell_unprepared(project)
    results = summarize(project, None if run is None else find_run(project, run))
    if as_json:
        emit_json("summary", {"runs": results})
        return
    if not results:
        typer.echo("There are no runs yet: `gitassets produce --script FILE` makes the first.")
        return
    table = make_table(
        "Run", "State", "Segments", "Assets", "Narration", "Cost",
        right=("Segments", "Narration", "Cost"), whole=("State", "Segments", "Narration", "Cost"),
    )  # fmt: skip
    for one in results:
        counts = ", ".join(f"{count} {style_status(status)}" for status, count in one.counts.items())
        where = "" if one.is_open else " (not open)"
        table.add_row(
            plain(one.run_id + where), plain(one.production_state), str(one.segments),
            plain(shorten(one.problem, 80)) if one.problem else counts, format_duration(one.duration_sec),
            f"${one.cost_usd:.2f}",
        )  # fmt: skip
    make_console().print(table)


@guarded
def log(run: RunArgument, segment: SegmentOption = None, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show the history of a run from git: when, who, which transition, why.

    Transitions are what the manifests show, whatever a commit's message says. Those that it does not name are marked as
    made by hand.
    """
    from gitassets.actions.log import read_log
    from gitassets.cli.render import emit_json

    project, found = look_at_run(run, history=True)
    entries = read_log(project, found, segments=make_segments(segment), kind=kind)
    if as_json:
        emit_json("log", {"run_id": found.run_id, "entries": entries})
        return
    if not entries:
        typer.echo("Nothing in the history concerns these assets.")
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
    if entry.words:
        typer.echo(printable("\n".join(f"    {line}" for line in entry.words.splitlines())))
    for line in entry.describe():
        typer.echo(f"  {line}")


@guarded
def blame(run: RunArgument, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show who approved each locked asset, when, in which commit, and which bytes.

    An approval that its commit's message does not name is marked as made by hand.
    """
    from gitassets.actions.blame import blame as act
    from gitassets.cli.render import emit_json, make_console, make_table, plain, style_status

    project, found = look_at_run(run, history=True)
    approvals = act(project, found, kind)
    if as_json:
        emit_json("blame", {"run_id": found.run_id, "approvals": approvals})
        return
    if not approvals:
        typer.echo("Nothing is approved.")
        return
    columns = ("Asset", "Status", "By", "When", "Commit", "md5")
    table = make_table(*columns, whole=set(columns) - {"By"})
    for one in approvals:
        mark = " by hand" if one.by_hand else ""
        table.add_row(
            str(one.address), style_status(one.status) + mark, plain(one.author), one.date.replace("T", " ")[:16],
            one.commit[:10], one.md5[:12],
        )  # fmt: skip
    make_console().print(table)


@guarded
def diff(
    run: RunArgument,
    span: Annotated[str | None, typer.Argument(metavar="A..B", help="Two commits; without, the last one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say in words what changed between two commits of a run: transitions, takes, texts."""
    from gitassets.actions.diff import diff as act
    from gitassets.cli.render import emit_json, printable

    project, found = look_at_run(run, history=True)
    result = act(project, found, span)
    if as_json:
        emit_json("diff", result)
        return
    for line in result.lines or ("Nothing changed.",):
        typer.echo(printable(line))


def _tell_use(one: ProviderLine, settings: Settings) -> str:
    """When this provider is asked for its kind, without being named."""
    from gitassets.providers.registry import find_name

    chosen = {"used": settings.providers, "used with --live": settings.live}
    names = {use: getattr(given, one.kind) if one.kind else None for use, given in chosen.items()}
    return ", ".join(use for use, name in names.items() if name and find_name(name) == one.name)


@guarded
def providers(as_json: JsonOption = False) -> None:
    """List what can make assets: its name, what it makes, its model and price, and whether its key is there.

    Remarks say which are used by `produce`, and by `produce --live`; `regen --provider NAME` takes any. A service costs
    money, or somebody's bandwidth. Keys come from the environment or the system's keyring (service gitassets).
    """
    from gitassets.cli.render import emit_json, make_console, make_table, plain
    from gitassets.providers.registry import list_providers

    settings = load_project().settings
    found = list_providers(settings)
    if as_json:
        emit_json("providers", {"providers": found})
        return
    table = make_table("Provider", "Makes", "Model", "Price", "Key", "Remarks", whole=("Provider", "Makes", "Key"))
    for one in found:
        key = "" if one.key is None else f"{one.key}: {'there' if one.has_key else 'missing'}"
        remark = one.problem or _tell_use(one, settings)
        table.add_row(one.name, str(one.kind or ""), plain(one.model), plain(one.price), key, plain(remark))
    make_console().print(table)
