"""Copy a bag of any origin, a folder or a zip file, into a folder of our own.

Nothing in it is trusted. Every name is checked before the first byte is written, and no more bytes are written than
announced; archives inside it are never unpacked.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

from gitassets.adapters.bag import NEW_COPY_HINT, copy_hashed
from gitassets.domain.bag import DECLARATION, DECLARED, PAYLOAD, Digests
from gitassets.domain.manifest_parsing import MAX_MANIFEST_BYTES
from gitassets.domain.media_paths import find_path_problem, iter_path_clashes
from gitassets.errors import CorruptError, GitAssetsError

MAX_FILES = 100_000
MAX_RATIO = 100
HARMLESS_BYTES = 1024**3  # A bag of up to this size is harmless at any compression ratio.
_DECLARATIONS = [DECLARED.replace(b"1.0", version).lower().split() for version in (b"1.0", b"0.97")]
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OverflowError, struct.error)
# Files that macOS and Windows add to folders and zip files unasked.
_LITTER = (".ds_store", "thumbs.db", "desktop.ini")
_LITTER_FOLDER, _APPLE_DOUBLE = "__MACOSX", "._"
_LIST_NAME = re.compile(r"(tag)?manifest-\w+\.txt\Z")
_LIST_LINE = re.compile(rb"^\S+[ \t]+\*?(.+?)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A file of the bag: its path in the bag, its announced size, and a function that opens it."""

    path: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class CopiedBag:
    """The hashes of a bag's files, by path. `passed_over` lists files that an operating system left there."""

    files: Mapping[str, Digests]
    passed_over: tuple[str, ...]


def copy_bag(source: Path, folder: Path, on_file: Callable[[int, int, str], None]) -> CopiedBag:
    """Copy the files of the bag `source` into `folder`. The bag is not validated yet.

    Report progress to `on_file`. Raise CorruptError if it is not a bag, or contains something that a run's bag never
    has.
    """
    with _open_entries(source) as all_entries:
        entries, passed_over = _separate_litter(source, all_entries)
        _check_entries(source, entries)
        _check_room(source, entries, folder)
        found: dict[str, Digests] = {}
        for number, entry in enumerate(entries):
            on_file(number, len(entries), entry.path)
            found[entry.path] = _copy(source, entry, folder)
    if (folder / DECLARATION).read_bytes().lower().split() not in _DECLARATIONS:
        _refuse(source, f"says in {DECLARATION} that it is of another kind than BagIt 1.0 or 0.97 in UTF-8")
    return CopiedBag(found, passed_over)


def _refuse(source: Path, problem: str) -> NoReturn:
    raise CorruptError(f"{source} {problem}", NEW_COPY_HINT)


@contextmanager
def _open_entries(source: Path) -> Iterator[list[Entry]]:
    if source.is_dir():
        yield list(_iter_folder(source, source))
        return
    try:
        with zipfile.ZipFile(source) as archive:
            yield list(_iter_zip(source, archive))
    except _BROKEN_ZIP as error:
        raise CorruptError(f"{source} is no zip file, or a broken one: {error}", NEW_COPY_HINT) from error


def _separate_litter(source: Path, entries: Sequence[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the bag's files, and the paths of the others.

    A file that one of the bag's lists names belongs to the bag.
    """
    own = [one for one in entries if not _is_litter(one.path)]
    litter = [one for one in entries if _is_litter(one.path)]
    top = _find_top(source, {one.path for one in own})
    bag = [_remove_prefix(top, one) for one in own]
    listed = _read_listed(source, bag) if litter else set()
    named = [one for one in litter if one.path.removeprefix(top) in listed]
    passed_over = sorted(one.path for one in litter if one not in named)
    return [*bag, *(_remove_prefix(top, one) for one in named)], tuple(passed_over)


def _remove_prefix(top: str, entry: Entry) -> Entry:
    return Entry(entry.path.removeprefix(top), entry.size, entry.open)


def _is_litter(path: str) -> bool:
    parts = path.split("/")
    name = parts[-1]
    return parts[0] == _LITTER_FOLDER or name.casefold() in _LITTER or name.startswith(_APPLE_DOUBLE)


def _read_listed(source: Path, bag: Sequence[Entry]) -> set[str]:
    """Return the paths that the bag's own lists name."""
    lists = [one for one in bag if _LIST_NAME.match(one.path)]
    _check_entries(source, lists)
    found: set[str] = set()
    for entry in lists:
        with entry.open() as file:
            data = file.read(entry.size + 1)
        found |= {path.decode("utf-8", "surrogateescape") for path in _LIST_LINE.findall(data)}
    return found


def _iter_folder(source: Path, folder: Path) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda one: one.name)
    for one in inside:
        path = Path(one.path)
        mode = one.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _iter_folder(source, path)
        elif stat.S_ISREG(mode):
            size = one.stat(follow_symlinks=False).st_size
            yield Entry(path.relative_to(source).as_posix(), size, partial(_open_file, path))
        else:
            _refuse(source, f"holds {path.relative_to(source).as_posix()!r}, which is a link or no ordinary file")


@contextmanager
def _open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open the file. Fail if it has become a link meanwhile."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        yield file


def _iter_zip(source: Path, archive: zipfile.ZipFile) -> Iterator[Entry]:
    for info in archive.infolist():
        if info.is_dir() or not _is_litter(info.filename):
            _check_zip_entry(source, info)
        if not info.is_dir():
            yield Entry(info.filename, info.file_size, partial(_open_entry, source, archive, info))


@contextmanager
def _open_entry(source: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    _check_zip_entry(source, info)
    try:
        file = archive.open(info)
    except OSError as error:
        # The archive points to an offset before its beginning.
        raise zipfile.BadZipFile(f"{info.filename!r} is not in it: {error.strerror}") from error
    with file:
        yield file


def _check_zip_entry(source: Path, info: zipfile.ZipInfo) -> None:
    name, mode = info.orig_filename, info.external_attr >> 16
    file_type = stat.S_IFMT(mode)
    problem = _find_name_problem(name.removesuffix("/"))
    if problem:
        _refuse(source, f"holds {name!r}, which {problem}")
    if file_type not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        _refuse(source, f"holds {name!r}, which is a link or no ordinary file")
    if info.flag_bits & _ENCRYPTED:
        _refuse(source, f"holds {name!r}, which is encrypted")
    if info.compress_type not in _METHODS:
        _refuse(source, f"holds {name!r}, packed in a way that is not accepted (only stored and deflated are)")


def _find_name_problem(path: str) -> str | None:
    # The check wants a folder, and files at the top of a bag have none.
    return find_path_problem(f"bag/{path}")


def _find_top(source: Path, paths: Collection[str]) -> str:
    """Return the common prefix of the bag's paths: in a zip file it is the only top-level folder."""
    if DECLARATION in paths:
        return ""
    tops = {path.split("/", 1)[0] for path in paths}
    top = f"{next(iter(tops))}/" if len(tops) == 1 else ""
    if f"{top}{DECLARATION}" not in paths:
        _refuse(source, f"is no bag: it has no {DECLARATION}, or more than the bag's folder at its top")
    return top


def _check_entries(source: Path, entries: Sequence[Entry]) -> None:
    if len(entries) > MAX_FILES:
        _refuse(source, f"holds {len(entries)} files, and more than {MAX_FILES} are not taken in")
    for entry in entries:
        problem = _find_name_problem(entry.path)
        if problem:
            _refuse(source, f"holds {entry.path!r}, which {problem}")
        if entry.size > MAX_MANIFEST_BYTES and not entry.path.startswith(f"{PAYLOAD}/"):
            _refuse(source, f"holds {entry.path!r} of {entry.size} bytes, too many for a list")
    for _, other, path in iter_path_clashes((entry.path, entry.path) for entry in entries):
        _refuse(source, f"holds {path!r} and {other!r}, which are one file where case does not count")


def _check_room(source: Path, entries: Sequence[Entry], folder: Path) -> None:
    total = sum(entry.size for entry in entries)
    packed = total if source.is_dir() else source.stat().st_size
    if total > max(HARMLESS_BYTES, packed * MAX_RATIO):
        _refuse(source, f"would become {total} bytes out of {packed}: this is no bag of media, but meant to do harm")
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise GitAssetsError(f"{source} needs {total} bytes, and {free} are free for it in {folder}", "Make room.")


def _copy(source: Path, entry: Entry, folder: Path) -> Digests:
    with entry.open() as file:
        digests = copy_hashed(_BoundedReader(file, entry.size), folder / entry.path)
    if digests.size != entry.size:
        _refuse(source, f"is cut off, or changed while it was read: {entry.path!r}")
    return digests


class _BoundedReader:
    """Reads at most one byte more than announced, which is enough to notice."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size + 1

    def read(self, count: int) -> bytes:
        block = self._file.read(min(count, self._left))
        self._left -= len(block)
        return block
