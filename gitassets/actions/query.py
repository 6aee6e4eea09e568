"""Read runs without changing anything: list, show, summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.conflict import describe_conflict, iter_text_conflicts
from gitassets.domain.image_prompt import find_user_prompt
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.selection import AssetSelection, Chosen, Selection, select_assets, select_segments
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.errors import CorruptError, GitAssetsError
from gitassets.runs.lookup import list_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class AssetRow(Struct, frozen=True):
    """One asset as `list` shows it. `present`: its file is in the run's folder; `cached`: its bytes are in the cache.

    `stale` says why the asset is stale. `conflict` describes contradicting decisions of two branches that are not
    settled yet.
    """

    segment: int
    kind: Kind
    asset: Asset
    text: str
    notes: str | None
    present: bool
    stale: str | None
    conflict: tuple[str, ...] = ()
    cached: bool = False


class ListResult(Struct, frozen=True):
    run_id: str
    folder: Path | None
    production_state: str
    segments: int
    rows: tuple[AssetRow, ...]


def list_assets(
    project: Project,
    run: Run,
    *,
    status: Status | None = None,
    kind: Kind | None = None,
    segments: Selection | None = None,
) -> ListResult:
    """List the run's assets in order; if given, only those of one status, kind or some segments."""
    manifest = read_manifest(project, run)
    numbers = None if segments is None else set(select_segments(segments, manifest))
    rows = tuple(
        _row(project, run, manifest, address, asset)
        for address, asset in manifest.assets(kind)
        if (numbers is None or address.segment in numbers) and (status is None or asset.status is status)
    )
    rows = tuple(_describe_conflicts(project, run, manifest, rows))
    return ListResult(run.run_id, run.folder, manifest.production_state, len(manifest.segments), rows)


def read_rows(project: Project, run: Run, selection: AssetSelection) -> list[AssetRow]:
    """Return the chosen assets as rows, in order."""
    manifest = read_manifest(project, run)
    return _rows(project, run, manifest, select_assets(selection, manifest))


def _rows(project: Project, run: Run, manifest: Manifest, chosen: Sequence[Chosen]) -> list[AssetRow]:
    found = ((one.address, manifest.asset(one.address)) for one in chosen)
    rows = [_row(project, run, manifest, address, asset) for address, asset in found if asset is not None]
    return _describe_conflicts(project, run, manifest, rows)


def _describe_conflicts(project: Project, run: Run, manifest: Manifest, rows: Sequence[AssetRow]) -> list[AssetRow]:
    """Describe in the rows with a conflict who decided what."""
    if not any(one.conflict for one in rows):
        return list(rows)
    from gitassets.runs.disputes import find_disputes

    found = {(one.segment, one.kind): one.sides for one in find_disputes(project, run, manifest)}
    return [
        replace(row, conflict=tuple(side.describe() for side in found.get((row.segment, row.kind), ()))) for row in rows
    ]


def _row(project: Project, run: Run, manifest: Manifest, address: Address, asset: Asset) -> AssetRow:
    segment = manifest.segments[address.segment]
    present = run.folder is not None and os.path.isfile(f"{run.folder}/{asset.path}")  # noqa: PTH113 (as in BlobStore.has)
    stale = find_stale_reason(segment, address.kind)
    text, notes, conflict = segment.paragraph_text, segment.notes, describe_conflict(asset)
    cached = project.blobs.has(asset.md5)
    return AssetRow(address.segment, address.kind, asset, text, notes, present, stale, conflict, cached)


class SegmentResult(Struct, frozen=True):
    """One segment with its text, note and assets. `prompt` is the user's prompt for its image, if there is one.

    `text_in_conflict`: the text holds both sides of a merge; `text_sides` describes these, with their authors.
    """

    run_id: str
    segment: int
    folder: Path | None
    text: str
    prompt: str | None
    notes: str | None
    sync_status: str
    rows: tuple[AssetRow, ...]
    text_in_conflict: bool = False
    text_sides: tuple[str, ...] = ()


def show_segment(project: Project, run: Run, selection: Selection) -> tuple[SegmentResult, ...]:
    """Return the chosen segments with everything in the manifest about them."""
    manifest = read_manifest(project, run)
    return tuple(_segment(project, run, manifest, number) for number in select_segments(selection, manifest))


def _segment(project: Project, run: Run, manifest: Manifest, number: int) -> SegmentResult:
    segment = manifest.segments[number]
    rows = tuple(
        _row(project, run, manifest, Address(number, kind), asset)
        for kind in Kind
        if (asset := segment.asset(kind)) is not None
    )
    in_conflict = number in iter_text_conflicts(manifest)
    return SegmentResult(
        run_id=run.run_id,
        segment=number,
        folder=run.folder,
        text=segment.paragraph_text,
        prompt=find_user_prompt(segment),
        notes=segment.notes,
        sync_status=segment.sync_status,
        rows=tuple(_describe_conflicts(project, run, manifest, rows)),
        text_in_conflict=in_conflict,
        text_sides=_describe_texts(project, run, manifest, number) if in_conflict else (),
    )


def _describe_texts(project: Project, run: Run, manifest: Manifest, number: int) -> tuple[str, ...]:
    from gitassets.runs.disputes import find_disputes

    found = (one for one in find_disputes(project, run, manifest) if (one.segment, one.kind) == (number, None))
    return tuple(side.describe() for one in found for side in one.sides)


class RunSummary(Struct, frozen=True):
    """A run in one line. If its manifest cannot be read, `problem` says why, and the rest is empty.

    `duration_sec` is the length of the existing narration; `cost_usd` the cost of the current takes.
    """

    run_id: str
    is_open: bool
    production_state: str
    segments: int
    counts: dict[str, int]
    duration_sec: float
    cost_usd: float
    problem: str | None = None


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
    cost = sum(asset.cost_usd or 0.0 for asset in assets)
    return RunSummary(
        run.run_id,
        run.is_open,
        manifest.production_state,
        len(manifest.segments),
        {name: count for name, count in counts.items() if count},
        round(narration, 3),
        round(cost, 4),
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
        cost_usd=round(sum(number_of(one) or 0.0 for one in costs), 4),
    )
