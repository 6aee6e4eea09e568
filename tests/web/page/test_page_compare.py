"""Takes are compared where they are: by flip, wipe, side by side and difference; narrations in mid-word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gitassets.runs.project import Project
from tests.web.page.pages import REVIEW, read_asset, wait_title

Browse = Callable[..., Any]
COVERED = """() => {
    const boxes = [...document.querySelectorAll(".pane .label, .cmp")].map((one) => one.getBoundingClientRect());
    const meet = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
    return boxes.flatMap((one, at) => boxes.slice(at + 1).filter((other) => meet(one, other))).length;
}"""  # noqa: E501 (JavaScript)
SOURCE = "() => document.querySelector('.pane.shown img').getAttribute('src')"


def open_takes(browse: Browse, project: Project, kind: str, **options: Any) -> Any:
    page = browse(project).open(f"{REVIEW}#2/{kind}", **options)
    wait_title(page, f"Segment 2, {kind}")
    page.locator(".take").nth(2).wait_for()
    return page


def test_number_and_arrow_keys_flip_between_takes(pilot: Project, browse: Browse) -> None:
    page = open_takes(browse, pilot, "image")
    seen = [page.evaluate(SOURCE)]
    for key in ("2", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(page.evaluate(SOURCE))
    assert len(set(seen)) == 3
    page.keyboard.press("ArrowUp")
    assert page.evaluate(SOURCE) == seen[1]
    assert page.locator(".take[aria-pressed=true] kbd").text_content() == "2"
    assert "You look at take 2" in page.locator("#locks").inner_text()


def test_wipe_side_by_side_and_difference_show_both_takes(pilot: Project, browse: Browse) -> None:
    page = open_takes(browse, pilot, "image")
    page.keyboard.press("2")
    for key, mode in (("w", "wipe"), ("s", "side"), ("d", "difference")):
        page.keyboard.press(key)
        assert page.locator(".stage").get_attribute("data-mode") == mode
        assert page.locator(".stage .frame img").count() == 2
    page.keyboard.press("d")
    assert page.locator(".stage").get_attribute("data-mode") == "flip"


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_both_takes_are_named_where_nothing_covers_the_names(pilot: Project, browse: Browse, width: int) -> None:
    page = open_takes(browse, pilot, "image", viewport={"width": width, "height": 844})
    page.keyboard.press("2")
    for key in "ws":
        page.keyboard.press(key)
        page.wait_for_load_state("networkidle")
        assert page.locator(".pane .label").all_inner_texts() == ["take 1", "take 2"]
        assert page.evaluate(COVERED) == 0


def test_wipe_moves_by_arrow_keys(pilot: Project, browse: Browse) -> None:
    page = open_takes(browse, pilot, "image")
    page.keyboard.press("w")
    page.keyboard.press("ArrowRight")
    assert page.locator(".wipe input").input_value() == "51"
    page.keyboard.press("Escape")
    assert page.locator(".stage").get_attribute("data-mode") == "flip"


def test_take_is_chosen_where_it_is_compared(pilot: Project, browse: Browse) -> None:
    page = open_takes(browse, pilot, "image")
    page.keyboard.press("3")
    page.locator("#choose").click()
    page.locator(".toast", has_text="Take 3 is now the current image").wait_for()
    assert read_asset(pilot, 2, "image").take == 3


def test_narration_changes_take_in_mid_word_at_one_loudness(pilot: Project, browse: Browse) -> None:
    page = open_takes(browse, pilot, "audio")
    page.locator(".sound[data-level]").wait_for()
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('.time b').textContent > '0:00.4'")
    page.evaluate("() => { window.before = document.querySelector('.time b').textContent }")
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelector('.time b').textContent > window.before")
    assert page.locator(".play").get_attribute("aria-label") == "Pause"
    page.keyboard.press("k")
    # What each take is turned down by makes all of them as loud as the quietest.
    loudness = page.evaluate(
        """async () => {
            const takes = (await (await fetch('/api/runs/pilot/2/audio')).json()).takes;
            return Promise.all(takes.map(async (take) => (await (await fetch(take.peaks)).json()).loudness_lufs));
        }"""
    )
    gains = page.evaluate("() => document.querySelector('.sound').dataset.gains.split(' ').map(Number)")
    heard = [one + gain for one, gain in zip(loudness, gains, strict=True)]
    assert max(heard) - min(heard) <= 0.5
    assert max(gains) <= 0
