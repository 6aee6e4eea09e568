"""Make what a page shows of a take: a small picture, a waveform, a playable copy. Each is made once for its bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.loudness import measure_loudness
from gitassets.adapters.media.pictures import PICTURES
from gitassets.adapters.media.preview import (
    MEDIA_TYPES,
    Peaks,
    Small,
    is_playable,
    read_format,
    read_frame_rate,
    read_peaks,
    write_proxy,
    write_thumbnail,
)
from gitassets.adapters.media.source import probe_sources
from gitassets.adapters.render.cache import RenderCache
from gitassets.domain.records import prepare_record
from gitassets.errors import GitAssetsError, NotFoundError
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.project import Project, Run

THUMB_WIDTHS = (320, 960)
CACHE_BYTES = 2_000_000_000
_FORM = 1  # Increase with every change to what is made.


class Waveform(Struct, frozen=True):
    """The peaks of a sound, and how loud it is as a whole (None: silent)."""

    rate: float
    peaks: list[int]
    loudness_lufs: float | None


prepare_record(Waveform)


def find_bytes(project: Project, run: Run, md5: str, path: str | None) -> Path:
    """Return a file with these bytes: the blob, or the run's own file. Raise NotFoundError if they are not here."""
    if project.blobs.has(md5):
        return project.blobs.path(md5)
    if path is not None and run.folder is not None and project.stat_index(run).hash(path) == md5:
        return run.folder / path
    raise NotFoundError(f"The bytes of {path or md5} are not here", suggest_fetch(project, run, [md5]))


def find_media_type(file: Path) -> str | None:
    """Return the type of the file's bytes. None: no picture, sound or clip, which a browser must not interpret."""
    return MEDIA_TYPES.get(read_format(file) or "")


def needs_copy(file: Path) -> bool:
    """Check for a picture that browsers do not show, such as a TIFF or a HEIC."""
    name = read_format(file)
    return name in PICTURES and name not in MEDIA_TYPES


def find_frame_rate(project: Project, run: Run, md5: str, path: str) -> float | None:
    """Return how many frames a second a clip has; None if that is unknown, or its bytes are not here or broken."""
    try:
        return read_frame_rate(find_bytes(project, run, md5, path))
    except GitAssetsError:
        return None


def make_thumbnail(project: Project, file: Path, md5: str, width: int) -> Path:
    return _keep(project, {"thumb": md5, "width": width}, ".webp", lambda target: write_thumbnail(file, width, target))


def make_waveform(project: Project, file: Path, md5: str) -> Path:
    """Measure the sound and return a file of JSON, in the form of a Waveform."""
    return _keep(project, {"peaks": md5}, ".json", lambda target: _write_waveform(project, file, md5, target))


def _write_waveform(project: Project, file: Path, md5: str, target: Path) -> None:
    peaks: Peaks = read_peaks(file)
    lufs = _measure_loudness(project, file, md5) if peaks.peaks else None
    target.write_bytes(msgspec.json.encode(Waveform(peaks.rate, peaks.peaks, lufs)))


def _measure_loudness(project: Project, file: Path, md5: str) -> float | None:
    source = probe_sources({md5: file}, project.render_cache_dir, 1)[md5]
    with Ffmpeg(find_ffmpeg(project.render_cache_dir)) as ffmpeg:
        return measure_loudness(ffmpeg, source, project.render_cache_dir, "measuring the loudness")


def find_playable(project: Project, file: Path, md5: str) -> Path | None:
    """Return the file itself if every browser plays it, or its copy if that was made; None if it is to be made."""
    if is_playable(file):
        return file
    path = _open_cache(project).path(_describe({"proxy": md5}), ".mp4")
    return path if _open_cache(project).touch(path) else None


def make_proxy(project: Project, file: Path, md5: str) -> Path:
    return _keep(project, {"proxy": md5}, ".mp4", lambda target: write_proxy(file, target))


def make_small_picture(project: Project, file: Path, md5: str, width: int, quality: int) -> Path:
    what = {"small": md5, "width": width, "quality": quality}
    return _keep(project, what, ".webp", lambda target: write_thumbnail(file, width, target, quality))


def make_small_copy(project: Project, file: Path, md5: str, small: Small) -> Path:
    what = {"copy": md5, "width": small.width, "kbps": [small.picture_kbps, small.sound_kbps]}
    return _keep(project, what, ".mp4", lambda target: write_proxy(file, target, small))


def prune_previews(project: Project) -> None:
    """Delete what was not shown for longest, beyond the limit, and what killed servers left."""
    cache = _open_cache(project)
    cache.remove_abandoned()
    cache.prune(CACHE_BYTES, set())


def _keep(project: Project, what: dict[str, object], suffix: str, write: Callable[[Path], None]) -> Path:
    cache = _open_cache(project)
    path = cache.path(_describe(what), suffix)
    if not cache.touch(path):
        with cache.workspace() as folder:
            write(folder / f"made{suffix}")
            cache.put(folder / f"made{suffix}", path)
    return path


def _describe(what: dict[str, object]) -> dict[str, object]:
    return {"form": _FORM, **what}


def _open_cache(project: Project) -> RenderCache:
    return RenderCache(project.state_dir / "previews")
