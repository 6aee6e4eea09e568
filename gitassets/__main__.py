"""The entry points of the commands `gitassets` and `git-assets`, and of `claude-studio`."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys


def main() -> None:
    _start_quickly()
    from gitassets.cli.parts import make_app

    make_app(sys.argv[1:])()


def claude_studio() -> None:
    _start_quickly()
    from gitassets.cli.claude_studio import app

    app()


def _start_quickly() -> None:
    # pydantic, which Typer imports, would scan every installed package for plug-ins at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A short command has no garbage worth looking for, least of all at its end, when the system takes everything back.
    gc.set_threshold(500_000, 10, 10)
    atexit.register(gc.disable)
    # A closed terminal or a cancelled job ends a command as Ctrl-C does: what was made is recorded first.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


if __name__ == "__main__":
    main()
