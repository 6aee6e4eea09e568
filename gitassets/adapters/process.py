"""Run other programs: argv tuples only, never a shell, and one error with all details."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from gitassets.errors import GitAssetsError

OnCommand = Callable[[Sequence[str], float], None]
_listeners: list[OnCommand] = []


def report_commands(listener: OnCommand | None) -> None:
    """Call the listener with each program that has run, or been started, and the seconds it took."""
    _listeners[:] = () if listener is None else (listener,)


@contextmanager
def reported(argv: Sequence[str]) -> Iterator[None]:
    """Report what runs inside to whoever listens, also if it fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        for listener in _listeners:
            listener(argv, time.perf_counter() - began)


class CommandError(GitAssetsError):
    """A program failed. Holds its argv, cwd, exit code and standard error."""

    def __init__(self, argv: tuple[str, ...], cwd: Path | None, code: int, stderr: str) -> None:
        problem = stderr.strip() or f"exit code {code}"
        super().__init__(f"`{' '.join(argv[:4])}{' …' if len(argv) > 4 else ''}` failed: {problem}")
        self.argv, self.cwd, self.code, self.stderr = argv, cwd, code, stderr

    @property
    def was_killed(self) -> bool:
        """True if a signal ended the program, or one that a script started; git itself exits with at most 129."""
        return not 0 <= self.code <= 129


def run_command(
    argv: tuple[str, ...],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    ok_codes: tuple[int, ...] = (0,),
) -> bytes:
    """Run the program and return its standard output.

    Raise CommandError if its exit code is not in `ok_codes`.
    """
    try:
        with reported(argv):
            done = subprocess.run(
                argv,
                cwd=cwd,
                env=None if env is None else dict(env),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                check=False,
            )
    except FileNotFoundError as error:
        raise _missing_program_error(argv, cwd) from error
    if done.returncode not in ok_codes:
        # Some programs report on standard output why they did nothing.
        raise CommandError(argv, cwd, done.returncode, (done.stderr or done.stdout).decode("utf-8", "replace"))
    return done.stdout


def start_command(argv: tuple[str, ...], *, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the program with pipes to its standard input, output and error."""
    pipe = subprocess.PIPE
    try:
        with reported(argv):
            return subprocess.Popen(argv, cwd=cwd, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError as error:
        raise _missing_program_error(argv, cwd) from error


def _missing_program_error(argv: tuple[str, ...], cwd: Path | None) -> GitAssetsError:
    if cwd is not None and not cwd.is_dir():
        return GitAssetsError(f"{cwd} is not a folder")
    return GitAssetsError(f"The program {argv[0]!r} is not installed", f"Install {argv[0]}.")
