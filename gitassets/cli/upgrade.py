"""`gitassets upgrade`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    examples,
    load_project,
    show_progress,
)
from gitassets.cli.upgrade_report import print_set_up_hint, print_upgrade
from gitassets.errors import GitAssetsError, MissingInputError

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
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run of claude-studio.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Upgrade all runs that still need it.")] = False,
    trial: Annotated[
        str | None, typer.Option(metavar="NAME", help="The trial with the script of the run, if several match.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Upgrade a run of claude-studio, in place.

    Its files stay, and its record becomes the start of its history. Every other command does this too, for the run that
    it names. The report lists which scene became part of which segment, and what was not found or is unclear. If an
    image went to the wrong segment, correct it with `gitassets move`.
    """
    from gitassets.cli.render import emit_json
    from gitassets.runs.lookup import find_run, list_runs

    if (run is None) != everything:
        raise MissingInputError("Say what to upgrade", "Name one RUN, or use --all.")
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
        errors = [{"run_id": run_id, "message": one.message, "hint": one.hint} for run_id, one in failed]
        emit_json("upgrade", {"runs": results, "failed": errors})
    else:
        _print_upgrades(results, failed, [one.run_id for one in named if not one.old])
        if results and not dry_run:
            print_set_up_hint(project)
    if failed:
        raise typer.Exit(PARTIAL)


def _upgrade_one(project: Project, run: Run, trial: str | None, *, dry_run: bool, as_json: bool) -> UpgradeResult:
    from gitassets.actions.upgrade import upgrade as act

    with show_progress(f"Reading {run.run_id}", as_json) as on_progress:
        return act(project, run, on_progress, trial=trial, dry_run=dry_run)


def _print_upgrades(
    results: Sequence[UpgradeResult], failed: Sequence[tuple[str, GitAssetsError]], upgraded_before: Sequence[str]
) -> None:
    from gitassets.cli.render import printable

    if not (results or failed or upgraded_before):
        typer.echo("Nothing to upgrade.")
    for result in results:
        print_upgrade(result)
    for run_id in upgraded_before:
        typer.echo(f"{run_id} is already a run of gitassets.")
    for run_id, error in failed:
        typer.echo(printable(f"{run_id} was not upgraded: {error.message}"), err=True)
        typer.echo(printable(f"  → {error.hint}"), err=True)
