"""Interpret paths in files of claude-studio, which were written on another machine, relative to an unknown folder.

This only lists where the file could be, best guess first. The caller looks there, and only inside the repository.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from enum import StrEnum

from msgspec import Struct

_DRIVE = re.compile(r"[A-Za-z]:")


class Base(StrEnum):
    """What a possible path is relative to: the run's folder, the folder that claude-studio ran in, or nothing."""

    RUN = "run"
    WORK = "work"
    NOTHING = "nothing"


class PossiblePath(Struct, frozen=True):
    """A place where a file may be."""

    base: Base
    path: str


class OldFile(Struct, frozen=True):
    """A file that exists: its path in the run's folder, or else in the project."""

    path: str
    in_run: bool


class MissingFile(Struct, frozen=True):
    """A path that leads to no usable file, and why."""

    why: str


Place = OldFile | MissingFile


def iter_possible_paths(raw: str, run_names: Collection[str]) -> Iterator[PossiblePath]:
    """Yield where the file may be, best guess first. `run_names` are the names that the run's folder has or had."""
    path = raw.strip().replace("\\", "/")
    drive = _DRIVE.match(path)
    bare = path[2:] if drive else path
    parts = [part for part in bare.split("/") if part not in ("", ".")]
    inside = _after_last(parts, run_names)
    if inside and ".." not in inside:
        yield PossiblePath(Base.RUN, "/".join(inside))
    if bare.startswith("/") and not drive:
        yield PossiblePath(Base.NOTHING, bare)
    elif not drive and parts:
        yield PossiblePath(Base.RUN, "/".join(parts))
        yield PossiblePath(Base.WORK, "/".join(parts))
    artifacts = _after_last(parts, ("artifacts",))
    if artifacts and ".." not in artifacts:
        yield PossiblePath(Base.WORK, "/".join(("artifacts", *artifacts)))


def _after_last(parts: list[str], names: Collection[str]) -> list[str]:
    places = [place for place, part in enumerate(parts) if part in names]
    return parts[places[-1] + 1 :] if places else []
