"""Lay out an exported excerpt of a run on a timeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gitassets.adapters.media.source import MediaSource, measure
from gitassets.domain.frame_format import parse_fps
from gitassets.domain.manifest import Kind
from gitassets.domain.timeline import Choice, Policy, Timeline, choose_assets, iter_used_assets, lay_out, with_words
from gitassets.interchange.measure import measure_files
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project
from gitassets.runs.verified_bytes import Excerpt
from gitassets.runs.word_files import read_known


@dataclass(frozen=True)
class ExcerptTimeline:
    """The timeline of an excerpt. `sources` are the measured media by md5."""

    choice: Choice
    timeline: Timeline
    sources: Mapping[str, MediaSource]


def lay_out_excerpt(
    project: Project, excerpt: Excerpt, on_progress: OnProgress, measured: Collection[Kind] = tuple(Kind)
) -> ExcerptTimeline:
    """Lay out every segment of the excerpt as `build` does. The `measured` kinds must include narration."""
    choice = choose_assets(excerpt.manifest, Policy.EVERYTHING, allow_gaps=True)
    used = (asset for address, asset in iter_used_assets(choice.segments) if address.kind in measured)
    blobs = {asset.md5: excerpt.blobs[asset.path] for asset in used}
    sources = measure_files(project, blobs, on_progress)
    lengths = measure(sources)
    timeline = lay_out(choice.segments, lengths, parse_fps(project.settings.build.fps))
    narrations = {one.narration.md5 for one in choice.segments if one.narration is not None}
    words = read_known(project, excerpt.head, {md5: lengths[md5] for md5 in narrations if md5 in lengths})
    timeline = with_words(timeline, words)
    return ExcerptTimeline(choice, timeline, sources)
