"""`gitassets export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    RunArgument,
    TypeOption,
    examples,
    load_run_to_read,
    show_progress,
)
from gitassets.cli.paths import show_path
from gitassets.domain.excerpt import Only
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.export import ExportResult
    from gitassets.actions.export_timeline import TimelineResult


def register(app: typer.Typer) -> None:
    app.command(
        "export",
        epilog=examples(
            "export latest",
            "export pilot -o ~/archive/pilot.zip --no-history",
            "export pilot --only approved --type audio -o narration.zip",
            "export pilot -o pilot-bag",
            "export pilot --otio -o pilot.otio",
        ),
    )(export)


@guarded
def export(
    run: RunArgument,
    only: Annotated[Only | None, typer.Option(help="Export only approved or published assets.")] = None,
    kind: TypeOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="The .zip file to write, or a folder with any other name. Default: RUN.zip or RUN.otio.",
        ),
    ] = None,
    with_history: Annotated[
        bool | None,
        typer.Option(
            "--with-history/--no-history",
            help="Include or leave out every commit of the run, as a git bundle. Default: include.",
            show_default=False,
        ),
    ] = None,
    otio: Annotated[
        bool,
        typer.Option("--otio", help="Export a timeline for editing programs instead, with the .srt beside it."),
    ] = False,
    absolute: Annotated[
        bool, typer.Option("--absolute", help="Let the timeline name its files by absolute paths.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the result of an earlier export.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Pack a run into one file, or export a timeline.

    The file is for archiving, or for `import` elsewhere. It is a bag (BagIt 1.0, RFC 8493) with the media, the
    manifest, captions, credits, the audit trail as JSON lines and as text, the history, and checksums. The same state
    of a run gives the same bytes. The history proves the approvals: without it, approved assets arrive in review. An
    approval that the history does not prove here, for example after a commit that bypassed the hooks, is not exported.

    With --otio the result is an OpenTimelineIO file: narration and pictures as `build` arranges them, and markers for
    notes, rejections, and stale or missing assets. It names its files relative to its own folder.
    """
    if otio:
        if kind is not None or with_history is not None:
            message = "--otio does not go with --type, --with-history or --no-history"
            raise UsageError(message, "They apply to a packed run only.")
        _export_timeline(run, only, output, absolute=absolute, force=force, dry_run=dry_run, as_json=as_json)
        return
    if absolute:
        raise UsageError("--absolute applies to a timeline only", "Use it with --otio.")
    from gitassets.actions.export import ExportOptions, export_run
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_excerpt

    project, found = load_run_to_read(run, history=True)
    options = ExportOptions(
        only=only, kind=kind, output=output, with_history=with_history is not False, force=force, dry_run=dry_run
    )
    if not dry_run:
        fetch_first(project, found, need_excerpt(project, found, only, kind), as_json)
    with show_progress("Packing", as_json) as on_progress:
        result = export_run(project, found, options, on_progress)
    if as_json:
        emit_json("export", result)
    else:
        _print_exported(result)


def _print_exported(result: ExportResult) -> None:
    from rich import filesize

    from gitassets.cli.render import count
    from gitassets.domain.commit_message import format_addresses

    done = "Would export" if result.dry_run else "Exported"
    typer.echo(f"{done} {result.run_id} to {show_path(result.output)}")
    what = format_addresses(result.exported) or "no assets"
    typer.echo(f"  {what}: {count(result.files, 'file')}, {filesize.decimal(result.size_bytes)}")
    if result.left_out:
        typer.echo(f"  left out: {format_addresses(result.left_out)}")
    history = f", with a git bundle of {filesize.decimal(result.history_bytes)}"
    typer.echo(f"  audit trail of {count(result.commits, 'commit')}{history if result.with_history else ''}")


def _export_timeline(
    run: str, only: Only | None, output: Path | None, *, absolute: bool, force: bool, dry_run: bool, as_json: bool
) -> None:
    from gitassets.actions.export_timeline import TimelineOptions, export_timeline
    from gitassets.cli.fetching import fetch_and_lay_out
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_excerpt

    project, found = load_run_to_read(run, history=True)
    options = TimelineOptions(only=only, output=output, absolute=absolute, force=force, dry_run=dry_run)
    if found.is_open and not dry_run:
        fetch_and_lay_out(project, found, need_excerpt(project, found, only), as_json)
    with show_progress("Measuring", as_json) as on_progress:
        result = export_timeline(project, found, options, on_progress)
    if as_json:
        emit_json("export", result)
    else:
        _print_timeline(result)


def _print_timeline(result: TimelineResult) -> None:
    from gitassets.cli.render import count, format_duration, printable
    from gitassets.domain.selection import format_ranges

    done = "Would export" if result.dry_run else "Exported"
    typer.echo(f"{done} the timeline of {result.run_id} to {show_path(result.output)}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(result.segments, 'segment')}")
    if result.captions is not None:
        typer.echo(f"  captions: {show_path(result.captions)}")
    for what, segments in (("no narration", result.silent), ("no picture in the timeline", result.unseen)):
        if segments:
            typer.echo(f"  {what}: {count(len(segments), 'segment')} ({format_ranges(segments)})")
    for one in result.remarks:
        typer.echo(printable(f"  marker at segment {one.segment}: {' '.join(one.text.split())}"))
