"""`gitassets build`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    JsonOption,
    Only,
    RunArgument,
    examples,
    load_run,
    show_progress,
)

if TYPE_CHECKING:
    from gitassets.actions.build import BuildResult


def register(app: typer.Typer) -> None:
    app.command(
        "build",
        epilog=examples(
            "build latest",
            "build latest --only approved -o episode.mp4",
            "build latest --skip rejected --size 1080x1920 --fps 24000/1001",
        ),
    )(build)


class Skip(StrEnum):
    REJECTED = "rejected"


@guarded
def build(
    run: RunArgument,
    only: Annotated[
        Only | None, typer.Option(help="Build from approved assets; others count as absent, and are listed.")
    ] = None,
    skip: Annotated[Skip | None, typer.Option(help="Build from everything but rejected assets.")] = None,
    allow_gaps: Annotated[
        bool,
        typer.Option("--allow-gaps", help="A segment without usable narration is silent for its estimated length."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Put a copy of the mp4 here, the .srt beside it."),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Width and height, such as 1080x1920.")] = None,
    fps: Annotated[str | None, typer.Option(metavar="RATE", help="Frames a second, such as 25 or 24000/1001.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the video: each segment's narration with its clip or picture, in order.

    Without --only or --skip it is strict: whatever is missing, not approved or stale is listed, and nothing is
    written; so it is, and with --only too, where the run's history does not prove an approval. The mp4, its captions
    (.srt) and build.json, which names every file that went in, are kept under final/ in the run's folder and tracked
    by DVC. Segments that did not change are not rendered again.
    """
    from gitassets.actions.build import BuildOptions, need_used
    from gitassets.actions.build import build as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.domain.timeline import Policy
    from gitassets.errors import UsageError

    if only is not None and skip is not None:
        raise UsageError("--only approved and --skip rejected are two ways to build", "Take one of them.")
    policy = Policy.ONLY_APPROVED if only else Policy.SKIP_REJECTED if skip else Policy.STRICT
    project, found = load_run(run)
    options = BuildOptions(policy=policy, allow_gaps=allow_gaps, output=output, size=size, fps=fps)
    if found.is_open:
        fetch_first(project, found, need_used(project, found, options), as_json)
    with show_progress("Rendering", as_json) as on_progress:
        result = act(project, found, options, on_progress)
    if as_json:
        emit_json("build", result)
    else:
        _tell_built(result)


def _tell_built(result: BuildResult) -> None:
    from gitassets.cli.render import count, format_duration, printable

    for one in result.omissions:
        typer.echo(printable(f"  left out: {one}"))
    made = f"{result.rendered} rendered, {result.cached} reused"
    typer.echo(f"{'Built' if result.commit else 'Nothing changed:'} {result.video}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(result.segments, 'segment')} ({made})")
    if result.captions is not None:
        typer.echo(f"  captions: {result.captions}")
    for remark in result.remarks:
        typer.echo(printable(f"  note: {remark}"))
    if result.output is not None:
        typer.echo(f"  copied to {result.output}")
