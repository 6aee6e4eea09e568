"""Reject assets."""

from __future__ import annotations

from gitassets.actions.decide import TransitionResult, decide_in_run
from gitassets.domain.decision import decide
from gitassets.domain.selection import AssetSelection
from gitassets.domain.status import Status
from gitassets.runs.expected_bytes import Expected
from gitassets.runs.project import Project, Run


def reject(
    project: Project,
    run: Run,
    selection: AssetSelection,
    *,
    reason: str | None = None,
    expected: Expected | None = None,
    dry_run: bool = False,
) -> TransitionResult:
    """Reject the chosen assets. Regenerating them uses the reason. For `expected` see `approve`."""
    return decide_in_run(
        project,
        run,
        "reject",
        selection,
        lambda m, chosen: decide(m, chosen, Status.REJECTED, reason=reason),
        words=reason or "",
        expected=expected,
        dry_run=dry_run,
    )
