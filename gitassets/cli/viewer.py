"""Show an image or play a sound with a program of the system, where it can be seen."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gitassets.cli.editor import split_command
from gitassets.domain.manifest import Kind

VIEWER = "GITASSETS_VIEWER"
_PLAYERS = (
    ("mpv", "--really-quiet", "--no-video"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
    ("afplay",),
    ("paplay",),
    ("aplay", "-q"),
)
_FILM_PLAYERS = (("mpv", "--really-quiet"), ("ffplay", "-autoexit", "-loglevel", "quiet"))
_STOP_TIMEOUT_SEC = 2
_OPENERS = (("xdg-open",), ("open",))


@contextmanager
def end_on_hangup() -> Iterator[None]:
    """Leave as after Ctrl-C if the terminal is closed, so that what was started can be ended."""
    number = getattr(signal, "SIGHUP", None)
    before = signal.signal(number, _interrupt) if number is not None else None
    try:
        yield
    finally:
        if number is not None:
            signal.signal(number, before)


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


class Viewer:
    """Show one file at a time. Sound is stopped before the next file; every program it started ends with `stop`.

    The environment variable `GITASSETS_VIEWER` names another program, with its arguments; the file is the last one.
    """

    def __init__(self) -> None:
        self._playing: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []

    def show(self, path: Path, kind: Kind) -> bool:
        """Open the file. Return False if no program for its kind was found."""
        self._stop_sound()
        if sys.platform == "win32" and not os.environ.get(VIEWER):
            os.startfile(path)  # noqa: S606 (the system's own way to open a file)
            return True
        argv = find_program(kind)
        if argv is None:
            return False
        process = start(argv, path)
        if kind.of_file is Kind.AUDIO:
            self._playing = process
        else:
            self._others.append(process)
        return True

    def stop(self) -> None:
        """Stop the sound, and end all programs that were started, with what they started themselves."""
        self._stop_sound()
        for process in self._others:
            end(process)
        self._others.clear()

    def _stop_sound(self) -> None:
        if self._playing is not None:
            end(self._playing)
        self._playing = None


def start(argv: tuple[str, ...], path: Path) -> subprocess.Popen[bytes]:
    """Start the program in a process group of its own, with nothing to read or write on the terminal."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen((*argv, str(path)), stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the program and its children. An ended program keeps its process group until it is waited for here."""
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT_SEC)
    except subprocess.TimeoutExpired:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)


def find_program(kind: Kind, *, film: bool = False) -> tuple[str, ...] | None:
    """Return the program for this kind of file with its arguments; for a `film` a player that ends with it."""
    chosen = os.environ.get(VIEWER)
    if chosen:
        argv = split_command(chosen, VIEWER)
        return argv if shutil.which(argv[0]) else None
    players = _FILM_PLAYERS if film else _PLAYERS if kind.of_file is Kind.AUDIO else ()
    return next((argv for argv in (*players, *_OPENERS) if shutil.which(argv[0])), None)


def find_obstacle(kind: Kind) -> str | None:
    """Return why the user would not see or hear the file, as the beginning of a sentence, or None."""
    chosen = os.environ.get(VIEWER)
    if chosen:
        return None if find_program(kind) else f"{VIEWER} names {chosen}, which was not found"
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return None
    if os.environ.get("SSH_CONNECTION"):
        return "You are connected by SSH, without a display"
    needs_display = kind.of_file is not Kind.AUDIO or find_program(kind) in _OPENERS
    return "There is no display" if sys.platform.startswith("linux") and needs_display else None


def suggest_looking(path: Path) -> str:
    """Suggest how to see a file on a computer without a display."""
    parts = os.environ.get("SSH_CONNECTION", "").split()
    if len(parts) < 3:
        return f"Set {VIEWER} to a program that works here, such as a viewer that draws in the terminal."
    user = os.environ.get("LOGNAME") or os.environ.get("USER")
    host = f"{user}@{parts[2]}" if user else parts[2]
    copy = f"`scp {host}:{shlex.quote(str(path))} .`"
    return f"On your own computer {copy} copies it. Or connect with `ssh -X`, or set {VIEWER}."
