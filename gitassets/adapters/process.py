"""Runs other programs: argv tuples only, never a shell, and one error that says everything."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitassets.errors import GitAssetsError


class CommandError(GitAssetsError):
    """A program ended with a failure. Holds argv, cwd, the exit code and what it said."""

    def __init__(self, argv: tuple[str, ...], cwd: Path | None, code: int, stderr: str) -> None:
        said = stderr.strip() or f"exit code {code}"
        super().__init__(f"`{' '.join(argv[:4])}{' …' if len(argv) > 4 else ''}` failed: {said}")
        self.argv, self.cwd, self.code, self.stderr = argv, cwd, code, stderr

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it, or what a script of its name had started: git itself ends with 129 at most."""
        return not 0 <= self.code <= 129


def run_command(
    argv: tuple[str, ...],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    ok_codes: tuple[int, ...] = (0,),
) -> bytes:
    """What the program wrote to standard output. CommandError when it ends with a code not in `ok_codes`."""
    try:
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
        raise _explain_missing(argv, cwd) from error
    if done.returncode not in ok_codes:
        # Some programs say on standard output why they did nothing.
        raise CommandError(argv, cwd, done.returncode, (done.stderr or done.stdout).decode("utf-8", "replace"))
    return done.stdout


def start_command(argv: tuple[str, ...], *, cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The program at work, to be talked to through its standard input and output."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(argv, cwd=cwd, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError as error:
        raise _explain_missing(argv, cwd) from error


def _explain_missing(argv: tuple[str, ...], cwd: Path | None) -> GitAssetsError:
    if cwd is not None and not cwd.is_dir():
        return GitAssetsError(f"{cwd} is not a folder")
    return GitAssetsError(f"The program {argv[0]!r} is not installed", f"Install {argv[0]}.")
