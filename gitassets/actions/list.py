"""List the assets of a run with their status."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.annotations import Annotation, iter_on
from gitassets.domain.conflict import describe_conflict
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.script_rules import ScriptRules, find_script_rules
from gitassets.domain.selection import AssetSelection, Chosen, Selection, select_assets, select_segments
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.runs.altered_files import FolderCheck
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class AssetRow(Struct, frozen=True):
    """One asset as `list` shows it. `present`: its file is in the run's folder; `cached`: its bytes are in the cache.

    `altered`: size or time show that the file holds other bytes than recorded; nothing was hashed. `stale` says why the
    asset is stale. `annotations` are the notes on it, also on its earlier takes. `conflict` describes contradicting
    decisions of two branches that are not settled yet.
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
    altered: bool = False
    annotations: tuple[Annotation, ...] = ()


class EmptySegment(Struct, frozen=True):
    """A segment without any asset."""

    segment: int
    text: str


class ListResult(Struct, frozen=True, rename={"rows": "assets"}):
    """The run's assets, and its segments without any: `empty`."""

    run_id: str
    folder: Path | None
    production_state: str
    segments: int
    rows: tuple[AssetRow, ...]
    empty: tuple[EmptySegment, ...] = ()


def list_assets(
    project: Project,
    run: Run,
    *,
    status: Status | None = None,
    kind: Kind | None = None,
    segments: Selection | None = None,
) -> ListResult:
    """List the run's assets in order; if given, only those of one status, kind or some segments.

    Segments without any asset have neither status nor kind.
    """
    manifest = read_manifest(project, run)
    numbers = None if segments is None else set(select_segments(segments, manifest))
    check, rules = FolderCheck(project, run), find_script_rules(manifest)
    rows = tuple(
        make_row(project, check, manifest, address, asset, rules)
        for address, asset in manifest.assets(kind)
        if (numbers is None or address.segment in numbers) and (status is None or asset.status is status)
    )
    rows = tuple(describe_conflicts(project, run, manifest, rows))
    empty = tuple(_iter_empty(manifest, numbers)) if status is None and kind is None else ()
    return ListResult(run.run_id, run.folder, manifest.production_state, len(manifest.segments), rows, empty)


def _iter_empty(manifest: Manifest, numbers: Collection[int] | None) -> Iterator[EmptySegment]:
    for number, segment in manifest.segments.items():
        if (numbers is None or number in numbers) and not (segment.audio or segment.image or segment.video):
            yield EmptySegment(number, segment.paragraph_text)


def read_rows(project: Project, run: Run, selection: AssetSelection) -> list[AssetRow]:
    """Return the chosen assets as rows, in order."""
    manifest = read_manifest(project, run)
    return list_rows(project, run, manifest, select_assets(selection, manifest))


def list_rows(project: Project, run: Run, manifest: Manifest, chosen: Sequence[Chosen]) -> list[AssetRow]:
    found = ((one.address, manifest.asset(one.address)) for one in chosen)
    check, rules = FolderCheck(project, run), find_script_rules(manifest)
    rows = [make_row(project, check, manifest, address, asset, rules) for address, asset in found if asset is not None]
    return describe_conflicts(project, run, manifest, rows)


def describe_conflicts(project: Project, run: Run, manifest: Manifest, rows: Sequence[AssetRow]) -> list[AssetRow]:
    """Describe in the rows with a conflict who decided what."""
    if not any(one.conflict for one in rows):
        return list(rows)
    from gitassets.runs.disputes import find_disputes

    found = {(one.segment, one.kind): one.sides for one in find_disputes(project, run, manifest)}
    # The history may not say who decided; the manifest still says what.
    return [
        replace(row, conflict=tuple(side.describe() for side in sides) or row.conflict)
        for row, sides in ((row, found.get((row.segment, row.kind), ())) for row in rows)
    ]


def make_row(
    project: Project, check: FolderCheck, manifest: Manifest, address: Address, asset: Asset, rules: ScriptRules
) -> AssetRow:
    segment = manifest.segment_of(address)
    present, altered = check.look(asset)
    stale = find_stale_reason(segment, address.kind, rules)
    text, notes, conflict = segment.paragraph_text, segment.notes, describe_conflict(asset)
    cached = project.blobs.has(asset.md5)
    on_it = tuple(iter_on(address.segment, segment, address.kind))
    return AssetRow(address.segment, address.kind, asset, text, notes, present, stale, conflict, cached, altered, on_it)
