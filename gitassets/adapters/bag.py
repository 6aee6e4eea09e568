"""Write bags (BagIt 1.0) as folders and zip files, byte-identical each time, and validate them with `bagit`."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gitassets.domain.bag import (
    DECLARATION,
    DECLARED,
    INFO,
    PAYLOAD,
    Digests,
    format_info,
    format_lists,
    format_tag_lists,
)
from gitassets.errors import CorruptError

NEW_COPY_HINT = "Get it again from whoever made it."
_BLOCK_BYTES = 1024 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # The earliest time in a zip file, which has no way to omit the time.
_UNIX_SYSTEM = 3
_FILE_MODE = stat.S_IFREG | 0o644


class Readable(Protocol):
    """An object that returns at most the requested number of bytes per read."""

    def read(self, count: int, /) -> bytes: ...


class BagFolder:
    """A bag under construction: `folder` is empty at first, and a valid bag after `finish`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.payload: dict[str, Digests] = {}

    def add_file(self, path: str, source: Path) -> Digests:
        """Copy the bytes of `source` to the payload file `path`, which begins with data/."""
        with source.open("rb") as file:
            self.payload[path] = copy_hashed(file, self.folder / path)
        return self.payload[path]

    def add_bytes(self, path: str, data: bytes) -> None:
        self.payload[path] = _write_hashed(self.folder / path, data)

    def finish(self, info: Mapping[str, str]) -> dict[str, Digests]:
        """Turn the folder into a bag with `info` in its bag-info.txt. Return its tag files by name."""
        (self.folder / PAYLOAD).mkdir(parents=True, exist_ok=True)
        texts = {
            DECLARATION: DECLARED,
            INFO: format_info(info, self.payload.values()),
            **format_lists(self.payload),
        }
        tags = {name: _write_hashed(self.folder / name, data) for name, data in texts.items()}
        for name, data in format_tag_lists(tags).items():
            (self.folder / name).write_bytes(data)
        check_bag(self.folder, str(self.folder))
        return tags


def copy_hashed(source: Readable, target: Path) -> Digests:
    """Copy everything from `source` to `target`, and hash it on the way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with target.open("wb") as file:
        while block := source.read(_BLOCK_BYTES):
            md5.update(block)
            sha256.update(block)
            size += file.write(block)
    return Digests(size, md5.hexdigest(), sha256.hexdigest())


def _write_hashed(target: Path, data: bytes) -> Digests:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return Digests(len(data), hashlib.md5(data, usedforsecurity=False).hexdigest(), hashlib.sha256(data).hexdigest())


def check_bag(folder: Path, name: str) -> dict[str, str]:
    """Validate the bag called `name` and return its bag-info.txt.

    Raise CorruptError unless every file is listed, there, and intact.
    """
    import bagit

    # Its error contains the problems; logging them would report them twice.
    logging.getLogger("bagit").setLevel(logging.CRITICAL + 1)
    try:
        bag = bagit.Bag(str(folder))
        bag.validate()
    except (bagit.BagError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = _explain(error).replace(str(folder), name)
        raise CorruptError(f"{name} is no valid bag: {problem}", NEW_COPY_HINT) from error
    lists = [Path(one).stem.removeprefix("manifest-") for one in bag.manifest_files()]
    incompletely_listed = next(
        (path for path, known in bag.payload_entries().items() if not known.keys() >= set(lists)), None
    )
    if incompletely_listed is not None:
        raise CorruptError(f"{name} is no valid bag: {incompletely_listed} is not in each of its lists", NEW_COPY_HINT)
    return {label: value for label, value in bag.info.items() if isinstance(value, str)}


def _explain(error: Exception) -> str:
    """Return the first few problems that the library found."""
    details = [str(one) for one in getattr(error, "details", ())]
    shown = "; ".join(details[:3]) + (f"; and {len(details) - 3} more" if len(details) > 3 else "")
    return shown or str(error) or type(error).__name__


def write_zip(folder: Path, target: Path, top: str) -> None:
    """Write a zip file of the folder's files, below `top`. The same files give the same bytes on any system.

    They are stored, not compressed: media hardly shrink, and zlib's output differs from build to build.
    """
    with target.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
            for name in names:
                _add(archive, folder / name, f"{top}/{name}")
        file.flush()
        os.fsync(file.fileno())


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.create_system, entry.external_attr, entry.file_size = _UNIX_SYSTEM, _FILE_MODE << 16, path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
