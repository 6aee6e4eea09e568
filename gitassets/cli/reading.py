"""Commands that only read: show, summary, log, history, blame, diff, providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    ImageOption,
    JsonOption,
    OptionalRun,
    RunArgument,
    SegmentOption,
    TypeOption,
    VideoOption,
    load_project,
    look_at_run,
    make_segments,
    make_selection,
    tell_unprepared,
)
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.log import LogEntry
    from gitassets.actions.query import SegmentResult
    from gitassets.actions.takes import TakesResult


def register(app: typer.Typer) -> None:
    app.command(epilog="Examples:\n\n  gitassets show latest 5\n\n  gitassets show latest 1-3 --json")(show)
    app.command(epilog="Examples:\n\n  gitassets summary\n\n  gitassets summary latest --json")(summary)
    app.command(epilog="Examples:\n\n  gitassets log latest\n\n  gitassets log latest --segment 5 --type image")(log)
    app.command(epilog="Examples:\n\n  gitassets history latest --image 3\n\n  gitassets history latest --segment 2")(
        history
    )
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

    console = make_console()
    console.print(f"[bold]Segment {result.segment}[/] of {plain(result.run_id)}: {result.sync_status}")
    typer.echo(printable(f"\n{result.text}\n"))
    if result.notes:
        typer.echo(printable(f"Note: {result.notes}\n"))
    for row in result.rows:
        console.print(f"[bold]{row.kind}[/]: {style_status(row.asset.status)}")
        if row.stale:
            console.print(f"  stale: {plain(row.stale)}")
        if row.conflict:
            console.print(f"  in conflict: {plain(' against '.join(row.conflict))}")
        for name, value in encode(row.asset).items():
            if name != "status" and value is not None:
                text = "; ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
                console.print(f"  {plain(name)}: {plain(text)}", soft_wrap=True)


@guarded
def summary(run: OptionalRun = None, as_json: JsonOption = False) -> None:
    """Show the state of one run, or of all: counts by status, length of the narration, cost of the current takes."""
    from gitassets.actions.project import find_run
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
        "Run", "State", "Segments", "Assets", "Narration", "Cost", right=("Segments", "Narration", "Cost")
    )
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
    """Show the history of a run from git: when, who, which transition, why."""
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
    from gitassets.cli.told import tell_transitions

    date = entry.date.replace("T", " ")[:16]
    console = make_console()
    console.print(
        f"[yellow]{entry.commit[:10]}[/] {plain(date)}  {plain(entry.author)}  [bold]{plain(entry.summary)}[/]",
        soft_wrap=True,
    )
    if entry.words:
        typer.echo(printable("\n".join(f"    {line}" for line in entry.words.splitlines())))
    tell_transitions(entry.transitions)


@guarded
def history(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every take of assets: its bytes, how it was made, what became of it. `restore` brings one back."""
    from gitassets.actions.takes import read_takes
    from gitassets.cli.render import emit_json

    project, found = look_at_run(run, history=True)
    selection = make_selection(audio, image, video, segment)
    if selection.empty:
        raise UsageError("Say which assets", "With --audio, --image, --video or --segment.")
    results = read_takes(project, found, selection)
    if as_json:
        emit_json("history", {"run_id": found.run_id, "assets": results})
        return
    for result in results:
        _print_takes(result)


def _print_takes(result: TakesResult) -> None:
    from gitassets.cli.render import make_console, make_table, plain, shorten, style_status

    console = make_console()
    console.print(f"[bold]{result.address}[/] of {plain(result.run_id)}")
    table = make_table("Take", "Status", "From", "Made with", "Reason", "Cost", "md5", "Commit", "By", right=("Take",))
    for one in result.takes:
        asset = one.asset
        made_with = "; ".join(text for text in (asset.prompt, asset.style, asset.voice) if text)
        table.add_row(
            f"{'→ ' if one.current else ''}{asset.take}", style_status(asset.status), plain(asset.source or ""),
            plain(shorten(made_with, 40)), plain(shorten(asset.reason or "", 40)), f"${asset.cost_usd or 0:.2f}",
            asset.md5[:12], one.commit[:10], plain(one.author.split(" <")[0]),
        )  # fmt: skip
    console.print(table)


@guarded
def blame(run: RunArgument, kind: TypeOption = None, as_json: JsonOption = False) -> None:
    """Show who approved each locked asset, when, in which commit, and which bytes."""
    from gitassets.actions.takes import blame as act
    from gitassets.cli.render import emit_json, make_console, make_table, plain, style_status

    project, found = look_at_run(run, history=True)
    approvals = act(project, found, kind)
    if as_json:
        emit_json("blame", {"run_id": found.run_id, "approvals": approvals})
        return
    if not approvals:
        typer.echo("Nothing is approved.")
        return
    table = make_table("Asset", "Status", "By", "When", "Commit", "md5", "File")
    for one in approvals:
        table.add_row(
            str(one.address), style_status(one.status), plain(one.author), one.date.replace("T", " ").rstrip("Z"),
            one.commit[:10], one.md5[:12], plain(one.path),
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


@guarded
def providers(as_json: JsonOption = False) -> None:
    """List what can make assets: its name, what it makes, its model and price, and whether its key is there.

    This version calls the embedded ones only, and those that other packages add.
    """
    from gitassets.cli.render import emit_json, make_console, make_table, plain
    from gitassets.providers.registry import list_providers

    found = list_providers(load_project().settings)
    if as_json:
        emit_json("providers", {"providers": found})
        return
    table = make_table("Provider", "Makes", "Model", "Price", "Key", "Remarks")
    for one in found:
        key = "" if one.key is None else f"{one.key}: {'there' if one.has_key else 'missing'}"
        remark = one.problem or ("not called by this version" if one.live else "")
        table.add_row(one.name, str(one.kind or ""), plain(one.model), plain(one.price), key, plain(remark))
    make_console().print(table)
