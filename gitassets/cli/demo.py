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
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the demo project.")] = Path(
        "gitassets-demo"
    ),
) -> None:
    """Run the whole workflow on a short script, in a new folder.

    Produce, review, reject, make again, approve and build: in less than a minute on two cores.
    """
    from gitassets.cli.demo_story import run_demo

    run_demo(folder.absolute())
