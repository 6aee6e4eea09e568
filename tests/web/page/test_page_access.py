"""Every view in the dark and in the light: no violation that axe finds, nothing wider than the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import lose_blobs, select
from tests.web.page.pages import read_asset

Browse = Callable[..., Any]
Views = dict[str, tuple[str, Callable[[Any], None]]]
WIDTHS = (1440, 1024, 390)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def press(*keys: str) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        page.locator(".take").first.wait_for()
        for key in keys:
            page.keyboard.press(key)

    return act


def note(page: Any) -> None:
    press("n")(page)
    page.keyboard.type("Crooked.")
    page.keyboard.press("Enter")
    page.locator(".note").wait_for()


def regenerate(page: Any) -> None:
    page.locator("#regenerate").click()
    page.locator("dialog .said", has_text="free").wait_for()


def select_all(page: Any) -> None:
    page.locator("#all").check()


def show_sheet(page: Any) -> None:
    page.locator("button[data-view=sheet]").click()
    page.locator(".tile").first.wait_for()


def look(page: Any) -> None:
    page.wait_for_load_state("load")


IMAGE, AUDIO = "/runs/pilot/review#2/image", "/runs/pilot/review#2/audio"
VIEWS: Views = {
    "runs": ("/", look),
    "rows": ("/runs/pilot", select_all),
    "contact sheet": ("/runs/pilot", show_sheet),
    "time line": ("/runs/pilot/audit", look),
    "who approved": ("/runs/pilot/blame/1/image", look),
    "nobody approved": ("/runs/pilot/blame/2/audio", look),
    "no such run": ("/runs/nothing", look),
    "picture": (IMAGE, press()),
    "narration": (AUDIO, press()),
    "wipe": (IMAGE, press("2", "w")),
    "side by side": (IMAGE, press("2", "s")),
    "note": (IMAGE, note),
    "new note": (IMAGE, press("n")),
    "rejection": (IMAGE, press("r")),
    "help": (IMAGE, press("?")),
    "regenerate": (IMAGE, regenerate),
    "play through": (IMAGE, press("p")),
    "menu": (IMAGE, lambda page: page.locator("#menu").click()),
}


def settle(page: Any) -> None:
    page.get_by_role("button", name="Settle the text of segment 2").click()
    page.locator(".settle .side").first.wait_for()


def fetch(page: Any) -> None:
    page.locator("#fetch").click()
    page.locator(".toast.bad").wait_for()


CLASHING: Views = {
    "rows in conflict": ("/runs/pilot", look),
    "text in conflict": (AUDIO, press()),
    "settle": ("/runs/pilot", settle),
    "not here": ("/runs/pilot/review#3/image", fetch),
}


@pytest.fixture
def troubled(clashing: Project) -> Project:
    """A run in conflict, of which a file is nowhere."""
    lose_blobs(clashing)
    (find_run(clashing, "pilot").require_folder() / read_asset(clashing, 3, "image").path).unlink()
    return clashing


@pytest.fixture
def reviewed(pilot: Project) -> Project:
    run = find_run(pilot, "pilot")
    approve(pilot, run, select(segment="1"))
    reject(pilot, run, select(image="3"), reason="too dark")
    return pilot


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_no_violation(reviewed: Project, browse: Browse, scheme: str) -> None:
    assert find_violations(browse(reviewed), VIEWS, scheme) == {}


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_no_violation_where_something_is_wrong(troubled: Project, browse: Browse, scheme: str) -> None:
    assert find_violations(browse(troubled), CLASHING, scheme) == {}


def find_violations(browser: Any, views: Views, scheme: str) -> dict[str, object]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    browser.expected = ("404",)
    found = {}
    for name, (path, act) in views.items():
        page = browser.open(path, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
        act(page)
        results = axe.Axe().run(page, options=RULES)
        found[name] = [
            (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in results.response["violations"]
        ]
        page.close()
    return {name: violations for name, violations in found.items() if violations}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(reviewed: Project, browse: Browse, width: int) -> None:
    browser = browse(reviewed)
    browser.expected = ("404",)
    wide = []
    for name, (path, act) in VIEWS.items():
        if width < 900 and name in ("regenerate", "help"):
            continue  # On a phone they are reached in other ways.
        page = browser.open(path, viewport={"width": width, "height": 844}, has_touch=width < 900)
        act(page)
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wide.append(name)
        page.close()
    assert wide == []
