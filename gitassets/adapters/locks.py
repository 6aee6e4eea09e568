"""Locks between processes, with a bounded wait that says who holds them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.errors import BusyError

WAIT_SEC = 120.0


@contextmanager
def hold_lock(path: Path, purpose: str, *, wait_sec: float = WAIT_SEC) -> Iterator[None]:
    """The lock at `path` is held inside. BusyError names the holder after `wait_sec`."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    # Whichever thread ends last lets go of what the first one took.
    lock = FileLock(path, timeout=wait_sec, thread_local=False)
    holder = path.with_suffix(".holder")
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout as error:
        raise BusyError(
            f"Another gitassets command is at work: {_describe_holder(holder)}",
            "Wait for it to end, or stop it, and try again.",
        ) from error
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "purpose": purpose, "command": " ".join(sys.argv)[:200]}))
        yield
    finally:
        lock.release()


def _describe_holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text())
        return f"process {raw['pid']} ({raw['purpose']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said which"
