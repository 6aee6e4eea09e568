"""What the speed of the commands is measured against: a Typer program with one trivial command."""

from __future__ import annotations

import typer

app = typer.Typer()


@app.command()
def greet(name: str = "you") -> None:
    typer.echo(f"Hello, {name}")


if __name__ == "__main__":
    app()
