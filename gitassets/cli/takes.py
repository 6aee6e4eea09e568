"""`gitassets takes`, and its older name `gitassets history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    MusicOption,
    RunArgument,
    SegmentOption,
    VideoOption,
    examples,
    load_run,
    load_run_to_read,
    make_selection,
)
from gitassets.errors import MissingInputError, UsageError

if TYPE_CHECKING:
    from gitassets.actions.choose import DropResult
    from gitassets.domain.selection import AssetSelection
    from gitassets.domain.takes import Take
    from gitassets.runs.take_history import TakesResult


def register(app: typer.Typer) -> None:
    app.command(
        "takes",
        epilog=examples("takes latest --image 3", "takes latest --segment 2 --json", "takes latest --image 3 --drop"),
    )(takes)
    app.command("history", hidden=True, epilog=examples("history latest --image 3"))(history)


@guarded
def takes(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Remove the candidates; `restore --take` can still restore each.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show every take of an asset: current, candidates and earlier.

    Each is shown with how it was made, its cost and its status. `regen --takes N` makes candidates, `choose` makes one
    the current take, and `restore --take` restores an earlier one.
    """
    selection = make_selection(audio, image, video, segment, music=music)
    if drop:
        return _drop(run, selection, dry_run=dry_run, as_json=as_json)
    if dry_run:
        raise UsageError("--dry-run works only with --drop", "Leave it out, or add --drop.")
    return _show(run, selection, "takes", as_json=as_json)


@guarded
def history(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    music: MusicOption = False,
    segment: SegmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every take of an asset (the older name of `takes`)."""
    _show(run, make_selection(audio, image, video, segment, music=music), "history", as_json=as_json)


def _show(run: str, selection: AssetSelection, command: str, *, as_json: bool) -> None:
    from gitassets.cli.render import emit_json
    from gitassets.runs.take_history import read_takes

    if selection.empty:
        raise MissingInputError("Say which assets", "Use --audio, --image, --video, --segment or --music.")
    project, found = load_run_to_read(run, history=True)
    results = read_takes(project, found, selection)
    if as_json:
        emit_json(command, {"run_id": found.run_id, "assets": results})
        return
    for result in results:
        _print_takes(result)


def _print_takes(result: TakesResult) -> None:
    from gitassets.cli.render import count, make_console, plain

    console = make_console()
    console.print(f"[bold]{result.address}[/] of {plain(result.run_id)}: {count(len(result.takes), 'take')}")
    for one in result.takes:
        _print_take(one)
    if any(one.candidate for one in result.takes):
        address = result.address
        typer.echo(f"Choose: gitassets choose {result.run_id} {address.option} --take N")


def _print_take(take: Take) -> None:
    from gitassets.cli.render import make_console, plain, style_status
    from gitassets.cli.table import measure

    asset, console = take.asset, make_console()
    place = "current" if take.current else "candidate" if take.candidate else "earlier"
    reason, arrow = asset.reason or "", "→" if take.current else " "
    plain_head = f"{arrow} {asset.take}  {place}, {asset.status}: "
    beside = not console.is_terminal or measure(plain_head + reason) <= console.width
    ending = f": {plain(reason)}" if reason and beside else ""
    console.print(f"{arrow} [bold]{asset.take}[/]  {place}, {style_status(asset.status)}{ending}", soft_wrap=True)
    if reason and not beside:
        _print_wrapped(reason)
    file = f"{asset.path}, " if take.current or take.candidate else ""
    _print_wrapped(f"{file}md5 {asset.md5[:12]}")
    _print_wrapped("; ".join(_describe_making(take)))
    sent = asset.extra.get("prompt_sent")
    prompts = {"prompt": asset.prompt, "sent": sent if sent != asset.prompt else None}
    for name, text in {**prompts, "revised": asset.extra.get("revised_prompt")}.items():
        if text:
            _print_wrapped(f"{name}: {text}")


def _print_wrapped(text: str) -> None:
    from gitassets.cli.render import wrap_lines

    for line in wrap_lines(text, "     "):
        typer.echo(line)


def _describe_making(take: Take) -> list[str]:
    """Describe how the take was made, and who added it."""
    asset = take.asset
    known = {
        "from": " ".join(text for text in (asset.source, asset.model) if text),
        "style": asset.style,
        "voice": asset.voice,
        "seed": asset.seed,
        "cost": None if asset.cost_usd is None else f"${asset.cost_usd:.2f}",
        "by": f"{take.author.split(' <')[0]} in {take.commit[:10]}",
    }
    return [f"{name} {value}" for name, value in known.items() if value not in (None, "")]


def _drop(run: str, selection: AssetSelection, *, dry_run: bool, as_json: bool) -> None:
    from gitassets.actions.choose import drop_candidates
    from gitassets.cli.render import emit_json

    project, found = load_run(run, dry_run=dry_run)
    result = drop_candidates(project, found, selection, dry_run=dry_run)
    if as_json:
        emit_json("takes", result)
    else:
        _print_dropped(result)


def _print_dropped(result: DropResult) -> None:
    if not result.dropped:
        typer.echo(f"Nothing to drop in {result.run_id}: these assets have no candidates.")
    for one in result.dropped:
        typer.echo(f"{'Would drop' if result.dry_run else 'Dropped'} take {one.take} of {one.address}: {one.path}")
