"""Name the files of a build by what it is, and keep the builds of a run apart.

A run has one main final: the last full build in the project's own shape. Drafts and builds in other shapes lie beside
it under names of their own. `built`, `sync_status` and publishing go by the main final alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.manifest import FinalFile, Manifest

MAIN = ""
SHOWS = "shows"
"""The key of a video's record in the manifest under which the digest of the shown assets is kept."""
_DRAFT = "draft"
_LOOK = ".look-"


class Shape(Struct, frozen=True):
    """The width, height and frame rate of a video."""

    size: tuple[int, int]
    fps: Fraction


class FinalNames(Struct, frozen=True):
    """The paths of a video, its captions as SubRip and WebVTT, and the record of its inputs.

    `cut` is MAIN or names what it is instead.
    """

    cut: str
    video: str
    captions: str
    web_captions: str
    record: str

    def name_look_file(self, key: str, suffix: str) -> str:
        """Return the path of a file of the look: "final/RUN.look-logo.png"."""
        return f"{self.video.removesuffix('.mp4')}{_LOOK}{key.removesuffix('.file').replace('.', '-')}{suffix}"

    @property
    def is_main(self) -> bool:
        return self.cut == MAIN


def name_cut(own: Shape, wanted: Shape, *, draft: bool) -> str:
    """Return how a build differs from the main final, such as "draft-640x360-25fps"; MAIN if it does not."""
    parts = [_DRAFT] if draft else []
    parts += ["{}x{}".format(*wanted.size)] if wanted.size != own.size else []
    parts += [f"{_format_fps(wanted.fps)}fps"] if wanted.fps != own.fps else []
    return "-".join(parts)


def _format_fps(fps: Fraction) -> str:
    return str(fps.numerator) if fps.denominator == 1 else f"{float(fps):.3f}".rstrip("0").rstrip(".")


def name_finals(run_id: str, cut: str) -> FinalNames:
    """Return the names of a build's files."""
    if cut == MAIN:
        # The record keeps the name under which every version of gitassets finds it.
        return FinalNames(cut, f"final/{run_id}.mp4", f"final/{run_id}.srt", f"final/{run_id}.vtt", "final/build.json")
    stem = f"final/{run_id}-{cut}"
    return FinalNames(cut, f"{stem}.mp4", f"{stem}.srt", f"{stem}.vtt", f"{stem}.json")


def find_cut(run_id: str, path: str) -> str:
    """Return the cut that a file in final/ belongs to. Files under other names belong to the main final."""
    found = PurePosixPath(path)
    before = f"{run_id}-"
    if found.parent.name != "final" or not found.stem.startswith(before):
        return MAIN
    return found.stem.removeprefix(before).partition(_LOOK)[0]


def is_draft(cut: str) -> bool:
    return cut.split("-")[0] == _DRAFT


def group_finals(manifest: Manifest) -> dict[str, tuple[FinalFile, ...]]:
    """Return the files of each final by its cut, sorted by path."""
    groups: dict[str, list[FinalFile]] = {}
    for one in sorted(manifest.final, key=lambda one: one.path):
        groups.setdefault(find_cut(manifest.run_id, one.path), []).append(one)
    return {cut: tuple(files) for cut, files in groups.items()}


def with_final(manifest: Manifest, cut: str, files: Iterable[FinalFile]) -> tuple[FinalFile, ...]:
    """Return the manifest's finals with `files` in place of those of this cut."""
    groups = group_finals(manifest) | {cut: tuple(files)}
    return tuple(sorted((one for files in groups.values() for one in files), key=lambda one: one.path))


def digest_shown(records: Mapping[int, Mapping[str, str]]) -> str:
    """Return a digest of the assets that a video shows, given the `built` record of each segment."""
    text = json.dumps([[number, dict(records[number])] for number in sorted(records)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def find_shown(files: Iterable[FinalFile]) -> object:
    """Return the digest that a final's files record; None for one that records none."""
    return next((one.extra[SHOWS] for one in files if SHOWS in one.extra), None)


def rename_finals(manifest: Manifest, run_id: str) -> tuple[FinalFile, ...]:
    """Return the finals under the names that they have in a run called `run_id`."""
    before = f"final/{manifest.run_id}"
    return tuple(
        replace(one, path=f"final/{run_id}{one.path.removeprefix(before)}") if _is_named(one.path, before) else one
        for one in manifest.final
    )


def _is_named(path: str, before: str) -> bool:
    return path.startswith((f"{before}.", f"{before}-"))
