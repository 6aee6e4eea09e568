"""The ffmpeg program: which one is used, and how it is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from gitassets.errors import GitAssetsError

VARIABLE = "GITASSETS_FFMPEG"
_INSTALL = f"Install imageio-ffmpeg, or set {VARIABLE} to an ffmpeg from 5.1 with libx264 and zimg."
_LIBAVCODEC = re.compile(r"libavcodec\s+(\d+)\.\s*(\d+)\.\s*(\d+)")
_OLDEST = (59, 37)  # that of ffmpeg 5.1, the first that knows every option used here
_NEEDED = ("--enable-libx264", "--enable-libzimg")
# -xerror: without it a damaged input ends early, and with exit code 0.
_GLOBAL_OPTIONS = ("-nostdin", "-hide_banner", "-v", "error", "-xerror", "-y", "-nostats")
_LAST_LINES = 10

OnFrame = Callable[[int], None]


class FfmpegError(GitAssetsError):
    """ffmpeg ended with a failure. `said` is all that it wrote, and empty when it was stopped."""

    def __init__(self, message: str, hint: str = "", said: str = "") -> None:
        super().__init__(message, hint)
        self.said = said


@dataclass(frozen=True)
class Program:
    """One ffmpeg. `version` is how it calls itself; `order` tells newer from older.

    Release numbers cannot do that, since builds from git have none: `order` is the version of its libavcodec.
    """

    path: str
    version: str
    order: tuple[int, ...]


def find_ffmpeg() -> Program:
    """The ffmpeg that GITASSETS_FFMPEG names, else the newer of the bundled one and the system's.

    GitAssetsError when there is none that can do what a build needs.
    """
    return _find(os.environ.get(VARIABLE, ""), shutil.which("ffmpeg"))


@lru_cache(maxsize=4)
def _find(named: str, of_system: str | None) -> Program:
    if named:
        program = _ask(named)
        if program is None:
            raise GitAssetsError(f"{VARIABLE} names {named!r}, which is no ffmpeg that can build", _INSTALL)
        return program
    programs = [_ask(path) for path in (_bundled(), of_system) if path]
    found = [one for one in programs if one is not None]
    if not found:
        raise GitAssetsError("There is no ffmpeg that can make H.264 video", _INSTALL)
    return max(found, key=lambda one: one.order)


def _bundled() -> str | None:
    """The binary inside the imageio-ffmpeg wheel; None on a platform for which there is none."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _ask(path: str) -> Program | None:
    """What the program says of itself; None when it is no ffmpeg, or lacks what is needed."""
    try:
        done = subprocess.run((path, "-version"), capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return parse_version(path, done.stdout.decode("utf-8", "replace"))


def parse_version(path: str, said: str) -> Program | None:
    match = _LIBAVCODEC.search(said)
    order = tuple(map(int, match.groups())) if match else ()
    if order < _OLDEST or not all(option in said for option in _NEEDED):
        return None
    return Program(path, said.splitlines()[0].split(" Copyright")[0], order)


def open_input(path: Path, demuxer: str, **options: str | int) -> Any:
    """One file and nothing else as the input of a filter graph: no playlist, URL or pattern, whatever it is called."""
    import ffmpeg

    return ffmpeg.input(f"file:{path}", f=demuxer, protocol_whitelist="file", **options)


def compile_graph(graph: Any, path: Path, muxer: str, options: Mapping[str, str | int]) -> list[str]:
    """The arguments that write the graph's result to a file."""
    import ffmpeg

    args: list[str] = ffmpeg.get_args(ffmpeg.output(graph, f"file:{path}", f=muxer, **options))
    return args


class Ffmpeg:
    """Runs the program, from several threads at once. Leaving the `with` block ends whatever is still running."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._running: set[_Child] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Ffmpeg:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nothing runs any more, and nothing will start."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.process.kill()

    def run(self, args: Sequence[str], task: str, on_frame: OnFrame | None = None) -> str:
        """What ffmpeg said on standard error. `on_frame` is told how many frames are done. FfmpegError names `task`."""
        with self._start((*args, "-progress", "pipe:1"), task, subprocess.DEVNULL, subprocess.PIPE) as child:
            for line in child.process.stdout or ():
                name, _, value = line.strip().partition(b"=")
                if on_frame is not None and name == b"frame" and value.isdigit():
                    on_frame(int(value))
        return child.said

    def feed(self, args: Sequence[str], task: str, data: Iterable[bytes]) -> str:
        """What ffmpeg said, after `data` went into its standard input. FfmpegError names `task`."""
        with self._start(args, task, subprocess.PIPE, subprocess.DEVNULL) as child:
            for piece in data:
                if not child.write(piece):
                    break
            child.close_stdin()
        return child.said

    @contextmanager
    def _start(self, args: Sequence[str], task: str, stdin: int, stdout: int) -> Iterator[_Child]:
        """The running program, which has ended with success afterwards."""
        with tempfile.TemporaryFile() as stderr:
            child = self._launch((self.program.path, *_GLOBAL_OPTIONS, *args), task, stdin, stdout, stderr)
            try:
                yield child
                code = child.process.wait()
                stderr.seek(0)
                child.said = stderr.read().decode("utf-8", "replace")
            finally:
                self._end(child)
        if code != 0:
            raise _explain(task, child.said, code)

    def _launch(self, argv: Sequence[str], task: str, stdin: int, stdout: int, stderr: IO[bytes]) -> _Child:
        with self._lock:
            if self._stopped:
                raise FfmpegError(f"{task} was stopped")
            child = _Child(subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=stderr))
            self._running.add(child)
        return child

    def _end(self, child: _Child) -> None:
        child.end()
        with self._lock:
            self._running.discard(child)


class _Child:
    """One running ffmpeg. `said` is known once it has ended."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""

    def write(self, data: bytes) -> bool:
        """Return whether ffmpeg still reads: when it ends early the pipe breaks, and what it said tells why."""
        with suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.write(data)
            return True
        return False

    def close_stdin(self) -> None:
        with suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()

    def end(self) -> None:
        """The process is gone and its pipes are closed."""
        self.process.kill()
        self.process.wait()
        self.close_stdin()
        if self.process.stdout is not None:
            self.process.stdout.close()


def _explain(task: str, said: str, code: int) -> FfmpegError:
    last = "\n".join(said.strip().splitlines()[-_LAST_LINES:]) or f"exit code {code}"
    hint = "Free some space on the disk." if "No space left" in said else ""
    return FfmpegError(f"{task} failed. ffmpeg says: {last}", hint, said or last)
