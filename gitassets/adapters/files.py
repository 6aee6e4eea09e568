"""Writing files so that a reader or a kill never meets half of one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

LOCKED_MODE = 0o444
INCOMING = ".incoming-"  # How the name of a file begins that is being written.
_umask = os.umask(0)
os.umask(_umask)
OPEN_MODE = 0o666 & ~_umask


def write_atomic(path: Path, data: bytes, *, mode: int = OPEN_MODE) -> None:
    """`path` holds `data`, wholly or not at all; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(prefix=INCOMING, dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # Nobody knows the other name.
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
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
