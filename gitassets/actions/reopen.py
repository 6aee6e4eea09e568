"""Unlock assets: they are in review again."""

from __future__ import annotations

from gitassets.actions.decide import TransitionResult, decide_in_run
from gitassets.domain.commit_message import clean_words
from gitassets.domain.decision import reopen
from gitassets.domain.selection import AssetSelection
from gitassets.errors import MissingInputError
from gitassets.runs.expected_bytes import Expected
from gitassets.runs.project import Project, Run


def reopen_assets(
    project: Project,
    run: Run,
    selection: AssetSelection,
    *,
    reason: str,
    expected: Expected | None = None,
    dry_run: bool = False,
) -> TransitionResult:
    """Unlock the chosen assets, put them in review, and record the reason. For `expected` see `approve`."""
    if not clean_words(reason):
        raise MissingInputError("Reopening an approved asset needs a reason", "Give it with --reason TEXT.")
    return decide_in_run(
        project,
        run,
        "reopen",
        selection,
        lambda m, chosen: reopen(m, chosen, reason=reason.strip()),
        words=reason,
        expected=expected,
        dry_run=dry_run,
    )
