"""Lock requests to services: one command at a time makes the same request, in all runs of a project."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from gitassets.adapters.files import write_atomic
from gitassets.adapters.state.locks import hold_lock
from gitassets.errors import BusyError

_POLL_SEC = 0.5
_WAIT_SEC = 30 * 60.0  # No service takes that long for anything.
_KEPT_SEC = 7 * 24 * 60 * 60.0  # Longer than any command waits for a person's answer.


@dataclass
class _RequestLock:
    """The lock of this process for one request: its threads share it."""

    changing: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0
    held: ExitStack = field(default_factory=ExitStack)


class RequestLocks:
    """The request locks of one command. Its threads may make the same request at once; another command waits."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "turns"
        self._locks: dict[str, _RequestLock] = {}

    @contextmanager
    def hold(self, request: str, stop: threading.Event) -> Iterator[None]:
        """Hold the lock of this request. Raise BusyError if `stop` is set, or 30 minutes pass, before it is free."""
        lock = self._locks.setdefault(request, _RequestLock())
        with lock.changing:
            if lock.threads == 0:
                self._await(request, lock, stop)
            lock.threads += 1
        try:
            yield
        finally:
            with lock.changing:
                lock.threads -= 1
                if lock.threads == 0:
                    lock.held.close()

    def _await(self, request: str, lock: _RequestLock, stop: threading.Event) -> None:
        deadline = time.monotonic() + _WAIT_SEC
        while True:
            try:
                file_lock = hold_lock(self._folder / f"{request}.lock", "asking a service", wait_sec=_POLL_SEC)
                lock.held.enter_context(file_lock)
            except BusyError:
                if stop.is_set() or time.monotonic() > deadline:
                    raise
            else:
                return

    def read_last(self, request: str) -> str:
        """Return the id under which the request was last noted; an empty text if it was not, or long ago."""
        try:
            return (self._folder / f"{request}.last").read_text("utf-8")
        except FileNotFoundError:
            return ""

    def note(self, request: str) -> str:
        """Note that the request, whose lock is held, was made just now, and return a new id of that.

        The next command that holds the lock sees that a result may exist.
        """
        name = uuid4().hex
        with suppress(OSError):  # On a full disk, recording the result comes first.
            write_atomic(self._folder / f"{request}.last", name.encode())
        return name

    def forget_old(self) -> None:
        """Remove notes and locks older than a week, which no running command needs."""
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _KEPT_SEC:
                    path.unlink()
