"""Show segments with their texts and assets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from gitassets.actions.list import AssetRow, describe_conflicts, make_row
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.image_prompt import find_user_prompt
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Manifest, Segment
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.selection import Selection, select_segments
from gitassets.runs.altered_files import FolderCheck
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class SegmentResult(Struct, frozen=True, rename={"rows": "assets"}):
    """One segment with its text, note and assets. Segment 0 has the run's music.

    `prompt` is the user's prompt for its image, if there is one.

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
    numbers = select_segments(selection, manifest)
    rows, texts = _read_rows(project, run, manifest, numbers), _describe_texts(project, run, manifest, numbers)
    shown = (_show(run, number, manifest.segments[number], rows[number], texts.get(number)) for number in numbers)
    music = _show_music(project, run, manifest) if not selection.explicit else ()
    return (*music, *shown)


def _show_music(project: Project, run: Run, manifest: Manifest) -> tuple[SegmentResult, ...]:
    """Return the run's music as that of segment 0, which has no text."""
    if manifest.music is None:
        return ()
    check = FolderCheck(project, run)
    row = make_row(project, check, manifest, MUSIC, manifest.music, find_script_rules(manifest))
    rows = describe_conflicts(project, run, manifest, [row])
    return (_show(run, MUSIC.segment, manifest.segment_of(MUSIC), rows, None),)


def _read_rows(project: Project, run: Run, manifest: Manifest, numbers: Sequence[int]) -> dict[int, list[AssetRow]]:
    check, rules = FolderCheck(project, run), find_script_rules(manifest)
    addresses = [Address(number, kind) for number in numbers for kind in SEGMENT_KINDS]
    found = [(one, asset) for one in addresses if (asset := manifest.asset(one)) is not None]
    rows = [make_row(project, check, manifest, address, asset, rules) for address, asset in found]
    grouped: dict[int, list[AssetRow]] = {number: [] for number in numbers}
    for row in describe_conflicts(project, run, manifest, rows):
        grouped[row.segment].append(row)
    return grouped


def _describe_texts(project: Project, run: Run, manifest: Manifest, numbers: Sequence[int]) -> dict[int, list[str]]:
    """Describe the sides of each text that is in conflict."""
    wanted = {number: list[str]() for number in numbers if CONFLICT in manifest.segments[number].extra}
    if not wanted:
        return {}
    from gitassets.runs.disputes import find_disputes

    for one in find_disputes(project, run, manifest):
        if one.kind is None and one.segment in wanted:
            wanted[one.segment] += [side.describe() for side in one.sides]
    return wanted


def _show(
    run: Run, number: int, segment: Segment, rows: Sequence[AssetRow], text_sides: Sequence[str] | None
) -> SegmentResult:
    return SegmentResult(
        run_id=run.run_id,
        segment=number,
        folder=run.folder,
        text=segment.paragraph_text,
        prompt=find_user_prompt(segment),
        notes=segment.notes,
        sync_status=segment.sync_status,
        rows=tuple(rows),
        text_in_conflict=text_sides is not None,
        text_sides=tuple(text_sides or ()),
    )
