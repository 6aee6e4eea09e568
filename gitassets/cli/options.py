"""Arguments and options that several commands share, and what they are turned into."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gitassets.domain.estimate import format_usd
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import AssetSelection, Selection, parse_selection
from gitassets.domain.status import Status

if TYPE_CHECKING:
    from gitassets.runs.project import Project, Run


def complete_run(incomplete: str) -> list[str]:
    """The run ids that begin with what is typed; reads only, and never fails at a prompt."""
    from gitassets.errors import GitAssetsError
    from gitassets.runs.project import find_old_runs, find_project, find_runs

    try:
        project = find_project(Path.cwd())
        runs = {**find_old_runs(project), **find_runs(project)}
    except (GitAssetsError, OSError):
        return []
    return [run_id for run_id in (*runs, "latest") if run_id.startswith(incomplete)]


def complete_git_remote(incomplete: str) -> list[str]:
    """The git remotes that begin with what is typed; reads only, and never fails at a prompt."""
    from gitassets.adapters.git.remote import list_git_remotes
    from gitassets.errors import GitAssetsError
    from gitassets.runs.project import find_project

    try:
        names = list_git_remotes(find_project(Path.cwd()).git)
    except (GitAssetsError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_dvc_remote(incomplete: str) -> list[str]:
    """The DVC remotes of the project that begin with what is typed; reads only, and never fails at a prompt."""
    from gitassets.adapters.dvc.settings_file import read_settings
    from gitassets.errors import GitAssetsError
    from gitassets.runs.project import find_project

    try:
        names = list(read_settings(find_project(Path.cwd()).root / ".dvc" / "config").remotes)
    except (GitAssetsError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


class Only(StrEnum):
    APPROVED = "approved"


_SELECTION = "all, 5, 1,3,5 or 1-10 (segments, from 1)"

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run: its id, a unique beginning of it, 'latest', or its folder.",
        autocompletion=complete_run,
    ),
]
OptionalRun = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A run; without one, all runs.", autocompletion=complete_run),
]
AudioOption = Annotated[str | None, typer.Option("--audio", metavar="SEL", help=f"Narration of {_SELECTION}.")]
ImageOption = Annotated[str | None, typer.Option("--image", metavar="SEL", help=f"Images of {_SELECTION}.")]
VideoOption = Annotated[str | None, typer.Option("--video", metavar="SEL", help=f"Clips of {_SELECTION}.")]
SegmentOption = Annotated[str | None, typer.Option("--segment", metavar="SEL", help=f"Every asset of {_SELECTION}.")]
TypeOption = Annotated[Kind | None, typer.Option("--type", help="Only this kind of asset.")]
StatusOption = Annotated[Status | None, typer.Option("--status", help="Only assets in this status.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys, and nothing else.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done, and do nothing.")]
ExpectOption = Annotated[
    str | None,
    typer.Option(
        "--expect", metavar="MD5", help="Only if it has these very bytes: the md5 of one asset, or its first 8 digits."
    ),
]


MaxCostOption = Annotated[
    float | None,
    typer.Option("--max-cost", min=0, metavar="USD", help="What this command may cost; a call beyond is not made."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Agree to what it costs, without being asked.")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Buy anew, also what was made or ordered before by the same request.")
]


def examples(*lines: str, note: str = "") -> str:
    """Format the end of a command's help: lines as a user types them, after `gitassets`, and a note on them."""
    shown = "".join(f"\n\n  {line if ' | ' in line else f'gitassets {line}'}" for line in lines)
    return f"Examples:{shown}" + (f"\n\n{note}" if note else "")


def make_selection(
    audio: str | None,
    image: str | None,
    video: str | None,
    segment: str | None = None,
    *,
    parse: Callable[[str], Selection] = parse_selection,
) -> AssetSelection:
    """What the four options choose. UsageError where one is not a selection."""
    given = {Kind.AUDIO: audio, Kind.IMAGE: image, Kind.VIDEO: video}
    by_kind = {kind: parse(text) for kind, text in given.items() if text is not None}
    return AssetSelection(by_kind, None if segment is None else parse(segment))


def make_segments(segment: str | None) -> Selection | None:
    return None if segment is None else parse_selection(segment)


def load_project(*, tend: bool = True) -> Project:
    """The project around the current folder; where git calls no hooks of ours in a run, that is said and mended.

    Every command of a project comes by here. Those that are about the hooks themselves do not `tend` them.
    """
    from gitassets.actions.hooks import find_unguarded
    from gitassets.runs.project import find_project

    project = find_project(Path.cwd())
    unguarded = find_unguarded(project) if tend else []
    if unguarded:
        _mend_hooks(project, unguarded)
    return project


def _mend_hooks(project: Project, unguarded: Sequence[str]) -> None:
    from gitassets.actions.hooks import install
    from gitassets.cli.old_runs import is_ci
    from gitassets.errors import GitAssetsError

    what = f"{', '.join(unguarded[:5])}{' …' if len(unguarded) > 5 else ''}"
    missing = f"Git calls no hooks of gitassets in {what}"
    if is_ci():
        typer.echo(f"{missing}; `gitassets hooks install` sets them up.", err=True)
        return
    try:
        install(project)
    except (GitAssetsError, OSError) as error:
        typer.echo(f"{missing}, and they cannot be set up: {error}", err=True)
    else:
        typer.echo(f"Set up the hooks that guard approved assets in {what}: git did not call them.", err=True)


def load_run(wanted: str, *, dry_run: bool = False) -> tuple[Project, Run]:
    """The run that a command is to change. One of claude-studio is upgraded first, unless it is only a `dry_run`."""
    from gitassets.cli.old_runs import settle_run, view_run
    from gitassets.runs.create import check_prepared
    from gitassets.runs.project import find_run, require_known_rules

    project = load_project()
    check_prepared(project)
    run = find_run(project, wanted)
    settled = view_run(project, run) if dry_run else settle_run(project, run)
    require_known_rules(project, settled)
    return project, settled


def look_at_run(wanted: str, *, history: bool = False) -> tuple[Project, Run]:
    """The run that a command is to read, its `history` too. One of claude-studio is upgraded where that can be done."""
    from gitassets.cli.old_runs import settle_run_to_read
    from gitassets.runs.project import find_run

    project = load_project()
    tell_unprepared(project)
    run = settle_run_to_read(project, find_run(project, wanted), history=history)
    _tell_unknown_rules(project, run)
    return project, run


def _tell_unknown_rules(project: Project, run: Run) -> None:
    """What only reads works on a run of a newer gitassets; yet it is said."""
    from gitassets.errors import GitAssetsError
    from gitassets.runs.project import require_known_rules

    try:
        require_known_rules(project, run)
    except GitAssetsError as error:
        typer.echo(f"{error.message}. {error.hint}", err=True)


def tell_unprepared(project: Project) -> None:
    """In a clone where `init` has not been, what only reads works; yet it is said."""
    from gitassets.runs.create import is_fresh_clone

    if is_fresh_clone(project):
        typer.echo("This clone is not set up yet: run `gitassets init` once.", err=True)


def is_interactive() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show_progress(title: str, as_json: bool) -> ProgressBar:
    return ProgressBar(title, enabled=sys.stderr.isatty() and not as_json)


class ProgressBar:
    """Count and time left on standard error while it is a terminal, nothing elsewhere."""

    def __init__(self, title: str, *, enabled: bool) -> None:
        self._title, self._enabled = title, enabled
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Callable[[Any], None]:
        return self._update if self._enabled else _ignore

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _update(self, progress: Any) -> None:
        if self._bar is None:
            self._start(progress.total)
        spent = getattr(progress, "spent_usd", 0.0)
        self._bar.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            what=progress.what,
            spent=f"{format_usd(spent)} spent" if spent else "",
        )

    def _start(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        from gitassets.cli.render import make_console

        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[spent]}"),
            TextColumn("{task.fields[what]}", style="dim", markup=False),
        )
        self._bar = Progress(*columns, console=make_console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._title, total=total, what="", spent="")
        self._bar.start()


def _ignore(progress: object) -> None:
    del progress


RemoteOption = Annotated[
    str | None,
    typer.Option(
        "--remote",
        metavar="NAME",
        help="The DVC remote that keeps the media. Default: the default one of DVC.",
        autocompletion=complete_dvc_remote,
    ),
]
GitRemoteOption = Annotated[
    str | None,
    typer.Option(
        "--git-remote",
        metavar="NAME",
        help="The git remote with the branches. Default: the one that the branch follows, else origin.",
        autocompletion=complete_git_remote,
    ),
]
