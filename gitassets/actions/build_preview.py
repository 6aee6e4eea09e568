"""Say what a build would hold, without building it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gitassets.actions.build_plan import BuildOptions, choose, lay_out_choice, name_files, read_settings, style_cards
from gitassets.adapters.media.source import BrokenMediaError, MediaSource, measure, probe_sources
from gitassets.adapters.render.settings import RenderSettings
from gitassets.adapters.render.video import count_reused
from gitassets.domain.script import estimate_duration_sec
from gitassets.domain.timeline import Choice, Finding, Look, Timeline, with_words
from gitassets.runs.fetch import list_absent, list_wanted
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.word_files import read_known


class PlannedSegment(Struct, frozen=True):
    """A segment as a build would show it. `visual_from` is the segment whose picture is seen."""

    segment: int
    start_sec: float
    duration_sec: float
    audio: str | None
    look: Look
    visual: str | None
    visual_from: int | None


class BuildPreview(Struct, frozen=True, kw_only=True):
    """What a build would hold. With `gaps` nothing would be built.

    `reused` counts the segments that are rendered already; None if files must be downloaded (`to_fetch`) or measured
    first, so that lengths are those of the manifest.
    """

    run_id: str
    video: str | None
    duration_sec: float
    segments: tuple[PlannedSegment, ...]
    reused: int | None
    to_fetch: int
    gaps: tuple[Finding, ...]
    omissions: tuple[Finding, ...]
    dry_run: bool = True


def preview_build(project: Project, run: Run, options: BuildOptions) -> BuildPreview:
    """Lay out what a build would show. Change nothing."""
    manifest = read_manifest(project, run)
    settings = style_cards(project, manifest, read_settings(project, manifest, options))
    choice = choose(manifest, options)
    used = list_wanted((asset.path, asset.md5, asset.size) for _, asset in choice.iter_used())
    absent = list_absent(project, run, used)
    sources = None if any(not project.blobs.has(md5) for md5 in used) else _probe(project, settings, list(used))
    laid_out = lay_out_choice(choice, _list_lengths(choice, sources), settings, manifest)
    timeline = _add_words(project, run, laid_out, sources)
    names = name_files(project, run, settings, choice, options.policy)
    return BuildPreview(
        run_id=run.run_id,
        video=names.video if options.is_recorded else None,
        duration_sec=round(float(timeline.duration), 3),
        segments=_plan_segments(timeline),
        reused=None if sources is None else count_reused(timeline, sources, settings, project.render_cache_dir),
        to_fetch=len(absent),
        gaps=choice.gaps,
        omissions=choice.omissions,
    )


def _add_words(project: Project, run: Run, timeline: Timeline, sources: Mapping[str, MediaSource] | None) -> Timeline:
    """Add the known word times, which captions in the picture depend on."""
    lengths = measure(sources or {})
    narrations = {shot.narration.md5 for shot in timeline.shots if shot.narration is not None}
    known = {md5: lengths[md5] for md5 in narrations if md5 in lengths}
    commit = project.git.resolve(run.ref) or ""
    return with_words(timeline, read_known(project, commit, known)) if known else timeline


def _probe(project: Project, settings: RenderSettings, md5s: list[str]) -> dict[str, MediaSource] | None:
    blobs = {md5: project.blobs.path(md5) for md5 in md5s}
    try:
        return probe_sources(blobs, project.render_cache_dir, settings.jobs)
    except BrokenMediaError:
        return None  # The build names the broken files.


def _list_lengths(choice: Choice, sources: Mapping[str, MediaSource] | None) -> dict[str, float]:
    if sources is not None:
        return dict(measure(sources))
    narrated = (one for one in choice.segments if one.narration is not None)
    return {
        one.narration.md5: float(one.narration.duration_sec or estimate_duration_sec(one.text))
        for one in narrated
        if one.narration is not None
    }


def _plan_segments(timeline: Timeline) -> tuple[PlannedSegment, ...]:
    return tuple(
        PlannedSegment(
            shot.number,
            round(float(shot.start), 3),
            round(float(shot.duration), 3),
            None if shot.narration is None else shot.narration.path,
            shot.look,
            None if shot.visual is None else shot.visual.path,
            shot.visual_from,
        )
        for shot in timeline.shots
    )
