"""What the page is told about runs, segments, assets and takes."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gitassets.actions.list import AssetRow, describe_conflicts, make_row
from gitassets.actions.overview import UNDECIDED, RunOverview
from gitassets.domain.conflict import CONFLICT, text_records
from gitassets.domain.image_prompt import find_user_prompt, has_current_prompt
from gitassets.domain.manifest import MUSIC, SEGMENT_KINDS, Address, Asset, Kind, Manifest, Segment
from gitassets.domain.script_rules import ScriptRules, find_script_rules
from gitassets.domain.script_text import find_shown_text
from gitassets.domain.stale import find_stale_reason
from gitassets.domain.status import Status
from gitassets.domain.takes import Sighting, Take
from gitassets.runs.altered_files import FolderCheck
from gitassets.runs.project import Project, Run

SHORT = 8


class AssetView(Struct, frozen=True, kw_only=True):
    """One asset. `media`, `thumb` and `peaks` are paths on this server; None where there is no such thing."""

    kind: Kind
    segment: int
    status: Status
    take: int
    md5: str
    size_bytes: int
    duration_sec: float | None
    width: int | None
    height: int | None
    source: str | None
    model: str | None
    prompt: str | None
    style: str | None
    voice: str | None
    seed: int | None
    cost_usd: float | None
    reason: str | None
    stale: str | None
    altered: bool
    conflict: tuple[str, ...]
    present: bool
    path: str
    media: str
    thumb: str | None
    peaks: str | None
    takes: int


class RowView(Struct, frozen=True, kw_only=True):
    """One segment. `shown` is its text without the marks of Markdown.

    `wanted_prompt` is the prompt that a user has set since the image was made. `texts` are those of two branches that
    both changed the text.
    """

    segment: int
    text: str
    shown: str
    notes: str | None
    sync_status: str
    wanted_prompt: str | None
    text_in_conflict: bool
    texts: tuple[str, ...]
    assets: dict[str, AssetView | None]
    carried_from: int | None


class TakeView(Struct, frozen=True, kw_only=True):
    take: int
    md5: str
    status: Status
    current: bool
    candidate: bool
    present: bool
    media: str
    thumb: str | None
    peaks: str | None
    size_bytes: int
    duration_sec: float | None
    width: int | None
    height: int | None
    prompt: str | None
    style: str | None
    voice: str | None
    seed: int | None
    source: str | None
    model: str | None
    cost_usd: float | None
    reason: str | None
    by: str
    when: str


class ChangeView(Struct, frozen=True):
    """One entry of an asset's history, from the manifests."""

    commit: str
    when: str
    by: str
    what: str
    take: int
    md5: str
    reason: str | None


class RunView(Struct, frozen=True, kw_only=True):
    """One card of the list of runs."""

    run_id: str
    title: str
    state: str
    is_open: bool
    problem: str | None
    segments: int
    assets: int
    decided: int
    counts: dict[str, int]
    length_sec: float
    cost_usd: float
    last_activity: int | None
    ahead: int | None
    behind: int | None
    conflicts: int
    poster: str | None


def view_run(one: RunOverview) -> RunView:
    summary = one.summary
    poster = f"/thumb/{summary.run_id}/{one.poster}?w=320" if one.poster else None
    return RunView(
        run_id=summary.run_id,
        title=summary.run_id,
        state=summary.production_state,
        is_open=summary.is_open,
        problem=summary.problem,
        segments=summary.segments,
        assets=one.assets,
        decided=one.decided,
        counts=summary.counts,
        length_sec=summary.duration_sec,
        cost_usd=summary.cost_usd,
        last_activity=one.last_activity,
        ahead=one.ahead,
        behind=one.behind,
        conflicts=one.conflicts,
        poster=poster,
    )


def count_statuses(manifest: Manifest) -> dict[str, int]:
    counts = dict.fromkeys((status.value for status in Status), 0)
    for _, asset in manifest.assets():
        counts[asset.status.value] += 1
    return {name: number for name, number in counts.items() if number}


def needs_decision(asset: Asset) -> bool:
    return asset.status in UNDECIDED or CONFLICT in asset.extra


def make_index(manifest: Manifest) -> list[list[object]]:
    """List every asset in short: segment, kind, status, md5, marks, length. Touches no file."""
    rows: list[list[object]] = []
    rules = find_script_rules(manifest)
    for address, asset in manifest.assets():
        if address == MUSIC:
            continue  # The page shows what belongs to segments.
        stale = find_stale_reason(manifest.segment_of(address), address.kind, rules) is not None
        marks = ("s" if stale else "") + ("c" if CONFLICT in asset.extra else "") + ("t" if asset.takes else "")
        rows.append(
            [address.segment, address.kind.value, asset.status.value, asset.md5[:SHORT], marks, asset.duration_sec]
        )
    return rows


def list_bare(manifest: Manifest) -> list[int]:
    """List the segments without any asset, which the index does not name."""
    return [number for number, one in manifest.segments.items() if not any(map(one.asset, SEGMENT_KINDS))]


def list_disputed(manifest: Manifest) -> list[int]:
    """List the segments whose text two branches changed."""
    return [number for number, one in manifest.segments.items() if CONFLICT in one.extra]


def view_rows(project: Project, run: Run, manifest: Manifest, numbers: Sequence[int]) -> list[RowView]:
    """View the rows of these segments; number 0 is the row of the music."""
    addresses = [Address(number, kind) for number in numbers for kind in (SEGMENT_KINDS if number else [Kind.MUSIC])]
    found = [(one, asset) for one in addresses if (asset := manifest.asset(one)) is not None]
    check, rules = FolderCheck(project, run), find_script_rules(manifest)
    rows = [make_row(project, check, manifest, address, asset, rules) for address, asset in found]
    described = describe_conflicts(project, run, manifest, rows)
    views = {Address(row.segment, row.kind): view_asset(run, row) for row in described}
    return [_view_row(manifest, number, views, rules) for number in numbers]


def _view_row(manifest: Manifest, number: int, views: dict[Address, AssetView], rules: ScriptRules) -> RowView:
    segment = manifest.segment_of(Address(number, Kind.AUDIO) if number else MUSIC)
    return RowView(
        segment=number,
        text=segment.paragraph_text,
        shown=find_shown_text(segment.paragraph_text, rules) or segment.paragraph_text,
        notes=segment.notes,
        sync_status=segment.sync_status,
        wanted_prompt=_find_wanted_prompt(segment),
        text_in_conflict=CONFLICT in segment.extra,
        texts=tuple(str(one["paragraph_text"]) for one in text_records(segment) if "paragraph_text" in one),
        assets={kind.value: views.get(Address(number, kind)) for kind in (SEGMENT_KINDS if number else [Kind.MUSIC])},
        carried_from=_find_carried(manifest, number) if number else None,
    )


def _find_wanted_prompt(segment: Segment) -> str | None:
    is_answered = segment.image is not None and has_current_prompt(segment, segment.image)
    return None if is_answered else find_user_prompt(segment)


def _find_carried(manifest: Manifest, number: int) -> int | None:
    """Return the segment whose picture is still seen in this one, if it has none of its own."""
    if manifest.segments[number].image or manifest.segments[number].video:
        return None
    earlier = (one for one in range(number - 1, 0, -1) if one in manifest.segments)
    return next((one for one in earlier if manifest.segments[one].image or manifest.segments[one].video), None)


def view_asset(run: Run, row: AssetRow) -> AssetView:
    asset = row.asset
    return AssetView(
        kind=row.kind,
        segment=row.segment,
        status=asset.status,
        take=asset.take,
        md5=asset.md5,
        size_bytes=asset.size,
        duration_sec=asset.duration_sec,
        width=asset.width,
        height=asset.height,
        source=asset.source,
        model=asset.model,
        prompt=asset.prompt,
        style=asset.style,
        voice=asset.voice,
        seed=asset.seed,
        cost_usd=asset.cost_usd,
        reason=asset.reason,
        stale=row.stale,
        altered=row.altered,
        conflict=row.conflict,
        present=row.present or row.cached,
        path=asset.path,
        media=media_path(run.run_id, row.kind, asset.md5),
        thumb=thumb_path(run.run_id, row.kind, asset.md5),
        peaks=peaks_path(run.run_id, row.kind, asset.md5),
        takes=1 + len(asset.takes),
    )


def view_take(project: Project, run: Run, kind: Kind, take: Take) -> TakeView:
    asset = take.asset
    return TakeView(
        take=asset.take,
        md5=asset.md5,
        status=asset.status,
        current=take.current,
        candidate=take.candidate,
        present=project.blobs.has(asset.md5) or (take.current and FolderCheck(project, run).look(asset)[0]),
        media=media_path(run.run_id, kind, asset.md5),
        thumb=thumb_path(run.run_id, kind, asset.md5),
        peaks=peaks_path(run.run_id, kind, asset.md5),
        size_bytes=asset.size,
        duration_sec=asset.duration_sec,
        width=asset.width,
        height=asset.height,
        prompt=asset.prompt,
        style=asset.style,
        voice=asset.voice,
        seed=asset.seed,
        source=asset.source,
        model=asset.model,
        cost_usd=asset.cost_usd,
        reason=asset.reason,
        by=take.author.split(" <")[0],
        when=take.date,
    )


def view_history(sightings: Sequence[Sighting]) -> list[ChangeView]:
    """Describe each change of an asset, newest first."""
    changes, before = [], None
    for seen in sightings:
        changes.append(
            ChangeView(
                seen.commit, seen.date, seen.author.split(" <")[0], _describe(before, seen.asset), seen.asset.take,
                seen.asset.md5, seen.asset.reason,
            )
        )  # fmt: skip
        before = seen.asset
    return changes[::-1]


def _describe(before: Asset | None, after: Asset) -> str:
    if before is None:
        return f"take {after.take}, {after.status}"
    if before.md5 != after.md5:
        return f"take {after.take}, {after.status}"
    if before.status is not after.status:
        return after.status.value
    if len(before.takes) != len(after.takes):
        return "other candidates"
    return "changed"


def media_path(run_id: str, kind: Kind, md5: str) -> str:
    """Return the path of the bytes: pictures as they are, sound and clips in a form that browsers play."""
    return f"/{'media' if kind is Kind.IMAGE else 'play'}/{run_id}/{md5}"


def thumb_path(run_id: str, kind: Kind, md5: str) -> str | None:
    return None if kind.of_file is Kind.AUDIO else f"/thumb/{run_id}/{md5}?w=320"


def peaks_path(run_id: str, kind: Kind, md5: str) -> str | None:
    return None if kind is Kind.IMAGE else f"/peaks/{run_id}/{md5}"
