"""Who asks a service for what: the very same request is made by one command at a time, in all runs of a project."""

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
_FORGOTTEN_SEC = 7 * 24 * 60 * 60.0  # Nobody makes up his mind that long.


@dataclass
class _Turn:
    """The turn of this process for one request: its threads share it."""

    changing: threading.Lock = field(default_factory=threading.Lock)
    threads: int = 0
    held: ExitStack = field(default_factory=ExitStack)


class Turns:
    """The turns of one command. Several threads of it may make the same request at once; another command waits."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "turns"
        self._own: dict[str, _Turn] = {}

    @contextmanager
    def take(self, request: str, stop: threading.Event) -> Iterator[None]:
        """No other command makes this request meanwhile. BusyError when `stop` is set before it is our turn."""
        turn = self._own.setdefault(request, _Turn())
        with turn.changing:
            if turn.threads == 0:
                self._await(request, turn, stop)
            turn.threads += 1
        try:
            yield
        finally:
            with turn.changing:
                turn.threads -= 1
                if turn.threads == 0:
                    turn.held.close()

    def _await(self, request: str, turn: _Turn, stop: threading.Event) -> None:
        deadline = time.monotonic() + _WAIT_SEC
        while True:
            try:
                lock = hold_lock(self._folder / f"{request}.lock", "asking a service", wait_sec=_POLL_SEC)
                turn.held.enter_context(lock)
            except BusyError:
                if stop.is_set() or time.monotonic() > deadline:
                    raise
            else:
                return

    def read_last(self, request: str) -> str:
        """By which name it was last made, here and of late; empty when it was not."""
        try:
            return (self._folder / f"{request}.last").read_text("utf-8")
        except FileNotFoundError:
            return ""

    def note(self, request: str) -> str:
        """It was made just now, by whose turn it is: the name of that. Who is next looks for what came of it."""
        name = uuid4().hex
        with suppress(OSError):  # On a full disk what was made is still to be recorded, and that comes first.
            write_atomic(self._folder / f"{request}.last", name.encode())
        return name

    def forget_old(self) -> None:
        """What was noted so long ago that every command that could want to know it has ended is gone."""
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _FORGOTTEN_SEC:
                    path.unlink()
