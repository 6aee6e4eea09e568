"""The list of runs, a run as rows or as a contact sheet, decisions on many, and what long work shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import select
from tests.web.page.pages import count_commits, read_asset, read_text, wait_commits, wait_status, wait_title

Browse = Callable[..., Any]
RUN = "/runs/pilot"


def test_runs_are_cards_with_picture_progress_and_counts(pilot: Project, browse: Browse) -> None:
    approve(pilot, find_run(pilot, "pilot"), select(audio="1-2"))
    page = browse(pilot).open("/")
    card = page.locator(".card").first
    for shown in ("pilot", "2 of 8 decided", "2 approved", "6 draft", "4 segments", "only here", "just now"):
        assert shown in card.inner_text()
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    card.get_by_role("link", name="pilot", exact=True).click()
    page.locator(".line").first.wait_for()


def test_rows_show_text_picture_narration_and_status(pilot: Project, browse: Browse) -> None:
    reject(pilot, find_run(pilot, "pilot"), select(image="1"), reason="too dark")
    page = browse(pilot).open(RUN)
    row = page.locator(".line").first
    for shown in (read_text(pilot, 1).removeprefix("# "), "draft", "rejected", "image: too dark"):
        assert shown in row.inner_text()
    assert row.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.wait_for_function("() => document.querySelector('.line .peaks path').getAttribute('d').length > 200")
    row.locator(".hear button").click()
    row.locator(".hear button[aria-label^=Play]").wait_for()


def test_filters_by_status_kind_text_numbers_and_need(pilot: Project, browse: Browse) -> None:
    run = find_run(pilot, "pilot")
    approve(pilot, run, select(segment="1"))
    reject(pilot, run, select(image="3"))
    page = browse(pilot).open(RUN)
    lines = page.locator(".line")
    lines.nth(3).wait_for()
    for name, segments in (("rejected", ["3"]), ("approved", ["1"]), ("Needs a decision", ["2", "3", "4"])):
        chip = page.locator("#chips .chip", has_text=name)
        chip.click()
        assert lines.evaluate_all("all => all.map(one => one.dataset.segment)") == segments
        chip.click()
    for words, segments in (("2-3", ["2", "3"]), ("coast", ["3"]), ("no such words", [])):
        page.keyboard.press("/")
        page.locator("#search").fill(words)
        assert lines.evaluate_all("all => all.map(one => one.dataset.segment)") == segments
    assert page.locator("#none").is_visible()


def test_contact_sheet_leads_into_review(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    page.locator("button[data-view=sheet]").click()
    assert page.locator(".tile").count() == 4
    page.locator(".tile .look").nth(2).click()
    wait_title(page, "Segment 3, image")


def test_batch_is_one_commit(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    page.locator(".line input").nth(0).check()
    page.locator(".line input").nth(2).click(modifiers=["Shift"])
    assert page.locator("#many").inner_text() == "3 segments, 6 assets"
    before = count_commits(pilot)
    page.keyboard.press("a")
    page.locator(".toast", has_text="Approved audio 1-3, image 1-3").wait_for()
    wait_status(page, pilot, 3, "image", Status.APPROVED)
    wait_commits(page, pilot, before + 1)
    assert page.locator("#decided").inner_text() == "6 of 8 decided"


def test_batch_rejects_what_the_filter_shows(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    page.locator("#all").check()
    page.locator("#which").select_option("image")
    page.locator("#reject").click()
    page.keyboard.type("wrong style")
    page.keyboard.press("Enter")
    wait_status(page, pilot, 4, "image", Status.REJECTED)
    assert read_asset(pilot, 1, "image").reason == "wrong style"
    assert read_asset(pilot, 1, "audio").status is Status.DRAFT


def test_list_of_ten_thousand_holds_only_what_is_in_sight(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open("/")
    page.route(re.compile(r".*/runs/pilot$"), _multiply)
    page.route(re.compile(r".*/api/runs/pilot\?from=.*"), _answer_rows)
    page.goto(page.url + "runs/pilot")
    page.locator(".line").first.wait_for()
    assert page.locator("#shown").inner_text() == "10,000 segments"
    assert page.locator(".line").count() < 60
    page.evaluate("() => scrollTo(0, document.querySelector('#list').offsetHeight / 2)")
    page.locator(".line[data-segment='5005']", has_text="Text of 5005").wait_for()
    assert page.locator(".line").count() < 60


def _multiply(route: Any) -> None:
    """Answer with the page of a run of 10,000 segments."""
    html = route.fetch().text()
    start = html.index('<script type="application/json" id="data">') + 42
    end = html.index("</script>", start)
    data = json.loads(html[start:end])
    data["index"] = [[number, "audio", "draft", "00000000", "", 1.0] for number in range(1, 10_001)]
    data |= {"segments": 10_000, "assets_total": 10_000, "undecided": 10_000, "rows": _make_rows(0)}
    route.fulfill(body=html[:start] + json.dumps(data).replace("<", "\\u003c") + html[end:], content_type="text/html")


def _answer_rows(route: Any) -> None:
    start = int(re.findall(r"from=(\d+)", route.request.url)[0])
    route.fulfill(json={"rows": _make_rows(start)})


def _make_rows(start: int) -> list[dict[str, object]]:
    empty = {"audio": None, "image": None, "video": None}
    numbers = range(start + 1, start + 61)
    return [
        {
            "segment": one,
            "text": f"Text of {one}",
            "shown": f"Text of {one}",
            "notes": None,
            "assets": dict(empty),
            "carried_from": None,
        }
        for one in numbers
    ]


def test_play_through_shows_the_run_in_order(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{RUN}/review#2/image")
    wait_title(page, "Segment 2, image")
    page.keyboard.press("p")
    page.locator(".theatre .said", has_text=read_text(pilot, 2)).wait_for()
    assert page.locator(".theatre .ticks button").count() == 4
    assert page.locator(".theatre .box img").evaluate("image => image.getAnimations().length") == 1
    page.keyboard.press("ArrowRight")
    page.locator(".theatre .said", has_text=read_text(pilot, 3)).wait_for()
    page.keyboard.press("Escape")
    wait_title(page, "Segment 3, audio")


def test_new_takes_are_priced_then_made_and_appear(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{RUN}/review#1/image")
    wait_title(page, "Segment 1, image")
    page.locator("#regenerate").click()
    page.locator("dialog .said", has_text="free").wait_for()
    page.get_by_label("Style").fill("paper")
    page.get_by_label("Takes", exact=True).fill("2")
    page.locator("dialog .said", has_text="free").wait_for()
    page.locator("dialog .b.primary:enabled").click()
    page.locator(".take").nth(2).wait_for(timeout=60_000)
    page.locator(".toast", has_text="Made new takes").wait_for()


def test_build_tells_its_gaps_then_its_progress(pilot: Project, browse: Browse) -> None:
    approve(pilot, find_run(pilot, "pilot"), select(segment="1-3"))
    page = browse(pilot).open(f"{RUN}/review")
    wait_title(page, "Segment 4")
    assert page.locator("#build").inner_text() == "Build: 2 gaps"
    page.locator("#build").click()
    page.locator("dialog li", has_text="audio 4").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("a")
    page.locator(".state h2", has_text="All 8 decided").wait_for()
    page.locator(".state .b.primary").click()
    page.locator("dialog .b.primary").click()
    page.locator("#jobs progress").wait_for()
    page.locator(".toast", has_text="Built the video").wait_for(timeout=120_000)


def test_push_failure_says_what_to_do(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(RUN)
    page.locator("#menu").click()
    page.get_by_role("button", name="Push…").click()
    page.locator("dialog .b.primary").click()
    page.locator(".toast.bad").wait_for()
