"""What was done or found before a command began, as lines on standard error."""

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

_SHOWN = 5


def tell_notice(notice: Notice) -> None:
    """Print a notice to standard error."""
    if isinstance(notice, UpgradeDone):
        from gitassets.cli.upgrade_report import tell_set_up, tell_upgrade

        tell_upgrade(notice.result, err=True)
        tell_set_up(notice.project)
    elif isinstance(notice, BytesFetched):
        from gitassets.cli.phrases import tell_fetched

        tell_fetched(notice.fetched, err=True)
    else:
        typer.echo(_word(notice), err=True)


def _word(notice: Notice) -> str:
    match notice:
        case HooksMissing():
            return _word_hooks(notice)
        case UpgradeStarts(run_id):
            return f"{run_id} is a run of claude-studio: it is upgraded first."
        case ShownAsUpgraded(run_id, obstacle):
            return (
                f"{run_id} is a run of claude-studio, shown as it would be after an upgrade. It is not upgraded, "
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


def _word_hooks(notice: HooksMissing) -> str:
    what = f"{', '.join(notice.runs[:_SHOWN])}{' …' if len(notice.runs) > _SHOWN else ''}"
    if notice.mended:
        return f"Set up the hooks that guard approved assets in {what}: git did not call them."
    missing = f"Git calls no hooks of gitassets in {what}"
    if notice.problem:
        return f"{missing}, and they cannot be set up: {notice.problem}"
    return f"{missing}; `gitassets hooks install` sets them up."
