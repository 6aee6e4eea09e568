"""Takes are bought through the page from a stand-in for the services: the price first, once, and within the limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitassets.actions.cost import read_costs
from gitassets.runs.project import Project
from tests.adapters.media_files import make_picture
from tests.providers.accepting import accept_sections
from tests.providers.services import KEYS, Services
from tests.web.page.conftest import SMALL
from tests.web.page.pages import REVIEW, wait_title

Browse = Callable[..., Any]


@pytest.fixture
def shop(pilot: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """A service that never draws the same twice; the project buys there."""
    monkeypatch.setenv("OPENAI_API_KEY", KEYS["OPENAI_API_KEY"])
    picture = make_picture(tmp_path / "picture.png", size=(96, 64)).read_bytes()
    with Services({"image": picture, "audio": b"", "video": b""}).running() as running:
        running.unique = True
        (pilot.root / "gitassets.yaml").write_text(f"{SMALL}services:\n  openai:\n    base_url: {running.url}\n")
        accept_sections(pilot, {"openai": running.settings()})
        yield running


def ask(page: Any, number: int) -> str:
    """Ask for the price of a new picture of openai, and return what the dialog says."""
    page.goto(f"{page.url.partition('/runs')[0]}{REVIEW}#{number}/image")
    wait_title(page, f"Segment {number}, image")
    page.locator("#regenerate:enabled").click()
    page.get_by_label("Provider").fill("openai")
    said = page.locator("dialog .said", has_text="$")
    said.wait_for()
    return str(said.inner_text())


def test_price_is_shown_then_bought_once_and_the_candidate_appears(
    pilot: Project, shop: Services, browse: Browse
) -> None:
    browser = browse(pilot, live=True, max_cost_usd=1.0)
    page = browser.open(f"{REVIEW}#1/image")
    assert "This server may still spend $1.00" in ask(page, 1)
    assert shop.bought == []
    buy = page.locator("dialog .b.primary:enabled", has_text="Buy for $")
    price = buy.inner_text().removeprefix("Buy for ")
    buy.click()
    page.locator(".toast", has_text="Made new takes").wait_for(timeout=60_000)
    page.locator(".take", has_text="candidate").wait_for()
    assert len(shop.bought) == 1
    assert "may still spend $0." in ask(page, 3)
    page.locator("dialog .b.primary:enabled", has_text="Buy for $").click()
    page.locator(".take", has_text="candidate").wait_for(timeout=60_000)
    assert len(shop.bought) == 2
    page.goto(f"{browser.root}/runs/pilot/audit")
    page.locator("#cost .bars", has_text="openai").wait_for()
    total = read_costs(pilot).total_usd
    assert total == pytest.approx(2 * float(price.removeprefix("$")), abs=0.01)
    assert page.locator("#cost .sum").inner_text() == f"${total:.2f}"
    assert page.locator(".chart").get_attribute("aria-label") == f"Cost over time, up to ${total:.2f}"
    line = page.locator(".chart .line").get_attribute("d")
    # The first purchase is half of the second, or a little less: what an answer charges depends on its size.
    assert re.match(r"M0\.0 5[123]\.\dL300\.0 4\.0", line)


def test_what_costs_more_than_the_limit_is_not_bought(pilot: Project, shop: Services, browse: Browse) -> None:
    browser = browse(pilot, live=True, max_cost_usd=0.001)
    browser.expected = ("status of 4",)
    page = browser.open(f"{REVIEW}#1/image")
    assert "$0.001" in ask(page, 1)
    assert page.locator("dialog .b.primary").is_disabled()
    page.keyboard.press("Enter")
    assert page.locator("dialog").count() == 1
    assert shop.bought == []


def test_provider_that_makes_nothing_here_is_said_and_nothing_begins(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.locator("#regenerate:enabled").click()
    page.get_by_label("Provider").fill("nothing")
    page.locator("dialog .said", has_text="There is no provider").wait_for()
    assert page.locator("dialog .b.primary").is_disabled()


def test_server_that_was_not_started_to_buy_says_so(pilot: Project, shop: Services, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    assert "started without --live" in ask(page, 1)
    assert page.locator("dialog .b.primary").is_disabled()
    assert shop.bought == []
