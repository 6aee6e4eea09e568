"""Commands that carry a run in a file: export and import."""

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
    load_project,
    look_at_run,
    show_progress,
)
from gitassets.domain.excerpt import Only
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.export import ExportResult
    from gitassets.actions.export_timeline import TimelineResult
    from gitassets.actions.import_bag import ImportResult


_SHOWN = 5


def register(app: typer.Typer) -> None:
    register_export(app)
    app.command(
        "import",
        epilog="Examples:\n\n  gitassets import ~/Downloads/pilot.zip\n\n  gitassets import pilot.zip --as pilot-2\n\n"
        "  gitassets import pilot-bag --dry-run",
    )(import_)


def register_export(app: typer.Typer) -> None:
    app.command(
        epilog="Examples:\n\n  gitassets export latest\n\n"
        "  gitassets export pilot -o ~/archive/pilot.zip --no-history\n\n"
        "  gitassets export pilot --only approved --type audio -o narration.zip\n\n"
        "  gitassets export pilot -o pilot-bag\n\n  gitassets export pilot --otio -o pilot.otio"
    )(export)


@guarded
def export(
    run: RunArgument,
    only: Annotated[Only | None, typer.Option(help="Only assets that are approved, or published.")] = None,
    kind: TypeOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="Where to: a .zip file, or a folder of any other name. Default: RUN.zip, or RUN.otio.",
        ),
    ] = None,
    with_history: Annotated[
        bool | None,
        typer.Option(
            "--with-history/--no-history",
            help="Every commit of the run, as a git bundle, goes along (the default), or stays.",
            show_default=False,
        ),
    ] = None,
    otio: Annotated[
        bool,
        typer.Option("--otio", help="Instead, a timeline of the run's files for editing programs, the .srt beside it."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier export left there.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Pack a run into one file that proves itself whole, to be archived or imported elsewhere.

    It is a bag (BagIt 1.0, RFC 8493) with the media, the manifest, captions, credits, the audit trail as JSON lines
    and as text, the history, and checksums. The same state of a run gives the same bytes. The history proves the
    approvals: without it they are in review where the file is imported. An approval that the history does not prove
    here, such as after a commit past the hooks, is not exported.

    With --otio it is an OpenTimelineIO file: narration and pictures as `build` lays them out, and markers for notes,
    rejections, and what is stale or missing.
    """
    if otio:
        if kind is not None or with_history is not None:
            message = "--otio takes neither --type nor --with-history or --no-history"
            raise UsageError(message, "They are for the file to be archived.")
        _export_timeline(run, only, output, force=force, dry_run=dry_run, as_json=as_json)
        return
    from gitassets.actions.export import ExportOptions, export_run
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_excerpt

    project, found = look_at_run(run, history=True)
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
        _tell_exported(result)


def _tell_exported(result: ExportResult) -> None:
    from gitassets.cli.render import count
    from gitassets.domain.commit_message import format_addresses

    done = "Would export" if result.dry_run else "Exported"
    typer.echo(f"{done} {result.run_id} to {result.output}")
    what = format_addresses(result.exported) or "no assets"
    typer.echo(f"  {what}: {count(result.files, 'file')}, {result.size_bytes / 1e6:.1f} MB")
    if result.left_out:
        typer.echo(f"  left out: {format_addresses(result.left_out)}")
    history = f", and all of them as a git bundle of {_format_size(result.history_bytes)}"
    typer.echo(f"  audit trail of {count(result.commits, 'commit')}{history if result.with_history else ''}")


def _format_size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.1f} kB"


def _export_timeline(
    run: str, only: Only | None, output: Path | None, *, force: bool, dry_run: bool, as_json: bool
) -> None:
    from gitassets.actions.export_timeline import TimelineOptions, export_timeline
    from gitassets.cli.fetching import fetch_and_lay_out
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_excerpt

    project, found = look_at_run(run, history=True)
    options = TimelineOptions(only=only, output=output, force=force, dry_run=dry_run)
    if found.is_open and not dry_run:
        fetch_and_lay_out(project, found, need_excerpt(project, found, only), as_json)
    with show_progress("Measuring", as_json) as on_progress:
        result = export_timeline(project, found, options, on_progress)
    if as_json:
        emit_json("export", result)
    else:
        _tell_timeline(result)


def _tell_timeline(result: TimelineResult) -> None:
    from gitassets.cli.render import count, format_duration, printable
    from gitassets.domain.selection import format_ranges

    typer.echo(f"{'Would export' if result.dry_run else 'Exported'} the cut of {result.run_id} to {result.output}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(result.segments, 'segment')}")
    if result.captions is not None:
        typer.echo(f"  captions: {result.captions}")
    for what, segments in (("no narration", result.silent), ("no picture in the timeline", result.unseen)):
        if segments:
            typer.echo(f"  {what}: {count(len(segments), 'segment')} ({format_ranges(segments)})")
    for remark in result.remarks:
        typer.echo(printable(f"  marker at segment {remark.segment}: {' '.join(remark.text.split())}"))


AsOption = Annotated[
    str | None, typer.Option("--as", metavar="RUN", help="Name of the new run. Default: that of the exported one.")
]
HistoryOption = Annotated[
    bool,
    typer.Option(
        "--history/--no-history", help="Take over the history of the run, where the bag has it and the name is kept."
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Take approvals over that no history in the file proves; this is recorded.")
]

AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="URL", help="Take over a history that names this DVC remote. Repeatable."),
]


@guarded
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="What `export` made, or the same unpacked.")],
    target: Annotated[str | None, typer.Argument(hidden=True)] = None,
    run_id: AsOption = None,
    history: HistoryOption = True,
    trust: TrustOption = False,
    accept: AcceptOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a run out of an exported one, after every checksum, name and media file in it has been checked.

    The assets keep their statuses, and the run records where they came from. The history in the file is judged as
    `verify` does, and is then the history of the run; under another name, and with --no-history, it only proves the
    approvals. What is approved without such a proof arrives in review, unless --trust is given. To copy assets from
    one run into another, use `copy`.
    """
    if target is not None:
        raise UsageError("import takes one exported run", f"`gitassets copy {source} {target}` copies assets of a run.")
    import_from(source, run_id, history=history, trust=trust, accept=accept, dry_run=dry_run, as_json=as_json)


def import_from(
    source: Path,
    run_id: str | None,
    *,
    history: bool,
    trust: bool,
    accept: list[str] | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """The bag is a run, and what was done is told."""
    from gitassets.actions.import_bag import ImportOptions, import_bag
    from gitassets.cli.render import emit_json

    accepted = tuple(accept or ())
    options = ImportOptions(run_id=run_id, history=history, trust=trust, accepted=accepted, dry_run=dry_run)
    with show_progress("Checking", as_json) as on_progress:
        result = import_bag(load_project(), source, options, on_progress)
    if as_json:
        emit_json("import", result)
    else:
        _tell_imported(result)


def _tell_imported(result: ImportResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.domain.commit_message import format_addresses

    done = "Would import" if result.dry_run else "Imported"
    made_of = f", commit {result.source_commit[:10]}" if result.source_commit else ""
    typer.echo(printable(f"{done} {result.run_id} from {result.source}, an export of {result.source_run}{made_of}"))
    what = format_addresses(result.imported) or "no assets"
    typer.echo(f"  {what}: {count(result.files, 'file')}, {result.size_bytes / 1e6:.1f} MB")
    if result.statuses:
        typer.echo(f"  {', '.join(f'{number} {status}' for status, number in result.statuses.items())}")
    if result.commits:
        typer.echo(f"  with its history of {count(result.commits, 'commit')}")
    elif result.history_left:
        typer.echo("  without the history in the file")
    _tell_approvals(result)
    for path in result.missing:
        typer.echo(printable(f"  not in the file: {path}"))
    if result.passed_over:
        more = f" and {len(result.passed_over) - _SHOWN} more" if len(result.passed_over) > _SHOWN else ""
        what = ", ".join(result.passed_over[:_SHOWN])
        typer.echo(printable(f"  passed over, since macOS or Windows left it in the file: {what}{more}"))
    if result.folder is not None:
        typer.echo(f"  folder: {result.folder}")


def _tell_approvals(result: ImportResult) -> None:
    from gitassets.cli.render import printable
    from gitassets.domain.imported import Approvals
    from gitassets.runs.proof import describe_unproven

    if result.approvals is Approvals.PROVEN:
        typer.echo("  approvals: proven by the history in the file")
    elif result.approvals is Approvals.TRUSTED:
        typer.echo("  approvals: trusted, though no history proves them:", err=True)
    elif result.approvals is Approvals.IN_REVIEW:
        typer.echo("  in review, though approved in the file, since no history proves it:", err=True)
    for line in describe_unproven(result.unproven):
        typer.echo(printable(f"    {line}"), err=True)
    if result.approvals is Approvals.IN_REVIEW:
        typer.echo("    → `gitassets review` decides anew; --trust takes such approvals over.", err=True)
