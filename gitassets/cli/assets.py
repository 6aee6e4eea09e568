"""Commands on the assets of a run: to see them, to decide on them, to make, replace or copy them, and to build."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitassets.cli.boundary import INTERRUPTED, PARTIAL, guarded
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ExpectOption,
    FreshOption,
    ImageOption,
    JsonOption,
    MaxCostOption,
    Only,
    RunArgument,
    SegmentOption,
    StatusOption,
    TypeOption,
    VideoOption,
    YesOption,
    complete_run,
    is_interactive,
    load_run,
    look_at_run,
    make_segments,
    make_selection,
    show_progress,
)

if TYPE_CHECKING:
    from gitassets.actions.build import BuildResult
    from gitassets.actions.copy import CopyResult
    from gitassets.actions.query import AssetRow, ListResult
    from gitassets.actions.regen import RegenResult
    from gitassets.actions.transition import TransitionResult
    from gitassets.domain.selection import AssetSelection
    from gitassets.runs.project import Project, Run

_EXAMPLES = {
    "list": ("list latest", "list 20260207_101747 --status review", "list latest --type audio --segment 1-10 --json"),
    "review": (
        "review latest",
        "review latest --segment 5",
        "review latest --audio 1-10",
        "review latest --type image",
    ),
    "approve": (
        "approve latest --audio all",
        "approve latest --image 1,3,5",
        "approve latest --segment 1-10",
        "approve latest --image 3 --expect 9e107d9d",
    ),
    "reject": ('reject latest --image 2 --reason "wrong style"', "reject latest --image 3,7"),
    "reopen": ('reopen latest --audio 4 --reason "the name is mispronounced"',),
    "note": ('note latest --segment 3 "too cartoonish"', 'note latest --segment 3 ""'),
    "regen": (
        'regen latest --image 2 --prompt "more technical, less cartoon"',
        'regen latest --image 3,7 --style "technical diagram"',
        "regen latest --audio 5-10 --seed 7",
        "regen latest --image 3 --takes 4",
        "regen latest --audio 3 --voice rachel --provider elevenlabs --dry-run",
    ),
    "replace": ("replace latest --image 3 ~/pictures/diagram.png", "replace latest --audio 2"),
    "restore": ("restore latest --image 3", "restore latest --image 3 --take 1"),
    "copy": (
        "copy 20260207_101747 latest --audio approved",
        "copy pilot latest --image 1-3,7 --replace",
    ),
    "build": (
        "build latest",
        "build latest --only approved -o episode.mp4",
        "build latest --skip rejected --size 1080x1920 --fps 24000/1001",
    ),
}


# On narrower terminals remarks stand below the name of the file, which would else be broken.
_WIDTH_FOR_REMARKS = 110


def register(app: typer.Typer) -> None:
    commands: dict[str, Callable[..., None]] = {
        "list": list_, "review": review, "approve": approve, "reject": reject, "reopen": reopen, "note": note,
        "regen": regen, "replace": replace, "restore": restore, "copy": copy, "build": build,
    }  # fmt: skip
    for name, command in commands.items():
        examples = "".join(f"\n\n  gitassets {line}" for line in _EXAMPLES[name])
        app.command(name, epilog=f"Examples:{examples}")(command)


@guarded
def list_(
    run: RunArgument,
    status: StatusOption = None,
    kind: TypeOption = None,
    segment: SegmentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the assets of a run with their status."""
    from gitassets.actions.query import list_assets
    from gitassets.cli.render import emit_json

    project, found = look_at_run(run)
    result = list_assets(project, found, status=status, kind=kind, segments=make_segments(segment))
    if as_json:
        emit_json("list", result)
    else:
        _print_list(result, filtered=status is not None or kind is not None or segment is not None)
        _tell_absent(project, found, result)


def _tell_absent(project: Project, run: Run, result: ListResult) -> None:
    from gitassets.cli.render import count, printable
    from gitassets.runs.missing_blobs import how_to_get

    absent = {row.asset.md5 for row in result.rows if not row.present and not row.cached}
    if absent:
        hint = how_to_get(project, run, absent)
        typer.echo(printable(f"The bytes of {count(len(absent), 'asset')} are not here.\n  → {hint}"))


def _print_list(result: ListResult, *, filtered: bool) -> None:
    from gitassets.cli.render import (
        count,
        format_duration,
        make_console,
        make_table,
        plain,
        shorten,
        style_status,
    )

    console = make_console()
    console.print(
        f"Run [bold]{plain(result.run_id)}[/]: {result.production_state}, {count(result.segments, 'segment')}"
    )
    if not result.rows:
        console.print("No assets of this kind." if filtered else "No assets yet.")
        return
    remarks = [plain(shorten(_list_remarks(row, result), 160 if row.conflict else 60)) for row in result.rows]
    columns = ["Segment", "Type", "Status", "Take", "Length", "From", "File"]
    beside = any(remarks) and console.width >= _WIDTH_FOR_REMARKS
    last = ["Remarks"] if beside else []
    table = make_table(*columns, *last, right=("Segment", "Take"), whole=columns if beside else columns[:-1])
    for row, remark in zip(result.rows, remarks, strict=True):
        asset = row.asset
        cells = [
            str(row.segment), row.kind.value, style_status(asset.status), str(asset.take),
            format_duration(asset.duration_sec), plain(asset.source or ""), plain(asset.path),
        ]  # fmt: skip
        if beside:
            cells.append(remark)
        elif remark:
            cells[-1] += f"\n[dim]{remark}[/]"
        table.add_row(*cells)
    console.print(table)


def _list_remarks(row: AssetRow, result: ListResult) -> str:
    """What else is to be known of an asset, in one line."""
    from gitassets.cli.render import count

    asset = row.asset
    candidates = count(len(asset.takes), "candidate") if asset.takes else None
    stale = f"stale: {row.stale}" if row.stale else None
    remarks = [text for text in (candidates, stale, asset.reason, row.notes) if text]
    if not row.present and not row.cached:
        remarks.insert(0, "not here")
    elif not row.present and result.folder is not None:
        remarks.insert(0, "file is not here, its bytes are: `open`")
    if row.conflict:
        remarks.insert(0, f"in conflict: {' against '.join(row.conflict)}")
    return "; ".join(remarks)


@guarded
def review(
    run: RunArgument,
    segment: SegmentOption = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    kind: TypeOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go through assets one by one: look or listen, then approve, reject or skip. Each decision is committed at once.

    Off a terminal, or with --json, it moves drafts and revised assets to review and prints where the files are.
    Pictures and sound are shown by the system's viewer; GITASSETS_VIEWER names another program.
    """
    from gitassets.cli import review as dialogue
    from gitassets.cli.fetching import fetch_and_lay_out
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run, dry_run=dry_run)
    selection = dialogue.choose(make_selection(audio, image, video, segment), kind)
    if found.is_open and not dry_run:
        fetch_and_lay_out(project, found, need_chosen(project, found, selection), as_json)
    if is_interactive() and not as_json and not dry_run:
        dialogue.review_one_by_one(project, found, selection)
    else:
        dialogue.move_and_print(project, found, selection, dry_run=dry_run, as_json=as_json)


@guarded
def approve(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Approve and lock assets, each for the very bytes that it has now.

    'all' takes those that can be approved and names the rest; a number that cannot is an error, and nothing changes.
    With --expect an asset that has had other bytes since you looked at it is refused.
    """
    from gitassets.actions.transition import approve as act

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment)
    result = act(project, found, selection, expected=expect, dry_run=dry_run)
    _tell_transition(result, "Approved", as_json)


@guarded
def reject(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    reason: Annotated[str | None, typer.Option(help="Why; a service that makes it again is told.")] = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Reject assets. On a terminal it asks why; off one, the reason may be left out."""
    from gitassets.actions.transition import reject as act

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment)
    if reason is None and is_interactive() and not selection.empty and not dry_run:
        reason = typer.prompt("Why", default="", show_default=False)
    words = (reason or "").strip() or None
    result = act(project, found, selection, reason=words, expected=expect, dry_run=dry_run)
    _tell_transition(result, "Rejected", as_json)


@guarded
def reopen(
    run: RunArgument,
    reason: Annotated[str, typer.Option(help="Why it is to be changed after all; recorded in the manifest.")],
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    expect: ExpectOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Unlock approved or published assets, or take back a rejection: they are in review again."""
    from gitassets.actions.transition import reopen_assets

    project, found = load_run(run, dry_run=dry_run)
    selection = make_selection(audio, image, video, segment)
    result = reopen_assets(project, found, selection, reason=reason, expected=expect, dry_run=dry_run)
    _tell_transition(result, "Reopened", as_json)


def _tell_transition(result: TransitionResult, done: str, as_json: bool) -> None:
    from gitassets.cli.phrases import tell_skipped, tell_transitions
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_addresses

    if as_json:
        emit_json(result.action, result)
        return
    what = format_addresses(one.address for one in result.transitions)
    if what:
        typer.echo(f"{f'Would {result.action}' if result.dry_run else done} {what} in {result.run_id}")
        tell_transitions(result.transitions)
    if result.unchanged:
        same = format_addresses(result.unchanged)
        typer.echo(f"  already so: {same}" if what else f"Nothing to do in {result.run_id}: {same} is so already.")
    tell_skipped(result.skipped)


@guarded
def note(
    run: RunArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The note; an empty one takes the note away.")],
    segment: Annotated[str, typer.Option(metavar="SEL", help="The segment, or several.")],
    as_json: JsonOption = False,
) -> None:
    """Write a note on a segment."""
    from gitassets.actions.note import note as act
    from gitassets.cli.render import emit_json
    from gitassets.domain.selection import format_ranges, parse_selection

    project, found = load_run(run)
    result = act(project, found, parse_selection(segment), text)
    if as_json:
        emit_json("note", result)
    elif result.segments:
        typer.echo(f"Noted on segment {format_ranges(result.segments)} of {result.run_id}")
    else:
        typer.echo("The note is there already.")


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


@guarded
def replace(
    run: RunArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The new file; without one, the changed file in its place.")
    ] = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a file made by hand as a new take of an asset. Approved assets are refused."""
    from gitassets.actions.replace import replace_asset
    from gitassets.cli.render import emit_json
    from gitassets.domain.commit_message import format_addresses

    project, found = load_run(run)
    result = replace_asset(project, found, make_selection(audio, image, video), file)
    if as_json:
        emit_json("replace", result)
        return
    if result.replaced:
        typer.echo(f"Replaced {format_addresses(result.replaced)} in {result.run_id}")
    if result.unchanged:
        typer.echo(f"Has these bytes already: {format_addresses(result.unchanged)}")


@guarded
def restore(
    run: RunArgument,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    take: Annotated[
        str | None,
        typer.Option(metavar="N", help="Make this older take the current one, in review: its number, or its md5."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put back the recorded bytes of assets, or bring an older take back. What lay there is kept in the cache."""
    from gitassets.actions.restore import restore as act
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json
    from gitassets.runs.required_blobs import need_chosen

    project, found = load_run(run)
    selection = make_selection(audio, image, video, segment)
    if found.is_open and not selection.empty:
        fetch_first(project, found, need_chosen(project, found, selection, take), as_json)
    result = act(project, found, selection, take)
    if as_json:
        emit_json("restore", result)
    elif not result.restored:
        typer.echo("Nothing to restore: the files are as recorded.")
    elif result.take is not None:
        typer.echo(f"Take {result.take} is the current one again, in review: {result.restored[0]}")
    else:
        typer.echo(f"Put back {', '.join(result.restored)}")


_COPY_SELECTION = "approved, all, 5, 1,3,5 or 1-10"


@guarded
def copy(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="The run to copy from; it need not be open.", autocompletion=complete_run
        ),
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The run to copy into.", autocompletion=complete_run)],
    audio: Annotated[str | None, typer.Option(metavar="SEL", help=f"Narration of {_COPY_SELECTION}.")] = None,
    image: Annotated[str | None, typer.Option(metavar="SEL", help=f"Images of {_COPY_SELECTION}.")] = None,
    video: Annotated[str | None, typer.Option(metavar="SEL", help=f"Clips of {_COPY_SELECTION}.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="SEL", help=f"Every asset of {_COPY_SELECTION}.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the target has one; its take stays in the history.")
    ] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Copy assets into the same segments of another run, with their status and where they came from.

    Where the text of a segment differs, the copy is in review and marked stale. It is in review, too, where the history
    of SOURCE does not prove the approval, such as after a commit past the hooks. Approved assets are never replaced.
    """
    from gitassets.domain.selection import parse_copy_selection

    selection = make_selection(audio, image, video, segment, parse=parse_copy_selection)
    copy_chosen(source, target, selection, replace=replace, dry_run=dry_run, as_json=as_json)


def copy_chosen(
    source: str, target: str, selection: AssetSelection, *, replace: bool, dry_run: bool, as_json: bool
) -> None:
    """The chosen assets are copied, and what was done is told."""
    from gitassets.actions.copy import CopyOptions, copy_assets, need_copied
    from gitassets.cli.fetching import fetch_first
    from gitassets.cli.render import emit_json

    project, given = load_run(source, dry_run=dry_run)
    taking = load_run(target, dry_run=dry_run)[1]
    if not dry_run and not selection.empty:
        fetch_first(project, given, need_copied(project, given, selection), as_json)
    result = copy_assets(project, given, taking, selection, CopyOptions(replace=replace, dry_run=dry_run))
    if as_json:
        emit_json("copy", result)
    else:
        _tell_copied(result)


def _tell_copied(result: CopyResult) -> None:
    from gitassets.cli.phrases import tell_skipped, tell_unproven
    from gitassets.domain.commit_message import format_addresses

    what = format_addresses(one.address for one in result.copied) or "nothing"
    typer.echo(f"{'Would copy' if result.dry_run else 'Copied'} {what} from {result.source} to {result.run_id}")
    for status in dict.fromkeys(one.status for one in result.copied):
        typer.echo(f"  {status}: {format_addresses(one.address for one in result.copied if one.status == status)}")
    differing = format_addresses(one.address for one in result.copied if one.texts_differ)
    if differing:
        typer.echo(f"  the text is another one there: {differing}")
    if result.unchanged:
        typer.echo(f"  there already: {format_addresses(result.unchanged)}")
    tell_skipped(result.skipped)
    tell_unproven(result.source, result.unproven)


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
