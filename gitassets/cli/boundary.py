"""Turn errors into text and exit codes: 1 expected, 2 usage, 3 a bug, 130 interrupted. Nothing else does."""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import typer

from gitassets.cli.counts import show_counts
from gitassets.cli.usage import suggest_example
from gitassets.errors import GitAssetsError, MissingInputError, UsageError

INTERRUPTED = 130
PARTIAL = 1
_BUG = 3
_SURROGATE = re.compile("[\ud800-\udfff]")

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """Decorate a command so that every error is printed as a sentence and ends with its exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        as_json = bool(kwargs.get("as_json"))
        try:
            _check_texts(kwargs)
            with show_counts(as_json):
                return command(*args, **kwargs)
        except GitAssetsError as error:
            print_error(error.kind, error.message, _complete_hint(error), as_json)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            _silence_stdout()
            raise typer.Exit(1) from None
        except OSError as error:
            print_error("OSError", *describe_os_error(error), as_json)
            raise typer.Exit(1) from None
        except (KeyboardInterrupt, typer.Abort):
            typer.echo("\nInterrupted. Whatever was finished is kept; run the command again to continue.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except typer.Exit:
            raise
        except Exception as error:
            if _is_parser_error(error):
                raise
            message = _redact(f"This is a bug in gitassets: {error!r}")
            print_error("Bug", message, f"Please report it with {_write_log()}", as_json)
            raise typer.Exit(_BUG) from None
        finally:
            _print_refused_modes()

    return run  # type: ignore[return-value]


def _complete_hint(error: GitAssetsError) -> str:
    """Add an example of the command if its line leaves something out."""
    if not isinstance(error, MissingInputError):
        return error.hint
    return " ".join(filter(None, (error.hint, suggest_example(hint=error.hint))))


def _check_texts(arguments: Mapping[str, object]) -> None:
    """Raise UsageError if a text is not UTF-8, since no commit could hold it. File names may be any bytes."""
    for value in arguments.values():
        if isinstance(value, str) and _SURROGATE.search(value) and not os.path.lexists(value):
            raise UsageError(f"{value!r} is not UTF-8", "Type it at a terminal that is set to UTF-8.")


def _is_parser_error(error: Exception) -> bool:
    """Check whether the command line parser raised this error; it prints its own."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _print_refused_modes() -> None:
    """Report files whose permissions could not be changed. Locks do not depend on them, so this is no error."""
    files = sys.modules.get("gitassets.adapters.files")
    found: list[str] = [] if files is None else files.refused_modes
    if found:
        from gitassets.domain.wording import name_some

        names = name_some(found, 1)
        typer.echo(f"Note: cannot change the permissions of {names}. Locks do not depend on them.", err=True)
        found.clear()


def print_error(kind: str, message: str, hint: str, as_json: bool) -> None:
    from gitassets.cli.paths import shorten_paths

    typer.echo(f"Error: {shorten_paths(message)}", err=True)
    if hint:
        typer.echo(f"  → {shorten_paths(hint)}", err=True)
    if as_json:
        from gitassets.cli.render import SCHEMA

        typer.echo(json.dumps({"schema": SCHEMA, "error": {"kind": kind, "message": message, "hint": hint}}))


def describe_os_error(error: OSError) -> tuple[str, str]:
    name = error.filename or "a file"
    if error.errno == errno.ENOSPC:
        return f"The disk is full: cannot write {name}", "Free some space and run the command again: nothing is lost."
    if error.errno == errno.EROFS:
        return f"The file system is read-only: cannot write {name}", "Commands that only read work, such as `list`."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Cannot read or write {name}: {error.strerror}", "Check its permissions."
    return f"{name}: {error.strerror or error}", ""


def _silence_stdout() -> None:
    """Redirect standard output to nowhere: Python would report the closed pipe again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _redact(text: str) -> str:
    """Remove the keys of services from a text. If their module was never imported, no key was read."""
    keys = sys.modules.get("gitassets.providers.http.keys")
    return text if keys is None else str(keys.hide_keys(text))


def _write_log() -> Path:
    import tempfile

    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    for folder in (Path(base) / "gitassets", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(_redact(traceback.format_exc()), "utf-8", "backslashreplace")
        except OSError:
            continue
        return folder / name
    return Path("no log: nothing could be written")
