"""Captions appear and go with the words, and stay long enough to be read where the speech allows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gitassets.domain.captions import CUE_LINES, LINE_CHARS, Cue, make_cues
from gitassets.domain.timeline import Shot
from gitassets.domain.word_matching import time_units
from gitassets.domain.word_times import TimedWords, WordTime
from tests.domain.test_captions import timeline_of
from tests.scripts import UNSPACED

SLOW = 0.45
TEXT = (
    "The boat leaves the harbour in the morning, while the town is asleep, and nobody but the old keeper of the "
    "lighthouse sees how it passes the last of the rocks. It comes back before the storm."
)


def speak(text: str, *, word_sec: float = SLOW, pauses: dict[str, float] | None = None) -> TimedWords:
    """Time the words of the text one after another, with pauses after some of them."""
    times, at = [], 0.5
    for word in text.split():
        times.append(WordTime(word, at, at + word_sec))
        at += word_sec + (pauses or {}).get(word, 0.0)
    return TimedWords("a test", tuple(times))


def shot_of(text: str, timed: TimedWords | None, seconds: float | None = None) -> Shot:
    length = seconds if seconds is not None else (timed.words[-1].end_sec + 0.5 if timed else 4.0)
    return replace(timeline_of(text, seconds=length).shots[0], timed=timed)


def read(cues: Sequence[Cue]) -> list[str]:
    return [" ".join(cue.lines) for cue in cues]


def test_cues_start_with_their_first_word_and_end_after_their_last() -> None:
    timed = speak(TEXT)
    at = 0
    for cue in make_cues(shot_of(TEXT, timed)):
        count = len(" ".join(cue.lines).split())
        first, last = timed.words[at], timed.words[at + count - 1]
        assert cue.start_ms == round(first.start_sec * 1000)
        assert cue.end_ms >= round(last.end_sec * 1000)
        at += count
    assert at == len(timed.words)


def test_cues_keep_to_the_limits_of_reading() -> None:
    for cue in make_cues(shot_of(TEXT, speak(TEXT))):
        assert 1000 <= cue.end_ms - cue.start_ms <= 7000
        assert len(cue.lines) <= CUE_LINES
        assert all(len(line) <= LINE_CHARS for line in cue.lines)
        assert sum(map(len, cue.lines)) / (cue.end_ms - cue.start_ms) * 1000 <= 17


@pytest.mark.parametrize("timed", [None, speak(TEXT)])
def test_long_sentences_are_broken_at_phrases(timed: TimedWords | None) -> None:
    cues = read(make_cues(shot_of(TEXT, timed)))
    assert len(cues) > 2
    assert cues[0].endswith(("morning,", "asleep,"))


def test_a_cue_waits_for_words_after_a_pause_and_goes_in_it() -> None:
    text = "Look at this. Then it was gone."
    one, two = make_cues(shot_of(text, speak(text, pauses={"this.": 8.0})))
    assert (one.start_ms, two.start_ms) == (500, round((0.5 + 3 * SLOW + 8.0) * 1000))
    assert one.end_ms < 3000


def test_a_short_cue_stays_for_a_second_if_the_pause_allows_it() -> None:
    text = "No. It was a very long and cold night in the harbour of the island of the old town, and nobody slept."
    cues = make_cues(shot_of(text, speak(text, word_sec=0.2, pauses={"No.": 3.0})))
    assert read(cues)[0] == "No."
    assert cues[0].end_ms - cues[0].start_ms == 1000


def test_short_cues_share_the_screen_where_speech_is_fast() -> None:
    text = "Yes, they do, said the old keeper of the rock.\nNo, never.\nWell."
    cues = make_cues(shot_of(text, speak(text, word_sec=0.2)))
    assert [cue.lines for cue in cues][-1] == ("No, never.", "Well.")


def test_words_that_are_spoken_otherwise_share_the_time_between_their_neighbours() -> None:
    words = (WordTime("costs", 1, 2), WordTime("nine", 2, 3), WordTime("dollars", 3, 4), WordTime("today", 5, 6))
    spans = time_units(["It ", "costs ", "$9 ", "— ", "today."], words, 7.0)
    assert spans == [(1, 1), (1, 2), (2, 5), (5, 5), (5, 6)]


def test_words_of_another_text_are_not_used() -> None:
    words = (WordTime("Quite", 0, 1), WordTime("other", 1, 2), WordTime("words", 2, 3))
    assert time_units(["One ", "two ", "three."], words, 4.0) is None
    shot = shot_of("One two three.", None)
    assert make_cues(replace(shot, timed=TimedWords("a test", words))) == make_cues(shot)


@pytest.mark.parametrize("text", UNSPACED.values(), ids=UNSPACED)
def test_text_without_spaces_is_timed_within_what_a_service_calls_a_word(text: str) -> None:
    timed = TimedWords("a test", tuple(WordTime(word, at * 10, at * 10 + 9) for at, word in enumerate(text.split())))
    cues = make_cues(shot_of(text, timed))
    assert len(cues) > 1
    assert re.sub(r"\s", "", "".join("".join(cue.lines) for cue in cues)) == re.sub(r"\s", "", text)
    assert all(cue.end_ms - cue.start_ms <= 7000 for cue in cues)


times = st.lists(st.tuples(st.text(min_size=1, max_size=12), st.floats(0, 3), st.floats(0, 2)), max_size=30)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200), times, st.floats(0.01, 60))
def test_any_words_give_cues_in_order_within_the_segment(
    text: str, given_times: list[tuple[str, float, float]], seconds: float
) -> None:
    at, words = 0.0, []
    for word, pause, length in given_times:
        words.append(WordTime(word, at + pause, at + pause + length))
        at += pause + length
    for source in (text, " ".join(word for word, _, _ in given_times)):
        cues = make_cues(shot_of(source, TimedWords("a test", tuple(words)), seconds))
        assert all(before.end_ms <= after.start_ms for before, after in pairwise(cues))
        assert all(0 <= cue.start_ms < cue.end_ms <= round(Fraction(seconds) * 1000) for cue in cues)
        assert all(cue.end_ms - cue.start_ms <= 7001 for cue in cues)
