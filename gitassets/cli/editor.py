"""Let the user change a text in an editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitassets.errors import GitAssetsError

_EDITORS = ("notepad",) if sys.platform == "win32" else ("sensible-editor", "nano", "vi")
_HINT = "Set the variable EDITOR, such as `export EDITOR=nano`, or give the text with --text."


@contextmanager
def edit_text(text: str, name: str) -> Iterator[str | None]:
    """Open the text in the user's editor and yield the new one; None if it was not changed or is empty.

    If the caller then fails, the new text stays in its file, which the error names.
    """
    folder = Path(tempfile.mkdtemp(prefix="gitassets-"))
    file = folder / name
    file.write_text(f"{text}\n", "utf-8", "surrogateescape")
    _run(file)
    new = file.read_bytes().decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").strip()
    try:
        yield None if new in ("", text.strip()) else new
    except GitAssetsError as error:
        raise type(error)(error.message, f"{error.hint} Your text is kept in {file}.".strip()) from error
    shutil.rmtree(folder, ignore_errors=True)


def _run(file: Path) -> None:
    argv = find_editor()
    try:
        done = subprocess.run((*argv, str(file)), check=False)
    except OSError as error:
        raise GitAssetsError(f"Cannot start the editor {argv[0]}: {error.strerror}", _HINT) from error
    if done.returncode != 0:
        raise GitAssetsError(f"The editor {argv[0]} failed, so nothing was changed", f"The text is in {file}.")


def find_editor() -> tuple[str, ...]:
    """Return the editor with its arguments: VISUAL, EDITOR, or one that is installed."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        return split_command(chosen, "VISUAL" if os.environ.get("VISUAL") else "EDITOR")
    found = next((one for one in _EDITORS if shutil.which(one)), None)
    if found is None:
        raise GitAssetsError("Found no editor", _HINT)
    return (found,)


def split_command(text: str, variable: str) -> tuple[str, ...]:
    """Split the command line in a variable into program and arguments. A path with spaces can be the program alone."""
    if shutil.which(text):
        return (text,)
    try:
        words = tuple(shlex.split(text, posix=sys.platform != "win32"))
    except ValueError as error:
        raise GitAssetsError(f"{variable} is no command line: {text!r}", "Check its quotation marks.") from error
    return words or (text,)
