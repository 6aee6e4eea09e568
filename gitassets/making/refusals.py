"""What services refused in one command for a reason that holds for its further calls, too."""

from __future__ import annotations

import threading

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.making.plan import ProviderCall
from gitassets.providers.base import RefusedError


class Refusals:
    """Keeps a command from asking again for what was refused. Safe to use from several threads."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, Kind, str | None], tuple[str, RefusedError]] = {}
        self._lock = threading.Lock()

    def note(self, call: ProviderCall, error: RefusedError) -> None:
        with self._lock:
            self._first.setdefault(_identify(call), (str(call.jobs[0].address), error))

    def require_none(self, call: ProviderCall) -> None:
        """Raise ProviderError if a like call was refused. The message tells what was not tried, and why."""
        with self._lock:
            refused = self._first.get(_identify(call))
        if refused is not None:
            address, error = refused
            problem = error.message.removeprefix(f"{address.capitalize()}: ")
            raise ProviderError(
                f"{call.jobs[0].request.label}: not tried, since {address} failed for a reason that holds for it, too: "
                f"{problem}",
                error.hint,
            )


def _identify(call: ProviderCall) -> tuple[str, Kind, str | None]:
    """Return what a refusal holds for. Another voice may be allowed, or exist."""
    request = call.jobs[0].request
    return call.provider.name, request.kind, request.voice
