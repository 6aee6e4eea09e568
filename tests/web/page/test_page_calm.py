"""Nothing moves that was not asked to: no shift of the layout, and no motion for those who want none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitassets.domain.status import Status
from gitassets.runs.project import Project
from tests.web.page.pages import REVIEW, wait_status, wait_title

Browse = Callable[..., Any]
RUN = "/runs/pilot"
SIZES = pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)], ids="{0[0]}".format)
MOST_SHIFT = 0.002
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
        const place = ({x, y, width, height}) => [x, y, width, height].map(Math.round);
        const moved = one.sources.map(({node, previousRect, currentRect}) =>
            [node?.nodeName, node?.id, node?.className, place(previousRect), place(currentRect)]);
        window.shifts.push([one.value, JSON.stringify(moved)]);
    }
}).observe({type: "layout-shift", buffered: true});
"""
MOVING = """() => document.getAnimations().filter((one) =>
    one.playState === "running" && Number(one.effect.getComputedTiming().duration) > 0).length"""


def watch(browser: Any, path: str, **options: Any) -> Any:
    """Open a page whose shifts of layout are counted from its first paint."""
    page = browser.open("/", **options)
    page.add_init_script(WATCH)
    page.goto(f"{browser.root}{path}")
    return page


def assert_calm(page: Any) -> None:
    page.wait_for_load_state("networkidle")
    shifts = page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(shifts))))")
    assert sum(value for value, _ in shifts) <= MOST_SHIFT, shifts


def fit(size: tuple[int, int]) -> dict[str, Any]:
    return {"viewport": {"width": size[0], "height": size[1]}}


@SIZES
def test_review_shifts_nothing_while_media_come_and_decisions_are_made(
    pilot: Project, browse: Browse, size: tuple[int, int]
) -> None:
    page = watch(browse(pilot), f"{REVIEW}#1/audio", **fit(size))
    for number, kind in ((1, "audio"), (1, "image"), (2, "audio")):
        wait_title(page, f"Segment {number}, {kind}")
        page.wait_for_load_state("networkidle")
        page.locator("#approve").click()
        wait_status(page, pilot, number, kind, Status.APPROVED)
        page.keyboard.press("u")
        wait_status(page, pilot, number, kind, Status.REVIEW)
        page.keyboard.press("ArrowRight")
    assert_calm(page)


@SIZES
def test_rows_and_contact_sheet_shift_nothing(pilot: Project, browse: Browse, size: tuple[int, int]) -> None:
    page = watch(browse(pilot), RUN, **fit(size))
    page.locator(".line").nth(3).wait_for()
    page.locator(".line input").first.check()
    page.locator("#approve").click()
    wait_status(page, pilot, 1, "image", Status.APPROVED)
    assert_calm(page)
    page.locator("button[data-view=sheet]").click()
    page.reload()
    page.locator(".tile").nth(3).wait_for()
    page.locator(".tile input").nth(1).check()
    page.locator("#approve").click()
    wait_status(page, pilot, 2, "image", Status.APPROVED)
    assert_calm(page)


@SIZES
def test_runs_and_time_line_shift_nothing(pilot: Project, browse: Browse, size: tuple[int, int]) -> None:
    browser = browse(pilot)
    for path in ("/", f"{RUN}/audit", f"{RUN}/blame/1/image"):
        page = watch(browser, path, **fit(size))
        assert_calm(page)
        page.close()


def test_reduced_motion_moves_nothing(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#2/image", reduced_motion="reduce")
    wait_title(page, "Segment 2, image")
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    assert page.evaluate(MOVING) == 0
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.locator(".toast").wait_for()
    assert page.evaluate(MOVING) == 0
    page.keyboard.press("p")
    page.locator(".theatre .box img").wait_for()
    assert page.locator(".theatre .box img").evaluate("image => image.getAnimations().length") == 0
    assert page.evaluate(MOVING) == 0
    durations = page.evaluate(
        "() => [...document.querySelectorAll('*')].map((one) => getComputedStyle(one).transitionDuration)"
    )
    assert {float(one.removesuffix("s")) for each in durations for one in each.split(", ")} == {0.0}
