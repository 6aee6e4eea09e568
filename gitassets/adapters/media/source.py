"""The media files of a build: where the bytes are, and what they hold, measured once for each hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gitassets.adapters.files import write_atomic
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError

_CACHE_VERSION = 2  # Increase with every change to the measurement.


@dataclass(frozen=True)
class MediaSource:
    """A file with media, under any name. `md5` is its hash, which the caller has checked."""

    md5: str
    path: Path
    info: MediaInfo


class BrokenMediaError(CorruptError):
    """Some files cannot be used.

    `problems` maps an md5 to its problem, phrased to follow the name of the asset.
    """

    def __init__(self, message: str, hint: str, problems: Mapping[str, str]) -> None:
        super().__init__(message, hint)
        self.problems = problems


def probe_sources(
    paths: Mapping[str, Path], cache_dir: Path, jobs: int, on_done: Callable[[int], None] = lambda _: None
) -> dict[str, MediaSource]:
    """Measure every file and return the results by md5, from the cache where possible.

    `on_done` receives the number of measured files. Raise BrokenMediaError that names the broken ones.
    """
    broken: dict[str, CorruptError] = {}

    def probe(md5: str) -> MediaSource | None:
        try:
            return _probe_source(md5, paths[md5], cache_dir)
        except CorruptError as error:
            broken[md5] = error
            return None

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        found: dict[str, MediaSource | None] = {}
        for md5, source in zip(paths, pool.map(probe, paths), strict=True):
            found[md5] = source
            on_done(len(found))
    if broken:
        problems = {md5: broken[md5].message.removeprefix(f"{paths[md5]} ") for md5 in paths if md5 in broken}
        first = broken[next(iter(problems))]
        raise BrokenMediaError(first.message, first.hint, problems)
    return {md5: source for md5, source in found.items() if source is not None}


def measure(sources: Mapping[str, MediaSource]) -> dict[str, float]:
    """Return the decoded length in seconds of each sound and clip, by md5."""
    return {md5: one.info.duration_sec for md5, one in sources.items() if one.info.duration_sec is not None}


def _probe_source(md5: str, path: Path, cache_dir: Path) -> MediaSource:
    record = cache_dir / "media" / md5[:2] / f"{md5[2:]}.json"
    info = _read_record(record)
    if info is None:
        info = probe_media(path)
        write_atomic(record, json.dumps({"form": _CACHE_VERSION, **asdict(info)}).encode())
    return MediaSource(md5, path, info)


def _read_record(record: Path) -> MediaInfo | None:
    """Read the cached measurement. Return None if there is none, or one of another version."""
    try:
        raw: dict[str, Any] = json.loads(record.read_bytes())
        if raw.pop("form") != _CACHE_VERSION:
            return None
        return MediaInfo(**{**raw, "kind": Kind(raw["kind"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None
