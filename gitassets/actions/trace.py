"""Tell who asks which programs run for a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from gitassets.adapters.process import report_commands

_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


def trace_commands(say: Callable[[str], None] | None) -> None:
    """Call `say` with a line for each git, ffmpeg and DVC transfer from now on; None ends that."""
    report_commands(None if say is None else lambda argv, seconds: say(_format(argv, seconds)))


def _format(argv: Sequence[str], seconds: float) -> str:
    """Format the program as it could be typed, without what logs in to a server, and its time."""
    return f"[{seconds:6.3f} s] {_PASSWORD.sub('', shlex.join(argv))}"
