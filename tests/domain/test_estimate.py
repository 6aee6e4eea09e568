from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.estimate import Estimate, Purchase, add_usd, exceeds, format_usd, group_purchases, sum_usd
from gitassets.domain.manifest import Address, Kind
from gitassets.making.consent import Allowance, LimitError


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"), (0.0001, "less than $0.001"), (0.0026, "$0.003"), (0.07, "$0.07"), (0.216, "$0.216"),
        (0.9999, "$1.00"), (1, "$1.00"), (3.2, "$3.20"), (1234.567, "$1234.57"),
    ],
)  # fmt: skip
def test_format_usd_rounds_to_readable_amounts(amount: float, text: str) -> None:
    assert format_usd(amount) == text


def test_exceeds_allows_reaching_a_limit_but_not_passing_it() -> None:
    assert not exceeds(0.1 + 0.2, 0.3)  # In floats the sum is a little more.
    assert exceeds(0.301, 0.3)
    assert exceeds(0.01, 0)
    assert not exceeds(1e9, None)
    assert add_usd([0.1] * 3) == 0.3


# Amounts in millionths of a dollar, up to a thousand dollars.
MILLIONTHS = st.lists(st.integers(0, 10**9), max_size=50)


@given(MILLIONTHS, st.randoms(use_true_random=False))
def test_a_sum_is_exact_in_any_order(millionths: list[int], random: Random) -> None:
    amounts = [one / 10**6 for one in random.sample(millionths, len(millionths))]
    assert round(sum_usd(*amounts), 6) == Decimal(sum(millionths)) / 10**6
    assert repr(add_usd(amounts)) == repr(sum(millionths) / 10**6 if amounts else 0)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50), st.integers(-1, 1))
def test_a_limit_holds_to_the_millionth(millionths: list[int], more: int) -> None:
    limit = (sum(millionths) + more) / 10**6
    allowance = Allowance(max_cost_usd=limit, run_limit_usd=None, run_spent_usd=0)
    for one in millionths[:-1]:
        allowance.reserve(one / 10**6, "openai")
        allowance.settle(one / 10**6, one / 10**6)
    if more >= 0:
        allowance.reserve(millionths[-1] / 10**6, "openai")
        return
    with pytest.raises(LimitError):
        allowance.reserve(millionths[-1] / 10**6, "openai")


@pytest.mark.parametrize("amount", [0, 3, 0.0, 3.0, 1e-9, 0.0000225, 0.1 * 3, 1e16, 1e300, math.inf])
def test_an_amount_is_written_as_rounding_a_float_wrote_it(amount: float) -> None:
    assert repr(add_usd([amount])) == repr(round(amount, 6))


def test_an_infinite_limit_is_none() -> None:
    assert not exceeds(1e300, math.inf)
    assert exceeds(math.inf, 1)
    assert not exceeds(math.inf, math.inf)


def purchase(provider: str, *addresses: Address, cost_usd: float = 0.07, live: bool = True) -> Purchase:
    return Purchase(addresses=addresses, provider=provider, cost_usd=cost_usd, live=live)


def test_group_purchases_sums_by_provider_and_kind() -> None:
    one, two, three = (Address(number, Kind.IMAGE) for number in (1, 2, 3))
    spoken = Address(1, Kind.AUDIO)
    lines = group_purchases([
        purchase("openai", one, three), purchase("openai", spoken, cost_usd=0.01), purchase("openai", two),
        purchase("card", two, cost_usd=0, live=False),
    ])  # fmt: skip
    assert [(line.provider, line.kind, line.addresses, line.cost_usd, line.live) for line in lines] == [
        ("openai", "image", (one, three, two), 0.14, True),
        ("openai", "audio", (spoken,), 0.01, True),
        ("card", "image", (two,), 0, False),
    ]
    assert not Estimate(lines=lines[2:], total_usd=0).live
    assert Estimate(lines=lines, total_usd=0.15).live


@pytest.mark.parametrize(
    ("limits", "broken"),
    [
        ({}, False),
        ({"max_cost_usd": 0.15}, False),
        ({"max_cost_usd": 0.14}, True),
        ({"run_limit_usd": 1, "spent_usd": 0.85}, False),
        ({"run_limit_usd": 1, "spent_usd": 0.86}, True),
    ],
)
def test_estimate_breaks_limit_of_command_or_run(limits: dict[str, float], broken: bool) -> None:
    assert Estimate(lines=(), total_usd=0.15, **limits).breaks_limit is broken  # type: ignore[arg-type]
