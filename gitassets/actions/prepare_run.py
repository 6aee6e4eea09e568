"""Prepare a project and a run for a command: mend hooks, upgrade an old run, fetch missing bytes; report each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gitassets.errors import GitAssetsError, RemoteError
from gitassets.runs.create import check_prepared, is_fresh_clone
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import require_known_rules
from gitassets.runs.project import Project, Run, find_project

if TYPE_CHECKING:
    from gitassets.actions.upgrade import UpgradeResult
    from gitassets.runs.fetch import Fetched, Wanted
    from gitassets.runs.progress import OnProgress


class HooksMissing(Struct, frozen=True):
    """Git called no hooks of ours in these runs; `mended` unless `problem` (empty: nobody is here to set them up)."""

    runs: tuple[str, ...]
    mended: bool
    problem: str = ""


class UpgradeStarts(Struct, frozen=True):
    run_id: str


class UpgradeDone(Struct, frozen=True):
    result: UpgradeResult
    project: Project


class ShownAsUpgraded(Struct, frozen=True):
    """An old run is read as an upgrade would make it, since `obstacle` keeps it from being upgraded."""

    run_id: str
    obstacle: str


class RulesUnknown(Struct, frozen=True):
    """The run follows rules of a newer gitassets; it can only be read."""

    error: GitAssetsError


class NotSetUp(Struct, frozen=True):
    """The clone was never set up by `init`, or its set-up for DVC is `lost`."""

    lost: bool


class SettingsDamaged(Struct, frozen=True):
    """Files that git and DVC go by in the run's folder are lost or cut off: what, and what mends them."""

    what: str
    remedy: str


class RemoteUnreachable(Struct, frozen=True):
    """Some of the needed bytes are absent, and their remote cannot be reached."""

    error: GitAssetsError


class BytesFetched(Struct, frozen=True):
    fetched: Fetched


Notice = (
    HooksMissing
    | UpgradeStarts
    | UpgradeDone
    | ShownAsUpgraded
    | RulesUnknown
    | NotSetUp
    | SettingsDamaged
    | RemoteUnreachable
    | BytesFetched
)
OnNotice = Callable[[Notice], None]


def prepare_project(start: Path, on_notice: OnNotice, *, unattended: bool, tend: bool = True) -> Project:
    """Find the project around `start`; where git calls no hooks of ours in a run, set them up.

    Those commands that are about the hooks themselves do not `tend` them. Where it is `unattended`, as in CI, a run
    without hooks is only reported.
    """
    from gitassets.actions.hooks import find_unguarded

    project = find_project(start)
    unguarded = tuple(find_unguarded(project)) if tend else ()
    if unguarded:
        on_notice(HooksMissing(unguarded, mended=False) if unattended else _mend_hooks(project, unguarded))
    return project


def _mend_hooks(project: Project, unguarded: tuple[str, ...]) -> HooksMissing:
    from gitassets.actions.hooks import install

    try:
        install(project)
    except (GitAssetsError, OSError) as error:
        return HooksMissing(unguarded, mended=False, problem=str(error))
    return HooksMissing(unguarded, mended=True)


def prepare_to_write(project: Project, wanted: str, on_notice: OnNotice, *, dry_run: bool = False) -> Run:
    """Find the run that is to be changed. One of claude-studio is upgraded first, unless it is only a `dry_run`."""
    check_prepared(project)
    run = find_run(project, wanted)
    settled = view_run(project, run) if dry_run else _upgrade(project, run, on_notice)
    _report_damage(settled, on_notice)
    require_known_rules(project, settled)
    return settled


def prepare_to_read(
    project: Project, wanted: str, on_notice: OnNotice, *, unattended: bool, history: bool = False
) -> Run:
    """Find the run that is to be read, its `history` too. One of claude-studio is upgraded where that can be done."""
    report_unprepared(project, on_notice)
    run = _upgrade_to_read(project, find_run(project, wanted), on_notice, unattended=unattended, history=history)
    _report_damage(run, on_notice)
    try:
        require_known_rules(project, run)
    except GitAssetsError as error:
        on_notice(RulesUnknown(error))
    return run


def report_unprepared(project: Project, on_notice: OnNotice) -> None:
    if is_fresh_clone(project):
        on_notice(NotSetUp(lost=project.hooks.folder.is_dir()))


def _report_damage(run: Run, on_notice: OnNotice) -> None:
    """Report lost settings, though few commands here need them."""
    from gitassets.runs.tracked_texts import describe_damage, find_damaged_settings

    damaged = [] if run.folder is None or run.old else find_damaged_settings(run.folder)
    if damaged:
        on_notice(SettingsDamaged(*describe_damage(damaged, run.folder or Path())))


def view_run(project: Project, run: Run) -> Run:
    """Show an old run as it would be after an upgrade; nothing is written."""
    if not run.old:
        return run
    from gitassets.actions.upgrade import view_old_run

    return view_old_run(project, run)


def _upgrade(project: Project, run: Run, on_notice: OnNotice) -> Run:
    if not run.old:
        return run
    from gitassets.actions.upgrade import upgrade

    on_notice(UpgradeStarts(run.run_id))
    on_notice(UpgradeDone(upgrade(project, run, lambda _: None), project))
    return find_run(project, run.run_id)


def _upgrade_to_read(project: Project, run: Run, on_notice: OnNotice, *, unattended: bool, history: bool) -> Run:
    """GitAssetsError when `history` is to be read, which only an upgrade makes, and the run cannot be upgraded."""
    if not run.old:
        return run
    from gitassets.actions.upgrade import find_obstacle

    in_ci = "this is CI, where only writing commands do that" if unattended else None
    obstacle = in_ci or find_obstacle(project, run)
    if obstacle is None:
        return _upgrade(project, run, on_notice)
    if history:
        raise GitAssetsError(
            f"{run.run_id} has no history yet: it is a run of claude-studio that is not upgraded, since {obstacle}",
            f"`gitassets upgrade {run.run_id}` upgrades it.",
        )
    on_notice(ShownAsUpgraded(run.run_id, obstacle))
    return view_run(project, run)


def fetch_needed(
    project: Project,
    run: Run,
    needed: Mapping[str, Wanted],
    on_notice: OnNotice,
    on_progress: OnProgress,
    *,
    lenient: bool = False,
) -> None:
    """Fetch the needed bytes, as far as the run's DVC remote has them; what it lacks is left to the command.

    RemoteError where it cannot be reached; with `lenient` that is only reported.
    """
    from gitassets.runs.fetch import fetch, list_absent

    absent = list_absent(project, run, needed)
    if not absent:
        return
    try:
        fetched = fetch(project, run, absent, on_progress)
    except RemoteError as error:
        files = "1 file that is needed is" if len(absent) == 1 else f"{len(absent)} files that are needed are"
        told = RemoteError(f"{files} not here. {error.message}", error.hint)
        if not lenient:
            raise told from error
        on_notice(RemoteUnreachable(told))
    else:
        on_notice(BytesFetched(fetched))
