"""Measures many media files, and says how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitassets.adapters.media.source import MediaSource, probe_sources
from gitassets.adapters.render.settings import RenderSettings
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project

_AT_ONCE = 32


def measure_files(project: Project, files: Mapping[str, Path], on_progress: OnProgress) -> dict[str, MediaSource]:
    """Each file by its md5, which the caller has checked. CorruptError names the first that does not decode."""
    md5s, found = list(files), {}
    for start in range(0, len(md5s), _AT_ONCE):
        on_progress(Progress(start, len(md5s), "measuring"))
        some = {md5: files[md5] for md5 in md5s[start : start + _AT_ONCE]}
        found.update(probe_sources(some, project.render_cache_dir, RenderSettings().jobs))
    return found
