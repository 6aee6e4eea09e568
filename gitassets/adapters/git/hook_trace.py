"""Finds out which hook made git refuse, since git itself does not say."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gitassets.adapters.process import CommandError

_VARIABLE = "GIT_TRACE2_EVENT"


class HookError(CommandError):
    """A hook made git refuse what it was called for."""

    def __init__(self, argv: tuple[str, ...], error: CommandError, hook: Path) -> None:
        super().__init__(argv, error.cwd, error.code, error.stderr)
        said = error.stderr.strip()
        self.message = f"The hook {hook} refused `git {argv[1]}`" + (f": {said}" if said else ", and said nothing")
        self.hint = "Do what it asks for, or change that hook. Then run the command again."


class HookTrace:
    """The variables that have git write down what it runs, and the hook that ended with a failure."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @property
    def variables(self) -> dict[str, str]:
        return {} if self._file is None else {_VARIABLE: str(self._file)}

    def find_refusing(self) -> str | None:
        """The path of the hook as git called it, from the folder that it worked in."""
        started: dict[object, str] = {}
        failed = None
        for event in self._iter_events():
            if event.get("event") == "child_start" and event.get("child_class") == "hook":
                started[event.get("child_id")] = str(event["argv"][0])
            elif event.get("event") == "child_exit" and event.get("code") != 0:
                failed = started.get(event.get("child_id"), failed)
        return failed

    def _iter_events(self) -> Iterator[Mapping[str, Any]]:
        """Those of git itself, not of what hooks have called."""
        caller = None
        with suppress(OSError, ValueError):
            for line in (self._file.read_text("utf-8", "replace") if self._file else "").splitlines():
                event = json.loads(line)
                caller = caller or event["sid"]
                if event["sid"] == caller:
                    yield event


@contextmanager
def trace_hooks() -> Iterator[HookTrace]:
    """Nothing is traced where somebody does so already, or where there is no room for it."""
    folder = None
    if _VARIABLE not in os.environ:
        with suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="gitassets-", ignore_cleanup_errors=True)
    try:
        yield HookTrace(Path(folder.name) / "trace" if folder else None)
    finally:
        if folder:
            folder.cleanup()
