"""Print what was done or found before a command began, on standard error."""

from __future__ import annotations

import typer

from gitassets.actions.prepare_run import (
    BytesFetched,
    HooksMissing,
    Notice,
    NotSetUp,
    RemoteUnreachable,
    RulesUnknown,
    SettingsDamaged,
    ShownAsUpgraded,
    UpgradeDone,
    UpgradeStarts,
)
from gitassets.cli.verbosity import is_quiet


def print_notice(notice: Notice) -> None:
    """Print a notice to standard error, unless --quiet is given."""
    if is_quiet():
        return
    if isinstance(notice, UpgradeDone):
        from gitassets.cli.upgrade_report import print_set_up_hint, print_upgrade

        print_upgrade(notice.result, err=True)
        print_set_up_hint(notice.project)
    elif isinstance(notice, BytesFetched):
        from gitassets.cli.phrases import print_fetched

        print_fetched(notice.fetched, err=True)
    else:
        typer.echo(_format_notice(notice), err=True)


def _format_notice(notice: Notice) -> str:
    match notice:
        case HooksMissing():
            return _format_hooks_notice(notice)
        case UpgradeStarts(run_id):
            return f"{run_id} is a run of claude-studio, so it is upgraded first."
        case ShownAsUpgraded(run_id, obstacle):
            return (
                f"{run_id} is a run of claude-studio, shown as it would be after an upgrade. It was not upgraded, "
                f"since {obstacle}."
            )
        case RulesUnknown(error):
            return f"{error.message}. {error.hint}"
        case RemoteUnreachable(error):
            return f"{error.message}\n  → {error.hint}"
        case NotSetUp(lost):
            if lost:
                return "DVC is no longer set up in this project. `gitassets doctor` sets it up again."
            return "This clone is not set up yet: run `gitassets init` once."
        case SettingsDamaged(what, remedy):
            return f"{what}. {remedy}"
    raise TypeError(notice)


def _format_hooks_notice(notice: HooksMissing) -> str:
    from gitassets.domain.wording import name_some

    runs = name_some(notice.runs)
    if notice.repaired:
        return f"Installed the hooks that guard approved assets in {runs}: git did not call them."
    missing = f"Git calls no hooks of gitassets in {runs}"
    if notice.problem:
        return f"{missing}, and they cannot be installed: {notice.problem}"
    return f"{missing}; `gitassets hooks install` installs them."
