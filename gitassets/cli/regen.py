"""`gitassets regen`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import INTERRUPTED, PARTIAL, guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    FreshOption,
    ImageOption,
    JsonOption,
    MaxCostOption,
    RunArgument,
    VideoOption,
    YesOption,
    examples,
    load_run,
    make_selection,
    show_progress,
)

if TYPE_CHECKING:
    from gitassets.actions.regen import RegenResult


def register(app: typer.Typer) -> None:
    app.command(
        "regen",
        epilog=examples(
            'regen latest --image 2 --prompt "more technical, less cartoon"',
            'regen latest --image 3,7 --style "technical diagram"',
            "regen latest --audio 5-10 --seed 7",
            "regen latest --image 3 --takes 4",
            "regen latest --audio 3 --voice rachel --provider elevenlabs --dry-run",
        ),
    )(regen)


@guarded
def regen(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    prompt: Annotated[str | None, typer.Option(help="What the picture is to show.")] = None,
    style: Annotated[str | None, typer.Option(help="Style of the picture.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="Voice of the narration.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another number gives another take.")] = None,
    provider: Annotated[str | None, typer.Option(metavar="NAME", help="Another provider than it came from.")] = None,
    takes: Annotated[
        int, typer.Option(min=1, metavar="N", help="From 2: so many to choose from, beside the current take.")
    ] = 1,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    fresh: FreshOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make new takes of assets, by the provider that each came from. Approved assets are never touched.

    A draft stays a draft, a rejected asset becomes revised. With --takes the current take stays that, and the new ones
    are candidates: `review` or `choose` makes one of them the current one.

    The embedded cards are drawn from the text alone: they record a prompt, but cannot follow it. What a service made is
    made again by that service, which costs money: --dry-run shows how much, and nothing is made beyond --max-cost and
    budget.run_usd. A clip is made from the segment's image as it was approved.
    """
    from gitassets.actions.regen import RegenOptions
    from gitassets.actions.regen import regen as act
    from gitassets.cli.buying import TerminalBuyer, tell_estimate, tell_made
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.phrases import tell_failures, tell_left_out, tell_skipped
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_options
    from gitassets.making.consent import Terms
    from gitassets.runs.required_blobs import need_clip_images

    project, found = load_run(run)
    terms = Terms(max_cost_usd=max_cost, yes=yes, fresh=fresh)
    options = RegenOptions(
        takes=takes, prompt=prompt, style=style, voice=voice, seed=seed, provider=provider, terms=terms, dry_run=dry_run
    )
    buyer, selection = TerminalBuyer(as_json=as_json), make_selection(audio, image, video)
    if found.is_open and video is not None:
        fetch_first(project, found, need_clip_images(project, found, selection), as_json, lenient=True)
    with show_progress("Making", as_json) as on_progress:
        result = act(project, found, selection, options, on_progress, buyer)
    if as_json:
        emit_json("regen", result)
    else:
        typer.echo(f"{'Would make' if dry_run else 'Made'} {_tell_takes(result, takes)} in {result.run_id}")
        for one in result.candidates:
            typer.echo(f"  take {one.take} of {one.address}: {one.path}")
        if dry_run:
            tell_estimate(result.estimate)
        tell_made(result.reused, result.spent_usd)
        tell_skipped(result.skipped)
        tell_left_out(result.left_out)
        tell_failures(result.failed, dry_run=dry_run)
        _tell_rest(result, takes)
        if result.candidates:
            chosen = f"{result.run_id} {format_options(one.address for one in result.candidates)}"
            typer.echo(f"Next: gitassets review {chosen}")
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.failed:
        raise typer.Exit(PARTIAL)


def _tell_takes(result: RegenResult, takes: int) -> str:
    from gitassets.domain.commit_message import format_addresses

    if takes < 2:
        return f"a new take of {format_addresses(result.planned if result.dry_run else result.made) or 'nothing'}"
    wanted = takes * len(result.planned)
    number = wanted if result.dry_run else len(result.candidates)
    return f"{f'{number} of ' if number < wanted else ''}{wanted} candidates of {format_addresses(result.planned)}"


def _tell_rest(result: RegenResult, takes: int) -> None:
    """How to make only what an interrupted command has not made."""
    from gitassets.domain.commit_message import format_options

    if result.interrupted and takes > 1:
        typer.echo("For more candidates give the command again, with --takes 2 or more.", err=True)
    elif result.interrupted:
        rest = format_options(one.address for one in result.failed)
        typer.echo(f"Go on with: gitassets regen {result.run_id} {rest}, and the options as before.", err=True)
