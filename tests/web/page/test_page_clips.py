"""A clip in a browser: its keys, its takes beside each other, and a file in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitassets.actions.replace import replace_asset
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import select
from tests.adapters.media_files import make_clip
from tests.media import write_picture
from tests.web.page.pages import MOST_TICKS, REVIEW, TICK_MS, count_commits, read_asset, wait_commits, wait_title

Browse = Callable[..., Any]
FPS = 10
TIME = "() => document.querySelector('.pane.shown video').currentTime"


@pytest.fixture
def filmed(pilot: Project, tmp_path: Path) -> Project:
    """Segment 2 has two takes of a clip, of ten frames a second."""
    for color in ("red", "blue"):
        file = make_clip(tmp_path / f"{color}.mp4", rate=str(FPS), color=color)
        replace_asset(pilot, find_run(pilot, "pilot"), select(video="2"), file)
    return pilot


def open_clip(browse: Browse, project: Project) -> Any:
    page = browse(project).open(f"{REVIEW}#2/video")
    wait_title(page, "Segment 2, video")
    page.locator(".take").nth(1).wait_for()
    wait(page, "() => document.querySelector('.pane.shown video')?.readyState >= 2")
    return page


def wait(page: Any, expression: str) -> None:
    """Ask until it is so. Playwright's own way is one that the page's policy forbids."""
    for _ in range(MOST_TICKS):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(TICK_MS)
    raise AssertionError(f"It never came to: {expression}")


def test_shift_and_arrows_step_by_the_frames_of_the_clip(filmed: Project, browse: Browse) -> None:
    page = open_clip(browse, filmed)
    for key, frame in (("Right", 1), ("Right", 2), ("Right", 3), ("Left", 2)):
        page.keyboard.press(f"Shift+Arrow{key}")
        assert int(page.evaluate(TIME) * FPS) == frame
    assert page.evaluate("() => document.querySelector('.pane.shown video').paused")


def test_two_clips_are_wiped_set_side_by_side_and_subtracted(filmed: Project, browse: Browse) -> None:
    page = open_clip(browse, filmed)
    for key, mode in (("w", "wipe"), ("s", "side"), ("d", "difference")):
        page.keyboard.press(key)
        assert page.locator(".stage").get_attribute("data-mode") == mode
        assert page.locator(".stage .frame video").count() == 2
    page.keyboard.press("Shift+ArrowRight")
    times = "() => [...document.querySelectorAll('.stage video')].map((one) => one.currentTime.toFixed(2))"
    assert len(set(page.evaluate(times))) == 1


def test_clip_that_browsers_cannot_play_is_shown_by_its_copy(browse: Browse, pilot: Project, tmp_path: Path) -> None:
    file = make_clip(tmp_path / "hevc.mp4", "-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none")
    replace_asset(pilot, find_run(pilot, "pilot"), select(video="2"), file)
    page = browse(pilot).open(f"{REVIEW}#2/video")
    wait_title(page, "Segment 2, video")
    wait(page, "() => document.querySelector('.pane.shown video')?.readyState >= 2")
    assert page.evaluate("() => document.querySelector('.pane.shown video').videoWidth") == 64
    page.keyboard.press("Space")
    wait(page, f"() => ({TIME})() > 0.2")


NOW = "() => Number(document.querySelector('.time b').textContent.split(':')[1])"
OF = "() => document.querySelector('.time .of').textContent"
PLAYING = "() => document.querySelector('.play').getAttribute('aria-label') === 'Pause'"


def test_j_k_and_l_play_backwards_stop_and_forwards(filmed: Project, browse: Browse) -> None:
    page = open_clip(browse, filmed)
    wait(page, "() => !document.querySelector('.play').disabled")
    page.keyboard.press("l")
    wait(page, PLAYING)
    wait(page, f"() => ({NOW})() > 1.2")
    page.keyboard.press("l")
    assert "1.5×" in page.evaluate(OF)
    page.keyboard.press("k")
    assert not page.evaluate(PLAYING)
    stopped = page.evaluate(NOW)
    page.keyboard.press("j")
    assert page.evaluate(PLAYING)
    wait(page, f"() => ({NOW})() < {stopped} - 0.2 && ({NOW})() > 0")
    assert page.evaluate("() => document.querySelector('.pane.shown video').paused")
    wait(page, f"() => Math.abs(({TIME})() - ({NOW})()) < 0.3")
    for rate in ("−1.5×", "−2×"):
        page.keyboard.press("j")
        assert rate in page.evaluate(OF)
    wait(page, f"() => ({NOW})() === 0")
    wait(page, f"() => !({PLAYING})()")


def test_clip_without_narration_is_played_by_itself(browse: Browse, pilot: Project, tmp_path: Path) -> None:
    run = find_run(pilot, "pilot")
    replace_asset(pilot, run, select(video="4"), make_clip(tmp_path / "clip.mp4", seconds=3))
    folder = run.require_folder()
    manifest = json.loads((folder / MANIFEST_NAME).read_text())
    manifest["segments"]["segment_004"]["audio"] = None
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2))
    page = browse(pilot).open(f"{REVIEW}#4/video")
    wait_title(page, "Segment 4, video")
    wait(page, "() => document.querySelector('.pane.shown video')?.readyState >= 2")
    page.keyboard.press("l")
    wait(page, f"() => ({NOW})() > 0.3 && ({TIME})() > 0.3")
    page.keyboard.press("k")
    assert page.evaluate("() => document.querySelector('.pane.shown video').paused")


def test_file_from_a_button_replaces_the_asset_and_can_be_undone(
    pilot: Project, browse: Browse, tmp_path: Path
) -> None:
    page = browse(pilot).open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    before, commits = read_asset(pilot, 3, "image"), count_commits(pilot)
    file = tmp_path / "<b>new.png"
    write_picture(file)
    with page.expect_file_chooser() as chosen:
        page.locator("#replace").click()
    chosen.value.set_files(str(file))
    page.locator(".toast", has_text="Replaced image 3 by <b>new.png").wait_for()
    wait_commits(page, pilot, commits + 1)
    assert read_asset(pilot, 3, "image").md5 != before.md5
    page.keyboard.press("u")
    wait_commits(page, pilot, commits + 2)
    assert read_asset(pilot, 3, "image").md5 == before.md5


def test_dropped_file_replaces_the_asset(pilot: Project, browse: Browse, tmp_path: Path) -> None:
    page = browse(pilot).open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    before = read_asset(pilot, 3, "image")
    write_picture(tmp_path / "new.png")
    data = (tmp_path / "new.png").read_bytes().hex()
    page.evaluate(
        """(data) => {
            const files = new DataTransfer();
            files.items.add(new File([Uint8Array.from(data.match(/../g), (one) => parseInt(one, 16))], "new.png"));
            const stage = document.querySelector(".stage");
            stage.dispatchEvent(new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
        }""",
        data,
    )
    page.locator(".toast", has_text="Replaced image 3").wait_for()
    assert read_asset(pilot, 3, "image").md5 != before.md5


def test_broken_file_is_refused_as_by_the_command(pilot: Project, browse: Browse, tmp_path: Path) -> None:
    browser = browse(pilot)
    browser.expected = ("status of 4",)
    page = browser.open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    before = read_asset(pilot, 3, "image")
    (tmp_path / "page.png").write_bytes(b"<html>")
    with page.expect_file_chooser() as chosen:
        page.locator("#replace").click()
    chosen.value.set_files(str(tmp_path / "page.png"))
    page.locator(".toast.bad").wait_for()
    assert read_asset(pilot, 3, "image") == before
