"""`gitassets import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    examples,
    load_project,
    show_progress,
)
from gitassets.cli.paths import show_path
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.import_bag import ImportResult


def register(app: typer.Typer) -> None:
    app.command(
        "import",
        context_settings={"allow_extra_args": True},
        epilog=examples("import ~/Downloads/pilot.zip", "import pilot.zip --as pilot-2", "import pilot-bag --dry-run"),
    )(import_)


AsOption = Annotated[
    str | None, typer.Option("--as", metavar="RUN", help="Name of the new run. Default: the name of the exported run.")
]
HistoryOption = Annotated[
    bool,
    typer.Option(
        "--history/--no-history", help="Import the history of the run, if the file has it and the name stays the same."
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust", help="Accept approvals that no history in the file proves; this is recorded.")
]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="URL", help="Accept a history that names this DVC remote. Repeatable."),
]


@guarded
def import_(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="A file made by `export`, or its unpacked folder.")
    ],
    run_id: AsOption = None,
    history: HistoryOption = True,
    trust: TrustOption = False,
    accept: AcceptOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import a run from an exported file.

    Every checksum, name and media file in it is checked first. The assets keep their statuses, and the run records
    their origin. The history in the file is checked as by `verify` and becomes the history of the run; under another
    name, or with --no-history, it only proves the approvals. Approved assets without proof arrive in review, unless
    --trust is given. To copy assets from one run to another, use `copy`.
    """
    if context.args:
        others = " ".join(context.args)
        raise UsageError(
            "`import` accepts one exported run", f"`gitassets copy {source} {others}` copies assets of a run."
        )
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
    """Import the exported run, and print the result."""
    from gitassets.actions.import_bag import ImportOptions, import_bag
    from gitassets.cli.render import emit_json

    accepted = tuple(accept or ())
    options = ImportOptions(run_id=run_id, history=history, trust=trust, accepted=accepted, dry_run=dry_run)
    with show_progress("Checking", as_json) as on_progress:
        result = import_bag(load_project(), source, options, on_progress)
    if as_json:
        emit_json("import", result)
    else:
        _print_imported(result)


def _print_imported(result: ImportResult) -> None:
    from rich import filesize

    from gitassets.cli.render import count, printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.wording import name_some

    done = "Would import" if result.dry_run else "Imported"
    commit = f", commit {result.source_commit[:10]}" if result.source_commit else ""
    typer.echo(printable(f"{done} {result.run_id} from {result.source}, an export of {result.source_run}{commit}"))
    what = format_addresses(result.imported) or "no assets"
    typer.echo(f"  {what}: {count(result.files, 'file')}, {filesize.decimal(result.size_bytes)}")
    if result.statuses:
        typer.echo(f"  {', '.join(f'{number} {status}' for status, number in result.statuses.items())}")
    if result.commits:
        typer.echo(f"  with its history of {count(result.commits, 'commit')}")
    elif result.history_left:
        typer.echo("  without the history in the file")
    _print_approvals(result)
    for path in result.missing:
        typer.echo(printable(f"  not in the file: {path}"))
    if result.passed_over:
        what = name_some(result.passed_over)
        typer.echo(printable(f"  ignored, added to the file by macOS or Windows: {what}"))
    if result.folder is not None:
        typer.echo(f"  folder: {show_path(result.folder)}")


def _print_approvals(result: ImportResult) -> None:
    from gitassets.cli.render import printable
    from gitassets.domain.imported import Approvals
    from gitassets.runs.proof import describe_unproven

    if result.approvals is Approvals.PROVEN:
        typer.echo("  approvals: proven by the history in the file")
    elif result.approvals is Approvals.TRUSTED:
        typer.echo("  approvals: trusted without proof in the history:", err=True)
    elif result.approvals is Approvals.IN_REVIEW:
        typer.echo("  approved in the file but now in review, since no history proves the approval:", err=True)
    for line in describe_unproven(result.unproven):
        typer.echo(printable(f"    {line}"), err=True)
    if result.approvals is Approvals.IN_REVIEW:
        typer.echo("    → Decide again with `gitassets review`, or accept such approvals with --trust.", err=True)
