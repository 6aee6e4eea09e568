"""A sheet: opened from its file with the network off, decided by keys, saved, and committed by `decide`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gitassets.actions.approve import approve
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.log import read_log
from gitassets.actions.reject import reject
from gitassets.domain.annotations import iter_annotations
from gitassets.domain.selection import parse_selection
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project
from tests.actions.checks import select, statuses
from tests.web.page.test_page_access import RULES
from tests.whole_app import app

PROGRESS = "document.querySelector('.prog').innerText"
WIDTHS = (1440, 1024, 390)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & ünd “漢”"
Open = Callable[..., Any]


@pytest.fixture
def sheet(pilot: Project) -> Path:
    """The sheet of a run with one approved and one rejected asset, and a prompt and a reason that would do harm."""
    run = find_run(pilot, "pilot")
    approve(pilot, run, select(audio="1"))
    edit(pilot, run, parse_selection("3"), EditOptions(prompt=HOSTILE))
    reject(pilot, run, select(image="4"), reason=HOSTILE)
    done = CliRunner().invoke(app, ["sheet", "pilot"])
    assert done.exit_code == 0, done.output
    return pilot.root / "pilot-sheet.html"


@pytest.fixture
def open_sheet(chromium: Any, sheet: Path) -> Iterator[Open]:
    """Open the sheet from its file, with the network off. Whatever goes wrong in the page fails the test."""
    problems: list[str] = []
    with ExitStack() as stack:

        def start(**options: Any) -> Any:
            context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "offline": True, **options})
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda one: problems.append(one.text) if one.type in ("error", "warning") else None)
            page.on("request", lambda one: problems.append(one.url) if one.url.startswith("http") else None)
            page.on("dialog", lambda one: answer(one, problems))
            page.goto(sheet.as_uri())
            return page

        yield start
    assert problems == []


def answer(dialog: Any, problems: list[str]) -> None:
    """Leave the page although it holds decisions that are not saved. No other dialog is the page's own."""
    if dialog.type != "beforeunload":
        problems.append(dialog.message)
    dialog.accept()


def until(page: Any, condition: str) -> None:
    """Wait for it, frame by frame: the page's policy forbids what Playwright waits with."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    raise AssertionError(condition)


def press(page: Any, *keys: str) -> None:
    for one in keys:
        page.keyboard.press(one)


def read_title(page: Any) -> str:
    return str(page.locator("#asset-title").inner_text())


def save(page: Any, path: Path, by: str) -> Path:
    press(page, "s")
    page.locator("#reviewer").fill(by)
    with page.expect_download() as waiting:
        page.locator("#save-file").click()
    waiting.value.save_as(path)
    return path


def test_three_decisions_by_keys_are_saved_and_committed(pilot: Project, open_sheet: Open, tmp_path: Path) -> None:
    page = open_sheet()
    assert read_title(page) == "Segment 1, image"
    press(page, "a")
    assert read_title(page) == "Segment 2, narration"
    press(page, "r")
    page.keyboard.type("too fast")
    press(page, "Enter")
    assert read_title(page) == "Segment 2, image"
    press(page, "n")
    page.keyboard.type("The label is cut off.")
    page.locator(".spot img").click(position={"x": 30, "y": 30})
    press(page, "Tab")
    page.locator("dialog button[type=submit]").click()
    press(page, "ArrowRight", "ArrowLeft", "a")
    until(page, f"{PROGRESS} === '3 of 6 decided'")
    file = save(page, tmp_path / "ana.json", "Ana Lima")
    assert json.loads(file.read_text())["by"] == "Ana Lima"
    done = CliRunner().invoke(app, ["decide", "pilot", str(file)])
    assert done.exit_code == 0, done.output
    run = find_run(pilot, "pilot")
    found = statuses(pilot, run)
    assert (found["image 1"], found["audio 2"], found["image 2"]) == ("approved", "rejected", "approved")
    (entry, *_) = read_log(pilot, run)
    assert (entry.reviewed_by, entry.words) == ("Ana Lima", "audio 2: too fast")
    (note,) = iter_annotations(read_manifest(pilot, run))
    assert (str(note.address), note.body, note.author) == ("image 2", "The label is cut off.", "Ana Lima")
    assert note.region is not None


def test_pictures_are_seen_and_narration_is_heard(open_sheet: Open) -> None:
    page = open_sheet()
    until(page, "document.querySelector('.frame img').naturalWidth > 300")
    press(page, "Space")
    until(page, "document.querySelector('audio').currentTime > 0.05")
    press(page, "Space")
    assert page.evaluate("document.querySelector('audio').paused")


def test_texts_are_only_ever_texts(open_sheet: Open) -> None:
    page = open_sheet()
    for _ in range(8):
        if HOSTILE in page.locator(".known").inner_text():
            break
        press(page, "ArrowRight")
    else:
        raise AssertionError("The prompt is nowhere")
    assert page.locator("main img[src=x]").count() == 0


def test_decisions_survive_a_reload_and_can_be_taken_back(open_sheet: Open) -> None:
    page = open_sheet()
    press(page, "a", "a", "u")
    page.reload()
    until(page, f"{PROGRESS} === '1 of 6 decided'")


def test_locked_and_rejected_assets_take_no_decision(open_sheet: Open) -> None:
    page = open_sheet()
    press(page, "ArrowLeft", "a")
    assert read_title(page) == "Segment 1, narration"
    assert page.locator(".prog").inner_text() == "0 of 6 decided"
    assert page.locator("#approve").is_disabled()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_no_violation(open_sheet: Open, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = {}
    for keys in ((), ("ArrowLeft",), ("r",), ("n",), ("a", "s"), ("?",)):
        page = open_sheet(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
        press(page, *keys)
        results = axe.Axe().run(page, options=RULES)
        found[keys] = [
            (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in results.response["violations"]
        ]
    assert {keys: violations for keys, violations in found.items() if violations} == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(open_sheet: Open, width: int) -> None:
    page = open_sheet(viewport={"width": width, "height": 844}, has_touch=width < 900)
    for keys in (("ArrowRight",), ("n",)):
        press(page, *keys)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), keys
