"""Move drafts and revised assets to review."""

from __future__ import annotations

from collections.abc import Sequence

from gitassets.actions.decide import TransitionResult, decide_in_run
from gitassets.domain.decision import Decision, decide
from gitassets.domain.manifest import Manifest
from gitassets.domain.selection import AssetSelection, Chosen
from gitassets.domain.status import Status
from gitassets.runs.project import Project, Run


def move_to_review(project: Project, run: Run, selection: AssetSelection, *, dry_run: bool = False) -> TransitionResult:
    """Move the drafts and revised assets among the chosen ones to review. Do not change the others."""
    waiting = (Status.DRAFT, Status.REVISED)

    def move(manifest: Manifest, chosen: Sequence[Chosen]) -> Decision:
        movable = [one for one in chosen if (asset := manifest.asset(one.address)) and asset.status in waiting]
        if not movable:
            return Decision(manifest, (), tuple(one.address for one in chosen), ())
        return decide(manifest, movable, Status.REVIEW)

    return decide_in_run(project, run, "review", selection, move, dry_run=dry_run)
