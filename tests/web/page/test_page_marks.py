"""What needs attention is marked by a shape and a word; and a visitor says who decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.log import read_log
from gitassets.domain.conflict import record_conflict
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.locked_run import change_by_hand
from tests.web.page.pages import REVIEW, read_asset, wait_status, wait_title

Browse = Callable[..., Any]


def contradict(asset: Asset) -> Asset:
    approved = replace(asset, status=Status.APPROVED, approved_md5=asset.md5)
    return record_conflict(asset, approved, replace(asset, status=Status.REJECTED, reason="too dark"))


def test_stale_altered_and_contradicted_assets_say_so(pilot: Project, browse: Browse) -> None:
    run = find_run(pilot, "pilot")
    edit(pilot, run, parse_selection("3"), EditOptions(text="Other words."))
    folder = run.require_folder()
    altered = folder / read_asset(pilot, 2, "image").path
    altered.chmod(0o644)
    altered.write_bytes(b"other bytes")
    change_by_hand(folder, Address(4, Kind.IMAGE), contradict)
    browser = browse(pilot)
    for place, words in (("3/audio", "Stale:"), ("2/image", "changed by another program"), ("4/image", "disagree")):
        page = browser.open(f"{REVIEW}#{place}")
        page.locator(".flag", has_text=words).locator("svg").wait_for()
        page.close()


def test_visitor_gives_a_name_and_then_decides(pilot: Project, browse: Browse) -> None:
    page = browse(pilot, others_decide=True).open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    page.keyboard.press("a")
    page.locator("dialog input").fill("Bo Berg")
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for(state="detached")
    page.keyboard.press("a")
    wait_status(page, pilot, 3, "image", Status.APPROVED)
    page.locator(".toast", has_text="Approved image 3").wait_for()
    assert read_log(pilot, find_run(pilot, "pilot"))[0].reviewed_by == "Bo Berg"
