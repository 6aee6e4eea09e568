"""Prepare a project and a run for a command: repair hooks, upgrade an old run, fetch missing bytes; report each."""

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
    """Git does not call our hooks in these runs. `problem`: why they are not `repaired`, if that was tried."""

    runs: tuple[str, ...]
    repaired: bool
    problem: str = ""


class UpgradeStarts(Struct, frozen=True):
    run_id: str


class UpgradeDone(Struct, frozen=True):
    result: UpgradeResult
    project: Project


class ShownAsUpgraded(Struct, frozen=True):
    """An old run is shown as an upgrade would make it, since `obstacle` prevents the upgrade."""

    run_id: str
    obstacle: str


class RulesUnknown(Struct, frozen=True):
    """The run follows the rules of a newer gitassets, so it can only be read."""

    error: GitAssetsError


class NotSetUp(Struct, frozen=True):
    """The clone was never set up by `init`, or its set-up for DVC is `lost`."""

    lost: bool


class SettingsDamaged(Struct, frozen=True):
    """Files that git and DVC go by in the run's folder are lost or cut off: what, and what mends them."""

    what: str
    remedy: str


class RemoteUnreachable(Struct, frozen=True):
    """Needed bytes are missing, and their remote cannot be reached."""

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


def prepare_project(start: Path, on_notice: OnNotice, *, unattended: bool, check_hooks: bool = True) -> Project:
    """Find the project around `start`. If git does not call our hooks in a run, install them.

    Commands about the hooks themselves pass `check_hooks=False`. If `unattended`, as in CI, only report such runs.
    """
    from gitassets.actions.hooks import find_unguarded

    project = find_project(start)
    unguarded = tuple(find_unguarded(project)) if check_hooks else ()
    if unguarded:
        on_notice(HooksMissing(unguarded, repaired=False) if unattended else _repair_hooks(project, unguarded))
    return project


def _repair_hooks(project: Project, unguarded: tuple[str, ...]) -> HooksMissing:
    from gitassets.actions.hooks import install

    try:
        install(project)
    except (GitAssetsError, OSError) as error:
        return HooksMissing(unguarded, repaired=False, problem=str(error))
    return HooksMissing(unguarded, repaired=True)


def prepare_to_write(project: Project, wanted: str, on_notice: OnNotice, *, dry_run: bool = False) -> Run:
    """Find the run that a command will change. Upgrade a run of claude-studio first, unless in a `dry_run`."""
    check_prepared(project)
    run = find_run(project, wanted)
    prepared = view_run(project, run) if dry_run else _upgrade(project, run, on_notice)
    _report_damage(prepared, on_notice)
    require_known_rules(project, prepared)
    return prepared


def prepare_to_read(
    project: Project, wanted: str, on_notice: OnNotice, *, unattended: bool, history: bool = False
) -> Run:
    """Find the run that a command will read, with its `history` if needed. Upgrade an old run if possible."""
    report_not_set_up(project, on_notice)
    run = _upgrade_to_read(project, find_run(project, wanted), on_notice, unattended=unattended, history=history)
    _report_damage(run, on_notice)
    try:
        require_known_rules(project, run)
    except GitAssetsError as error:
        on_notice(RulesUnknown(error))
    return run


def report_not_set_up(project: Project, on_notice: OnNotice) -> None:
    if is_fresh_clone(project):
        on_notice(NotSetUp(lost=project.hooks.folder.is_dir()))


def _report_damage(run: Run, on_notice: OnNotice) -> None:
    """Report lost settings, though few commands here need them."""
    from gitassets.runs.tracked_texts import describe_damage, find_damaged_settings

    damaged = [] if run.folder is None or run.old else find_damaged_settings(run.folder)
    if damaged:
        on_notice(SettingsDamaged(*describe_damage(damaged, run.folder or Path())))


def view_run(project: Project, run: Run) -> Run:
    """Return an old run as an upgrade would make it, without writing anything."""
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
    """Upgrade an old run, or view it as upgraded if that is impossible.

    Raise GitAssetsError if `history` is needed, since only an upgrade creates it.
    """
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
    """Fetch the needed bytes that the run's DVC remote has; the command itself handles those it lacks.

    Raise RemoteError if the remote cannot be reached; with `lenient`, only report it.
    """
    from gitassets.runs.fetch import fetch, list_absent

    absent = list_absent(project, run, needed)
    if not absent:
        return
    try:
        fetched = fetch(project, run, absent, on_progress)
    except RemoteError as error:
        files = "1 file that is needed is" if len(absent) == 1 else f"{len(absent)} files that are needed are"
        failure = RemoteError(f"{files} not here. {error.message}", error.hint)
        if not lenient:
            raise failure from error
        on_notice(RemoteUnreachable(failure))
    else:
        on_notice(BytesFetched(fetched))
