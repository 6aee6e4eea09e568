"""What a purchase costs: no estimate without a price, and no charge that a service cannot mean."""

from __future__ import annotations

from gitassets.errors import ProviderError
from gitassets.providers.base import Request

# No single asset costs as much. A larger number in an answer is an error or a lie.
MAX_CHARGE_USD = 10_000.0
_MAX_UNITS = 10**12


def require_price(request: Request, service: str, what: str, price_usd: float | None, setting: str) -> float:
    """Return the price. Raise ProviderError, which names the setting that gives one, if it is not known."""
    if price_usd is None:
        raise ProviderError(
            f"{request.label}: the price of {what} at {service} is not known, and nothing is bought without one",
            f"Look it up at {service}, and set {setting} in gitassets.yaml.",
        )
    return price_usd


def read_charge(amount: object, usd_per_unit: float) -> float | None:
    """Return the dollars for an amount in a service's answer, or None if it is not an amount."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not abs(amount) <= _MAX_UNITS:
        return None
    charge_usd = amount * usd_per_unit
    return round(charge_usd, 6) if 0 <= charge_usd <= MAX_CHARGE_USD else None
