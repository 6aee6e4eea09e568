"""Ask for consent before money is spent, and keep each command within its limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Protocol

from gitassets.domain.estimate import Estimate, add_usd, exceeds, format_usd, sum_usd
from gitassets.domain.voices import Voice
from gitassets.errors import GitAssetsError, ProviderError

# No service is known to charge more than this many times an estimate.
_MOST_EXCESS = 10


class SpendingError(GitAssetsError):
    """Report that nobody agreed to the cost, so nothing was made."""


class LimitError(ProviderError):
    """Report that a call was not made because it would have passed a limit."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The user's options about money.

    `max_cost_usd` limits this command; `yes` accepts any cost within the limits. With `fresh`, takes that the same
    request made before are bought again.
    """

    max_cost_usd: float | None = None
    yes: bool = False
    fresh: bool = False


NO_TERMS = Terms()


class Buyer(Protocol):
    """The person who is shown the cost and asked for consent. Nobody is asked unless somebody is `present`."""

    @property
    def present(self) -> bool: ...

    def show(self, estimate: Estimate) -> None:
        """Show the estimate before anything is bought. Not called if no service is involved."""

    def accepts_address(self, provider: str, url: str) -> bool:
        """Ask whether the provider's key may go to this URL, which is not its service's own. See `accepts_reuse`."""

    def accepts_reuse(self, estimate: Estimate) -> bool:
        """Ask whether to reuse what the same request made before. Only called if somebody is present."""

    def agrees(self, estimate: Estimate) -> bool:
        """Ask whether that may be spent. Only called if somebody is present."""

    def choose_voice(self, provider: str, voices: Sequence[Voice]) -> Voice | None:
        """Ask which voice is to speak; None: none of them. Only called if somebody is present."""


class Absent:
    """No buyer: reuse what was made before, and agree to no cost."""

    present = False

    def show(self, estimate: Estimate) -> None:
        pass

    def accepts_address(self, provider: str, url: str) -> bool:  # noqa: ARG002 (part of the Buyer protocol)
        return False

    def accepts_reuse(self, estimate: Estimate) -> bool:  # noqa: ARG002 (part of the Buyer protocol)
        return True

    def agrees(self, estimate: Estimate) -> bool:  # noqa: ARG002 (part of the Buyer protocol)
        return False

    def choose_voice(self, provider: str, voices: Sequence[Voice]) -> Voice | None:  # noqa: ARG002 (as above)
        return None


ABSENT = Absent()


def require_consent(estimate: Estimate, confirm_usd: float, terms: Terms, buyer: Buyer) -> None:
    """Raise SpendingError unless the cost is at most `confirm_usd` or somebody agrees to it."""
    if terms.yes or not exceeds(estimate.total_usd, confirm_usd):
        return
    if buyer.present:
        if not buyer.agrees(estimate):
            raise SpendingError("Nothing was made, since you did not agree to what it costs")
    elif terms.max_cost_usd is None:
        total = format_usd(estimate.total_usd)
        enough = Decimal(str(estimate.total_usd)).quantize(Decimal("0.01"), ROUND_CEILING)
        raise SpendingError(
            f"This costs about {total}, and above {format_usd(confirm_usd)} somebody must agree to it",
            f"Say so with --yes, or with a limit such as --max-cost {enough}; --dry-run shows what it is for. "
            "The amount above which to ask is budget.confirm_usd in gitassets.yaml.",
        )


class Allowance:
    """Track what this command and this run may still spend. Safe to use from several threads.

    Some services say only afterwards what they charge. Until a provider has said it once, its calls run together only
    as far as the limits would hold at ten times their estimates.
    """

    def __init__(self, *, max_cost_usd: float | None, run_limit_usd: float | None, run_spent_usd: float) -> None:
        self._max_cost_usd, self._run_limit_usd = max_cost_usd, run_limit_usd
        self._run_spent_usd = run_spent_usd
        self._spent_usd = self._reserved_usd = Decimal()
        self._excess: dict[str, float] = {}
        self._running_usd: dict[str, list[float]] = {}
        self._changed = threading.Condition()

    @property
    def spent_usd(self) -> float:
        """What this command has spent so far."""
        return add_usd((self._spent_usd,))

    @contextmanager
    def run(self, provider: str, cost_usd: float, *, tells_charge: bool) -> Iterator[None]:
        """Wait until a call may run beside those of its provider that are running."""
        with self._changed:
            while tells_charge and self._must_wait(provider, cost_usd):
                self._changed.wait()
            self._running_usd.setdefault(provider, []).append(cost_usd)
        try:
            yield
        finally:
            with self._changed:
                self._running_usd[provider].remove(cost_usd)
                self._changed.notify_all()

    def _must_wait(self, provider: str, cost_usd: float) -> bool:
        running = self._running_usd.get(provider, [])
        if provider in self._excess or not running or cost_usd <= 0:
            return False
        most = sum_usd(self._spent_usd, *(one * _MOST_EXCESS for one in (*running, cost_usd)))
        return exceeds(most, self._max_cost_usd) or exceeds(sum_usd(self._run_spent_usd, most), self._run_limit_usd)

    def reserve(self, cost_usd: float, provider: str) -> float:
        """Reserve the cost of a call and return it, raised as earlier calls of the provider exceeded their estimates.

        Raise LimitError if it would pass a limit; the call must then not be made.
        """
        with self._changed:
            cost_usd *= self._excess.get(provider, 1.0)
            wanted = sum_usd(self._spent_usd, self._reserved_usd, cost_usd)
            if cost_usd > 0 and exceeds(wanted, self._max_cost_usd):
                limit = format_usd(self._max_cost_usd or 0)
                raise LimitError(
                    f"{provider} was not called: that would pass the {limit} of --max-cost",
                    "Run the command again with a higher --max-cost.",
                )
            if cost_usd > 0 and exceeds(sum_usd(self._run_spent_usd, wanted), self._run_limit_usd):
                limit = format_usd(self._run_limit_usd or 0)
                raise LimitError(
                    f"{provider} was not called: the run would cost more than {limit}",
                    "Raise budget.run_usd in gitassets.yaml, then run the command again.",
                )
            self._reserved_usd = sum_usd(self._reserved_usd, cost_usd)
            return cost_usd

    def correct(self, provider: str, estimated_usd: float, reserved_usd: float, price_usd: float) -> None:
        """Replace the reserved amount of a call by the price that its provider names.

        A price above the estimate raises what later calls of the provider reserve, so that the limits hold for them.
        """
        with self._changed:
            self._reserved_usd = sum_usd(self._reserved_usd, -reserved_usd, price_usd)
            self._learn(provider, estimated_usd, price_usd)

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replace the reserved amount of a finished call by its actual cost."""
        with self._changed:
            self._reserved_usd = sum_usd(self._reserved_usd, -reserved_usd)
            self._spent_usd = sum_usd(self._spent_usd, spent_usd)

    def learn(self, provider: str, estimated_usd: float, charged_usd: float) -> None:
        """Raise what later calls of the provider reserve, if it charged more than was estimated."""
        with self._changed:
            self._learn(provider, estimated_usd, charged_usd)

    def _learn(self, provider: str, estimated_usd: float, charged_usd: float) -> None:
        if estimated_usd > 0:
            self._excess[provider] = max(self._excess.get(provider, 1.0), charged_usd / estimated_usd)
            self._changed.notify_all()
