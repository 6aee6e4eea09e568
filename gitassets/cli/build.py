"""`gitassets build`."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.json_progress import JsonProgress
from gitassets.cli.options import (
    DryRunOption,
    JsonOption,
    Only,
    ProgressBar,
    RunArgument,
    examples,
    load_run,
    make_segments,
    show_progress,
)
from gitassets.cli.paths import show_path
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.quality import Codec, Preset

if TYPE_CHECKING:
    from gitassets.actions.build import BuildResult
    from gitassets.actions.build_part import PartResult
    from gitassets.actions.build_plan import BuildOptions
    from gitassets.actions.build_preview import BuildPreview
    from gitassets.domain.selection import Selection, Span
    from gitassets.domain.timeline import Policy
    from gitassets.runs.project import Project, Run

_NICENESS = 10
_BELOW_NORMAL = 0x4000  # Windows' BELOW_NORMAL_PRIORITY_CLASS.


def register(app: typer.Typer) -> None:
    app.command(
        "build",
        epilog=examples(
            "build latest",
            "build latest --dry-run",
            "build latest --segment 3 --open",
            "build latest --preset draft --open",
            "build latest --from 10 --to 20",
            "build latest --only approved -o episode.mp4",
            "build latest --captions words --size 1080x1920",
            "build latest --skip rejected --size 1080x1920 --fps 24000/1001",
            "build latest --shape 9:16",
            "build latest --look documentary --segment 1-3 --open",
            "build latest --dask tls://render.example.org:8786",
        ),
    )(build)


class Skip(StrEnum):
    REJECTED = "rejected"


class ProgressForm(StrEnum):
    TERMINAL = "terminal"
    JSON = "json"


@guarded
def build(
    run: RunArgument,
    only: Annotated[
        Only | None, typer.Option(help="Build from approved assets only; list the others and leave them out.")
    ] = None,
    skip: Annotated[Skip | None, typer.Option(help="Build from all assets except rejected ones.")] = None,
    include_rejected: Annotated[
        bool, typer.Option("--include-rejected", help="Build from all assets, also rejected ones.")
    ] = False,
    allow_gaps: Annotated[
        bool,
        typer.Option("--allow-gaps", help="Make a segment without usable narration silent for its estimated length."),
    ] = False,
    segment: Annotated[
        str | None,
        typer.Option("--segment", metavar="SEL", help="Build only these segments, to look at: 3, 1,3,5 or 1-10."),
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", metavar="N", min=1, help="Build the segments from this one on, to look at.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", metavar="N", min=1, help="Build the segments up to this one, to look at.")
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="A small, fast draft to look at; the standard; or a master of higher quality.")
    ] = Preset.STANDARD,
    codec: Annotated[
        Codec, typer.Option(help="The format of the picture. H.265 and AV1 are smaller and slower.")
    ] = Codec.H264,
    captions: Annotated[
        CaptionUse | None,
        typer.Option(
            help="Captions as files and a text track (file), drawn into the picture (burn), drawn with the spoken word "
            "marked (words), or none. Default: build.captions."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Also copy the mp4 here, with the .srt and .vtt beside it. Git ignores copies in the project.",
        ),
    ] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Width and height, such as 1080x1920.")] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="W:H", help="16:9, 9:16 or 1:1, with the shorter side of build.size.")
    ] = None,
    look: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another look than the project's; recorded: that of the last build."),
    ] = None,
    fps: Annotated[
        str | None, typer.Option(metavar="RATE", help="Frames per second, such as 25 or 24000/1001.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Let the workers of this Dask scheduler render: tls://HOST:PORT, with certificates.",
        ),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open the video when it is built.")] = False,
    progress: Annotated[
        ProgressForm,
        typer.Option(help="Show progress on a terminal, or write it as JSON lines to standard error."),
    ] = ProgressForm.TERMINAL,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build the video from narration, clips and images.

    Segments follow each other in order, each with its narration and its clip or image. Without --only, --skip or
    --include-rejected the build is strict: it lists whatever is missing, not approved or stale, and writes nothing.
    An approval that the run's history does not prove also stops a strict build, and one with --only. The mp4, its
    captions (.srt, .vtt) and build.json, which lists every file used, go to final/ in the run's folder and are tracked
    by DVC. Segments that did not change are not rendered again. A build runs at a lower priority than other programs.

    Captions follow the spoken words where their times are known. The services and the local voice tell them; in
    English narrations from elsewhere the build finds them if gitassets[align] is installed, and records them in the
    run. --captions burn draws captions into the picture, and --captions words also marks the spoken word.

    A build with --skip or --include-rejected is a draft, and so is one that --allow-gaps leaves silent in part. Drafts
    and builds of another --size or --fps than the project's lie beside the others, such as RUN-draft.mp4 and
    RUN-640x360.mp4. `publish` never goes by them.

    The look of the project (`look:` in gitassets.yaml) adds transitions, pauses, cards, names and a logo. build.json
    records its values and files, and its files lie beside the video, so `--look recorded` builds with them again, even
    in a clone of the run alone. A look is not approved.

    --segment, or --from and --to, builds a part to look at, from all assets unless --only or --skip is set. It goes
    to the --output, or to a temporary file, and the run does not record it. So does all of a video with --preset
    draft: at most 540 pixels high and several times as fast. --preset master encodes with more care, and makes the
    whole as loud as build.loudness_lufs with a true peak below -1.5 dBTP.

    With --dask the pictures are rendered by other machines that have the same versions of the tools. The workers need
    gitassets and a DVC remote that has the run's files. docs/scale.md shows the set-up.
    """
    from gitassets.actions.build_plan import BuildOptions
    from gitassets.domain.dask_address import parse_dask_address

    part = _choose_part(segment, first, last)
    to_look_at = part is not None or preset is Preset.DRAFT
    policy = choose_policy(only is not None, skip is not None, include_rejected, partly=to_look_at)
    options = BuildOptions(
        policy=policy,
        allow_gaps=allow_gaps or to_look_at,
        output=output,
        size=size,
        fps=fps,
        part=part,
        preset=preset,
        codec=codec,
        look=look,
        shape=shape,
        dask=None if dask is None else parse_dask_address(dask),
        captions=captions,
    )
    project, found = load_run(run, dry_run=dry_run)
    if dry_run:
        _preview(project, found, options, as_json)
    else:
        _build(project, found, options, as_json, opened, _show_progress(progress, as_json))


def _choose_part(segment: str | None, first: int | None, last: int | None) -> Selection | Span | None:
    """Return the segments of a part. Raise UsageError if they are given in two ways."""
    from gitassets.domain.selection import Span
    from gitassets.errors import UsageError

    if first is None and last is None:
        return make_segments(segment)
    if segment is not None:
        raise UsageError("--segment excludes --from and --to", "Use one of them.")
    return Span(first, last)


def choose_policy(approved: bool, unrejected: bool, everything: bool, *, partly: bool = False) -> Policy:
    """Return the policy of the three options. Raise UsageError if more than one is given."""
    from gitassets.domain.timeline import Policy
    from gitassets.errors import UsageError

    if approved + unrejected + everything > 1:
        raise UsageError(
            "--only approved, --skip rejected and --include-rejected exclude each other", "Use one of them."
        )
    if approved or unrejected:
        return Policy.ONLY_APPROVED if approved else Policy.SKIP_REJECTED
    return Policy.INCLUDE_REJECTED if everything else Policy.EVERYTHING if partly else Policy.STRICT


def _show_progress(form: ProgressForm, as_json: bool) -> ProgressBar | JsonProgress:
    return JsonProgress() if form is ProgressForm.JSON else show_progress("Rendering", as_json)


def _build(
    project: Project,
    run: Run,
    options: BuildOptions,
    as_json: bool,
    opened: bool,
    progress: ProgressBar | JsonProgress,
) -> None:
    from gitassets.actions.build import build as act
    from gitassets.actions.build_part import build_part
    from gitassets.actions.build_plan import list_needed_bytes
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json

    if run.is_open:
        fetch_first(project, run, list_needed_bytes(project, run, options), as_json)
    _lower_priority()
    result: BuildResult | PartResult
    with progress as on_progress:
        if options.is_recorded:
            result = act(project, run, options, on_progress)
        else:
            result = build_part(project, run, options, on_progress)
    if as_json:
        emit_json("build", result)
    else:
        _print_built(result)
    if opened:
        _open(result.video)


def _lower_priority() -> None:
    """Let other programs go first, for as long as this process and the programs that it starts live."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), _BELOW_NORMAL)
    elif os.getpriority(os.PRIO_PROCESS, 0) < _NICENESS:
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


def _open(video: Path) -> None:
    from gitassets.cli.viewer import Viewer
    from gitassets.domain.manifest import Kind

    if not Viewer().show(video, Kind.VIDEO):
        typer.echo(f"No program was found to open {show_path(video)}. GITASSETS_VIEWER names one.", err=True)


def _print_built(result: BuildResult | PartResult) -> None:
    from gitassets.actions.build import BuildResult
    from gitassets.actions.build_gaps import describe_findings
    from gitassets.cli.render import count, format_duration, printable

    for line in describe_findings(result.omissions):
        typer.echo(printable(f"  left out: {line}"))
    rendered = f"{result.rendered} rendered, {result.cached} reused"
    unchanged = isinstance(result, BuildResult) and not result.commit
    typer.echo(f"{'Nothing changed:' if unchanged else 'Built'} {show_path(result.video)}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(result.segments, 'segment')} ({rendered})")
    if not isinstance(result, BuildResult):
        what = "a part" if result.part else "a draft"
        typer.echo(f"  {what} to look at, which is not recorded")
    elif not result.main:
        typer.echo("  a draft or of another shape than the project's: `publish` does not go by it")
    if result.captions is not None:
        typer.echo(f"  captions: {show_path(result.captions)}, and the same as .vtt")
    for note in result.remarks:
        typer.echo(printable(f"  note: {note}"))
    if isinstance(result, BuildResult) and result.output is not None:
        typer.echo(f"  copied to {show_path(result.output)}")


def _preview(project: Project, run: Run, options: BuildOptions, as_json: bool) -> None:
    """Print what a build would hold. Exit with 1 if there would be none."""
    from gitassets.actions.build_preview import preview_build
    from gitassets.cli.render import emit_json

    result = preview_build(project, run, options)
    if as_json:
        emit_json("build", result)
    else:
        _print_preview(result)
    if result.gaps:
        raise typer.Exit(1)


def _print_preview(result: BuildPreview) -> None:
    from gitassets.actions.build_gaps import describe_findings
    from gitassets.cli.render import count, format_duration, printable

    for line in describe_findings(result.gaps):
        typer.echo(printable(f"  in the way: {line}"))
    for line in describe_findings(result.omissions):
        typer.echo(printable(f"  left out: {line}"))
    what = result.video or f"a part of {result.run_id}"
    typer.echo(f"{'Would not build' if result.gaps else 'Would build'} {what}")
    typer.echo(f"  {format_duration(result.duration_sec)}, {count(len(result.segments), 'segment')}")
    for line in _describe_looks(result):
        typer.echo(f"  {line}")
    if result.to_fetch:
        typer.echo(f"  {count(result.to_fetch, 'file')} would be downloaded first")
    if result.reused is not None:
        typer.echo(f"  {result.reused} reused, {len(result.segments) - result.reused} to render")


def _describe_looks(result: BuildPreview) -> list[str]:
    """Return a line for each source of pictures, and one for the segments without narration."""
    from gitassets.domain.selection import format_ranges
    from gitassets.domain.timeline import Look

    names = {
        Look.CLIP: "clip",
        Look.STILL: "image",
        Look.HELD: "last frame of an earlier clip",
        Look.CARD: "card with the text",
    }
    found = {name: [one.segment for one in result.segments if one.look is look] for look, name in names.items()}
    found["silent"] = [one.segment for one in result.segments if one.audio is None]
    return [f"{name}: {format_ranges(numbers)}" for name, numbers in found.items() if numbers]
