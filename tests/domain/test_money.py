from __future__ import annotations

import pytest

from gitassets.domain.estimate import Estimate, Purchase, add_usd, exceeds, format_usd, group_purchases
from gitassets.domain.manifest import Address, Kind


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
