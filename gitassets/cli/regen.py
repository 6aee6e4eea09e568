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
    from gitassets.domain.selection import AssetSelection
    from gitassets.runs.project import Project, Run


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
    prompt: Annotated[str | None, typer.Option(help="What the image should show.")] = None,
    style: Annotated[str | None, typer.Option(help="Style of the image.")] = None,
    voice: Annotated[str | None, typer.Option(metavar="NAME", help="Voice of the narration.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed gives another take.")] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use this provider instead of the original one.")
    ] = None,
    takes: Annotated[
        int, typer.Option(min=1, metavar="N", help="From 2: make this many candidates beside the current take.")
    ] = 1,
    max_cost: MaxCostOption = None,
    yes: YesOption = False,
    fresh: FreshOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make new takes of assets, each by its own provider.

    Approved assets are never changed. A draft stays a draft, a rejected asset becomes revised. With --takes the current
    take stays, and the new ones are candidates: make one of them the current take with `review` or `choose`.

    The built-in cards are drawn from the text alone: they record a prompt, but cannot follow it. An asset from a
    service is made again by that service, which costs money: --dry-run shows how much, and nothing is made beyond
    --max-cost and budget.run_usd. A clip is made from the approved image of its segment.
    """
    from gitassets.actions.regen import RegenOptions
    from gitassets.actions.regen import regen as act
    from gitassets.cli.buying import TerminalBuyer
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
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
        _print_regenerated(result, takes)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.failed:
        raise typer.Exit(PARTIAL)


def make_again(project: Project, run: Run, selection: AssetSelection) -> RegenResult:
    """Make a new take of the asset as the current one was made, and print what was not as usual."""
    from gitassets.actions.regen import RegenOptions
    from gitassets.actions.regen import regen as act
    from gitassets.cli.buying import TerminalBuyer, print_spending
    from gitassets.cli.phrases import print_failures, print_left_out

    with show_progress("Making", as_json=False) as on_progress:
        result = act(project, run, selection, RegenOptions(), on_progress, TerminalBuyer(as_json=False))
    print_spending(result.reused, result.spent_usd)
    print_left_out(result.left_out)
    print_failures(result.failed)
    return result


def _print_regenerated(result: RegenResult, takes: int) -> None:
    from gitassets.cli.buying import print_estimate, print_spending
    from gitassets.cli.phrases import print_failures, print_left_out, print_skipped
    from gitassets.domain.commit_message import format_addresses, format_options

    done = "Would make" if result.dry_run else "Made"
    typer.echo(f"{done} {_describe_takes(result, takes)} in {result.run_id}")
    if result.prompt_ignored:
        typer.echo(f"  {format_addresses(result.prompt_ignored)}: the provider follows no prompt, so it has no effect.")
    for one in result.candidates:
        typer.echo(f"  take {one.take} of {one.address}: {one.path}")
    if result.dry_run:
        print_estimate(result.estimate)
    print_spending(result.reused, result.spent_usd)
    print_skipped(result.skipped)
    print_left_out(result.left_out)
    print_failures(result.failed, dry_run=result.dry_run)
    _print_how_to_continue(result, takes)
    if result.candidates:
        options = format_options(one.address for one in result.candidates)
        typer.echo(f"Next: gitassets review {result.run_id} {options}")


def _describe_takes(result: RegenResult, takes: int) -> str:
    from gitassets.domain.commit_message import format_addresses

    if takes < 2:
        made = format_addresses(result.planned if result.dry_run else result.made)
        return f"a new take of {made}" if made else "no new take"
    wanted = takes * len(result.planned)
    number = wanted if result.dry_run else len(result.candidates)
    return f"{f'{number} of ' if number < wanted else ''}{wanted} candidates of {format_addresses(result.planned)}"


def _print_how_to_continue(result: RegenResult, takes: int) -> None:
    """Print how to make only what an interrupted command did not make."""
    from gitassets.domain.commit_message import format_options

    if result.interrupted and takes > 1:
        typer.echo("For more candidates, run the command again with --takes 2 or more.", err=True)
    elif result.interrupted:
        rest = format_options(one.address for one in result.failed)
        typer.echo(f"Continue with: gitassets regen {result.run_id} {rest}, and the same other options.", err=True)
