"""`gitassets decide`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import DryRunOption, JsonOption, RunArgument, examples, load_run

if TYPE_CHECKING:
    from gitassets.actions.decide_by_file import AppliedDecisions


def register(app: typer.Typer) -> None:
    app.command(
        "decide",
        epilog=examples(
            "decide pilot pilot-decisions.json",
            'decide pilot pilot-decisions.json --by "Ana Lima"',
            "decide pilot pilot-decisions.json --dry-run",
        ),
    )(decide)


@guarded
def decide(
    run: RunArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that a sheet saved.")],
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who decided. Default: the name given on the sheet.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Commit the decisions and notes that a sheet saved.

    They are committed on the commit that the sheet was made from, and that is merged into the run. What was decided
    differently there is in conflict, as after a pull. A decision holds for the bytes that were seen: an asset that has
    others now is refused, and the rest is committed. The same file does nothing the second time.
    """
    from gitassets.actions.decide_by_file import decide_by_file
    from gitassets.cli.render import emit_json

    project, found = load_run(run, dry_run=dry_run)
    result = decide_by_file(project, found, file, by=by, dry_run=dry_run)
    if as_json:
        emit_json("decide", result)
    else:
        _print_applied(result)
    if result.merging or result.refused:
        raise typer.Exit(PARTIAL)


def _print_applied(result: AppliedDecisions) -> None:
    from gitassets.cli.phrases import print_transitions
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses

    noted = format_addresses(sorted({*result.noted}))
    what = ", ".join([*_format_decided(result), *([f"notes on {noted}"] if noted else [])])
    if what:
        done = "Would commit" if result.dry_run else "Committed"
        typer.echo(printable(f"{done} the decisions of {result.by} on {result.run_id}: {what}"))
        print_transitions(result.transitions)
    elif not result.refused:
        before = f": it was applied in {result.applied_before[:10]}" if result.applied_before else ""
        typer.echo(f"Nothing to do in {result.run_id}{before}.")
    if result.unchanged:
        typer.echo(f"  unchanged: {format_addresses(result.unchanged)}")
    if result.merged and not result.merging:
        typer.echo(f"Merged into the commits since {result.made_from[:10]}, from which the sheet was made.")
    _print_refused(result)
    if result.merging:
        _print_conflicts(result)


def _format_decided(result: AppliedDecisions) -> list[str]:
    from gitassets.domain.commit_message import format_addresses

    decided = format_addresses(one.address for one in result.transitions)
    return [decided] if decided else []


def _print_refused(result: AppliedDecisions) -> None:
    """Print what was not applied, grouped by reason."""
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.manifest import Address

    grouped: dict[tuple[str, str], list[Address]] = {}
    for one in result.refused:
        grouped.setdefault((one.what, one.why), []).append(one.address)
    for (what, why), addresses in grouped.items():
        typer.echo(printable(f"  refused to {what} {format_addresses(addresses)}: {why}"), err=True)


def _print_conflicts(result: AppliedDecisions) -> None:
    """Print who decided what on which side, and how to settle it."""
    from gitassets.cli.phrases import print_dispute
    from gitassets.cli.render import printable
    from gitassets.domain.commit_message import format_addresses

    typer.echo(f"The merge is not finished. Decided differently: {format_addresses(result.conflicts)}", err=True)
    for one in result.disputes:
        print_dispute(one, result.by)
    settle = f"Settle each with `gitassets approve {result.run_id} …` or `reject`, or in `gitassets review`."
    typer.echo(printable(f"  → {settle} The last decision concludes the merge."), err=True)
