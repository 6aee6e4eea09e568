"""The entry points of the commands `gitassets` and `git-assets`, and of `claude-studio`."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from gitassets.cli.hints import WORDS
from gitassets.errors import word_remedies
from gitassets.streams import accept_any_answer, open_for_all_characters, use_utf8


def main() -> None:
    _start_quickly()
    from gitassets.cli.app import make_app

    _run(make_app(sys.argv[1:]))


def claude_studio() -> None:
    _start_quickly()
    from gitassets.cli.claude_studio import app

    _run(app)


def _start_quickly() -> None:
    word_remedies(WORDS)
    use_utf8()
    _open_closed_streams()
    open_for_all_characters()
    accept_any_answer()
    # pydantic, which Typer imports, would scan every installed package for plug-ins at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A short command has no garbage worth looking for.
    gc.set_threshold(500_000, 10, 10)
    # A closed terminal or a cancelled job ends a command as Ctrl-C does: what was made is recorded first.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def _open_closed_streams() -> None:
    """Standard input, output and error, where the caller has closed one, lead nowhere.

    Else the next file that is opened would be in its place, and would take what git has to say.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)  # The lowest number that is free: that of the closed one.
            os.set_inheritable(handle, True)
            setattr(sys, name, os.fdopen(handle, mode, encoding="utf-8"))


def _run(app: Callable[[], object]) -> None:
    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.code, int) and threading.active_count() == 1:
            end_quickly(ended.code)
        raise


def end_quickly(code: int) -> NoReturn:
    """The process ends as Python ends it, but for taking apart every object, which the system takes back at once.

    That takes a fifth of the time of a short command. Where the output cannot be written, Python has to say so.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 (what else there is to do at the end has no other name)
    with suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
