"""`gitassets produce`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import INTERRUPTED, PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    FreshOption,
    JsonOption,
    MaxCostOption,
    YesOption,
    complete_run,
    examples,
    load_project,
    load_run,
    show_progress,
)
from gitassets.domain.budget import Budget

if TYPE_CHECKING:
    from gitassets.actions.produce import ProduceResult
    from gitassets.making.plan_run import ProduceOptions
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(
        "produce",
        epilog=examples(
            "produce --script episode.md",
            "produce --script episode.md --budget low --run-id pilot",
            "produce --script episode.md --no-images --start 0 --limit 10",
            "produce --script episode.md --live --dry-run",
            "produce --resume pilot --live --max-cost 5",
            "cat episode.md | gitassets produce --script -",
            "produce --resume pilot",
            "produce --resume pilot --stale --dry-run",
        ),
    )(produce)


@guarded
def produce(
    script: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The script, paragraphs parted by blank lines; - is standard input."),
    ] = None,
    trial: Annotated[
        str | None,
        typer.Option(
            "--trial", "-t", metavar="NAME", help="The script of the newest trial of claude-studio with this name."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Make only what this run lacks; nothing that exists is touched, but by --stale.",
            autocompletion=complete_run,
        ),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Name of the new run. Default: now, as YYYYMMDD_HHMMSS.")
    ] = None,
    budget: Annotated[
        Budget | None,
        typer.Option(
            help="Share of segments with an image of their own: micro 0, low 10 %, medium 27 %, high 55 %, full."
        ),
    ] = None,
    start: Annotated[int, typer.Option(min=0, help="First paragraph, counted from 0.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="How many paragraphs.")] = None,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Make no narration.")] = False,
    no_images: Annotated[bool, typer.Option("--no-images", help="Make no images.")] = False,
    no_video: Annotated[bool, typer.Option("--no-video", help="Make no clips.")] = False,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="Voice of the narration.")] = None,
    style: Annotated[str | None, typer.Option(metavar="TEXT", help="Style of the images.")] = None,
    stale: Annotated[
        bool,
        typer.Option("--stale", help="With --resume: make again what no longer fits its text, prompt, image or sound."),
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Use the services under `live` in gitassets.yaml, which cost money.")
    ] = False,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    fresh: FreshOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a run out of a script: narration for each paragraph, images as far as the budget goes. Once images are
    approved, --resume makes clips of them where gitassets.yaml names a provider of video.

    Without --live nothing leaves this machine: the narration is a local neural voice (English), the images are
    typographic cards of the text. With it, --dry-run shows what will be made and what it costs, and nothing is made
    beyond --max-cost and budget.run_usd. What was made before by the same request is taken from history, unless --fresh
    is given. A command that was stopped or killed is gone on with by --resume: nothing is bought twice.

    What is stale is made again with --stale alone, by the provider that each came from; approved assets never are.
    """
    from gitassets.actions import produce as action
    from gitassets.cli.buying import TerminalBuyer
    from gitassets.errors import UsageError
    from gitassets.making.consent import Terms
    from gitassets.making.plan_run import ProduceOptions

    if script is None and trial is None and resume is None:
        raise UsageError("Say what to make", "With --script FILE or --trial NAME for a new run, or --resume RUN.")
    if script is not None and trial is not None:
        raise UsageError("--script and --trial both name the script", "Take one of them.")
    if resume is not None and run_id is not None:
        raise UsageError("--run-id names a new run, --resume goes on with an old one", "Leave out one of them.")
    if stale and resume is None:
        raise UsageError("--stale makes again what a run has already", "Name the run with --resume RUN.")
    project = load_project()
    options = ProduceOptions(
        run_id=run_id, budget=budget, start=start, limit=limit, audio=not no_audio, images=not no_images,
        video=not no_video, voice=voice, style=style, live=live, stale=stale, dry_run=dry_run,
        terms=Terms(max_cost_usd=max_cost, yes=yes, fresh=fresh),
    )  # fmt: skip
    paragraphs = _read_paragraphs(project, script, trial)
    if resume is not None:
        found = load_run(resume, dry_run=dry_run)[1]
        resume = found.run_id
        _fetch_clip_images(project, found, options, as_json)
    buyer = TerminalBuyer(as_json=as_json)
    with show_progress("Making", as_json) as on_progress:
        if resume is not None:
            result = action.resume(project, resume, paragraphs, options, on_progress, buyer)
        else:
            result = action.produce(project, paragraphs or [], options, on_progress, buyer)
    _tell_produced(result, as_json, stale=stale)


def _fetch_clip_images(project: Project, run: Run, options: ProduceOptions, as_json: bool) -> None:
    """The images that clips are to be made of are here, as far as they can be had."""
    from gitassets.cli.fetching import fetch_first
    from gitassets.making.plan_run import makes_clips
    from gitassets.runs.required_blobs import need_missing_clip_images

    if run.is_open and not run.old and makes_clips(project, run, options):
        fetch_first(project, run, need_missing_clip_images(project, run), as_json, lenient=True)


def _read_paragraphs(project: Project, script: str | None, trial: str | None) -> list[str] | None:
    """The paragraphs of the script that is named; None when none is."""
    from gitassets.interchange.read_script import read_script, read_trial

    if trial is not None:
        path, paragraphs = read_trial((Path.cwd(), project.root), trial)
        typer.echo(f"Script: {path}", err=True)
        return paragraphs
    source = None if script in (None, "-") else Path(str(script))
    return None if script is None else read_script(source, sys.stdin.buffer.read)


def _tell_produced(result: ProduceResult, as_json: bool, *, stale: bool) -> None:
    from gitassets.cli.render import emit_json

    if as_json:
        emit_json("produce", result)
    else:
        _print_produced(result, stale=stale)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.failed:
        raise typer.Exit(PARTIAL)


def _print_produced(result: ProduceResult, *, stale: bool) -> None:
    from gitassets.cli.buying import tell_estimate, tell_made
    from gitassets.cli.phrases import tell_failures, tell_left_out, tell_skipped
    from gitassets.cli.render import count
    from gitassets.domain.commit_message import format_addresses

    again = f"gitassets produce --resume {result.run_id}"
    if result.dry_run:
        typer.echo(f"Would make in run {result.run_id}: {format_addresses(result.planned) or 'nothing'}")
        tell_estimate(result.estimate)
    else:
        typer.echo(f"Run {result.run_id}: {count(result.segments, 'segment')}, in {result.folder}")
        typer.echo(f"Made {format_addresses(result.made) or 'nothing'}.")
        tell_made(result.reused, result.spent_usd)
    tell_skipped(result.skipped)
    tell_left_out(result.left_out)
    tell_failures(result.failed, dry_run=result.dry_run)
    if result.failed and not result.dry_run:
        typer.echo(f"Go on with: {again}{' --stale' if stale else ''}", err=True)
    elif result.made:
        typer.echo(f"Next: gitassets review {result.run_id}")
    if result.stale and not stale:
        typer.echo(f"Stale: {format_addresses(one.address for one in result.stale)}. Make it again: {again} --stale")
