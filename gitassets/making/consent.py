"""How much may be spent, who is asked before it is, and the purse that no call may overdraw."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Protocol

from gitassets.domain.estimate import Estimate, add_usd, exceeds, format_usd
from gitassets.errors import GitAssetsError, ProviderError


class SpendingError(GitAssetsError):
    """Nobody has agreed to what it would cost, so nothing was made."""


class LimitError(ProviderError):
    """A call was not made, since it would have passed a limit."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the user has said of money. `fresh`: what was made before by the same request is bought again.

    `yes` agrees to whatever it costs, within the limits; `max_cost_usd` is the limit of this one command.
    """

    max_cost_usd: float | None = None
    yes: bool = False
    fresh: bool = False


NO_TERMS = Terms()


class Buyer(Protocol):
    """Who is told what will be made and what it costs. Where nobody is `present`, nobody is asked."""

    @property
    def present(self) -> bool: ...

    def show(self, estimate: Estimate) -> None:
        """Called before anything is bought, unless no service has to do with it."""

    def wants_earlier(self, estimate: Estimate) -> bool:
        """Whether what was made before by the same request is taken. Only asked where somebody is present."""

    def agrees(self, estimate: Estimate) -> bool:
        """Whether that may be spent. Only asked where somebody is present."""


class Absent:
    """Nobody: takes what was made before, and agrees to nothing."""

    present = False

    def show(self, estimate: Estimate) -> None:
        pass

    def wants_earlier(self, estimate: Estimate) -> bool:  # noqa: ARG002 (part of what a buyer is)
        return True

    def agrees(self, estimate: Estimate) -> bool:  # noqa: ARG002 (part of what a buyer is)
        return False


ABSENT = Absent()


def require_consent(estimate: Estimate, confirm_usd: float, terms: Terms, buyer: Buyer) -> None:
    """SpendingError unless it costs little enough, or somebody has agreed to it."""
    if terms.yes or not exceeds(estimate.total_usd, confirm_usd):
        return
    if buyer.present:
        if not buyer.agrees(estimate):
            raise SpendingError("Nothing was made, since you did not agree to what it costs")
    elif terms.max_cost_usd is None:
        total = format_usd(estimate.total_usd)
        enough = math.ceil(round(estimate.total_usd * 100, 6)) / 100
        raise SpendingError(
            f"This costs about {total}, and above {format_usd(confirm_usd)} somebody must agree to it",
            f"Say so with --yes, or with a limit such as --max-cost {enough:.2f}; --dry-run shows what it is for. "
            "The amount above which to ask is budget.confirm_usd in gitassets.yaml.",
        )


class Purse:
    """What may still be spent by this command and on this run. Safe to use from several threads."""

    def __init__(self, *, max_cost_usd: float | None, run_limit_usd: float | None, run_spent_usd: float) -> None:
        self._max_cost_usd, self._run_limit_usd = max_cost_usd, run_limit_usd
        self._run_spent_usd = run_spent_usd
        self._spent_usd = self._reserved_usd = 0.0
        self._changing = threading.Lock()

    @property
    def spent_usd(self) -> float:
        """What this command has spent."""
        return self._spent_usd

    def reserve(self, cost_usd: float, provider: str) -> None:
        """That much is kept for a call. LimitError when a limit would be passed by it; then the call is not made."""
        with self._changing:
            wanted = add_usd((self._spent_usd, self._reserved_usd, cost_usd))
            if cost_usd > 0 and exceeds(wanted, self._max_cost_usd):
                limit = format_usd(self._max_cost_usd or 0)
                raise LimitError(
                    f"{provider} was not called: that would pass the {limit} of --max-cost",
                    "Run the command again with a higher --max-cost.",
                )
            if cost_usd > 0 and exceeds(self._run_spent_usd + wanted, self._run_limit_usd):
                limit = format_usd(self._run_limit_usd or 0)
                raise LimitError(
                    f"{provider} was not called: the run would cost more than {limit}",
                    "Raise budget.run_usd in gitassets.yaml, then run the command again.",
                )
            self._reserved_usd = add_usd((self._reserved_usd, cost_usd))

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """The call for which `reserved_usd` were kept has cost `spent_usd`."""
        with self._changing:
            self._reserved_usd = add_usd((self._reserved_usd, -reserved_usd))
            self._spent_usd = add_usd((self._spent_usd, spent_usd))
