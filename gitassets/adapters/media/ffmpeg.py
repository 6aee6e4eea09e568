"""The ffmpeg program: choose one, and run it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from gitassets.adapters.files import write_atomic
from gitassets.adapters.process import reported
from gitassets.errors import GitAssetsError

VARIABLE = "GITASSETS_FFMPEG"
_INSTALL = f"Install imageio-ffmpeg, or set {VARIABLE} to an ffmpeg from 5.1 with libx264 and zimg."
_LIBAVCODEC = re.compile(r"libavcodec\s+(\d+)\.\s*(\d+)\.\s*(\d+)")
_OLDEST = (59, 37)  # of ffmpeg 5.1, the first version with every option used here
_NEEDED_OPTIONS = ("--enable-libx264", "--enable-libzimg")
# Without -xerror a damaged input ends early with exit code 0.
_GLOBAL_OPTIONS = ("-nostdin", "-hide_banner", "-v", "error", "-xerror", "-y", "-nostats")
_MAX_ERROR_LINES = 10

OnFrame = Callable[[int], None]


class FfmpegError(GitAssetsError):
    """ffmpeg failed. `output` is all that it wrote, empty if it was stopped."""

    def __init__(self, message: str, hint: str = "", output: str = "") -> None:
        super().__init__(message, hint)
        self.output = output


@dataclass(frozen=True)
class Program:
    """One ffmpeg. `version` is its own name for its version; `order` sorts newer after older.

    Release numbers cannot do that, since builds from git have none: `order` is the version of its libavcodec.
    """

    path: str
    version: str
    order: tuple[int, ...]


def find_ffmpeg(cache_dir: Path | None = None) -> Program:
    """Return the ffmpeg of GITASSETS_FFMPEG, else the newer of the bundled one and the system's.

    With a `cache_dir` no program is started whose version is known from there. Raise GitAssetsError if none can do what
    a build needs.
    """
    return _find(os.environ.get(VARIABLE, ""), shutil.which("ffmpeg"), cache_dir)


@lru_cache(maxsize=8)
def _find(configured: str, system_path: str | None, cache_dir: Path | None = None) -> Program:
    if configured:
        program = _read_version(configured, cache_dir)
        if program is None:
            raise GitAssetsError(f"{VARIABLE} names {configured!r}, which is no ffmpeg that can build", _INSTALL)
        return program
    programs = [_read_version(path, cache_dir) for path in (_find_bundled(), system_path) if path]
    found = [one for one in programs if one is not None]
    if not found:
        raise GitAssetsError("There is no ffmpeg that can make H.264 video", _INSTALL)
    return max(found, key=lambda one: one.order)


def _find_bundled() -> str | None:
    """Return the binary in the imageio-ffmpeg wheel; None on a platform without one."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _read_version(path: str, cache_dir: Path | None) -> Program | None:
    """Read the program's version. Return None if it is not an ffmpeg, or lacks a needed feature."""
    output = _read_known(path, cache_dir)
    return None if output is None else parse_version(path, output)


def _read_known(path: str, cache_dir: Path | None) -> str | None:
    """Return what `ffmpeg -version` prints, from the cache if the program's file is still the same."""
    found = shutil.which(path)
    if cache_dir is None or found is None:
        return _ask_version(path)
    stat = Path(found).stat()
    key = [os.path.realpath(found), stat.st_size, stat.st_mtime_ns]
    record = cache_dir / "ffmpeg" / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()}.txt"
    with suppress(OSError):
        return record.read_text("utf-8")
    output = _ask_version(path)
    if output is not None:
        write_atomic(record, output.encode("utf-8", "replace"))
    return output


def _ask_version(path: str) -> str | None:
    try:
        done = subprocess.run((path, "-version"), capture_output=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace")


def parse_version(path: str, output: str) -> Program | None:
    match = _LIBAVCODEC.search(output)
    order = tuple(map(int, match.groups())) if match else ()
    if order < _OLDEST or not all(option in output for option in _NEEDED_OPTIONS):
        return None
    return Program(path, output.splitlines()[0].split(" Copyright")[0], order)


def open_input(path: Path, demuxer: str, **options: str | int) -> Any:
    """Open a single file as the input of a filter graph: never a playlist, URL or pattern, whatever its name."""
    import ffmpeg

    return ffmpeg.input(f"file:{path}", f=demuxer, protocol_whitelist="file", **options)


def compile_stream(graph: Any, muxer: str, options: Mapping[str, str | int]) -> list[str]:
    """Return the arguments that write the graph's result to standard output."""
    import ffmpeg

    args: list[str] = ffmpeg.get_args(ffmpeg.output(graph, "pipe:1", f=muxer, **options))
    return args


def compile_graph(graph: Any, path: Path, muxer: str, options: Mapping[str, str | int]) -> list[str]:
    """Return the arguments that write the graph's result to a file."""
    import ffmpeg

    args: list[str] = ffmpeg.get_args(ffmpeg.output(graph, f"file:{path}", f=muxer, **options))
    return args


class Ffmpeg:
    """Runs the program, from several threads at once. Leaving the `with` block kills all running processes."""

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
        """Kill all running processes and refuse new ones."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.process.kill()

    def run(self, args: Sequence[str], task: str, on_frame: OnFrame | None = None) -> str:
        """Run ffmpeg and return its standard error. Report the number of finished frames to `on_frame`.

        Raise FfmpegError, with `task` in its message, if ffmpeg fails.
        """
        with self._start((*args, "-progress", "pipe:1"), task, subprocess.DEVNULL, subprocess.PIPE) as child:
            for line in child.process.stdout or ():
                name, _, value = line.strip().partition(b"=")
                if on_frame is not None and name == b"frame" and value.isdigit():
                    on_frame(int(value))
        return child.output

    def read(self, args: Sequence[str], task: str, size_bytes: int) -> Iterator[bytes]:
        """Yield ffmpeg's standard output in pieces of this size.

        Raise FfmpegError, with `task` in its message, if ffmpeg fails.
        """
        with self._start(args, task, subprocess.DEVNULL, subprocess.PIPE) as child:
            while child.process.stdout is not None and (piece := child.process.stdout.read(size_bytes)):
                yield piece

    def convert(self, args: Sequence[str], task: str, data: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
        """Write `data` to ffmpeg's standard input and yield its standard output in pieces of this size.

        Raise FfmpegError, with `task` in its message, if ffmpeg fails, or what making the data raises.
        """
        with self._start(args, task, subprocess.PIPE, subprocess.PIPE) as child, _feeding(child, data):
            while child.process.stdout is not None and (piece := child.process.stdout.read(size_bytes)):
                yield piece

    def check_running(self, task: str) -> None:
        """Raise FfmpegError if everything was stopped."""
        if self._stopped:
            raise FfmpegError(f"{task} was stopped")

    def feed(self, args: Sequence[str], task: str, data: Iterable[bytes]) -> str:
        """Write `data` to ffmpeg's standard input and return its standard error.

        Raise FfmpegError, with `task` in its message, if ffmpeg fails.
        """
        with self._start(args, task, subprocess.PIPE, subprocess.DEVNULL) as child:
            for piece in data:
                if not child.write(piece):
                    break
            child.close_stdin()
        return child.output

    @contextmanager
    def _start(self, args: Sequence[str], task: str, stdin: int, stdout: int) -> Iterator[_Child]:
        """Yield the running program. Raise FfmpegError if it does not end with success."""
        argv = (self.program.path, *_GLOBAL_OPTIONS, *args)
        with tempfile.TemporaryFile() as stderr, reported(argv):
            child = self._launch(argv, task, stdin, stdout, stderr)
            try:
                yield child
                code = child.process.wait()
                stderr.seek(0)
                child.output = stderr.read().decode("utf-8", "replace")
            finally:
                self._end(child)
        if code != 0:
            raise _make_error(task, child.output, code, stopped=self._stopped)

    def _launch(self, argv: Sequence[str], task: str, stdin: int, stdout: int, stderr: IO[bytes]) -> _Child:
        with self._lock:
            self.check_running(task)
            child = _Child(subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=stderr))
            self._running.add(child)
        return child

    def _end(self, child: _Child) -> None:
        child.end()
        with self._lock:
            self._running.discard(child)


class _Child:
    """One running ffmpeg. `output` is what it wrote to standard error, set once it has ended."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.output = ""

    def write(self, data: bytes) -> bool:
        """Write the data. Return whether ffmpeg still reads.

        If it ends early the pipe breaks, and `output` explains why.
        """
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
        """Kill the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        self.close_stdin()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def _feeding(child: _Child, data: Iterable[bytes]) -> Iterator[None]:
    """Write the data from a thread of its own. Raise what making it raised."""
    with ThreadPoolExecutor(1) as pool:
        fed = pool.submit(_feed, child, data)
        try:
            yield
        except BaseException:
            child.process.kill()  # The thread would wait for a reader.
            raise
        fed.result()


def _feed(child: _Child, data: Iterable[bytes]) -> None:
    try:
        for piece in data:
            if not child.write(piece):
                break
    finally:
        child.close_stdin()


def _make_error(task: str, output: str, code: int, *, stopped: bool) -> FfmpegError:
    last = "\n".join(output.strip().splitlines()[-_MAX_ERROR_LINES:]) or f"exit code {code}"
    hint = "Free some space on the disk." if "No space left" in output else ""
    # What a killed program wrote before is no reason, and would replace the reason in the log.
    return FfmpegError(f"{task} failed. ffmpeg says: {last}", hint, "" if stopped else output or last)
