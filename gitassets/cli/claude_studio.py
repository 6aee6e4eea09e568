"""A second face of the application: the commands of claude-studio as its users know them, on the same functions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gitassets.cli import app as commands
from gitassets.cli import copy, produce
from gitassets.cli import import_ as bags
from gitassets.cli.boundary import guarded
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

app = typer.Typer(
    name="claude-studio",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
_assets = typer.Typer(no_args_is_help=True, help="Review, lock, regenerate and build the assets of a run.")


@app.callback(epilog="The same commands, and more, are those of `gitassets`.")
def claude_studio() -> None:
    """The commands of claude-studio, answered by gitassets. Runs that claude-studio made are taken over as they are."""


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
    replace: Annotated[bool, typer.Option("--replace", help="Also where the target has one.")] = False,
    run_id: bags.AsOption = None,
    history: bags.HistoryOption = True,
    trust: bags.TrustOption = False,
    accept: bags.AcceptOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """With SOURCE alone: make a run out of an exported one. With TARGET, the older form of copy: everything that the
    target lacks, or what is chosen.
    """
    from gitassets.domain.selection import ALL, AssetSelection, parse_copy_selection

    chosen = make_selection(audio, image, video, segment, parse=parse_copy_selection)
    if target is None:
        if not chosen.empty or replace:
            raise UsageError("A file is imported whole", "Name a TARGET to copy some assets of a run into it.")
        bags.import_from(
            Path(source), run_id, history=history, trust=trust, accept=accept, dry_run=dry_run, as_json=as_json
        )
        return
    if run_id is not None or not history or trust or accept:
        raise UsageError(
            "--as, --no-history, --trust and --accept are for an exported run", "Name it alone, without a TARGET."
        )
    selection = AssetSelection({}, ALL) if chosen.empty else chosen
    copy.copy_chosen(source, target, selection, replace=replace, dry_run=dry_run, as_json=as_json)


_NOT_OF_ASSETS = {
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
commands.register(_assets, (name for name in commands.COMMANDS if name not in _NOT_OF_ASSETS))
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
