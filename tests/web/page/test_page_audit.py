"""The time line of a run, who approved an asset, and what it cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import git, select
from tests.media import write_picture
from tests.web.page.pages import REVIEW, read_asset, read_text, wait_title

Browse = Callable[..., Any]
RUN = "/runs/pilot"


def test_time_line_links_to_assets_and_takes(pilot: Project, browse: Browse) -> None:
    reject(pilot, find_run(pilot, "pilot"), select(image="2"), reason="too dark")
    page = browse(pilot).open(f"{RUN}/audit")
    first = page.locator(".time-line li").first
    for shown in ("image 2, take 1", "too dark", "Ann Lee", "just now"):
        assert shown in first.inner_text()
    first.get_by_role("link", name="image 2").click()
    wait_title(page, "Segment 2, image")


def test_candidates_are_named_and_linked_by_the_takes_that_were_made(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{RUN}/audit")
    links = page.locator(".time-line .links").nth(1).get_by_role("link")
    assert links.all_inner_texts() == ["image 2, takes 2-3"]
    links.first.click()
    page.locator(".take[aria-pressed=true]", has_text="candidate").wait_for()
    assert "take 2 of 3" in page.locator("#facts .meta").inner_text()


def test_view_of_its_own_says_who_approved_when_why_and_which_take(
    pilot: Project, browse: Browse, tmp_path: Path
) -> None:
    run = find_run(pilot, "pilot")
    reject(pilot, run, select(image="3"), reason="too dark")
    replace_asset(pilot, run, select(image="3"), write_picture(tmp_path / "new.png"))
    approve(pilot, run, select(image="3"))
    page = browse(pilot).open(f"{REVIEW}#3/image")
    page.get_by_role("link", name="Who approved this?").click()
    answer = page.locator(".answer", has_text="just now")
    answer.wait_for()
    commit = git(pilot.root, "rev-parse", "run/pilot").strip()
    for shown in ("Ann Lee", "just now", commit, read_asset(pilot, 3, "image").md5):
        assert shown in answer.inner_text()
    assert page.locator(".shown img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert read_text(pilot, 3) in page.locator(".shown").inner_text()
    history = page.locator(".time-line li")
    assert "too dark" in history.nth(2).inner_text()
    history.last.get_by_role("link", name="take 1").click()
    page.locator(".take[aria-pressed=true]", has_text="rejected").wait_for()
    assert page.url.endswith("#3/image")


def test_nobody_approved_a_draft(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{RUN}/blame/2/audio")
    page.locator(".answer .sum", has_text="Nobody").wait_for()
    browser = browse(pilot)
    browser.expected = ("404",)
    page = browser.open(f"{RUN}/blame/9/video")
    page.get_by_role("heading", name="Segment 9 of pilot has no video").wait_for()
