"""One call to a service, and how it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RETRY_READ = frozenset({408, 429, 500, 502, 503, 504})
"""Retry a GET after these: it costs nothing."""
RETRY_PURCHASE = frozenset({429, 500, 503})
"""Retry a purchase whose result is in the response after these: the service itself says that it made nothing.
After 503 only with Retry-After: a gateway that lost its service sends 503 too."""
RETRY_ORDER = frozenset({429, 503})
"""Order a job again after these. Not after 500: the service may have accepted the job before it failed."""


class Problem(StrEnum):
    UNREACHABLE = "unreachable"
    """No connection was established, so nothing was sent."""
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken off"
    STATUS = "status"
    MOVED = "moved"
    REDIRECTS = "redirects"
    ADDRESS = "address"
    PROXY = "proxy"
    TOO_LARGE = "too large"
    CONTENT = "content"
    STOPPED = "stopped"


UNFETCHABLE = frozenset({Problem.ADDRESS, Problem.TOO_LARGE})
"""After these a paid file can never be downloaded: the service chose its address, and our limits forbid it."""
_UNDECIDED = frozenset({Problem.TIMEOUT, Problem.BROKEN_OFF, Problem.TOO_LARGE, Problem.CONTENT})


@dataclass(frozen=True, kw_only=True)
class Call:
    """The request to send.

    A `signed` call carries the service's key; files are downloaded without it. A call that `buys` is repeated only if
    it is certain that nothing was bought. `uncharged` are the statuses after which the service's documentation says
    that nothing was bought. The answer to a call that `reports_errors` may be an error of status 200.
    """

    url: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    files: Mapping[str, tuple[str, bytes]] | None = None
    max_bytes: int
    signed: bool = True
    reports_errors: bool = False
    buys: bool = False
    repeat_after: frozenset[int] = RETRY_READ
    uncharged: frozenset[int] = frozenset()


class CallError(Exception):
    """A call failed for good. `service_message` is the service's own message, which may contain anything."""

    def __init__(
        self,
        problem: Problem,
        service_message: str = "",
        *,
        status: int | None = None,
        code: str = "",
        retry_after_sec: float | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem, self.service_message, self.status, self.code = problem, service_message, status, code
        self.retry_after_sec = retry_after_sec
        self.tries = 1

    def is_undecided(self, call: Call) -> bool:
        """Return whether the purchase may have been made although the call failed.

        408 and statuses above 500 come from a gateway, behind which the result may exist, unless the service documents
        otherwise.
        """
        status = self.status or 0
        if status in call.uncharged:
            return False
        refused = status == 503 and self.retry_after_sec is not None
        from_gateway = status == 408 or (status > 500 and not refused)
        failed_inside = status == 500 and status not in call.repeat_after
        return call.buys and (self.problem in _UNDECIDED or from_gateway or failed_inside)

    def may_repeat(self, call: Call) -> bool:
        """Return whether repeating the call is safe and may help."""
        if self.problem is Problem.STATUS:
            decided = not self.is_undecided(call) and self.code not in _OUT_OF_MONEY_CODES
            return decided and self.status in call.repeat_after
        if self.problem is Problem.UNREACHABLE:
            return True
        return self.problem in (Problem.TIMEOUT, Problem.BROKEN_OFF) and not call.buys


# A 429 with one of these codes is about money, not about the rate of calls.
_OUT_OF_MONEY_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded"})
