"""Run the commands of the demo one after the other, as a user would type them, with their real output."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import typer

from gitassets.actions.demo import MUSIC_CREDIT, MUSIC_FILE, MUSIC_LICENCE, SIZE, SIZE_KEY, make_demo
from gitassets.cli.paths import show_path

RUN_ID = "demo"
STORY = (
    ("A script becomes a run: narration for each paragraph, and pictures.",
     "produce --script script.md --run-id demo"),
    ("Every asset starts as a draft.", "list demo"),
    ("The narration is fine: approve all of it.", "approve demo --audio all"),
    ("Reject one picture.", "reject demo --image 3 --reason 'too dark for this sentence'"),
    ("Approve the other pictures.", "approve demo --image 1-2,4-8"),
    ("Make again only what was rejected.", "regen demo --image 3 --style paper"),
    ("That is better.", "approve demo --image 3"),
    ("Music goes below the whole video, lower while somebody speaks. It is an asset, too.",
     f"music demo {MUSIC_FILE} --credit '{MUSIC_CREDIT}' --licence {MUSIC_LICENCE}"),
    ("The music fits: approve it.", "approve demo --music"),
    ("Build the video from approved assets.", "build demo --only approved"),
    ("The history of the run is the audit trail.", "log demo"),
)  # fmt: skip


def run_demo(folder: Path) -> None:
    """Make a new project in `folder`, and carry one run from script to video."""
    shown, start = shlex.quote(show_path(folder)), Path.cwd()
    _prepare(folder, shown)
    os.chdir(folder)
    for comment, line in STORY:
        _print_step(comment, f"gitassets {line}")
        _call(shlex.split(line))
    os.chdir(start)
    _print_end(folder, shown)


def _prepare(folder: Path, shown: str) -> None:
    result = make_demo(folder)
    if result.named_author:
        typer.echo("git does not know your name yet, so the author of the demo's commits is 'gitassets demo'.")
    _print_step("A project is a git repository.", f"gitassets init {shown}")
    for line in result.done:
        typer.echo(line)
    _print_step("A smaller video than the default is built faster.", f"cd {shown}")
    typer.secho(f"$ gitassets config set {SIZE_KEY} {SIZE}", bold=True)


def _print_step(comment: str, command: str) -> None:
    typer.secho(f"\n# {comment}", dim=True)
    typer.secho(f"$ {command}", bold=True)


def _call(argv: list[str]) -> None:
    from gitassets.cli.app import make_app

    code = make_app(argv)(args=argv, standalone_mode=False)
    if isinstance(code, int) and code:
        raise typer.Exit(code)


def _print_end(folder: Path, shown: str) -> None:
    video = folder / "runs" / RUN_ID / "final" / f"{RUN_ID}.mp4"
    typer.secho(f"\nThe video: {show_path(video)}", bold=True)
    typer.echo(f"To look around: cd {shown}, then `gitassets show {RUN_ID} 3` or `git log run/{RUN_ID}`.")
    typer.echo(f"To review it in the browser: cd {shown} && gitassets serve {RUN_ID}")
