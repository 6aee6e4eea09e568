"""Notes in a browser: on a box, on a point, on a range of the narration; answered and settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitassets.domain.annotations import State
from gitassets.runs.project import Project
from tests.web.page.pages import REVIEW, read_asset, read_notes, wait_title

Browse = Callable[..., Any]


def open_image(browse: Browse, project: Project) -> Any:
    page = browse(project).open(f"{REVIEW}#2/image")
    wait_title(page, "Segment 2, image")
    page.locator(".take").nth(1).wait_for()
    return page


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = page.locator(".pane.shown .frame").bounding_box()
    at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()


def test_box_on_a_picture_is_noted(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    drag(page, (0.1, 0.2), (0.4, 0.5))
    page.keyboard.type("The label is cut off here.")
    page.keyboard.press("Enter")
    page.locator(".note", has_text="The label is cut off here.").wait_for()
    (note,) = read_notes(pilot, 2)
    assert note.md5 == read_asset(pilot, 2, "image").md5
    assert note.region is not None
    assert [round(one) for one in note.region] == [10, 20, 30, 30]
    assert page.locator(".region:not(.draft) b").text_content() == "1"


def test_point_on_a_picture_is_noted_while_a_note_is_written(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    page.keyboard.press("n")
    drag(page, (0.5, 0.5), (0.5, 0.5))
    page.keyboard.type("Here.")
    page.keyboard.press("Enter")
    page.locator(".region.point").wait_for()
    (note,) = read_notes(pilot, 2)
    assert note.region is not None
    assert note.region[2:] == (0, 0)


def test_place_can_be_given_in_numbers(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    page.keyboard.press("n")
    page.locator(".compose summary").click()
    for name, value in (("Left", "5"), ("Top", "10"), ("Width", "20"), ("Height", "25")):
        page.get_by_label(name, exact=True).fill(value)
    page.get_by_label("Note", exact=True).fill("Too bright.")
    page.keyboard.press("Enter")
    page.locator(".note", has_text="Too bright.").wait_for()
    assert read_notes(pilot, 2)[0].region == (5, 10, 20, 25)


def test_range_of_the_narration_is_noted_by_i_and_o(pilot: Project, browse: Browse) -> None:
    page = browse(pilot).open(f"{REVIEW}#2/audio")
    wait_title(page, "Segment 2, audio")
    page.locator(".wave[data-drawn]").wait_for()
    for key in (*["Shift+ArrowRight"] * 5, "i", *["Shift+ArrowRight"] * 10, "o", "n"):
        page.keyboard.press(key)
    page.keyboard.type("Pause is too short.")
    page.keyboard.press("Enter")
    page.locator(".pin").wait_for()
    (note,) = read_notes(pilot, 2)
    assert note.time is not None
    assert [round(one, 2) for one in note.time] == [0.2, 0.6]
    assert note.kind == "audio"


def test_note_is_answered_and_settled(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    page.keyboard.press("n")
    page.keyboard.type("Is this the right moon?")
    page.keyboard.press("Enter")
    page.locator(".note .acts button", has_text="Reply").click()
    page.keyboard.type("It is.")
    page.keyboard.press("Enter")
    page.locator(".note .reply", has_text="It is.").wait_for()
    page.locator(".note .acts button", has_text="Settle").click()
    page.locator(".note.settled .acts button", has_text="Open again").wait_for()
    page.wait_for_load_state("networkidle")
    (note,) = read_notes(pilot, 2)
    assert note.state is State.SETTLED
    assert [one.body for one in note.replies] == ["It is."]


def test_note_of_another_take_is_shown_as_such(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    drag(page, (0.1, 0.2), (0.4, 0.5))
    page.keyboard.type("Crooked.")
    page.keyboard.press("Enter")
    page.locator(".note", has_text="on this take").wait_for()
    page.keyboard.press("2")
    page.locator(".note.old", has_text="on take 1").wait_for()
    assert page.locator(".region.old").count() == 1


def test_escape_leaves_a_note_unwritten(pilot: Project, browse: Browse) -> None:
    page = open_image(browse, pilot)
    page.keyboard.press("n")
    page.keyboard.type("never mind")
    page.keyboard.press("Escape")
    assert page.locator("#composer textarea").count() == 0
    assert read_notes(pilot, 2) == []
