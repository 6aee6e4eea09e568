"""What making assets will cost, and whether that may be spent. All amounts are in US dollars."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from gitassets.domain.manifest import Address, Kind

# Sums of small prices differ in the last digits of a float; nothing costs a millionth of a dollar.
_DIGITS = 6


def add_usd(amounts: Iterable[float]) -> float:
    """The sum, without what adding floats leaves behind."""
    return round(sum(amounts), _DIGITS)


def exceeds(amount_usd: float, limit_usd: float | None) -> bool:
    return limit_usd is not None and round(amount_usd - limit_usd, _DIGITS) > 0


def format_usd(amount_usd: float) -> str:
    """ "$3.20"; of less than a dollar the tenths of a cent too, since a paragraph often costs no more than that."""
    if 0 < amount_usd < 0.0005:
        return "less than $0.001"
    return f"${amount_usd:.2f}" if amount_usd >= 1 else f"${amount_usd:.3f}".removesuffix("0")


class Purchase(Struct, frozen=True, kw_only=True):
    """One result of a provider, for one asset or for several that ask for the very same; about what it costs."""

    addresses: tuple[Address, ...]
    provider: str
    cost_usd: float
    live: bool


class EstimateLine(Struct, frozen=True, kw_only=True):
    """What one provider is to make of one kind. `live`: it is a service that is called."""

    provider: str
    kind: Kind
    live: bool
    addresses: tuple[Address, ...]
    cost_usd: float


class Reused(Struct, frozen=True):
    """An asset that gets the bytes of an `earlier` take, such as `ep1:segment_003/image`."""

    address: Address
    earlier: str


class Estimate(Struct, frozen=True, kw_only=True):
    """What will be made, and about what it costs.

    `reused` are taken from history, `going_on` were ordered before: neither costs anything now. `spent_usd` is what the
    run has cost so far, `run_limit_usd` what it may cost, `max_cost_usd` what this command may.
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
        """Whether any service has to do with it."""
        return bool(self.reused or self.going_on) or any(line.live for line in self.lines)

    @property
    def breaks_limit(self) -> bool:
        """Whether not all of it can be made: the call that would pass a limit is not made."""
        return exceeds(self.total_usd, self.max_cost_usd) or exceeds(
            self.spent_usd + self.total_usd, self.run_limit_usd
        )


def group_purchases(purchases: Iterable[Purchase]) -> tuple[EstimateLine, ...]:
    """A line for each provider and kind, in the order in which they come."""
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
