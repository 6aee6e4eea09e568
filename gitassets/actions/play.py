"""Find what can be played: the video of a run, or the sound and clip of a segment."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gitassets.domain.finals import MAIN, group_finals
from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.selection import Selection, select_segments
from gitassets.errors import NoMatchError, NotFoundError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.project import Project, Run


class Playable(Struct, frozen=True):
    """A file to play. `path` is absolute."""

    path: Path
    kind: Kind


def find_playable(project: Project, run: Run, segments: Selection | None = None) -> tuple[Playable, ...]:
    """Return the video that was built, or the narration and the clip of the chosen segments, in order."""
    manifest = read_manifest(project, run)
    found = _find_build(manifest) if segments is None else _find_assets(manifest, segments)
    return tuple(Playable(_locate(project, run, path, md5), kind) for path, md5, kind in found)


def _find_build(manifest: Manifest) -> list[tuple[str, str, Kind]]:
    """Return the main final; if there is none, the first of the drafts and the builds in other shapes."""
    groups = group_finals(manifest)
    ordered = [groups.get(MAIN, ()), *(files for cut, files in groups.items() if cut != MAIN)]
    video = next((one for files in ordered for one in files if one.path.endswith(".mp4")), None)
    if video is None:
        raise NoMatchError(
            f"{manifest.run_id} was never built", f"`gitassets build {manifest.run_id}` makes the video."
        )
    return [(video.path, video.md5, Kind.VIDEO)]


def _find_assets(manifest: Manifest, segments: Selection) -> list[tuple[str, str, Kind]]:
    chosen = [manifest.segments[one] for one in select_segments(segments, manifest)]
    assets = [(segment.asset(kind), kind) for segment in chosen for kind in (Kind.AUDIO, Kind.VIDEO)]
    found = [(asset.path, asset.md5, kind) for asset, kind in assets if asset is not None]
    if not found:
        raise NoMatchError(f"There is no narration and no clip to play in {manifest.run_id}", "")
    return found


def _locate(project: Project, run: Run, path: str, md5: str) -> Path:
    """Return the file in the run's folder, or the bytes in the cache."""
    file = run.folder / path if run.folder else None
    if file is not None and file.is_file():
        return file
    if project.blobs.has(md5):
        return project.blobs.path(md5)
    raise NotFoundError(f"{path} of {run.run_id} is not here", suggest_fetch(project, run, [md5]))
