"""Review mode in a browser: look, decide with one key, go on, take back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from gitassets.actions.annotate import annotate
from gitassets.actions.approve import approve
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.note import note
from gitassets.actions.replace import replace_asset
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project
from tests.actions.checks import select
from tests.actions.locked_run import change_by_hand
from tests.media import write_picture
from tests.web.page.pages import REVIEW, count_commits, read_asset, read_text, wait_commits, wait_status, wait_title

Browse = Callable[..., Any]


def test_review_begins_at_the_first_undecided_asset(pilot: Project, browse: Browse) -> None:
    approve(pilot, find_run(pilot, "pilot"), select(audio="1", image="1"))
    page = browse(pilot).open(REVIEW)
    wait_title(page, "Segment 2, audio")
    assert page.locator("#decided").text_content() == "2 of 8 decided"
    assert page.locator(".spoken p").text_content() == read_text(pilot, 2)


def test_approve_by_one_key_commits_and_goes_on(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    before = count_commits(pilot)
    page.keyboard.press("a")
    wait_title(page, "Segment 2, audio")
    page.locator(".toast", has_text="Approved image 1").wait_for()
    wait_status(page, pilot, 1, "image", Status.APPROVED)
    wait_commits(page, pilot, before + 1)


def test_panel_says_what_is_judged_and_what_approving_locks(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#2/image")
    wait_title(page, "Segment 2, image")
    page.locator(".take").nth(1).wait_for()
    asset = read_asset(pilot, 2, "image")
    facts = page.locator("#facts").inner_text()
    for shown in (asset.md5[:8], "draft", "take 1 of 3", "card", read_text(pilot, 2), "image 2 is not approved"):
        assert shown in facts
    assert asset.md5[:8] in page.locator("#locks").inner_text()
    assert page.locator(".stage img").first.evaluate("image => image.naturalWidth") > 0


def test_narration_plays_under_the_picture(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    page.locator(".wave[data-drawn]").wait_for()
    page.keyboard.press("Space")
    page.locator(".play[aria-label=Pause]").wait_for()
    page.wait_for_function("() => document.querySelector('.time b').textContent > '0:00.2'")
    page.keyboard.press("k")
    page.locator(".play[aria-label=Play]").wait_for()


def test_undo_takes_a_decision_back(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.keyboard.press("a")
    wait_status(page, pilot, 1, "image", Status.APPROVED)
    page.locator(".toast button", has_text="Undo").click()
    wait_title(page, "Segment 1, image")
    wait_status(page, pilot, 1, "image", Status.REVIEW)
    page.keyboard.press("a")
    wait_status(page, pilot, 1, "image", Status.APPROVED)
    page.keyboard.press("Control+z")
    wait_status(page, pilot, 1, "image", Status.REVIEW)


def test_rejection_offers_reasons_used_before(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.keyboard.press("r")
    page.keyboard.type("too dark")
    page.keyboard.press("Enter")
    wait_status(page, pilot, 1, "image", Status.REJECTED)
    assert read_asset(pilot, 1, "image").reason == "too dark"
    page.goto(f"{page.url.partition('#')[0]}#3/image")
    wait_title(page, "Segment 3, image")
    page.keyboard.press("r")
    page.locator("dialog .chip", has_text="too dark").click()
    page.keyboard.press("Enter")
    wait_status(page, pilot, 3, "image", Status.REJECTED)
    assert read_asset(pilot, 3, "image").reason == "too dark"


def test_rejection_without_a_reason_is_sent(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/audio")
    wait_title(page, "Segment 1, audio")
    page.keyboard.press("r")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Enter")
    wait_status(page, pilot, 1, "audio", Status.REJECTED)
    wait_title(page, "Segment 1, image")


def test_reopen_unlocks_with_a_reason(pilot: Project, browse: Browse) -> None:
    approve(pilot, find_run(pilot, "pilot"), select(image="1"))
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    assert page.locator("#reject span").text_content() == "Reopen"
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.type("the client wants another")
    page.keyboard.press("Enter")
    wait_status(page, pilot, 1, "image", Status.REVIEW)


def test_keys_do_nothing_while_typing_or_in_a_dialog(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    before = count_commits(pilot)
    page.keyboard.press("n")
    page.keyboard.type("a r u 1 d")
    assert page.locator("#composer textarea").input_value() == "a r u 1 d"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert page.locator("#asset-title").text_content() == "Segment 1, image"
    assert count_commits(pilot) == before


def test_single_keys_can_be_turned_off(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.locator("#help").click()
    page.locator("dialog input[type=checkbox]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    wait_title(page, "Segment 2, audio")
    assert page.locator("#decided").text_content() == "0 of 8 decided"


def test_held_key_decides_once(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/audio")
    wait_title(page, "Segment 1, audio")
    page.keyboard.down("a")
    page.keyboard.down("a")
    page.keyboard.down("a")
    page.keyboard.up("a")
    wait_title(page, "Segment 1, image")
    assert page.locator("#decided").text_content() == "1 of 8 decided"


def test_arrows_filter_and_first_undecided(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(REVIEW)
    wait_title(page, "Segment 1, audio")
    page.keyboard.press("a")
    wait_title(page, "Segment 1, image")
    page.keyboard.press("ArrowLeft")
    wait_title(page, "Segment 1, audio")
    page.keyboard.press("g")
    wait_title(page, "Segment 1, image")
    page.locator("[data-filter=all]").click()
    page.locator(".strip button.seg").nth(2).click()
    wait_title(page, "Segment 3, audio")
    page.keyboard.press("/")
    page.keyboard.type("moon")
    page.locator("dialog .hit").first.wait_for()
    page.keyboard.press("Enter")
    wait_title(page, "Segment 2, audio")


def test_bytes_that_changed_meanwhile_are_refused_and_shown(pilot: Project, browse: Browse) -> None:
    browser = browse(pilot)
    browser.expected = ("409",)
    page = browser.open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.locator(".wave[data-drawn]").wait_for()
    page.route("**/events**", lambda route: route.abort())
    seen = read_asset(pilot, 1, "image").md5
    page.evaluate("() => window.stop()")
    page.route("**/decide", lambda route: (replace_image(pilot), route.continue_()))
    page.keyboard.press("a")
    page.locator(".toast.bad").wait_for()
    wait_title(page, "Segment 1, image")
    after = read_asset(pilot, 1, "image")
    assert after.md5 != seen
    assert after.status is not Status.APPROVED
    page.locator("#facts code", has_text=after.md5[:8]).wait_for()


def replace_image(project: Project) -> None:
    picture = project.root / "other.png"
    write_picture(picture, seed=99)
    fresh = Project(project.root, project.git_dir)
    replace_asset(fresh, find_run(fresh, "pilot"), select(image="1"), picture)


def test_change_elsewhere_appears_without_reload(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    fresh = Project(pilot.root, pilot.git_dir)
    approve(fresh, find_run(fresh, "pilot"), select(audio="all"))
    page.locator("#decided", has_text="4 of 8 decided").wait_for()
    page.locator(".kinds .st-approved").wait_for()


def test_two_tabs_see_each_other(pilot: Project, browse: Browse) -> None:
    browser = browse(pilot)
    one, other = browser.open(f"{REVIEW}#1/image"), browser.open(f"{REVIEW}#3/image")
    wait_title(one, "Segment 1, image")
    wait_title(other, "Segment 3, image")
    one.keyboard.press("a")
    other.locator("#decided", has_text="1 of 8 decided").wait_for()
    other.keyboard.press("a")
    one.locator("#decided", has_text="2 of 8 decided").wait_for()


def test_all_decided_says_what_comes_next(pilot: Project, browse: Browse) -> None:
    approve(pilot, find_run(pilot, "pilot"), select(segment="all"))
    page = browse(pilot).open(REVIEW)
    page.locator(".state h2", has_text="All 8 decided").wait_for()
    assert page.locator(".state .b.primary").inner_text() == "Build the video"


def test_read_only_server_lets_nobody_decide(pilot: Project, browse: Browse) -> None:
    page = browse(pilot, read_only=True).open(f"{REVIEW}#1/image")
    wait_title(page, "Segment 1, image")
    page.locator("#locks", has_text="This server only shows").wait_for()
    assert page.locator("#approve").is_disabled()
    page.keyboard.press("a")
    assert read_asset(pilot, 1, "image").status is Status.DRAFT


def prompt_by_hand(project: Project, number: int, prompt: str) -> None:
    folder = find_run(project, "pilot").require_folder()
    change_by_hand(folder, Address(number, Kind.IMAGE), lambda asset: replace(asset, prompt=prompt))


def test_hostile_text_stays_text(pilot: Project, browse: Browse) -> None:
    run = find_run(pilot, "pilot")
    evil = "<img src=x onerror=alert(1)>"
    note(pilot, run, parse_selection("4"), f"A note {evil}")
    prompt_by_hand(pilot, 4, f"A prompt {evil}")
    assert evil in read_text(pilot, 4)
    page = browse(pilot).open(f"{REVIEW}#4/image")
    wait_title(page, "Segment 4, image")
    for shown in ('"quotes" stay what they are.', f"A prompt {evil}", f"A note {evil}"):
        page.locator("#facts p", has_text=shown).wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_letters_that_turn_others_are_shown_instead_of_obeyed(pilot: Project, browse: Browse) -> None:
    run = find_run(pilot, "pilot")
    turned, seen = "gnp.\u202etxt\u202c.exe\u2066", "gnp.⟨U+202E⟩txt⟨U+202C⟩.exe⟨U+2066⟩"
    edit(pilot, run, parse_selection("3"), EditOptions(text=f"Text {turned}"))
    annotate(pilot, run, Address(3, Kind.IMAGE), f"Body {turned}")
    prompt_by_hand(pilot, 3, f"Prompt {turned}")
    page = browse(pilot).open(f"{REVIEW}#3/image")
    wait_title(page, "Segment 3, image")
    for shown in (f"Text {seen}", f"Prompt {seen}", "Body gnp.txt.exe"):
        page.locator("#facts p", has_text=shown).wait_for()
    assert page.locator(".note .body").evaluate("one => getComputedStyle(one).unicodeBidi") in ("plaintext", "isolate")
    assert page.locator(".note small bdi").count() == 1
    for path in ("/runs/pilot", "/runs/pilot/review", "/runs/pilot/audit", "/runs/pilot/blame/3/image"):
        page.goto(f"{page.url.partition('/runs')[0]}{path}")
        page.locator("body", has_text="pilot").wait_for()
        assert page.evaluate("() => /[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)") is False


def test_marks_of_markdown_are_not_shown(pilot: Project, browse: Browse) -> None:
    edit(pilot, find_run(pilot, "pilot"), parse_selection("3"), EditOptions(text="The **water** rises in `code`."))
    browser = browse(pilot)
    page = browser.open(f"{REVIEW}#3/audio")
    plain = "The water rises in code."
    page.locator(".spoken p", has_text=plain).wait_for()
    page.locator("#narration", has_text=plain).wait_for()
    page.keyboard.press("p")
    page.locator(".theatre .said", has_text=plain).wait_for()
    page = browser.open("/runs/pilot")
    page.locator(".line .text p", has_text=plain).wait_for()
    page.locator("#search").fill("**water**")
    assert page.locator(".line").count() == 1


def test_next_two_assets_are_decoded_ahead(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#1/audio")
    wait_title(page, "Segment 1, audio")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("ArrowRight")
    wait_title(page, "Segment 1, image")
    shown = page.locator(".pane.shown img")
    assert shown.evaluate("image => image.complete && image.naturalWidth > 0")
    assert f"{page.url.partition('/runs')[0]}{shown.get_attribute('src')}" not in asked
