"""`gitassets cache`."""

from __future__ import annotations

from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, examples, load_project


def register(app: typer.Typer) -> None:
    app.command("cache", epilog=examples("cache", "cache --clear"))(cache)


@guarded
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete the rendered parts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show or clear the rendered parts kept for the next build.

    All runs share them. A build deletes the least recently used ones above build.render_cache_gb. Without them the next
    build renders everything again; nothing else is lost.
    """
    from rich import filesize

    from gitassets.actions.cache import show_cache
    from gitassets.cli.render import count, emit_json

    result = show_cache(load_project(), clear=clear)
    if as_json:
        emit_json("cache", result)
        return
    said = f"{count(result.rendered_files, 'rendered part')}, {filesize.decimal(result.rendered_bytes)}"
    limit = filesize.decimal(result.limit_bytes)
    typer.echo(f"Deleted {said}." if result.cleared else f"{said} of at most {limit}")
