"""The one place where errors become text and exit codes: 1 expected, 2 usage, 3 a bug, 130 interrupted."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import typer

from gitassets.errors import GitAssetsError, UsageError

INTERRUPTED = 130
PARTIAL = 1
_BUG = 3
_SURROGATE = re.compile("[\ud800-\udfff]")

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """The command, with every error told as a sentence and turned into its exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        as_json = bool(kwargs.get("as_json"))
        try:
            _check_texts(kwargs)
            return command(*args, **kwargs)
        except GitAssetsError as error:
            _tell(type(error).__name__, error.message, error.hint, as_json)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(1) from None
        except OSError as error:
            _tell("OSError", *_describe_os_error(error), as_json)
            raise typer.Exit(1) from None
        except (KeyboardInterrupt, typer.Abort):
            typer.echo("\nInterrupted. What was done is kept; run the command again to go on.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except typer.Exit:
            raise
        except Exception as error:
            if _belongs_to_the_parser(error):
                raise
            message = _without_keys(f"This is a bug in gitassets: {error!r}")
            _tell("Bug", message, f"Please report it with {_write_log()}", as_json)
            raise typer.Exit(_BUG) from None
        finally:
            _tell_refused_modes()

    return run  # type: ignore[return-value]


def _check_texts(arguments: Mapping[str, object]) -> None:
    """UsageError for a text that is no UTF-8, which no commit could hold. Names of files may be anything."""
    for value in arguments.values():
        if isinstance(value, str) and _SURROGATE.search(value) and not os.path.lexists(value):
            raise UsageError(f"{value!r} is not UTF-8", "Type it at a terminal that is set to UTF-8.")


def _belongs_to_the_parser(error: Exception) -> bool:
    """Whether it is a usage error of the command line's parser, which knows how to show itself."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _tell_refused_modes() -> None:
    """That files could not be made read-only, or be made writable again, is no reason to stop; nobody relies on it."""
    files = sys.modules.get("gitassets.adapters.files")
    found: list[str] = [] if files is None else files.refused_modes
    if found:
        more = f" and of {len(found) - 1} more files" if len(found) > 1 else ""
        typer.echo(
            f"Note: the permissions of {found[0]}{more} may not be changed here. The locks hold without.", err=True
        )
        found.clear()


def _tell(kind: str, message: str, hint: str, as_json: bool) -> None:
    typer.echo(f"Error: {message}", err=True)
    if hint:
        typer.echo(f"  → {hint}", err=True)
    if as_json:
        typer.echo(json.dumps({"schema": 1, "error": {"kind": kind, "message": message, "hint": hint}}))


def _describe_os_error(error: OSError) -> tuple[str, str]:
    name = error.filename or "a file"
    if error.errno == errno.ENOSPC:
        return f"The disk is full: {name} could not be written", "Make room and run the command again: nothing is lost."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name} may not be written or read: {error.strerror}", "Check its permissions."
    return f"{name}: {error.strerror or error}", ""


def _silence_stdout() -> None:
    """Python would complain about the closed pipe once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _without_keys(text: str) -> str:
    """The text without the services' keys, of which there can be none where none was looked for."""
    keys = sys.modules.get("gitassets.providers.http.keys")
    return text if keys is None else str(keys.hide_keys(text))


def _write_log() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    for folder in (Path(base) / "gitassets", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(_without_keys(traceback.format_exc()), "utf-8", "backslashreplace")
        except OSError:
            continue
        return folder / name
    return Path("no log: nothing could be written")
