"""Approve and lock assets."""

from __future__ import annotations

from gitassets.actions.decide import TransitionResult, decide_in_run
from gitassets.domain.decision import decide
from gitassets.domain.selection import AssetSelection
from gitassets.domain.status import Status
from gitassets.runs.expected_bytes import Expected
from gitassets.runs.project import Project, Run


def approve(
    project: Project, run: Run, selection: AssetSelection, *, expected: Expected | None = None, dry_run: bool = False
) -> TransitionResult:
    """Approve and lock the chosen assets, each for its current bytes, which are hashed first.

    `expected` is the md5 of the bytes the user looked at, or its beginning, or that of each asset: refuse all if
    one has others.
    """
    return decide_in_run(
        project,
        run,
        "approve",
        selection,
        lambda m, chosen: decide(m, chosen, Status.APPROVED),
        expected=expected,
        dry_run=dry_run,
    )
