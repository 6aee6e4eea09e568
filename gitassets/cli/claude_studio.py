"""Offer the commands of claude-studio under their known names; they call the same functions as `gitassets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli import app as commands
from gitassets.cli import copy, produce
from gitassets.cli import import_ as bags
from gitassets.cli.boundary import guarded
from gitassets.cli.command import Application
from gitassets.cli.options import (
    AudioOption,
    DryRunOption,
    ImageOption,
    JsonOption,
    SegmentOption,
    VideoOption,
    complete_run,
    make_selection,
)
from gitassets.errors import UsageError

app = Application(
    name="claude-studio",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
_assets = Application(
    cls=commands.SectionedGroup, no_args_is_help=True, help="Review, lock, regenerate and build the assets of a run."
)


@app.callback(epilog="`gitassets` has the same commands, and more.")
def claude_studio() -> None:
    """Run the commands of claude-studio with gitassets.

    Existing runs of claude-studio work as they are.
    """


@guarded
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An exported run (a file or folder), or the run to copy from.",
            autocompletion=complete_run,
        ),
    ],
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="The run to copy into.", autocompletion=complete_run)
    ] = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace assets that the target already has.")] = False,
    run_id: bags.AsOption = None,
    history: bags.HistoryOption = True,
    trust: bags.TrustOption = False,
    accept: bags.AcceptOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import an exported run, or copy assets between runs.

    With SOURCE alone, import an exported run. With TARGET, the older form of `copy`: copy the chosen assets, or
    everything that TARGET lacks.
    """
    from gitassets.domain.selection import ALL, AssetSelection, parse_copy_selection

    chosen = make_selection(audio, image, video, segment, parse=parse_copy_selection)
    if target is None:
        if not chosen.empty or replace:
            raise UsageError(
                "An exported run is imported as a whole", "Name a TARGET to copy some assets of a run into it."
            )
        bags.import_from(
            Path(source), run_id, history=history, trust=trust, accept=accept, dry_run=dry_run, as_json=as_json
        )
        return
    if run_id is not None or not history or trust or accept:
        raise UsageError("--as, --no-history, --trust and --accept are for an exported run", "Leave out TARGET.")
    selection = AssetSelection({}, ALL) if chosen.empty else chosen
    copy.copy_chosen(source, target, selection, replace=replace, dry_run=dry_run, as_json=as_json)


_NOT_UNDER_ASSETS = {
    "init",
    "produce",
    "track",
    "open",
    "close",
    "demo",
    "push",
    "pull",
    "publish",
    "runs",
    "import",
    "help",
}
commands.register(_assets, (name for name in commands.COMMANDS if name not in _NOT_UNDER_ASSETS))
_assets.command(
    "import",
    epilog="Examples:\n\n  claude-studio assets import 20260207_101747 20260208_091500\n\n"
    "  claude-studio assets import pilot.zip --as pilot-2",
)(import_)
app.add_typer(_assets, name="assets")
app.command(
    "produce-video",
    epilog="Examples:\n\n  claude-studio produce-video -t trial_000 --budget medium --live --no-audio\n\n"
    "  claude-studio produce-video -t trial_000 --budget medium --live --start 0 --limit 10\n\n"
    "  claude-studio produce-video --resume 20260207_101747",
)(produce.produce)
