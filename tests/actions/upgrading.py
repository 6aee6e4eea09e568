"""Upgrades a run and says what came of it."""

from __future__ import annotations

from typing import Any

from gitassets.actions.upgrade import UpgradeResult, upgrade
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import ignore_progress
from tests.old_runs import RUN_ID


def take_over(project: Project, wanted: str = RUN_ID, **options: Any) -> tuple[Run, UpgradeResult]:
    result = upgrade(project, find_run(project, wanted), ignore_progress, **options)
    return find_run(project, result.run_id), result


def told(result: UpgradeResult) -> str:
    return "\n".join([*result.unclear, *(f"{one.what}: {one.path} {one.why}" for one in result.not_found)])
