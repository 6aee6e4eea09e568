"""Commands around a run: init, produce, track, open, close, demo."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import INTERRUPTED, PARTIAL, guarded
from gitassets.cli.options import (
    DryRunOption,
    FreshOption,
    JsonOption,
    MaxCostOption,
    RunArgument,
    YesOption,
    complete_run,
    is_interactive,
    load_project,
    load_run,
    show_progress,
)
from gitassets.domain.budget import Budget

if TYPE_CHECKING:
    from gitassets.actions.open_close import OpenResult
    from gitassets.actions.produce import ProduceOptions, ProduceResult
    from gitassets.runs.project import Project, Run


def register(app: typer.Typer) -> None:
    app.command(epilog="Examples:\n\n  gitassets init\n\n  gitassets init ~/videos/episode-12")(init)
    app.command(
        epilog="Examples:\n\n  gitassets produce --script episode.md\n\n"
        "  gitassets produce --script episode.md --budget low --run-id pilot\n\n"
        "  gitassets produce --script episode.md --no-images --start 0 --limit 10\n\n"
        "  gitassets produce --script episode.md --live --dry-run\n\n"
        "  gitassets produce --resume pilot --live --max-cost 5\n\n"
        "  cat episode.md | gitassets produce --script -\n\n  gitassets produce --resume pilot\n\n"
        "  gitassets produce --resume pilot --stale --dry-run"
    )(produce)
    app.command(epilog="Examples:\n\n  gitassets track runs/old_episode\n\n  gitassets track runs/x --script x.md")(
        track
    )
    app.command("open", epilog="Examples:\n\n  gitassets open 20260207_101747")(open_)
    app.command(epilog="Examples:\n\n  gitassets close 20260207_101747")(close)
    app.command(epilog="Examples:\n\n  gitassets demo\n\n  gitassets demo /tmp/try-it")(demo)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder.", show_default=False)] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Replace cache.type of DVC where it links files, without being asked.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a folder a project, or complete what a clone of a project lacks. Safe to run again.

    Hooks that you have, and files that you track, stay as they are: git calls the hooks of gitassets in the folders of
    runs alone. In a clone of a run's branch nothing is committed.
    """
    from gitassets.actions.init import init as act
    from gitassets.cli.render import emit_json

    ask = is_interactive() and not as_json
    result = act(folder.absolute(), agrees=lambda risky: yes or (ask and _may_replace(risky)))
    if as_json:
        return emit_json("init", result)
    for line in result.done or ("Nothing to do: the project is set up.",):
        typer.echo(line)
    for path in result.uncommitted:
        typer.echo(f"Left uncommitted, since you had changed it before: {path}")
    for line in result.left:
        typer.echo(f"Left for you: {line}", err=True)
    if result.risky:
        typer.echo(f"Left as it is: {_describe_risk(result.risky)}", err=True)
        typer.echo("  → `gitassets init --yes` replaces it. Runs have safe settings of their own either way.", err=True)
    typer.echo(f"Project: {result.root}")
    if result.runs_there:
        shown = ", ".join(result.runs_there[:8]) + (" …" if len(result.runs_there) > 8 else "")
        typer.echo(f"On the server: {shown}. `gitassets pull {result.runs_there[-1]}` brings one here.")
    return None


def _may_replace(risky: Mapping[str, str]) -> bool:
    typer.echo(_describe_risk(risky), err=True)
    return typer.confirm("Replace that?", default=False, err=True)


def _describe_risk(risky: Mapping[str, str]) -> str:
    why = {
        "cache.type": "where files are links into the cache, a program that writes to one changes the cached bytes too",
        "core.autostage": "after a blocked commit the changed .dvc files stay staged",
    }
    return "; ".join(f"DVC's {name} is {value}: {why[name]}" for name, value in risky.items())


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

    if script is None and trial is None and resume is None:
        raise UsageError("Say what to make", "With --script FILE or --trial NAME for a new run, or --resume RUN.")
    if script is not None and trial is not None:
        raise UsageError("--script and --trial both name the script", "Take one of them.")
    if resume is not None and run_id is not None:
        raise UsageError("--run-id names a new run, --resume goes on with an old one", "Leave out one of them.")
    if stale and resume is None:
        raise UsageError("--stale makes again what a run has already", "Name the run with --resume RUN.")
    project = load_project()
    options = action.ProduceOptions(
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
    from gitassets.actions.produce import makes_clips
    from gitassets.cli.fetching import fetch_first
    from gitassets.runs.required_blobs import need_missing_clip_images

    if run.is_open and not run.old and makes_clips(project, run, options):
        fetch_first(project, run, need_missing_clip_images(project, run), as_json, lenient=True)


def _read_paragraphs(project: Project, script: str | None, trial: str | None) -> list[str] | None:
    """The paragraphs of the script that is named; None when none is."""
    from gitassets.actions.produce import read_script, read_trial
    from gitassets.adapters.claude_studio_files import TRIALS_DIR

    if trial is not None:
        work = next((one for one in (Path.cwd(), project.root) if (one / TRIALS_DIR).is_dir()), project.root)
        path, paragraphs = read_trial(work, trial)
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


@guarded
def track(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with audio/, images/ or video/ in it.")],
    run_id: Annotated[str | None, typer.Option(metavar="ID", help="Name of the run. Default: the folder's.")] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The script, for the segments' texts.", dir_okay=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Adopt a folder of media files as a run, where it lies. Run it again when files were added.

    The number in a file's name says its segment: audio_000 and scene_000 are segment 1. Other names count from 0
    if one of the folder's files has the number 0, else from 1. Where all files of a folder are named by date and time,
    as recorders do, the first is segment 1, the next segment 2. No file is moved, renamed or changed.

    Taken are wav, mp3, m4a, flac, ogg and opus; png, jpg and webp; mp4, m4v, mov, webm and mkv. Each file is decoded
    as a whole. What is left out is named with the reason, and the exit code is 1.
    """
    from gitassets.actions.produce import read_script
    from gitassets.actions.track import track as act
    from gitassets.cli.render import emit_json, printable
    from gitassets.domain.commit_message import format_addresses

    paragraphs = [] if script is None else read_script(script, lambda: b"")
    with show_progress("Reading", as_json) as on_progress:
        result = act(load_project(), folder.resolve(), run_id=run_id, paragraphs=paragraphs, on_progress=on_progress)
    if as_json:
        emit_json("track", result)
    else:
        what = format_addresses(one.address for one in result.tracked)
        typer.echo(f"Run {result.run_id}: tracks {what}" if what else f"Run {result.run_id}: nothing new to track.")
        for one in result.left_out:
            typer.echo(printable(f"  left out: {one.path} {one.why}"), err=True)
    if result.left_out:
        raise typer.Exit(PARTIAL)


@guarded
def open_(run: RunArgument, as_json: JsonOption = False) -> None:
    """Give a run that is only on a branch its folder, and put back the files that are missing there."""
    from gitassets.actions.open_close import open_run
    from gitassets.cli.fetching import complete_opened
    from gitassets.cli.render import emit_json

    project, found = load_run(run)
    result = complete_opened(project, open_run(project, found.run_id), as_json)
    if as_json:
        emit_json("open", result)
        return
    typer.echo(f"{'Opened' if result.opened else 'Open already:'} {result.run_id} in {result.folder}")
    if result.restored:
        typer.echo(f"Put back {len(result.restored)} files.")
    for path in result.differing:
        typer.echo(f"  left as it is, though its bytes are not the recorded ones: {path}", err=True)
    if result.missing:
        _tell_missing(project, result)


def _tell_missing(project: Project, opened: OpenResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.runs.missing_blobs import how_to_get
    from gitassets.runs.project import find_run
    from gitassets.runs.required_blobs import need_all

    run = find_run(project, opened.run_id)
    hint = how_to_get(project, run, [md5 for md5, one in need_all(project, run).items() if one.path in opened.missing])
    verb = "is" if len(opened.missing) == 1 else "are"
    typer.echo(printable(f"{count(len(opened.missing), 'file')} {verb} not here.\n  → {hint}"), err=True)


@guarded
def close(run: RunArgument, as_json: JsonOption = False) -> None:
    """Take a run's folder away when nothing in it would be lost. The branch and the cached files stay."""
    from gitassets.actions.open_close import close_run
    from gitassets.cli.render import emit_json

    project, found = load_run(run)
    result = close_run(project, found)
    if as_json:
        emit_json("close", result)
        return
    typer.echo(f"Closed {result.run_id}. `gitassets open {result.run_id}` brings it back.")


@guarded
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for it.")] = Path("gitassets-demo"),
) -> None:
    """Show the whole way on a short script: produce, review, reject, make again, approve, build. About a minute."""
    from gitassets.cli.demo import run_demo

    run_demo(folder.absolute())
