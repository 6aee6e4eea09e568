from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.manifest import Kind
from gitassets.providers.base import Request
from gitassets.providers.services.prompts import compose_prompt
from gitassets.providers.services.shapes import nearest_shape

FRAME = "A picture of {text}"


def ask(**more: str | None) -> Request:
    return Request(kind=Kind.IMAGE, segment=1, text="a {map}", **more)  # type: ignore[arg-type]


def test_compose_prompt_frames_text_but_not_prompt() -> None:
    assert compose_prompt(ask(), FRAME, 100).text == "A picture of a {map}"
    assert compose_prompt(ask(prompt="A {drone}"), FRAME, 100).text == "A {drone}"


def test_compose_prompt_appends_style_and_feedback() -> None:
    made = compose_prompt(ask(prompt="A drone.", style="ink", feedback="too dark"), FRAME, 200)
    assert made.text == "A drone. Style: ink. The version before was rejected: too dark."
    assert made.record == {"prompt_sent": made.text}


@given(st.text(), st.text(), st.text(), st.integers(10, 200))
def test_compose_prompt_never_exceeds_the_limit(prompt: str, style: str, feedback: str, limit: int) -> None:
    made = compose_prompt(ask(prompt=prompt, style=style, feedback=feedback), FRAME, limit)
    assert len(made.text) <= limit
    if not made.cut and prompt:
        assert made.text.startswith(prompt.strip())


def test_compose_prompt_cuts_at_a_word_and_keeps_the_style() -> None:
    made = compose_prompt(ask(prompt="one two three four five", style="ink"), FRAME, 24)
    assert made.text == "one two Style: ink."[: len(made.text)]
    assert made.text.endswith("Style: ink."[: 24 // 2 - 1])
    assert made.cut


@pytest.mark.parametrize(
    ("size", "chosen"), [((1920, 1080), "16:9"), ((1080, 1920), "9:16"), ((500, 500), "1:1"), ((640, 480), "4:3")]
)
def test_nearest_shape_selects_closest_aspect_ratio(size: tuple[int, int], chosen: str) -> None:
    assert nearest_shape(("16:9", "9:16", "1:1", "4:3"), ":", size) == chosen
