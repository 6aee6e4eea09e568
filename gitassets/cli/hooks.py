"""`gitassets hooks`: install, uninstall, status, install-server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.command import Application
from gitassets.cli.options import JsonOption, examples, load_project
from gitassets.cli.paths import show_path

if TYPE_CHECKING:
    from gitassets.actions.hooks import HooksResult

_hooks = Application(no_args_is_help=True, help="Install, remove or show the git hooks that guard locks.")


def register(app: typer.Typer) -> None:
    app.add_typer(_hooks, name="hooks")


def _add(name: str, *lines: str) -> Callable[[Callable[..., None]], None]:
    """Decorate a function to add it to the group as a command."""

    def add(command: Callable[..., None]) -> None:
        _hooks.command(name, epilog=examples(*lines))(command)

    return add


@_add("install", "hooks install")
@guarded
def _install(
    shared: Annotated[
        bool,
        typer.Option("--shared", hidden=True, help="Also remove hooks of 0.1.0 from a folder outside this project."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Install the hooks and the merge driver.

    Git calls them only in run folders, after your own hooks.
    """
    from gitassets.actions.hooks import install

    _print_hooks("hooks install", install(load_project(check_hooks=False), shared=shared), as_json)


@_add("uninstall", "hooks uninstall")
@guarded
def _uninstall(as_json: JsonOption = False) -> None:
    """Remove the hooks and the merge driver.

    Your own hooks stay.
    """
    from gitassets.actions.hooks import uninstall

    _print_hooks("hooks uninstall", uninstall(load_project(check_hooks=False)), as_json)


@_add("status", "hooks status", "hooks status --json")
@guarded
def _status(as_json: JsonOption = False) -> None:
    """Show which hooks are installed.

    The exit code is 1 if one is missing.
    """
    from gitassets.actions.hooks import show_hooks

    result = show_hooks(load_project(check_hooks=False))
    _print_hooks("hooks status", result, as_json)
    if not result.complete:
        raise typer.Exit(1)


def _print_hooks(command: str, result: HooksResult, as_json: bool) -> None:
    from gitassets.cli.render import emit_json

    if as_json:
        emit_json(command, result)
        return
    typer.echo(f"Hooks in {result.hooks_dir}:")
    for one in result.hooks:
        typer.echo(f"  {one.name}: {one.state.value}")
    typer.echo(f"  merge driver: {'set up' if result.merge_driver else 'missing'}")
    if not result.in_runs:
        typer.echo("  git does not call them in every run folder")
    if result.earlier:
        typer.echo("  hooks of gitassets 0.1.0 are among your own: `gitassets hooks install` removes them")
    for line in result.left:
        typer.echo(f"  left for you: {line}")


@_add("install-server", "hooks install-server /srv/git/videos.git")
@guarded
def _install_server(
    repository: Annotated[Path, typer.Argument(metavar="REPO", help="The bare repository that people push to.")],
    as_json: JsonOption = False,
) -> None:
    """Make a bare repository reject pushes that break a lock.

    Run it on the server; gitassets must stay installed there.
    """
    from gitassets.actions.hooks import install_on_server
    from gitassets.cli.render import emit_json

    path = install_on_server(repository.resolve())
    if as_json:
        emit_json("hooks install-server", {"hook": path})
        return
    typer.echo(f"{show_path(path)} now checks pushes to {show_path(repository)}. It does not check the media files.")
