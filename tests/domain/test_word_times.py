from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.word_times import MAX_WORDS, WordTime, find_fault, join_characters


def test_join_characters_makes_words_of_what_spaces_separate() -> None:
    text = " It is\nfine. "
    times = join_characters(list(text), list(range(len(text))), [place + 0.5 for place in range(len(text))])
    assert times == (WordTime("It", 1, 2.5), WordTime("is", 4, 5.5), WordTime("fine.", 7, 11.5))
    assert find_fault(times, 12) is None


@given(st.text(max_size=60))
def test_join_characters_loses_nothing_but_spaces(text: str) -> None:
    places = [float(place) for place in range(len(text))]
    words = join_characters(list(text), places, places)
    assert "".join(one.word for one in words) == "".join(char for char in text if not char.isspace())


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        ([], None),
        ([WordTime("a", 0, 1), WordTime("b", 0.5, 1.4)], None),
        ([WordTime("a", 0, 1.6)], "a time outside the sound"),
        ([WordTime("a", -0.1, 1)], "a time outside the sound"),
        ([WordTime("a", 1, 0.5)], "a time outside the sound"),
        ([WordTime("a", 0, float("nan"))], "a time that is no number"),
        ([WordTime("a", 0, float("inf"))], "a time that is no number"),
        ([WordTime("", 0, 1)], "a word that is none"),
        ([WordTime("a\x1b[2J", 0, 1)], "a word that is none"),
        ([WordTime("a" * 501, 0, 1)], "a word that is none"),
        ([WordTime("b", 0.5, 1), WordTime("a", 0, 1)], "words out of order"),
        ([WordTime("a", 0, 1)] * (MAX_WORDS + 1), "more than 20,000 words"),
    ],
)
def test_find_fault_names_what_cannot_be(times: list[WordTime], fault: str | None) -> None:
    assert find_fault(times, 1.0) == fault
