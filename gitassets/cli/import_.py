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
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.import_bag import ImportResult


def register(app: typer.Typer) -> None:
    app.command(
        "import",
        epilog=examples("import ~/Downloads/pilot.zip", "import pilot.zip --as pilot-2", "import pilot-bag --dry-run"),
    )(import_)


_SHOWN = 5
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
