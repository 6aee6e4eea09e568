"""`gitassets play`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import JsonOption, RunArgument, SegmentOption, examples, load_run_to_read, make_segments
from gitassets.cli.paths import show_path
from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError, NotFoundError


def register(app: typer.Typer) -> None:
    app.command("play", epilog=examples("play latest", "play latest --segment 3"))(play)


@guarded
def play(run: RunArgument, segment: SegmentOption = None, as_json: JsonOption = False) -> None:
    """Play the video of a run.

    This is the last full build in the project's own shape, or, if there is none, a draft or a build in another shape.
    With --segment it plays the narration and the clip of segments. The system's player is used, or the program in
    GITASSETS_VIEWER; Ctrl-C stops it. With --json it only prints the paths of the files.
    """
    from gitassets.actions.play import find_playable
    from gitassets.cli.render import emit_json

    project, found = load_run_to_read(run)
    files = find_playable(project, found, make_segments(segment))
    if as_json:
        emit_json("play", {"run_id": found.run_id, "files": files})
        return
    for one in files:
        _play(one.path, one.kind)


def _play(path: Path, kind: Kind) -> None:
    """Start a player and wait for its end."""
    from gitassets.cli.viewer import VIEWER, end, find_obstacle, find_program, start, suggest_looking

    obstacle = find_obstacle(kind)
    if obstacle is not None:
        raise GitAssetsError(f"{obstacle}, so {path} cannot be played here", suggest_looking(path))
    if sys.platform == "win32" and not os.environ.get(VIEWER):
        typer.echo(f"Playing {show_path(path)}")
        os.startfile(path)  # noqa: S606 (the system's own way to open a file)
        return
    program = find_program(kind, film=kind is Kind.VIDEO)
    if program is None:
        raise NotFoundError(f"Found no program to play {path}", f"Install mpv, or set {VIEWER} to a program.")
    typer.echo(f"Playing {show_path(path)}")
    process = start(program, path)
    try:
        process.wait()
    except BaseException:
        end(process)
        raise
