"""Files that tasks carry with them, since no DVC remote has them: those of a look, and fonts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from gitassets.adapters.files import hash_bytes, hash_file, write_atomic
from gitassets.adapters.media.font_file import MAX_FONT_BYTES
from gitassets.adapters.tasks.order import MAX_CARRIED_BYTES
from gitassets.adapters.tasks.task import Task
from gitassets.drawing.typeface import BUNDLED
from gitassets.errors import CorruptError, GitAssetsError

_LIMIT_BYTES = 600_000_000


@cache
def list_bundled() -> Mapping[str, Path]:
    """Return the fonts that come with gitassets, by md5."""
    return {hash_file(path): path for path in sorted(BUNDLED.glob("*.ttf"))}


def list_carried(tasks: Iterable[Task]) -> dict[str, int]:
    """Return the sizes by md5 of all that is to be sent with these tasks. Workers have the bundled fonts.

    Raise GitAssetsError if it is too much.
    """
    sizes = {md5: size for one in tasks for md5, size in one.carried.items() if md5 not in list_bundled()}
    total = sum(sizes.values())
    if total > MAX_CARRIED_BYTES or max(sizes.values(), default=0) > MAX_FONT_BYTES:
        raise GitAssetsError(
            f"The logo and the fonts of this video have {_count_mb(total)} MB. Workers are given at most "
            f"{_count_mb(MAX_CARRIED_BYTES)} MB, and {_count_mb(MAX_FONT_BYTES)} MB a file",
            "Name smaller fonts or a smaller logo in the look, or build on this machine alone.",
        )
    return sizes


def _count_mb(size: int) -> int:
    return -(-size // 1_000_000)


class CarriedStore:
    """What was carried to this machine. A file stays at its path for as long as it is used."""

    def __init__(self, base: Path) -> None:
        self._folder = base / "carried"

    def keep(self, md5: str, content: bytes) -> None:
        """Keep a file. Raise CorruptError if it has other bytes than its name says."""
        if hash_bytes(content) != md5:
            raise CorruptError(f"The file {md5} was delivered with other bytes")
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / md5, content)
        self._prune()

    def find(self, md5: str) -> Path | None:
        if md5 in list_bundled():
            return list_bundled()[md5]
        path = self._folder / md5
        if not path.is_file():
            return None
        os.utime(path)
        return path

    def _prune(self) -> None:
        """Delete the files that were used longest ago, until the rest fits: many builds' worth."""
        files = [(path, path.stat()) for path in self._folder.iterdir()]
        total = 0
        for path, stat in sorted(files, key=lambda one: one[1].st_mtime_ns, reverse=True):
            total += stat.st_size
            if total > _LIMIT_BYTES:
                path.unlink(missing_ok=True)
