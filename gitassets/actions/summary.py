"""Summarize one run, or all."""

from __future__ import annotations

from msgspec import Struct

from gitassets.domain.estimate import add_usd
from gitassets.domain.manifest import Kind
from gitassets.domain.status import Status
from gitassets.errors import CorruptError, GitAssetsError
from gitassets.runs.altered_files import count_altered
from gitassets.runs.lookup import list_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class RunSummary(Struct, frozen=True):
    """A run in one line. If its manifest cannot be read, `problem` says why, and the rest is empty.

    `duration_sec` is the length of the existing narration; `cost_usd` the cost of the current takes; `altered` counts
    the files that hold other bytes than recorded, as far as size and time show it.
    """

    run_id: str
    is_open: bool
    production_state: str
    segments: int
    counts: dict[str, int]
    duration_sec: float
    cost_usd: float
    problem: str | None = None
    altered: int = 0


def summarize(project: Project, run: Run | None = None) -> tuple[RunSummary, ...]:
    """Summarize the given run, or all runs, without opening, upgrading or changing any."""
    runs = [run] if run is not None else list_runs(project)
    return tuple(summarize_run(project, one, strict=run is not None) for one in runs)


def summarize_run(project: Project, run: Run, *, strict: bool = False) -> RunSummary:
    """Summarize one run. If its manifest cannot be read, say so in the summary, or raise the error if `strict`."""
    try:
        if run.old:
            return _summarize_old(project, run)
        manifest = read_manifest(project, run)
    except GitAssetsError as error:
        if strict:
            raise
        corrupt = "unreadable" if isinstance(error, CorruptError) else "missing"
        return RunSummary(run.run_id, run.is_open, corrupt, 0, {}, 0.0, 0.0, error.message)
    assets = [asset for _, asset in manifest.assets()]
    counts = {status.value: sum(asset.status is status for asset in assets) for status in Status}
    narration = sum(asset.duration_sec or 0.0 for _, asset in manifest.assets(Kind.AUDIO))
    cost = add_usd(asset.cost_usd or 0.0 for asset in assets)
    return RunSummary(
        run.run_id,
        run.is_open,
        manifest.production_state,
        len(manifest.segments),
        {name: count for name, count in counts.items() if count},
        round(narration, 3),
        round(cost, 4),
        altered=count_altered(project, run, manifest),
    )


def _summarize_old(project: Project, run: Run) -> RunSummary:
    """Summarize a run of claude-studio from its records, without reading media files."""
    from gitassets.actions.upgrade import plan_upgrade
    from gitassets.domain.claude_studio.library import judge_status, number_of

    plan = plan_upgrade(project, run)
    records = [takes[0].record for takes in plan.takes.values()]
    statuses = [judge_status(record, (record.size_bytes if record else None) or 0)[0] for record in records]
    spoken = [one.raw.get("duration_sec") for one in records if one and one.kind is Kind.AUDIO]
    costs = [one.raw.get("generation_cost") for one in records if one]
    return RunSummary(
        run.run_id,
        is_open=True,
        production_state="not upgraded",
        segments=len(plan.segments),
        counts={status.value: statuses.count(status) for status in Status if status in statuses},
        duration_sec=round(sum(number_of(one) or 0.0 for one in spoken), 3),
        cost_usd=round(add_usd(number_of(one) or 0.0 for one in costs), 4),
    )
