"""Refuse a build: name the assets in the way, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import format_ranges
from gitassets.domain.timeline import MISSING, Finding, Policy
from gitassets.errors import ConflictError, GitAssetsError
from gitassets.runs.verified_bytes import ALTERED


class GapsError(GitAssetsError):
    """The policy does not allow this build; `gaps` are the assets in the way."""

    def __init__(self, run_id: str, gaps: Sequence[Finding], policy: Policy) -> None:
        lines = "".join(f"\n  {line}" for line in describe_findings(gaps))
        super().__init__(f"Run {run_id} cannot be built ({policy}):{lines}", _suggest(run_id, gaps, policy))
        self.gaps = tuple(gaps)


class ChangedMeanwhileError(ConflictError):
    """Assets that the video shows were decided differently while it was rendered."""

    def __init__(self, run_id: str, changes: Sequence[Finding]) -> None:
        lines = "".join(f"\n  {line}" for line in describe_findings(changes))
        super().__init__(
            f"Run {run_id} was changed while its video was rendered, so the video is not recorded:{lines}",
            f"`gitassets review {run_id}` shows them. Build again when they are decided: nothing is rendered twice.",
        )
        self.changes = tuple(changes)


def describe_findings(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line for each kind and problem, with the segments as ranges."""
    return describe_problems((Address(one.segment, one.kind), one.problem) for one in findings)


def describe_problems(problems: Iterable[tuple[Address, str]]) -> Iterator[str]:
    """Yield a line for each kind and problem of assets, with the segments as ranges."""
    grouped: dict[tuple[Kind, str], list[int]] = {}
    for address, problem in problems:
        grouped.setdefault((address.kind, problem), []).append(address.segment)
    for (kind, problem), numbers in grouped.items():
        where = "" if kind is Kind.MUSIC else f"segment{'s' * (len(numbers) > 1)} {format_ranges(numbers)}: "
        yield f"{where}{kind} {problem}"


def _suggest(run_id: str, gaps: Sequence[Finding], policy: Policy) -> str:
    altered = [gap for gap in gaps if gap.problem == ALTERED]
    others = [gap for gap in gaps if gap.problem != ALTERED]
    hints = [_suggest_for_altered(run_id, altered[0])] if altered else []
    hints += [_suggest_for_others(run_id, others, policy)] if others else []
    return " ".join(hints)


def _suggest_for_altered(run_id: str, gap: Finding) -> str:
    chosen = f"{run_id} {Address(gap.segment, gap.kind).option}"
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
    chosen = f"{run_id} {Address(gaps[0].segment, gaps[0].kind).option}"
    return (
        f"What is stale is approved, so reopen it, such as by `gitassets reopen {chosen} --reason …`; "
        f"`gitassets produce --resume {run_id} --stale` then makes it again. "
    )
