"""Answer errors: JSON below /api and the like, a page elsewhere."""

from __future__ import annotations

import sys
import traceback

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from gitassets.errors import (
    BusyError,
    ConflictError,
    CorruptError,
    GitAssetsError,
    LockedError,
    NoMatchError,
    NotFoundError,
    ProviderError,
    RemoteError,
    UsageError,
)
from gitassets.web.answers import as_json
from gitassets.web.rendering import render

KINDS: tuple[tuple[type[GitAssetsError], str, int], ...] = (
    (UsageError, "usage", 400),
    (NotFoundError, "missing", 404),
    (NoMatchError, "nothing", 409),
    (LockedError, "locked", 409),
    (ConflictError, "conflict", 409),
    (BusyError, "busy", 503),
    (CorruptError, "corrupt", 500),
    (ProviderError, "provider", 502),
    (RemoteError, "remote", 502),
    (GitAssetsError, "error", 400),
)


class Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """A request that is answered with an error."""

    def __init__(self, status: int, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.hint = status, kind, message, hint


class Problem(Struct, frozen=True):
    message: str
    hint: str
    kind: str


def respond_error(scope: Scope, status: int, kind: str, message: str, hint: str = "") -> Response:
    """Answer with a page where a person asked for one, else with JSON."""
    if scope["path"] == "/" or scope["path"].startswith("/runs/"):
        return render(scope, "error.html", {"status": status, "problem": Problem(message, hint, kind)}, status)
    return as_json({"error": Problem(message, hint, kind)}, status)


async def answer_refusal(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return respond_error(request.scope, error.status, error.kind, error.message, error.hint)


async def answer_expected(request: Request, error: Exception) -> Response:
    """Answer an error of gitassets with its own words."""
    if not isinstance(error, GitAssetsError):
        raise error
    kind, status = next((kind, status) for one, kind, status in KINDS if isinstance(error, one))
    return respond_error(request.scope, status, kind, error.message, str(error.hint))


async def answer_disk(request: Request, error: Exception) -> Response:
    what = getattr(error, "strerror", None) or str(error)
    return respond_error(request.scope, 500, "disk", f"A file cannot be read or written: {what}")


async def answer_bug(request: Request, error: Exception) -> Response:
    """Tell the browser little, and the terminal all."""
    print_bug(error)
    message = f"This is a bug in gitassets: {type(error).__name__}"
    return respond_error(request.scope, 500, "bug", message, "The terminal of `gitassets serve` shows more.")


def print_bug(error: Exception) -> None:
    """Print where the error came from, without keys of services: if their module was not imported, none was read."""
    text = "".join(traceback.format_exception(error))
    keys = sys.modules.get("gitassets.providers.http.keys")
    sys.stderr.write(text if keys is None else str(keys.hide_keys(text)))


async def answer_gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the browser went away in the middle of its request."""
    del request, error
    return Response(status_code=400)


async def answer_status(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    kind, message = ("missing", "There is no such page") if status == 404 else ("usage", "This cannot be done here")
    return respond_error(request.scope, status, kind, message)
