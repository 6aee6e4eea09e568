"""One call to a service, and how it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

READING = frozenset({408, 429, 500, 502, 503, 504})
"""After these a GET is made again: it costs nothing."""
BUYING = frozenset({429, 500, 503})
"""After these a purchase whose result comes in the answer is made again: the service itself says that it made nothing.
After 503 only where it also says when to come back: a gateway that lost its service says 503 too."""
ORDERING = frozenset({429, 503})
"""After these a job is ordered again. Not after 500: the job may have been taken on before the service stumbled."""


class Problem(StrEnum):
    UNREACHABLE = "unreachable"
    """No connection came about, so nothing was sent."""
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


FINAL = frozenset({Problem.ADDRESS, Problem.TOO_LARGE})
"""After these a file that was bought can never be fetched: its address is the service's, and the bounds are ours."""
_UNDECIDED = frozenset({Problem.TIMEOUT, Problem.BROKEN_OFF, Problem.TOO_LARGE, Problem.CONTENT})


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is to be sent, and whether it is `signed` with the key: files are fetched without one.

    With `buys` it is sent again only where it is certain that nothing was bought.
    """

    url: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    max_bytes: int
    signed: bool = True
    buys: bool = False
    repeat_after: frozenset[int] = READING


class CallError(Exception):
    """A call failed for good. `said` is what the service said of it, which may hold anything."""

    def __init__(
        self,
        problem: Problem,
        said: str = "",
        *,
        status: int | None = None,
        code: str = "",
        retry_after_sec: float | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem, self.said, self.status, self.code = problem, said, status, code
        self.retry_after_sec = retry_after_sec
        self.tries = 1

    def is_undecided(self, call: Call) -> bool:
        """Whether the purchase may have been made although the call failed, as far as the answer tells.

        408 and what is above 500 come from something between, behind which the result may exist.
        """
        status = self.status or 0
        refused = status == 503 and self.retry_after_sec is not None
        between = status == 408 or (status > 500 and not refused)
        stumbled = status == 500 and status not in call.repeat_after
        return call.buys and (self.problem in _UNDECIDED or between or stumbled)

    def may_repeat(self, call: Call) -> bool:
        if self.problem is Problem.STATUS:
            decided = not self.is_undecided(call) and self.code not in _HOPELESS_CODES
            return decided and self.status in call.repeat_after
        if self.problem is Problem.UNREACHABLE:
            return True
        return self.problem in (Problem.TIMEOUT, Problem.BROKEN_OFF) and not call.buys


# A 429 with one of these is about money, not about haste.
_HOPELESS_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded"})
