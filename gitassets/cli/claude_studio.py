"""Offer the commands of claude-studio under their known names; they call the same functions as `gitassets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli import app as commands
from gitassets.cli import claude_studio_commands as own
from gitassets.cli import copy
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
    make_selection,
)
from gitassets.cli.verbosity import QUIET_HELP, VERBOSE_HELP, set_quiet, set_verbose
from gitassets.errors import UsageError

app = Application(
    name="claude-studio",
    cls=commands.SwitchedGroup,
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
def claude_studio(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=QUIET_HELP)] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help=VERBOSE_HELP)] = False,
) -> None:
    """Run the commands of claude-studio with gitassets.

    Existing runs of claude-studio work as they are.
    """
    set_quiet(quiet)
    set_verbose(verbose)


@guarded
def import_(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="An exported run (a file or folder), or the run to copy from."),
    ],
    target: Annotated[str | None, typer.Argument(metavar="TARGET", help="The run to copy into.")] = None,
    audio: AudioOption = None,
    image: ImageOption = None,
    video: VideoOption = None,
    segment: SegmentOption = None,
    status: Annotated[
        own.ApprovedOrAll | None,
        typer.Option("--status", "-s", help="With TARGET: copy approved assets only (the default), or all."),
    ] = None,
    kind: Annotated[
        own.ImportType | None, typer.Option("--type", "-t", help="With TARGET: copy only assets of this kind.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace assets that the target already has.")] = False,
    run_id: bags.AsOption = None,
    history: bags.HistoryOption = True,
    trust: bags.TrustOption = False,
    accept: bags.AcceptOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import an exported run, or copy assets between runs.

    With SOURCE alone, import an exported run. With TARGET, the older form of `copy`: copy the approved assets that
    TARGET lacks, all of them with --status all, or the chosen ones.
    """
    from gitassets.domain.selection import parse_copy_selection

    chosen = make_selection(audio, image, video, segment, parse=parse_copy_selection)
    filtered = status is not None or kind is not None
    own.check_import_filters(chosen=not chosen.empty, filtered=filtered)
    if target is None:
        if not chosen.empty or filtered or replace:
            raise UsageError(
                "An exported run is imported as a whole", "Name a TARGET to copy some assets of a run into it."
            )
        bags.import_from(
            Path(source), run_id, history=history, trust=trust, accept=accept, dry_run=dry_run, as_json=as_json
        )
        return
    if run_id is not None or not history or trust or accept:
        raise UsageError("--as, --no-history, --trust and --accept are for an exported run", "Leave out TARGET.")
    if chosen.empty:
        chosen = own.choose_copied(kind, everything=status is own.ApprovedOrAll.ALL)
    copy.copy_chosen(source, target, chosen, replace=replace, dry_run=dry_run, as_json=as_json)


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
    "config",
    "version",
}
# Their options differ. The order is ours.
_OWN = {"list": own.list_, "approve": own.approve_, "reject": own.reject_, "build": own.build_}
commands.register(_assets, (name for name in commands.COMMANDS if name not in _NOT_UNDER_ASSETS))
for one in _assets.registered_commands:
    one.callback = _OWN.get(str(one.name), one.callback)
_assets.command(
    "import",
    epilog="Examples:\n\n  claude-studio assets import 20260207_101747 20260208_091500\n\n"
    "  claude-studio assets import 20260207_101747 20260208_091500 --status approved --type audio\n\n"
    "  claude-studio assets import pilot.zip --as pilot-2",
)(import_)
app.add_typer(_assets, name="assets")
app.command(
    "produce-video",
    epilog="Examples:\n\n  claude-studio produce-video -t trial_000 --budget medium --live --no-audio\n\n"
    "  claude-studio produce-video -t trial_000 --budget medium --live --start 0 --limit 10\n\n"
    "  claude-studio produce-video --resume 20260207_101747",
)(own.produce_video)
