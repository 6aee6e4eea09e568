"""Writing files so that a reader or a kill never meets half of one."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

INCOMING = ".incoming-"  # How the name of a file begins that is being written.
_umask = os.umask(0)
os.umask(_umask)
OPEN_MODE = 0o666 & ~_umask
LOCKED_MODE = 0o444 & ~_umask
refused_modes: list[str] = []
"""The files whose permissions this process was not allowed to change, to be told once."""
# What somebody else owns; what the file system cannot have.
_REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS, errno.ENOTSUP)


def change_mode(path: str | Path, mode: int, *, known_as: Path | None = None) -> None:
    """The file has these permissions, where it may: they are a hint to other programs, and nothing rests on them.

    Where it may not, it is told of as the file `known_as`.
    """
    try:
        os.chmod(path, mode)  # noqa: PTH101 (not by pathlib, which takes longer than the system does)
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        refused_modes.append(str(known_as or path))


def lock_mode(mode: int) -> int:
    """The mode without the right to write; nobody gets a right that he had not."""
    return mode & ~0o222


def open_mode(mode: int) -> int:
    """The mode with the right to write for the owner, and for those who may read where new files give it to them."""
    return mode | 0o200 | (OPEN_MODE & 0o222 & (mode & 0o444) >> 1)


def write_atomic(path: Path, data: bytes, *, mode: int = OPEN_MODE, durable: bool = True) -> None:
    """`path` holds `data`, wholly or not at all; missing folders are made.

    Unless it is `durable`, which means to wait for the disk, it may be damaged after a loss of power.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(prefix=INCOMING, dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # Nobody knows the other name.
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        change_mode(name, mode, known_as=path)
        Path(name).replace(path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def find_link(root: Path, paths: Iterable[str]) -> str | None:
    """A folder below `root`, on the way to one of the paths, that is a symbolic link: through it one gets out."""
    folders = {path.rpartition("/")[0] for path in paths}
    above = {str(parent) for one in folders for parent in PurePosixPath(one).parents}
    return next((one for one in sorted({*folders, *above} - {"", "."}) if (root / one).is_symlink()), None)


def is_folder(path: Path) -> bool:
    """Whether a real folder lies at `path`, which no file can take the place of; a link to one is none."""
    return path.is_dir() and not path.is_symlink()


def remove_incoming(folder: Path) -> None:
    """What a killed command had half written in `folder` itself is gone."""
    for path in folder.glob(f"{INCOMING}*"):
        path.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """The md5 of the file's bytes, as DVC names blobs."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def hash_bytes(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sync_file(path: Path) -> None:
    """The file's bytes survive a loss of power from here on."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """The names in the folder survive a loss of power from here on, where the system can promise that."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
