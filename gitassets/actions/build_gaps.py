"""Refuse a build: name the assets in the way, and what to do about them."""

from __future__ import annotations

from collections.abc import Sequence

from gitassets.domain.timeline import MISSING, Finding, Policy
from gitassets.errors import GitAssetsError
from gitassets.runs.verified_bytes import ALTERED


class GapsError(GitAssetsError):
    """The policy does not allow this build; `gaps` are the assets in the way."""

    def __init__(self, run_id: str, gaps: Sequence[Finding], policy: Policy) -> None:
        lines = "".join(f"\n  {gap}" for gap in gaps)
        super().__init__(f"Run {run_id} cannot be built ({policy}):{lines}", _suggest(run_id, gaps, policy))
        self.gaps = tuple(gaps)


def _suggest(run_id: str, gaps: Sequence[Finding], policy: Policy) -> str:
    altered = [gap for gap in gaps if gap.problem == ALTERED]
    others = [gap for gap in gaps if gap.problem != ALTERED]
    hints = [_suggest_for_altered(run_id, altered[0])] if altered else []
    hints += [_suggest_for_others(run_id, others, policy)] if others else []
    return " ".join(hints)


def _suggest_for_altered(run_id: str, gap: Finding) -> str:
    chosen = f"{run_id} --{gap.kind} {gap.segment}"
    return (
        f"`gitassets restore {chosen}` gets the recorded bytes back; "
        f"`gitassets replace {chosen}` takes the changed file as a new take, "
        "of what is approved after `gitassets reopen`."
    )


def _suggest_for_others(run_id: str, gaps: Sequence[Finding], policy: Policy) -> str:
    if any(gap.problem == MISSING for gap in gaps):
        return f"`gitassets produce --resume {run_id}` makes narration that is missing; --allow-gaps goes without it."
    if policy is Policy.STRICT:
        return _suggest_for_stale(run_id, [gap for gap in gaps if gap.stale]) + (
            "Approve or regenerate them, or build with --only approved or --skip rejected."
        )
    return "Approve or regenerate this narration, or go without it with --allow-gaps."


def _suggest_for_stale(run_id: str, gaps: Sequence[Finding]) -> str:
    if not gaps:
        return ""
    chosen = f"{run_id} --{gaps[0].kind} {gaps[0].segment}"
    return (
        f"What is stale is approved, so reopen it, such as by `gitassets reopen {chosen} --reason …`; "
        f"`gitassets produce --resume {run_id} --stale` then makes it again. "
    )
