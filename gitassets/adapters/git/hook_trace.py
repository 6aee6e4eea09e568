"""Find the hook that made git refuse, which git itself does not name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitassets.adapters.git.work_trees import find_common_dir
from gitassets.adapters.process import CommandError

if TYPE_CHECKING:
    from gitassets.adapters.git.repository import Git

_VARIABLE = "GIT_TRACE2_EVENT"


class HookError(CommandError):
    """A hook made git refuse the command."""

    def __init__(self, argv: tuple[str, ...], error: CommandError, hook: Path) -> None:
        super().__init__(argv, error.cwd, error.code, error.stderr)
        said = error.stderr.strip()
        self.message = f"The hook {hook} refused `git {argv[1]}`" + (f": {said}" if said else ", and said nothing")
        self.hint = "Do what it asks for, or change that hook. Then run the command again."


class HookTrace:
    """The trace file of one git command; None traces nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that make git write the trace."""
        return {} if self._file is None else {_VARIABLE: str(self._file)}

    def find_refusing(self) -> str | None:
        """Return the path of the failed hook, relative to the folder in which git called it."""
        started: dict[object, str] = {}
        failed = None
        for event in self._iter_events():
            if event.get("event") == "child_start" and event.get("child_class") == "hook":
                started[event.get("child_id")] = str(event["argv"][0])
            elif event.get("event") == "child_exit" and event.get("code") != 0:
                failed = started.get(event.get("child_id"), failed)
        return failed

    def _iter_events(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events of git itself, not those of git commands that hooks called."""
        caller = None
        with suppress(OSError, ValueError):
            for line in (self._file.read_text("utf-8", "replace") if self._file else "").splitlines():
                event = json.loads(line)
                caller = caller or event["sid"]
                if event["sid"] == caller:
                    yield event


@contextmanager
def name_refusing_hook(git: Git, args: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Yield the variables with which to call `git *args`.

    Raise HookError if a hook of the user's own made git refuse.
    """
    with _trace_hooks() as trace:
        try:
            yield trace.variables
        except CommandError as error:
            called = trace.find_refusing()
            hook = None if called is None else _find_user_hook(git, git.folder / called, error.stderr)
            if hook is None:
                raise
            raise HookError(("git", *args), error, hook) from error


def _find_user_hook(git: Git, called: Path, stderr: str) -> Path | None:
    """Return the user's own hook behind the one that git called; None if ours refused."""
    ours = find_common_dir(git.folder) / "gitassets" / "hooks"
    if called.parent.resolve() != ours.resolve():
        return called
    if any(line.startswith("gitassets: ") for line in stderr.splitlines()):
        return None
    others = [git.folder / one for one in git.read_all_configs("core.hooksPath")]
    found = [one for one in others if one.resolve() != ours.resolve()]
    return (found[-1] if found else find_common_dir(git.folder) / "hooks") / called.name


@contextmanager
def _trace_hooks() -> Iterator[HookTrace]:
    """Trace nothing if git is traced already, or if no temporary folder can be created."""
    import tempfile

    folder = None
    if _VARIABLE not in os.environ:
        with suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="gitassets-", ignore_cleanup_errors=True)
    try:
        yield HookTrace(Path(folder.name) / "trace" if folder else None)
    finally:
        if folder:
            folder.cleanup()
