"""Define the arguments and options that several commands share, and turn them into values."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitassets.cli.command import LEFT_OUT, RUN_METAVAR
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import THE_MUSIC, AssetSelection, Selection, parse_selection
from gitassets.domain.status import Status
from gitassets.errors import UsageError

if TYPE_CHECKING:
    from gitassets.runs.project import Project, Run


class Only(StrEnum):
    APPROVED = "approved"


_SELECTION = "segments (from 1): all, 5, 1,3,5 or 1-10"

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar=RUN_METAVAR,
        help="The run: its id, a unique prefix of it, `latest`, or its folder. Default: the run of the current folder; "
        "outside of any, a command that changes nothing takes the only run.",
    ),
]
OptionalRun = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="The run. Default: all runs."),
]
AudioOption = Annotated[str | None, typer.Option("--audio", metavar="SEL", help=f"Narration of {_SELECTION}.")]
ImageOption = Annotated[str | None, typer.Option("--image", metavar="SEL", help=f"Images of {_SELECTION}.")]
VideoOption = Annotated[str | None, typer.Option("--video", metavar="SEL", help=f"Clips of {_SELECTION}.")]
SegmentOption = Annotated[str | None, typer.Option("--segment", metavar="SEL", help=f"Every asset of {_SELECTION}.")]
MusicOption = Annotated[bool, typer.Option("--music", help="The run's music.")]
TypeOption = Annotated[Kind | None, typer.Option("--type", help="Only assets of this kind.")]
StatusOption = Annotated[Status | None, typer.Option("--status", help="Only assets with this status.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print only JSON, with stable keys.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would happen, and change nothing.")]
ExpectOption = Annotated[
    str | None,
    typer.Option("--expect", metavar="MD5", help="Refuse an asset with other bytes: its md5, or the first 8 digits."),
]


MaxCostOption = Annotated[
    float | None,
    typer.Option("--max-cost", min=0, metavar="USD", help="Spend at most this much; make no call beyond it."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Accept the cost without asking.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Buy again, even if an identical request was made before.")]


def examples(*lines: str, note: str = "") -> str:
    """Format the end of a command's help: lines as a user types them after `gitassets`, and a note."""
    shown = "".join(f"\n\n  {line if ' | ' in line else f'gitassets {line}'}" for line in lines)
    return f"Examples:{shown}" + (f"\n\n{note}" if note else "")


def make_selection(
    audio: str | None,
    image: str | None,
    video: str | None,
    segment: str | None = None,
    *,
    music: bool = False,
    parse: Callable[[str], Selection] = parse_selection,
) -> AssetSelection:
    """Return the assets that these options choose. Raise UsageError if one is not a selection."""
    given = {Kind.AUDIO: audio, Kind.IMAGE: image, Kind.VIDEO: video}
    by_kind = {kind: parse(text) for kind, text in given.items() if text is not None}
    by_kind |= {Kind.MUSIC: THE_MUSIC} if music else {}
    return AssetSelection(by_kind, None if segment is None else parse(segment))


def make_segments(segment: str | None) -> Selection | None:
    return None if segment is None else parse_selection(segment)


def load_project(*, check_hooks: bool = True) -> Project:
    """Find the project around the current folder. If git does not call our hooks in a run, install them and say so."""
    from gitassets.actions.prepare_run import prepare_project
    from gitassets.cli.notices import print_notice

    return prepare_project(Path.cwd(), print_notice, unattended=is_ci(), check_hooks=check_hooks)


def load_run(wanted: str, *, dry_run: bool = False) -> tuple[Project, Run]:
    """Find the run that a command will change. A run of claude-studio is upgraded first, unless in a `dry_run`."""
    from gitassets.actions.prepare_run import prepare_to_write
    from gitassets.cli.notices import print_notice

    project = load_project()
    return project, prepare_to_write(project, name_run(project, wanted), print_notice, dry_run=dry_run)


def load_run_to_read(wanted: str, *, history: bool = False) -> tuple[Project, Run]:
    """Find the run that a command will read, with its `history` if needed. Upgrade an old run if possible."""
    from gitassets.actions.prepare_run import prepare_to_read
    from gitassets.cli.notices import print_notice

    project = load_project()
    named = name_run(project, wanted, alone=True)
    return project, prepare_to_read(project, named, print_notice, unattended=is_ci(), history=history)


def check_segment(command: str, run: str, segment: str) -> None:
    """Raise UsageError if the one argument that was given is a run, and no segment."""
    if run == LEFT_OUT:
        try:
            parse_selection(segment)
        except UsageError as error:
            if segment[:1].isdigit():
                raise
            hint = f"Write it after the run, such as `gitassets {command} RUN 3`."
            raise UsageError(f"{error.message}, and SEGMENT is missing", hint) from error


def name_run(project: Project, wanted: str, *, alone: bool = False) -> str:
    """Return the run that the command line names, or that of the current folder; with `alone` also the only run."""
    from gitassets.runs.lookup import infer_run

    return infer_run(project, Path.cwd(), alone=alone) if wanted == LEFT_OUT else wanted


def warn_if_not_set_up(project: Project) -> None:
    """Print a warning in a clone that was never set up; only reading commands work there."""
    from gitassets.actions.prepare_run import report_not_set_up
    from gitassets.cli.notices import print_notice

    report_not_set_up(project, print_notice)


def is_ci() -> bool:
    """Check whether this is CI, where nothing should be set up for a user."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def is_interactive() -> bool:
    """Check whether a user at a terminal can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show_progress(title: str, as_json: bool) -> ProgressBar:
    from gitassets.cli.verbosity import is_quiet

    return ProgressBar(title, enabled=sys.stderr.isatty() and not as_json and not is_quiet())


class ProgressBar:
    """Show progress, its rate and the time left on standard error if it is a terminal; print nothing elsewhere."""

    def __init__(self, title: str, *, enabled: bool) -> None:
        self._title, self._enabled = title, enabled
        self._began, self._done = time.monotonic(), 0
        self._bar: Any = None
        self._task: Any = None
        self._under_way = False
        self._counting = ExitStack()

    def __enter__(self) -> Callable[[Any], None]:
        if self._enabled:
            from gitassets.actions.count import counting

            self._counting.enter_context(counting(self.count))
        return self._update if self._enabled else _ignore

    def __exit__(self, *_: object) -> None:
        self._counting.close()
        if self._bar is not None:
            self._bar.stop()

    def count(self, done: int, total: int, what: str) -> None:
        """Show a loop that reports nothing to the command, unless it is a part of what the command reports."""
        from gitassets.runs.progress import Progress

        if not self._under_way:
            self._show(Progress(done, total, what))

    def _update(self, progress: Any) -> None:
        self._under_way = progress.done < progress.total
        self._show(progress)

    def _show(self, progress: Any) -> None:
        if self._bar is None:
            self._start(progress.total)
        if progress.done < self._done:
            # The next run or step counts from the start, and so do its rate and time left.
            self._began = time.monotonic()
            self._bar.reset(self._task, total=progress.total)
        from gitassets.domain.estimate import format_usd

        self._done = progress.done
        spent = getattr(progress, "spent_usd", 0.0)
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            what=_describe_place(progress),
            rate=format_rate(progress.done, time.monotonic() - self._began),
            spent=f"{format_usd(spent)} spent" if spent else "",
        )

    def _start(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from gitassets.cli.render import make_console

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            TextColumn("{task.fields[spent]}"),
            TextColumn("{task.fields[what]}", style="dim", markup=False),
        )
        self._bar = Progress(*columns, console=make_console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._title, total=total, what="", rate="", spent="")
        self._bar.start()


def _describe_place(progress: Any) -> str:
    segment = getattr(progress, "segment", None)
    return progress.what if segment is None else f"{progress.what}, segment {segment}"


def format_rate(done: int, seconds: float) -> str:
    """Return how many are done in a second, or in a minute if they take longer than that."""
    if done == 0 or seconds <= 0:
        return ""
    rate = done / seconds
    return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"


def _ignore(progress: object) -> None:
    del progress


RemoteOption = Annotated[
    str | None,
    typer.Option("--remote", metavar="NAME", help="The DVC remote for the media. Default: the default remote of DVC."),
]
GitRemoteOption = Annotated[
    str | None,
    typer.Option(
        "--git-remote", metavar="NAME", help="The git remote for the branch. Default: the one it tracks, else origin."
    ),
]
