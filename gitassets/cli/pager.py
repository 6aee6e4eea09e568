"""Show long output as git does: through a pager, on a terminal only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gitassets.runs.project import Project

# What git sets for its pager unless the user has: quit if it fits on one screen, show colours, leave the text there.
_DEFAULTS = {"LESS": "FRX", "LV": "-c"}


def show_paged(project: Project, text: str) -> None:
    """Print the text, on a terminal through the pager of git: GIT_PAGER, core.pager, PAGER or less."""
    pager = project.git.line("var", "GIT_PAGER") if sys.stdout.isatty() else ""
    if not text or pager in ("", "cat") or not _page(pager, text):
        typer.echo(text, color=True)


def _page(pager: str, text: str) -> bool:
    """Run the pager by the shell, as git does. Return whether it could be started."""
    environment = {**_DEFAULTS, **os.environ, "GIT_PAGER_IN_USE": "true"}
    process = subprocess.Popen(
        ("sh", "-c", pager),  # noqa: S607 (git starts its pager in the same way)
        stdin=subprocess.PIPE, env=environment,
    )  # fmt: skip
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager.
    try:
        with suppress(BrokenPipeError):
            process.communicate(f"{text}\n".encode(errors="replace"))
    finally:
        code = process.wait()
        signal.signal(signal.SIGINT, before)
    return code not in (126, 127)
