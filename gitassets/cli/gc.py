"""`gitassets gc`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import DryRunOption, JsonOption, examples, is_interactive, load_project
from gitassets.domain.gc_policy import KeepPolicy


def register(app: typer.Typer) -> None:
    app.command("gc", epilog=examples("gc", "gc --yes", "gc --keep locked"))(gc)


@guarded
def gc(
    keep: Annotated[
        KeepPolicy,
        typer.Option(help="history: all that any run's history names. locked: what is current or was ever approved."),
    ] = KeepPolicy.HISTORY,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove cached files that no run names, which `dvc gc` does not free. Shows first what would go.

    Off a terminal it removes only with --yes.
    """
    from gitassets.actions.gc import gc as act
    from gitassets.cli.render import emit_json

    project = load_project()
    result = act(project, keep, dry_run=True)
    text = f"{len(result.unnamed)} files, {result.freed_bytes / 1e6:.1f} MB"
    asked = bool(result.unnamed) and not dry_run
    if asked and not yes and is_interactive() and not as_json:
        yes = typer.confirm(f"Remove {text}?")
    if asked and yes:
        result = act(project, keep, dry_run=False)
    if as_json:
        emit_json("gc", result)
        return
    for md5 in result.unnamed[:20]:
        typer.echo(f"  {md5}")
    typer.echo(f"{'Would remove' if result.dry_run else 'Removed'} {text}; {result.kept} files stay.")
