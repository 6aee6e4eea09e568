"""Shows a picture or plays a sound with what the system has for it."""

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
_PATIENCE_SEC = 2
_OPENERS = (("xdg-open",), ("open",))


class Viewer:
    """Shows one file at a time; the program that showed the last one is left to the user, sound is stopped.

    `GITASSETS_VIEWER` in the environment names another program, which gets the file as its one argument.
    """

    def __init__(self) -> None:
        self._playing: subprocess.Popen[bytes] | None = None

    def show(self, path: Path, kind: Kind) -> bool:
        """Whether a program for this kind of file was found and started."""
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
        """No sound goes on playing."""
        if self._playing is not None and self._playing.poll() is None:
            self._playing.terminate()
            try:
                self._playing.wait(_PATIENCE_SEC)
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
