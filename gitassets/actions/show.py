"""Show segments with their texts and assets."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gitassets.actions.list import AssetRow, describe_conflicts, make_row
from gitassets.domain.conflict import iter_text_conflicts
from gitassets.domain.image_prompt import find_user_prompt
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.selection import Selection, select_segments
from gitassets.runs.altered_files import FolderCheck
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class SegmentResult(Struct, frozen=True, rename={"rows": "assets"}):
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
    check = FolderCheck(project, run)
    rows = tuple(
        make_row(project, check, manifest, Address(number, kind), asset)
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
        rows=tuple(describe_conflicts(project, run, manifest, rows)),
        text_in_conflict=in_conflict,
        text_sides=_describe_texts(project, run, manifest, number) if in_conflict else (),
    )


def _describe_texts(project: Project, run: Run, manifest: Manifest, number: int) -> tuple[str, ...]:
    from gitassets.runs.disputes import find_disputes

    found = (one for one in find_disputes(project, run, manifest) if (one.segment, one.kind) == (number, None))
    return tuple(side.describe() for one in found for side in one.sides)
