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
    examples,
    is_interactive,
    load_project,
    load_run,
    show_progress,
)
from gitassets.cli.paths import show_path
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import SEGMENT_KINDS, Kind
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.actions.produce import ProduceResult
    from gitassets.interchange.read_script import ScriptSource
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
            "produce --script episode.md --live --provider audio=local",
            "produce --resume pilot --live --max-cost 5",
            "cat episode.md | gitassets produce --script -",
            "produce --resume pilot",
            "produce --resume pilot --stale --dry-run",
            "produce --script episode.md --resume pilot --dry-run",
        ),
    )(produce)


@guarded
def produce(
    script: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The script, with blank lines between paragraphs; - reads standard input."),
    ] = None,
    trial: Annotated[
        str | None,
        typer.Option(
            "--trial", "-t", metavar="NAME", help="Use the script of the newest trial of claude-studio with this name."
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Make only what this run lacks; existing assets change only with --stale."),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Name of the new run. Default: the time, as YYYYMMDD_HHMMSS.")
    ] = None,
    budget: Annotated[
        Budget | None,
        typer.Option(
            help="Share of segments with their own image: micro 0, low 10 %, medium 27 %, high 55 %, full 100 %. "
            "Default: full where images are free, medium with --live or --trial."
        ),
    ] = None,
    start: Annotated[int, typer.Option(min=0, help="First paragraph, counted from 0.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Number of paragraphs.")] = None,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Make no narration.")] = False,
    no_images: Annotated[bool, typer.Option("--no-images", help="Make no images.")] = False,
    no_video: Annotated[bool, typer.Option("--no-video", help="Make no clips.")] = False,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="Voice of the narration.")] = None,
    style: Annotated[str | None, typer.Option(metavar="TEXT", help="Style of the images.")] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=NAME",
            help="Use this provider for audio, image or video, instead of the one in gitassets.yaml. Repeatable.",
        ),
    ] = None,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale", help="With --resume: make assets again that no longer match their text, prompt, image or sound."
        ),
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Use the services under `live` in gitassets.yaml; they cost money.")
    ] = False,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    fresh: FreshOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make a run from a script, or resume one.

    It makes narration for each paragraph, and images as far as the budget allows. Once images are approved, --resume
    makes clips from them if gitassets.yaml names a video provider.

    Without --live nothing leaves this machine: a local neural voice (English) reads the narration, and the images are
    typographic cards of the text. With --live, --dry-run shows what will be made and what it costs, and nothing is made
    beyond --max-cost and budget.run_usd. Results of an identical earlier request are reused, unless --fresh is given.
    --resume continues a command that was stopped or killed: nothing is bought twice.

    The script is plain text or Markdown: code, tables and footnotes are not spoken. With --script and --resume, texts
    that have changed since replace those of the run, and what was made from them is stale; new paragraphs at the end
    are added. If paragraphs were inserted, removed or moved, a new run is made, which takes over what still fits, as
    `copy` does; the old run stays. It asks first; --yes answers, and --dry-run only shows it.

    Stale assets are made again only with --stale, each by its own provider. Approved assets are never made again.
    """
    from gitassets.actions import produce as action
    from gitassets.cli.buying import TerminalBuyer
    from gitassets.making.consent import Terms
    from gitassets.making.plan_run import ProduceOptions

    _check_sources(script, trial, resume, run_id, stale=stale)
    project = load_project()
    options = ProduceOptions(
        run_id=run_id, budget=budget, start=start, limit=limit, audio=not no_audio, images=not no_images,
        video=not no_video, voice=voice, style=style, live=live, stale=stale, dry_run=dry_run,
        studio=trial is not None,
        terms=Terms(max_cost_usd=max_cost, yes=yes, fresh=fresh), providers=_read_providers(provider or []),
    )  # fmt: skip
    source = _read_source(project, script, trial)
    if resume is not None:
        found = load_run(resume, dry_run=dry_run)[1]
        resume = found.run_id
        if source is not None and not dry_run:
            _agree_to_new_run(project, found, source, options, as_json)
        _fetch_clip_images(project, found, options, as_json)
    buyer = TerminalBuyer(as_json=as_json)
    with show_progress("Making", as_json) as on_progress:
        if resume is not None:
            result = action.resume(project, resume, source, options, on_progress, buyer)
        else:
            result = action.produce(project, source or [], options, on_progress, buyer)
    _report(result, as_json, stale=stale)


def _read_providers(given: list[str]) -> dict[Kind, str]:
    """Read KIND=NAME. Raise UsageError if one is anything else, or a kind is given twice."""
    found: dict[Kind, str] = {}
    for text in given:
        kind, _, name = text.partition("=")
        if kind not in SEGMENT_KINDS or not name.strip():
            raise UsageError(f"--provider {text!r} names no kind and provider", "Such as --provider audio=local.")
        if Kind(kind) in found:
            raise UsageError(f"--provider names two providers for {kind}", "Use one of them.")
        found[Kind(kind)] = name.strip()
    return found


def _check_sources(
    script: str | None, trial: str | None, resume: str | None, run_id: str | None, *, stale: bool
) -> None:
    """Raise UsageError unless the options name one script for a new run, or a run to resume."""
    if script is None and trial is None and resume is None:
        raise UsageError("Nothing to make", "Use --script FILE or --trial NAME for a new run, or --resume RUN.")
    if script is not None and trial is not None:
        raise UsageError("--script and --trial both name the script", "Use one of them.")
    if resume is not None and run_id is not None:
        raise UsageError("--run-id names a new run, --resume continues an old one", "Use one of them.")
    if stale and resume is None:
        raise UsageError("--stale needs an existing run", "Name the run with --resume RUN.")


def _agree_to_new_run(project: Project, run: Run, source: ScriptSource, options: ProduceOptions, as_json: bool) -> None:
    """Fetch what a new run would take over, show it, and ask. Raise UsageError if nobody is there to be asked."""
    from dataclasses import replace

    from gitassets.actions.copy import list_taken_bytes
    from gitassets.actions.produce import resume
    from gitassets.actions.remake import find_taken
    from gitassets.cli.fetching import fetch_first

    taken = find_taken(project, run.run_id, source, options)
    if taken is None:
        return
    if not options.terms.yes:
        if as_json or not is_interactive():
            raise UsageError(
                f"Paragraphs of {run.run_id} were inserted, removed or moved, which makes a new run",
                "--dry-run shows it, and --yes makes it.",
            )
        _print_produced(resume(project, run.run_id, source, replace(options, dry_run=True), lambda _: None), stale=True)
        if not typer.confirm("Make the new run?", default=True, err=True):
            raise typer.Abort
    fetch_first(project, run, list_taken_bytes(project, run, taken), as_json)


def _fetch_clip_images(project: Project, run: Run, options: ProduceOptions, as_json: bool) -> None:
    """Fetch the images that clips are made from, as far as they are available."""
    from gitassets.cli.fetching import fetch_first
    from gitassets.making.plan_run import makes_clips
    from gitassets.runs.required_blobs import need_missing_clip_images

    if run.is_open and not run.old and makes_clips(project, run, options):
        fetch_first(project, run, need_missing_clip_images(project, run), as_json, lenient=True)


def _read_source(project: Project, script: str | None, trial: str | None) -> ScriptSource | None:
    """Read the named script. Return None if no script is named."""
    from gitassets.interchange.read_script import read_source, read_trial

    if trial is not None:
        source = read_trial((Path.cwd(), project.root), trial)
        typer.echo(f"Script: {source.name}", err=True)
        return source
    path = None if script in (None, "-") else Path(str(script))
    return None if script is None else read_source(path, sys.stdin.buffer.read)


def _report(result: ProduceResult, as_json: bool, *, stale: bool) -> None:
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
    from gitassets.cli.buying import print_estimate, print_spending
    from gitassets.cli.phrases import print_failures, print_left_out, print_skipped
    from gitassets.cli.render import count, printable
    from gitassets.domain.commit_message import format_addresses

    again = f"gitassets produce --resume {result.run_id}"
    _print_changes(result)
    if result.dry_run:
        typer.echo(f"Would make in run {result.run_id}: {format_addresses(result.planned) or 'nothing'}")
        print_estimate(result.estimate)
        if result.pictures:
            typer.echo(f"  from files that the script names: {format_addresses(result.pictures)}")
    else:
        where = f", in {show_path(result.folder)}" if result.folder else ""
        typer.echo(f"Run {result.run_id}: {count(result.segments, 'segment')}{where}")
        typer.echo(f"Made {format_addresses(result.made) or 'nothing'}.")
        print_spending(result.reused, result.spent_usd)
    for remark in result.remarks:
        typer.echo(printable(f"  {remark}"), err=True)
    print_skipped(result.skipped)
    print_left_out(result.left_out)
    print_failures(result.failed, dry_run=result.dry_run)
    if result.failed and not result.dry_run:
        typer.echo(f"Continue with: {again}{' --stale' if stale else ''}", err=True)
    elif result.made:
        typer.echo(f"Next: gitassets review {result.run_id}")
    if result.stale and not stale:
        typer.echo(f"Stale: {format_addresses(one.address for one in result.stale)}. Make them again: {again} --stale")


def _name_step(result: ProduceResult) -> str:
    """Name what happens to the new run, which an earlier command may have begun."""
    if not result.taken and result.changes is not None and not result.changes.needs_new_run:
        return "Would go on with" if result.dry_run else "Went on with"
    return "Would make" if result.dry_run else "Made"


def _print_changes(result: ProduceResult) -> None:
    """Print what has changed in the script since the run was made, and what is taken over."""
    from gitassets.domain.commit_message import format_addresses
    from gitassets.domain.selection import format_ranges

    changes, would = result.changes, result.dry_run
    if changes is None:
        return
    if result.remade_from is not None:
        typer.echo(
            f"{_name_step(result)} the new run {result.run_id}, since paragraphs of "
            f"{result.remade_from} were inserted, removed or moved. {result.remade_from} stays as it is."
        )
    if result.remade_from is not None and changes.needs_new_run:
        typer.echo(f"  {'would take' if would else 'taken'} over: {format_addresses(result.taken) or 'nothing'}")
    for numbers, what in ((changes.edited, "other text"), (changes.added, "new"), (changes.removed, "left out")):
        if numbers:
            typer.echo(f"  {what}: segment{'s' * (len(numbers) > 1)} {format_ranges(list(numbers))}")
