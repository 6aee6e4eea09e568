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
        Only | None, typer.Option(help="Build from approved assets only; list the others and leave them out.")
    ] = None,
    skip: Annotated[Skip | None, typer.Option(help="Build from all assets except rejected ones.")] = None,
    allow_gaps: Annotated[
        bool,
        typer.Option("--allow-gaps", help="Make a segment without usable narration silent for its estimated length."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Also copy the mp4 here, with the .srt beside it."),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Width and height, such as 1080x1920.")] = None,
    fps: Annotated[
        str | None, typer.Option(metavar="RATE", help="Frames per second, such as 25 or 24000/1001.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the video from narration, clips and images.

    Segments follow each other in order, each with its narration and its clip or image. Without --only or --skip the
    build is strict: it lists whatever is missing, not approved or stale, and writes nothing. An approval that the
    run's history does not prove also stops a strict build, and one with --only. The mp4, its captions (.srt) and
    build.json, which lists every file used, go to final/ in the run's folder and are tracked by DVC. Segments that did
    not change are not rendered again.

    A build with --skip is a draft. Drafts and builds of another --size or --fps than the project's lie beside the
    others, such as RUN-draft.mp4 and RUN-640x360.mp4. `publish` never goes by them.
    """
    from gitassets.actions.build import BuildOptions, list_needed_bytes
    from gitassets.actions.build import build as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.domain.timeline import Policy
    from gitassets.errors import UsageError

    if only is not None and skip is not None:
        raise UsageError("--only approved and --skip rejected exclude each other", "Use one of them.")
    policy = Policy.ONLY_APPROVED if only else Policy.SKIP_REJECTED if skip else Policy.STRICT
    project, found = load_run(run)
    options = BuildOptions(policy=policy, allow_gaps=allow_gaps, output=output, size=size, fps=fps)
    if found.is_open:
        fetch_first(project, found, list_needed_bytes(project, found, options), as_json)
    with show_progress("Rendering", as_json) as on_progress:
        result = act(project, found, options, on_progress)
    if as_json:
        emit_json("build", result)
    else:
        _print_built(result)


def _print_built(result: BuildResult) -> None:
    from gitassets.actions.build_gaps import describe_findings
    from gitassets.cli.render import count, format_duration, printable

    for line in describe_findings(result.omissions):
        typer.echo(printable(f"  left out: {line}"))
    rendered = f"{result.rendered} rendered, {result.cached} reused"
    typer.echo(f"{'Built' if result.commit else 'Nothing changed:'} {result.video}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(result.segments, 'segment')} ({rendered})")
    if not result.main:
        typer.echo("  a draft or of another shape than the project's: `publish` does not go by it")
    if result.captions is not None:
        typer.echo(f"  captions: {result.captions}")
    for note in result.remarks:
        typer.echo(printable(f"  note: {note}"))
    if result.output is not None:
        typer.echo(f"  copied to {result.output}")
