"""Show an image or play a sound with a program of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from gitassets.domain.manifest import Kind

_PLAYERS = (
    ("mpv", "--really-quiet", "--no-video"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
    ("afplay",),
    ("paplay",),
    ("aplay", "-q"),
)
_STOP_TIMEOUT_SEC = 2
_OPENERS = (("xdg-open",), ("open",))


class Viewer:
    """Show one file at a time. Sound is stopped before the next file; closing other programs is left to the user.

    The environment variable `GITASSETS_VIEWER` names another program, which gets the file as its only argument.
    """

    def __init__(self) -> None:
        self._playing: subprocess.Popen[bytes] | None = None

    def show(self, path: Path, kind: Kind) -> bool:
        """Open the file. Return False if no program for its kind was found."""
        self.stop()
        if sys.platform == "win32" and not os.environ.get("GITASSETS_VIEWER"):
            os.startfile(path)  # noqa: S606 (the system's own way to open a file)
            return True
        argv = _find_program(kind)
        if argv is None:
            return False
        process = subprocess.Popen(
            (*argv, str(path)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._playing = process if kind is Kind.AUDIO else None
        return True

    def stop(self) -> None:
        """Stop the sound."""
        if self._playing is not None and self._playing.poll() is None:
            self._playing.terminate()
            try:
                self._playing.wait(_STOP_TIMEOUT_SEC)
            except subprocess.TimeoutExpired:
                self._playing.kill()
                self._playing.wait()
        self._playing = None


def _find_program(kind: Kind) -> tuple[str, ...] | None:
    chosen = os.environ.get("GITASSETS_VIEWER")
    if chosen:
        return (chosen,) if shutil.which(chosen) else None
    candidates = (*_PLAYERS, *_OPENERS) if kind is Kind.AUDIO else _OPENERS
    return next((argv for argv in candidates if shutil.which(argv[0])), None)
