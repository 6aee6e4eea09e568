"""`gitassets styles`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, examples, show_progress
from gitassets.cli.paths import show_path


def register(app: typer.Typer) -> None:
    app.command("styles", epilog=examples("styles", "styles -o styles.png", "styles --looks", "styles --json"))(styles)


@guarded
def styles(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.png", help="Also draw the styles into this file.")
    ] = None,
    looks: Annotated[bool, typer.Option("--looks", help="List the looks of videos instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the styles of cards and charts, or the looks of videos.

    `produce --style NAME` and `regen --style NAME` choose one, and `style:` in gitassets.yaml sets the default of a
    project. Services take any words as a style. `look:` in gitassets.yaml, or `build --look NAME`, chooses a look. A
    project's own looks lie in looks/NAME.yaml.
    """
    if looks:
        return _list_looks(as_json)
    from gitassets.actions.styles import draw_styles, list_styles
    from gitassets.cli.render import emit_json, print_table
    from gitassets.cli.table import Column

    found = list_styles()
    if output is not None:
        with show_progress("Drawing", as_json) as on_progress:
            draw_styles(output, on_progress)
    if as_json:
        return emit_json("styles", {"styles": found, "output": output})
    columns = (Column("Style"), Column("Look", wrap=True), Column("Use"))
    print_table(columns, [[one.name, one.look, "default" if one.default else ""] for one in found])
    if output is not None:
        typer.echo(f"Drew the styles in {show_path(output)}")
    return None


def _list_looks(as_json: bool) -> None:
    from gitassets.actions.styles import list_looks
    from gitassets.cli.render import emit_json, print_table
    from gitassets.cli.table import Column

    found = list_looks(Path.cwd())
    if as_json:
        emit_json("styles", {"looks": found})
        return
    columns = (Column("Look"), Column("About", wrap=True), Column("Use"))
    print_table(columns, [[one.name, one.about, "chosen" if one.chosen else ""] for one in found])
