"""What is not on this computer says so and is fetched; a pull tells how it ended and what is to be done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import git, lose_blobs, select
from tests.actions.sharing import Office, make_office, pull_run, push_run
from tests.web.page.pages import MOST_TICKS, REVIEW, TICK_MS, read_asset, wait_status, wait_title

Browse = Callable[..., Any]
RUN = "/runs/pilot"


@pytest.fixture
def office(pilot: Project, tmp_path: Path) -> Office:
    """A server that has the run, too."""
    found = make_office(tmp_path)
    found.equip(pilot.root)
    push_run(pilot, "pilot")
    return found


@pytest.fixture
def colleague(office: Office, tmp_path: Path) -> Project:
    """A clone of a colleague, with the run."""
    found = office.clone(tmp_path / "colleague")
    pull_run(found, "pilot")
    return found


def lose(project: Project) -> None:
    """Take the bytes of image 3 and of audio 4 from this computer."""
    lose_blobs(project)
    folder = find_run(project, "pilot").require_folder()
    for number, kind in ((3, "image"), (4, "audio")):
        (folder / read_asset(project, number, kind).path).unlink()


def pull(page: Any) -> None:
    page.locator("#menu").click()
    page.get_by_role("button", name="Pull…").click()
    page.locator("dialog .b.primary").click()


def wait_merge(page: Any, project: Project) -> None:
    for _ in range(MOST_TICKS):
        if " " in git(project.root, "log", "-1", "--format=%p", "run/pilot").strip():
            return
        page.wait_for_timeout(TICK_MS)
    raise AssertionError("no merge was committed")


def test_missing_file_says_so_in_its_row_and_is_fetched(pilot: Project, office: Office, browse: Browse) -> None:
    lose(pilot)
    page = browse(pilot).open(RUN)
    rows = page.locator(".line", has_text="not here")
    assert rows.evaluate_all("all => all.map(one => one.dataset.segment)") == ["3", "4"]
    page.locator("#chips .chip", has_text="missing 2").wait_for()
    page.get_by_role("button", name="Fetch the image of segment 3").click()
    page.locator(".line[data-segment='3'] .look img").wait_for()
    assert page.locator(".line", has_text="not here").count() == 1
    assert pilot.blobs.has(read_asset(pilot, 3, "image").md5)
    assert not pilot.blobs.has(read_asset(pilot, 4, "audio").md5)


def test_missing_picture_is_not_decided_about_until_it_is_fetched(
    pilot: Project, office: Office, browse: Browse
) -> None:
    lose(pilot)
    page = browse(pilot).open(f"{REVIEW}#3/image")
    page.locator(".state h2", has_text="This picture is not here").wait_for()
    assert page.locator("#approve").is_disabled()
    assert page.locator("#reject").is_disabled()
    page.keyboard.press("a")
    page.locator(".toast", has_text="Fetch it first").wait_for()
    page.locator("#fetch").click()
    page.locator(".frame img").wait_for()
    page.keyboard.press("a")
    wait_status(page, pilot, 3, "image", Status.APPROVED)


def test_missing_narration_under_a_picture_is_fetched(pilot: Project, office: Office, browse: Browse) -> None:
    lose(pilot)
    page = browse(pilot).open(f"{REVIEW}#4/image")
    page.locator(".sound .nothing", has_text="The narration is not here").wait_for()
    assert page.locator(".play").is_disabled()
    page.locator(".sound .nothing button").click()
    page.locator(".play:enabled").wait_for()


def test_what_no_remote_has_says_who_can_help(pilot: Project, browse: Browse) -> None:
    lose(pilot)
    page = browse(pilot).open(f"{REVIEW}#3/image")
    page.locator("#fetch").click()
    page.locator(".toast.bad small", has_text="gitassets").wait_for()


def test_pull_without_news_says_so(pilot: Project, office: Office, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    pull(page)
    page.locator(".toast", has_text="Nothing new on the server").wait_for()


def test_pulled_decision_appears(pilot: Project, office: Office, colleague: Project, browse: Browse) -> None:
    approve(colleague, find_run(colleague, "pilot"), select(image="3"))
    push_run(colleague, "pilot")
    page = browse(pilot).open(RUN)
    pull(page)
    page.locator(".toast", has_text="Pulled").wait_for()
    page.locator(".line[data-segment='3'] .st-approved").wait_for()


def test_pull_that_ends_in_conflict_leads_to_its_settling(
    pilot: Project, office: Office, colleague: Project, browse: Browse
) -> None:
    approve(colleague, find_run(colleague, "pilot"), select(image="3"))
    push_run(colleague, "pilot")
    reject(pilot, find_run(pilot, "pilot"), select(image="3"), reason="too dark")
    page = browse(pilot).open(RUN)
    pull(page)
    told = page.locator("dialog.told")
    told.get_by_text("others decided differently").wait_for()
    assert "too dark" in told.inner_text()
    told.get_by_role("link", name="Settle the first").click()
    wait_title(page, "Segment 3, image")
    page.locator(".flag", has_text="disagree").wait_for()
    page.keyboard.press("a")
    wait_status(page, pilot, 3, "image", Status.APPROVED)
    wait_merge(page, pilot)


def test_pull_of_an_unknown_remote_says_how_to_accept_it(
    pilot: Project, office: Office, colleague: Project, tmp_path: Path, browse: Browse
) -> None:
    folder = find_run(colleague, "pilot").require_folder()
    config = folder / ".dvc" / "config"
    config.write_text(f"[core]\n    remote = other\n['remote \"other\"']\n    url = {tmp_path / 'other'}\n")
    git(folder, "commit", "--quiet", "--all", "--message", "Another store")
    git(folder, "push", "--quiet", "origin", "run/pilot")
    page = browse(pilot).open(RUN)
    pull(page)
    told = page.locator("dialog.told")
    told.get_by_text("The pull changed nothing").wait_for()
    assert "gitassets pull pilot --accept" in told.inner_text().replace("\n", " ")
