"""Run a command in a pseudo-terminal and press keys."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.actions.checks import cli_environment

PATIENCE_SEC = 60
_GITASSETS = (sys.executable, "-m", "gitassets")


class Terminal:
    """Run `gitassets`, or another program, in a pseudo-terminal and read its output up to the text waited for."""

    def __init__(
        self, folder: Path, *args: str, env: Mapping[str, str] | None = None, program: tuple[str, ...] = _GITASSETS
    ) -> None:
        self._master, slave = pty.openpty()
        argv = (*program, *args)
        own = {**cli_environment(), "TERM": "dumb", **(env or {})}
        self._process = subprocess.Popen(
            argv, cwd=folder, env=own, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._unread = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._master)
        self._process.kill()
        self._process.wait()

    def wait_for(self, text: str) -> str:
        """Return the output up to and including `text`."""
        read = self._unread
        while text not in read:
            piece = self._read()
            assert piece, f"{text!r} never came after: {read}"
            read += piece
        told, _, self._unread = read.partition(text)
        return told + text

    def press(self, keys: str) -> None:
        """Type when the program reads single keys: what was typed before is dropped."""
        while termios.tcgetattr(self._master)[3] & termios.ICANON and self._process.poll() is None:
            os.sched_yield()
        self.write(keys.encode())

    def write(self, typed: bytes) -> None:
        os.write(self._master, typed)

    def finish(self) -> tuple[int, str]:
        """Return the exit code and the remaining output."""
        told = self._unread
        while piece := self._read():
            told += piece
        return self._process.wait(PATIENCE_SEC), told

    def _read(self) -> str:
        ready, _, _ = select.select([self._master], [], [], PATIENCE_SEC)
        try:
            return os.read(self._master, 65536).decode("utf-8", "replace") if ready else ""
        except OSError:  # The other end is closed.
            return ""
