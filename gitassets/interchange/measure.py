"""Measure many media files and report progress."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitassets.adapters.media.source import MediaSource, probe_sources
from gitassets.adapters.render.settings import RenderSettings
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project

_BATCH = 32


def measure_files(project: Project, files: Mapping[str, Path], on_progress: OnProgress) -> dict[str, MediaSource]:
    """Measure each file; `files` has the paths by md5, which the caller has checked.

    Raise CorruptError naming the first file that does not decode.
    """
    md5s, found = list(files), {}
    for start in range(0, len(md5s), _BATCH):
        on_progress(Progress(start, len(md5s), "measuring"))
        batch = {md5: files[md5] for md5 in md5s[start : start + _BATCH]}
        found.update(probe_sources(batch, project.render_cache_dir, RenderSettings().jobs))
    return found
