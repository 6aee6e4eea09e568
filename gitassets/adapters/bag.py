"""Makes bags (BagIt 1.0) as folders and zip files, with the same bytes each time; the library `bagit` judges them."""

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

_AGAIN = "Get it again from whoever made it."
_BLOCK_BYTES = 1024 * 1024
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # A zip file knows no earlier time, and has no word for none.
_UNIX = 3
_FILE_MODE = stat.S_IFREG | 0o644


class Readable(Protocol):
    """What bytes can be read from, so many at a time at most."""

    def read(self, count: int, /) -> bytes: ...


class BagFolder:
    """A bag that is being filled: `folder` is empty at first, and a valid bag once `finish` has ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.payload: dict[str, Digests] = {}

    def add_file(self, path: str, source: Path) -> Digests:
        """The payload file `path`, which begins with data/, holds the bytes of `source`."""
        with source.open("rb") as file:
            self.payload[path] = copy_hashed(file, self.folder / path)
        return self.payload[path]

    def add_bytes(self, path: str, data: bytes) -> None:
        self.payload[path] = _write_hashed(self.folder / path, data)

    def finish(self, info: Mapping[str, str]) -> dict[str, Digests]:
        """The folder is a bag, with `info` in its bag-info.txt. Returns the files at its top that say so, by name."""
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
    """`target` holds what can be read from `source`."""
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
    """What its bag-info.txt says. CorruptError unless the bag `name` is valid: every file listed, there, and whole."""
    import bagit

    # What it finds is in its error; on standard error it would stand twice.
    logging.getLogger("bagit").setLevel(logging.CRITICAL + 1)
    try:
        bag = bagit.Bag(str(folder))
        bag.validate()
    except (bagit.BagError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = _explain(error).replace(str(folder), name)
        raise CorruptError(f"{name} is no valid bag: {problem}", _AGAIN) from error
    lists = [Path(one).stem.removeprefix("manifest-") for one in bag.manifest_files()]
    partly = next((path for path, known in bag.payload_entries().items() if not known.keys() >= set(lists)), None)
    if partly is not None:
        raise CorruptError(f"{name} is no valid bag: {partly} is not in each of its lists", _AGAIN)
    return {label: value for label, value in bag.info.items() if isinstance(value, str)}


def _explain(error: Exception) -> str:
    """The first few of the library's findings."""
    details = [str(one) for one in getattr(error, "details", ())]
    shown = "; ".join(details[:3]) + (f"; and {len(details) - 3} more" if len(details) > 3 else "")
    return shown or str(error) or type(error).__name__


def write_zip(folder: Path, target: Path, top: str) -> None:
    """`target` is a zip file of the folder's files below `top`. The same files give the same bytes on any system.

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
    entry.create_system, entry.external_attr, entry.file_size = _UNIX, _FILE_MODE << 16, path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
