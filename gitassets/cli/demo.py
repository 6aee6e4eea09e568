"""`gitassets demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import examples


def register(app: typer.Typer) -> None:
    app.command("demo", epilog=examples("demo", "demo /tmp/try-it"))(demo)


@guarded
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for it.")] = Path("gitassets-demo"),
) -> None:
    """Show the whole way on a short script: produce, review, reject, make again, approve, build. About a minute."""
    from gitassets.cli.demo_story import run_demo

    run_demo(folder.absolute())
