"""`gitassets upgrade`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    complete_run,
    examples,
    load_project,
    show_progress,
)
from gitassets.cli.upgrade_report import tell_set_up, tell_upgrade
from gitassets.errors import GitAssetsError, UsageError

if TYPE_CHECKING:
    from gitassets.actions.upgrade import UpgradeResult
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(
        "upgrade",
        epilog=examples(
            "upgrade 20260207_101747 --dry-run",
            "upgrade --all",
            "upgrade artifacts/video_production/20260207_101747 --json",
        ),
    )(upgrade)


@guarded
def upgrade(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run of claude-studio.", autocompletion=complete_run)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are still to be upgraded.")] = False,
    trial: Annotated[
        str | None, typer.Option(metavar="NAME", help="The trial whose script it was made from, where several fit.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take over a run of claude-studio, where it lies: its files stay, its record becomes the start of its history.

    Every other command does this too, for the run that it names. The report says which scene became part of which
    segment, and what was not found or is unclear; `gitassets move` mends a picture that went to the wrong segment.
    """
    from gitassets.cli.render import emit_json
    from gitassets.runs.lookup import find_run, list_runs

    if (run is None) != everything:
        raise UsageError("Say what to upgrade", "Name one RUN, or --all.")
    project = load_project()
    named = [find_run(project, run)] if run is not None else [one for one in list_runs(project) if one.old]
    results, failed = [], []
    for one in named:
        try:
            if one.old:
                results.append(_upgrade_one(project, one, trial, dry_run=dry_run, as_json=as_json))
        except GitAssetsError as error:
            if not everything:
                raise
            failed.append((one.run_id, error))
    if as_json:
        told = [{"run_id": run_id, "message": one.message, "hint": one.hint} for run_id, one in failed]
        emit_json("upgrade", {"runs": results, "failed": told})
    else:
        _tell_upgrades(results, failed, [one.run_id for one in named if not one.old])
        if results and not dry_run:
            tell_set_up(project)
    if failed:
        raise typer.Exit(PARTIAL)


def _upgrade_one(project: Project, run: Run, trial: str | None, *, dry_run: bool, as_json: bool) -> UpgradeResult:
    from gitassets.actions.upgrade import upgrade as act

    with show_progress(f"Reading {run.run_id}", as_json) as on_progress:
        return act(project, run, on_progress, trial=trial, dry_run=dry_run)


def _tell_upgrades(
    results: Iterable[UpgradeResult], failed: Iterable[tuple[str, GitAssetsError]], done_before: Iterable[str]
) -> None:
    from gitassets.cli.render import printable

    told = False
    for result in results:
        tell_upgrade(result)
        told = True
    for run_id in done_before:
        typer.echo(f"{run_id} is a run of gitassets already.")
        told = True
    for run_id, error in failed:
        typer.echo(printable(f"{run_id} was not upgraded: {error.message}"), err=True)
        typer.echo(printable(f"  → {error.hint}"), err=True)
        told = True
    if not told:
        typer.echo("There is nothing to upgrade.")
