"""Estimate what making assets will cost, and compare it with the limits. All amounts are in US dollars.

Amounts are floats in files, JSON and the interface of providers. They are added and compared as decimals.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext

from msgspec import Struct

from gitassets.domain.manifest import Address, Kind

# No price is as small as a millionth of a dollar; smaller parts come from multiplying floats.
_UNIT = Decimal("0.000001")
# Exact for every float. Hostile amounts, such as 1e300 or infinity, raise nothing.
_EXACT = Context(prec=700, traps=[])


def sum_usd(*amounts: float | Decimal) -> Decimal:
    """Add amounts exactly. Totals are rounded where they are compared or written."""
    with localcontext(_EXACT):
        return sum(map(Decimal, amounts), Decimal())


def _round(amount_usd: Decimal) -> Decimal:
    return amount_usd.quantize(_UNIT, context=_EXACT) if amount_usd.is_finite() else amount_usd


def add_usd(amounts: Iterable[float | Decimal]) -> float:
    """Add amounts for a file or JSON, rounded to a millionth. A sum of whole numbers is written as one."""
    added = tuple(amounts)
    total = _round(sum_usd(*added))
    return int(total) if all(isinstance(amount, int) for amount in added) else float(total)


def exceeds(amount_usd: float | Decimal, limit_usd: float | None) -> bool:
    return limit_usd is not None and _EXACT.compare(_round(sum_usd(amount_usd)), _round(sum_usd(limit_usd))) == 1


def format_usd(amount_usd: float) -> str:
    """Format dollars: $3.20, below a dollar also tenths of a cent, since a paragraph often costs no more than that."""
    if 0 < amount_usd < 0.0005:
        return "less than $0.001"
    return f"${amount_usd:.2f}" if amount_usd >= 1 else f"${amount_usd:.3f}".removesuffix("0")


class Purchase(Struct, frozen=True, kw_only=True):
    """One result of a provider, for one asset or for several with the identical request, and its estimated cost."""

    addresses: tuple[Address, ...]
    provider: str
    cost_usd: float
    live: bool


class EstimateLine(Struct, frozen=True, kw_only=True):
    """What one provider is to make of one kind. `live`: the provider is a service."""

    provider: str
    kind: Kind
    live: bool
    addresses: tuple[Address, ...]
    cost_usd: float


class Reused(Struct, frozen=True):
    """An asset that reuses the bytes of an `earlier` take, such as `ep1:segment_003/image`."""

    address: Address
    earlier: str


class Estimate(Struct, frozen=True, kw_only=True):
    """What will be made, and the estimated cost.

    `reused` assets come from the history and `going_on` continue earlier orders: neither costs anything now.
    `spent_usd` is what the run has cost so far, `run_limit_usd` what it may cost, `max_cost_usd` what this command may.
    """

    lines: tuple[EstimateLine, ...]
    total_usd: float
    reused: tuple[Reused, ...] = ()
    going_on: tuple[Address, ...] = ()
    spent_usd: float = 0.0
    run_limit_usd: float | None = None
    max_cost_usd: float | None = None

    @property
    def live(self) -> bool:
        """Whether any service is involved."""
        return bool(self.reused or self.going_on) or any(line.live for line in self.lines)

    @property
    def breaks_limit(self) -> bool:
        """Whether some of it will not be made, since a call that would pass a limit is not made."""
        return exceeds(self.total_usd, self.max_cost_usd) or exceeds(
            sum_usd(self.spent_usd, self.total_usd), self.run_limit_usd
        )


def group_purchases(purchases: Iterable[Purchase]) -> tuple[EstimateLine, ...]:
    """Return a line for each provider and kind, in the order in which they come."""
    grouped: dict[tuple[str, Kind], list[Purchase]] = {}
    for one in purchases:
        grouped.setdefault((one.provider, one.addresses[0].kind), []).append(one)
    return tuple(
        EstimateLine(
            provider=provider,
            kind=kind,
            live=any(one.live for one in found),
            addresses=tuple(address for one in found for address in one.addresses),
            cost_usd=add_usd(one.cost_usd for one in found),
        )
        for (provider, kind), found in grouped.items()
    )
