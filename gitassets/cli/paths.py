"""Print paths as people type them: relative where they lie inside the current folder."""

from __future__ import annotations

import re
from pathlib import Path


def show_path(path: Path | str) -> str:
    """Return a path to print. Characters that a terminal would obey are replaced."""
    from gitassets.cli.render import printable

    return printable(shorten_paths(str(path)))


def shorten_paths(text: str) -> str:
    """Make the absolute paths in a text that lead into the current folder relative to it."""
    try:
        here = str(Path.cwd())
    except OSError:  # The current folder was deleted.
        return text
    # What follows these characters is a part of a longer path or of an address, such as file:///home or host:/home.
    return re.sub(rf"(?<![\w/:.~+-]){re.escape(here)}/(?=[^\s/'\"`])", "", text) if here != "/" else text
