"""`gitassets gc`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import DryRunOption, JsonOption, examples, is_interactive, load_project, show_progress
from gitassets.domain.gc_policy import KeepPolicy


def register(app: typer.Typer) -> None:
    app.command("gc", epilog=examples("gc", "gc --yes", "gc --keep locked"))(gc)


_SHOWN = 20


@guarded
def gc(
    keep: Annotated[
        KeepPolicy,
        typer.Option(
            help="Keep all that the history of any run names, or (locked) what is current or was ever approved."
        ),
    ] = KeepPolicy.HISTORY,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove cached files that no run uses.

    `dvc gc` does not remove them. The files are listed first; without a terminal, nothing is removed unless --yes is
    given.
    """
    from rich import filesize

    from gitassets.actions.gc import gc as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.wording import and_more

    project = load_project()
    with show_progress("Reading", as_json) as on_progress:
        result = act(project, keep, dry_run=True, on_progress=on_progress)
    text = f"{len(result.unnamed)} files, {filesize.decimal(result.freed_bytes)}"
    asked = bool(result.unnamed) and not dry_run
    if asked and not yes and is_interactive() and not as_json:
        yes = typer.confirm(f"Remove {text}?")
    if asked and yes:
        result = act(project, keep, dry_run=False)
    if as_json:
        emit_json("gc", result)
        return
    for md5 in result.unnamed[:_SHOWN]:
        typer.echo(f"  {md5}")
    if len(result.unnamed) > _SHOWN:
        typer.echo(f"  …{and_more(len(result.unnamed), _SHOWN)}; --json lists all")
    typer.echo(f"{'Would remove' if result.dry_run else 'Removed'} {text}; {result.kept} files stay.")
