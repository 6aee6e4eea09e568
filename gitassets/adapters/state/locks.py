"""Locks between processes, with a bounded wait that says who holds them."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.errors import BusyError, GitAssetsError

WAIT_SEC = 120.0
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def hold_lock(path: Path, purpose: str, *, wait_sec: float = WAIT_SEC) -> Iterator[None]:
    """The lock at `path` is held inside. BusyError names the holder after `wait_sec`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = path.with_suffix(".holder")
    with take_lock(path, wait_sec, holder):
        holder.write_text(json.dumps({"pid": os.getpid(), "purpose": purpose, "command": " ".join(sys.argv)[:200]}))
        yield


@contextmanager
def take_lock(path: Path, wait_sec: float, holder: Path | None = None) -> Iterator[None]:
    """The lock at `path`, in a folder that exists, is held inside. BusyError after `wait_sec`, if that is not negative.

    GitAssetsError where the file system has no locks: without them two commands would write at once.
    """
    from filelock import FileLock, Timeout

    # Whichever thread ends last lets go of what the first one took.
    lock = FileLock(path, timeout=wait_sec, thread_local=False)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout as error:
        raise BusyError(
            f"Another gitassets command is at work: {_describe_holder(holder or path)}",
            "Wait for it to end, or stop it, and try again.",
        ) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        raise GitAssetsError(
            f"{path} cannot be locked, since its file system has no locks: {error}",
            "Some network drives have none. Mount it with locks (NFS: start rpc.statd, or mount with local_lock=flock "
            "where only this machine uses it), or keep the project on a local disk.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _describe_holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text())
        return f"process {raw['pid']} ({raw['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said which"
