"""Lock files between processes, with a bounded wait that reports the holder."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.errors import BusyError, GitAssetsError

WAIT_SEC = 120.0
_POLL_SEC = 0.02
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
_HELD = (errno.EACCES, errno.EAGAIN)


@contextmanager
def hold_lock(path: Path, purpose: str, *, wait_sec: float = WAIT_SEC) -> Iterator[None]:
    """Hold the lock at `path` and record the holder. Raise BusyError, which names the holder, after `wait_sec`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = path.with_suffix(".holder")
    with acquire_lock(path, wait_sec, holder):
        holder.write_text(json.dumps({"pid": os.getpid(), "purpose": purpose, "command": " ".join(sys.argv)[:200]}))
        yield


@contextmanager
def acquire_lock(path: Path, wait_sec: float, holder: Path | None = None) -> Iterator[None]:
    """Hold the lock at `path`, in an existing folder.

    Raise BusyError after `wait_sec`, unless that is negative: then wait forever. Raise GitAssetsError if the file
    system has no locks: without them two commands would write at once.
    """
    try:
        release = _acquire(path, wait_sec)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        raise GitAssetsError(
            f"{path} cannot be locked, since its file system has no locks: {error}",
            "Some network drives have none. Mount it with locks (NFS: start rpc.statd, or mount with local_lock=flock "
            "where only this machine uses it), or keep the project on a local disk.",
        ) from error
    if release is None:
        raise BusyError(
            f"Another gitassets command is at work: {_describe_holder(holder or path)}",
            "Wait for it to end, or stop it, and try again.",
        )
    try:
        yield
    finally:
        release()


Release = Callable[[], object]


def _acquire(path: Path, wait_sec: float) -> Release | None:
    """Acquire the lock and return the function that releases it; None if another held it for `wait_sec`."""
    if sys.platform == "win32":
        return _acquire_by_library(path, wait_sec)
    try:
        return _acquire_natively(path, wait_sec)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return _acquire_by_library(path, wait_sec)


def _acquire_natively(path: Path, wait_sec: float) -> Release | None:
    """Acquire the same lock as the library does, whose import takes a tenth of the time of a short command."""
    deadline = time.monotonic() + wait_sec
    while (handle := _try_lock(path)) is None:
        if wait_sec >= 0 and deadline <= time.monotonic():
            return None
        time.sleep(_POLL_SEC)
    return lambda: os.close(handle)


def _try_lock(path: Path) -> int | None:
    """Return the locked file's handle; None if another process holds the lock or has just removed the file."""
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink > 0:
            return handle
    except OSError as error:
        os.close(handle)
        if error.errno in _HELD:
            return None
        raise
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _acquire_by_library(path: Path, wait_sec: float) -> Release | None:
    from filelock import FileLock, Timeout

    # The lock may be released by another thread than the one that acquired it.
    lock = FileLock(path, timeout=wait_sec, thread_local=False)
    try:
        lock.acquire(poll_interval=_POLL_SEC)
    except Timeout:
        return None
    return lock.release


def _describe_holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text())
        return f"process {raw['pid']} ({raw['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said which"
