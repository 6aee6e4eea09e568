"""What happens elsewhere appears without a reload: on the command line, in a merge, in a script that grew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.actions.init import init
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, find_project
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import copy_project, write_by_hand
from tests.web.page.conftest import clash
from tests.web.page.pages import REVIEW, read_pilot, read_text, wait_title

Browse = Callable[..., Any]
RUN = "/runs/pilot"


def do(project: Project, *arguments: str) -> None:
    done = run_cli(project.root, *arguments)
    assert done.returncode == 0, done.stderr


def test_change_by_the_command_line_appears_on_every_page(pilot: Project, browse: Browse) -> None:
    browser = browse(pilot)
    runs, rows, review, audit = map(browser.open, ("/", RUN, f"{REVIEW}#1/image", f"{RUN}/audit"))
    wait_title(review, "Segment 1, image")
    do(pilot, "reject", "pilot", "--image", "1", "--reason", "too dark")
    review.locator(".flag", has_text="Rejected: too dark").wait_for()
    review.locator("#decided", has_text="1 of 8 decided").wait_for()
    rows.locator(".line[data-segment='1'] .st-rejected").wait_for()
    rows.locator(".line[data-segment='1']", has_text="image: too dark").wait_for()
    runs.locator(".card", has_text="1 of 8 decided").wait_for()
    audit.locator("body", has_text="too dark").wait_for()


def test_change_of_a_text_by_the_command_line_is_shown(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#2/audio")
    wait_title(page, "Segment 2, audio")
    do(pilot, "edit", "pilot", "2", "--text", "The sun pulls, too.")
    page.locator("#narration", has_text="The sun pulls, too.").wait_for()
    page.locator(".flag", has_text="Stale:").wait_for()


def strip_assets(project: Project, number: int) -> None:
    """Take every asset from a segment, as in a run that is not made yet."""
    manifest = read_pilot(project)
    bare = replace(manifest.segments[number], audio=None, image=None)
    write_by_hand(find_run(project, "pilot").require_folder(), manifest.with_segments({number: bare}))


def test_segments_without_assets_are_shown(pilot: Project, browse: Browse) -> None:
    strip_assets(pilot, 3)
    browser = browse(pilot)
    rows = browser.open(RUN)
    line = rows.locator(".line[data-segment='3']")
    line.locator("p", has_text=read_text(pilot, 3)).wait_for()
    assert "no assets yet" in line.inner_text()
    assert rows.locator("#shown").inner_text() == "4 segments"
    review = browser.open(REVIEW)
    review.locator(".strip button.seg").nth(3).wait_for()
    review.locator("[aria-label^='Segment 3']").click()
    review.locator(".toast", has_text="Segment 3 has no assets yet").wait_for()


def test_segments_that_a_script_adds_appear(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    page.locator(".line").nth(3).wait_for()
    script = pilot.root / "episode.md"
    script.write_text(f"{script.read_text()}\nOne more paragraph.\n")
    do(pilot, "produce", "--resume", "pilot", "--script", "episode.md")
    page.locator(".line[data-segment='5']", has_text="One more paragraph.").wait_for()


def test_prompt_that_is_wanted_is_shown_until_the_image_has_it(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    assert page.locator("#wanted-prompt").count() == 0
    do(pilot, "edit", "pilot", "3", "--prompt", "a map of <b>tides</b>")
    page.locator("#wanted-prompt", has_text="a map of <b>tides</b>").wait_for()
    page.locator("#regenerate").click()
    assert page.locator("#g-prompt").input_value() == "a map of <b>tides</b>"


@pytest.fixture
def bare_clash(pilot: Project, tmp_path: Path) -> Project:
    """The same of a segment that has no assets, in a run where all others are approved."""
    strip_assets(pilot, 2)
    git(find_run(pilot, "pilot").require_folder(), "commit", "--quiet", "--no-verify", "--all", "-m", "Bare")
    do(pilot, "approve", "pilot", "--segment", "1,3-4")
    return clash(pilot, copy_project(pilot.root, tmp_path / "other"))


def settle(page: Any, project: Project) -> None:
    page.locator(".settle .side", has_text="Theirs.").click()
    page.locator("dialog .b.primary").click()
    page.locator(".toast", has_text="The text of segment 2 is settled").wait_for()
    assert read_pilot(project).segments[2].paragraph_text == "Theirs."


def test_conflict_of_the_text_of_a_bare_segment_is_settled_in_review(bare_clash: Project, browse: Browse) -> None:
    page = browse(bare_clash).open(REVIEW)
    page.locator(".stage .state", has_text="1 text in conflict").wait_for()
    page.get_by_role("button", name="Settle the first").click()
    page.locator(".settle .side").first.wait_for()
    page.keyboard.press("Escape")
    page.goto(f"{page.url.partition('#')[0]}#2/audio")
    settle(page, bare_clash)
    page.locator(".stage .state", has_text="All 6 decided").wait_for()


def test_conflict_of_the_text_of_a_bare_segment_is_settled_in_its_row(bare_clash: Project, browse: Browse) -> None:
    page = browse(bare_clash).open(RUN)
    page.locator("#chips .chip", has_text="conflict 1").click()
    assert page.locator(".line").evaluate_all("all => all.map(one => one.dataset.segment)") == ["2"]
    page.get_by_role("button", name="Settle the text of segment 2").click()
    settle(page, bare_clash)


def test_conflict_of_texts_is_shown_and_settled(clashing: Project, browse: Browse) -> None:
    browser = browse(clashing)
    rows, page = browser.open(RUN), browser.open(f"{REVIEW}#2/audio")
    conflict = rows.locator(".line[data-segment='2'] .state", has_text="text").locator(".st-conflict")
    conflict.wait_for()
    page.locator(".flag", has_text="Two branches changed this text").wait_for()
    page.locator("#settle-text").click()
    assert page.locator(".settle .side").all_inner_texts() == ["Mine.", "Theirs."]
    page.locator(".settle .side", has_text="Theirs.").click()
    page.locator("dialog .b.primary").click()
    page.locator(".toast", has_text="The text of segment 2 is settled").wait_for()
    page.locator("#settle-text").wait_for(state="detached")
    conflict.wait_for(state="detached")
    page.locator("#narration", has_text="Theirs.").wait_for()
    assert read_pilot(clashing).segments[2].paragraph_text == "Theirs."
    assert " " in git(clashing.root, "log", "-1", "--format=%p", "run/pilot").strip()


def test_run_without_assets_says_how_to_make_them(pilot: Project, browse: Browse) -> None:
    do(pilot, "produce", "--script", "episode.md", "--run-id", "bare", "--no-audio", "--no-images")
    page = browse(pilot).open("/runs/bare/review")
    page.locator(".stage .state", has_text="gitassets produce --resume bare").wait_for()
    page.locator("#facts", has_text="4 segments, and nothing to decide yet.").wait_for()
    assert all(page.locator(name).is_disabled() for name in ("#approve", "#reject", "#note", "#regenerate"))


def test_first_run_of_a_project_appears(tmp_path: Path, browse: Browse) -> None:
    init(tmp_path)
    page = browse(find_project(tmp_path)).open("/")
    page.locator(".empty", has_text="No runs yet").wait_for()
    assert page.locator("#search").is_hidden()
    (tmp_path / "episode.md").write_text("One paragraph.\n")
    done = run_cli(tmp_path, "produce", "--script", "episode.md", "--run-id", "first", "--no-audio", "--no-images")
    assert done.returncode == 0, done.stderr
    page.locator(".card", has_text="first").wait_for()
    page.locator(".empty", has_text="No runs yet").wait_for(state="detached")
