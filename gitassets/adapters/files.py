"""Write files so that no reader or kill ever leaves half of one."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from gitassets.adapters.counting import iter_megabytes
from gitassets.errors import CorruptError

INCOMING = ".incoming-"  # The name prefix of a file that is being written.
_umask = os.umask(0)
os.umask(_umask)
OPEN_MODE = 0o666 & ~_umask
LOCKED_MODE = 0o444 & ~_umask
refused_modes: list[str] = []
"""The files whose permissions this process could not change, to be reported once."""
# The file belongs to someone else, or the file system does not support modes.
_REFUSALS = (errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS, errno.ENOTSUP)
_BLOCK = 256 * 1024
MAX_TEXT_BYTES = 1_000_000
_LARGE_BYTES = 128_000_000

FileStamp = tuple[int, int, int]
"""What changes when somebody replaces or writes a file."""


def change_mode(path: str | Path, mode: int, *, known_as: Path | None = None) -> None:
    """Set the file's permissions if allowed. They are a hint to other programs; nothing depends on them.

    A refusal is reported under the name `known_as`.
    """
    try:
        os.chmod(path, mode)  # noqa: PTH101 (pathlib takes longer than the system call itself)
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        refused_modes.append(str(known_as or path))


def lock_mode(mode: int) -> int:
    """Return the mode without write permission. Nobody gains a permission."""
    return mode & ~0o222


def open_mode(mode: int) -> int:
    """Return the mode with write permission for the owner.

    Others who may read also get it if new files grant it to them.
    """
    return mode | 0o200 | (OPEN_MODE & 0o222 & (mode & 0o444) >> 1)


def write_atomic(path: Path, data: bytes, *, mode: int = OPEN_MODE, durable: bool = True) -> None:
    """Write `data` to `path`, completely or not at all. Create missing folders.

    If not `durable`, do not wait for the disk: a power failure may then damage the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = create_beside(path)
    except OSError as error:
        error.filename = str(path)  # The temporary name means nothing to the user.
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        change_mode(name, mode, known_as=path)
        name.replace(path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            name.unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def create_beside(path: Path) -> tuple[int, Path]:
    """Create a file of a new name beside `path`, readable for the owner alone.

    Importing `tempfile`, which does the same, takes a tenth of the time of a hook.
    """
    name = path.with_name(f"{INCOMING}{os.urandom(8).hex()}")
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), name


def read_small(path: Path) -> bytes:
    """Read a text that came with git. Raise CorruptError for one too large, and for a link to a device or a pipe."""
    if path.exists() and not path.is_file():
        raise CorruptError(f"{path} is no file", "Replace it by a file with text.")
    with path.open("rb") as file:
        data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise CorruptError(f"{path} is larger than {MAX_TEXT_BYTES // 1_000_000} MB", "Shorten it.")
    return data


def find_link(root: Path, paths: Iterable[str]) -> str | None:
    """Return a folder below `root`, on the way to one of the paths, that is a symbolic link.

    Such a link may lead out of `root`.
    """
    folders = {path.rpartition("/")[0] for path in paths}
    above = {str(parent) for one in folders for parent in PurePosixPath(one).parents}
    return next((one for one in sorted({*folders, *above} - {"", "."}) if (root / one).is_symlink()), None)


def is_folder(path: Path) -> bool:
    """Return whether `path` is a real folder, which no file can replace; a link to one is not."""
    return path.is_dir() and not path.is_symlink()


def remove_incoming(folder: Path) -> None:
    """Delete files that a killed command left half written in `folder` itself."""
    for path in folder.glob(f"{INCOMING}*"):
        path.unlink(missing_ok=True)


def sign_file(path: Path) -> FileStamp | None:
    """Return the stamp of the file, without reading it; None if it cannot be seen."""
    try:
        found = os.stat(path)  # noqa: PTH116 (called for many files several times a second)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def hash_file(path: Path) -> str:
    """Return the md5 of the file's bytes, as DVC names blobs."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _LARGE_BYTES:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        digest = hashlib.md5(usedforsecurity=False)
        for block in iter_megabytes(file, size, path.name):
            digest.update(block)
        return digest.hexdigest()


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes, without the mode."""
    import shutil  # Imported here since hooks, which copy nothing, would spend milliseconds on it.

    size = source.stat().st_size
    if size < _LARGE_BYTES:
        shutil.copyfile(source, target)
        return
    with source.open("rb") as file, target.open("wb") as copy:
        for block in iter_megabytes(file, size, source.name):
            copy.write(block)


def find_difference(path: Path, other: Path, *, whole: bool) -> bool:
    """Compare two files of one size, the `whole` or a few blocks. Return whether they are known to differ."""
    try:
        with path.open("rb") as one, other.open("rb") as two:
            size = os.fstat(one.fileno()).st_size
            for start in range(0, size, _BLOCK) if whole else {0, size // 2, max(size - _BLOCK, 0)}:
                one.seek(start)
                two.seek(start)
                if one.read(_BLOCK) != two.read(_BLOCK):
                    return True
    except OSError:
        return False
    return False


def hash_bytes(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sync_file(path: Path) -> None:
    """Flush the file's bytes to disk, so that they survive a loss of power."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the folder's names to disk, so that they survive a loss of power, if the system supports it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
