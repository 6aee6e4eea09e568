"""The demo: the very commands that a user would type, one after the other, with their real output."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import typer

from gitassets.actions.demo import make_demo

RUN_ID = "demo"
STORY = (
    ("A script becomes a run: narration for each paragraph, and pictures.",
     "produce --script script.md --run-id demo --budget full"),
    ("Every asset is a draft at first.", "list demo"),
    ("The narration is fine: approve all of it.", "approve demo --audio all"),
    ("One picture is not.", "reject demo --image 3 --reason 'too dark for this sentence'"),
    ("The others are.", "approve demo --image 1,2,4-6"),
    ("Make again only what was rejected.", "regen demo --image 3 --style paper"),
    ("That is better.", "approve demo --image 3"),
    ("Build the film out of approved assets.", "build demo --only approved"),
    ("The history of the run is the audit trail.", "log demo"),
)  # fmt: skip


def run_demo(folder: Path) -> None:
    """Make a new project in `folder`, and take a run in it the whole way up to the video."""
    _prepare(folder)
    os.chdir(folder)
    for remark, line in STORY:
        typer.secho(f"\n# {remark}", dim=True)
        typer.secho(f"$ gitassets {line}", bold=True)
        _call(shlex.split(line))
    _tell_end(folder)


def _prepare(folder: Path) -> None:
    result = make_demo(folder)
    if result.named_author:
        typer.echo("git does not know your name yet: the demo's commits are by 'gitassets demo'.")
    typer.secho(f"$ gitassets init {folder}", bold=True)
    for line in result.done:
        typer.echo(line)


def _call(argv: list[str]) -> None:
    from gitassets.cli.app import make_app

    code = make_app(argv)(args=argv, standalone_mode=False)
    if isinstance(code, int) and code:
        raise typer.Exit(code)


def _tell_end(folder: Path) -> None:
    video = folder / "runs" / RUN_ID / "final" / f"{RUN_ID}.mp4"
    typer.secho(f"\nThe video: {video}", bold=True)
    typer.echo(f"The project: {folder}. Look around: cd {folder}, then `gitassets show demo 3` or `git log run/demo`.")
