"""Lay out a run as its video will be, without building it."""

from __future__ import annotations

from gitassets.domain.frame_format import parse_fps
from gitassets.domain.manifest import Kind
from gitassets.domain.timeline import Policy, Shot, choose_assets, lay_out
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


def lay_out_play(project: Project, run: Run) -> tuple[Shot, ...]:
    """Return the shots of all segments in order, with whatever assets they have now. Times are as recorded."""
    manifest = read_manifest(project, run)
    if not manifest.segments:
        return ()
    choice = choose_assets(manifest, Policy.EVERYTHING, allow_gaps=True)
    durations = {asset.md5: float(asset.duration_sec or 0) for _, asset in manifest.assets(Kind.AUDIO)}
    return lay_out(choice.segments, durations, parse_fps(project.settings.build.fps)).shots
