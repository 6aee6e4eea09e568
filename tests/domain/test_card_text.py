from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.card_text import CardText, Layout, choose_card_text
from gitassets.domain.figures import find_figure
from gitassets.domain.key_phrase import (
    MAX_PHRASE_CHARS,
    choose_sentence,
    measure_length,
    shorten_phrase,
    split_sentences,
)
from gitassets.domain.line_breaks import iter_words
from gitassets.domain.markdown import strip_inline
from tests.scripts import UNSPACED

CODE = "```python\ndef rise(hour):\n\n    return hour / 12\n```"
TABLE = "| Port | Range |\n|---|---:|\n| Brest | 6.1 m |\n| **Malo** | 12.2 m |"


@pytest.mark.parametrize(
    ("markdown", "layout"),
    [
        ("# How tides work", Layout.HEADING),
        ("## Tides\n\nThe moon pulls on the sea.", Layout.HEADING),
        ("The moon pulls.", Layout.STATEMENT),
        ("In 1969 people walked on the Moon.", Layout.STATEMENT),
        ("- only one item", Layout.STATEMENT),
        ("Light needs about 8 minutes to us.", Layout.NUMBER),
        ("> Keep it simple.\n> — Ann Lee", Layout.QUOTE),
        ("“Simplicity is the ultimate sophistication,” said Ann Lee.", Layout.QUOTE),
        ("Ann Lee once wrote: “Simplicity is the ultimate sophistication.” She left.", Layout.QUOTE),
        ("Nobody said “the earth is flat, and it ends somewhere”.", Layout.STATEMENT),
        ("He did not agree that “the earth is flat, and it ends somewhere”.", Layout.STATEMENT),
        ("Three rules:\n\n- one\n- two\n- three", Layout.LIST),
        (f"Look:\n\n{CODE}", Layout.CODE),
        (f"Look:\n\n{TABLE}", Layout.TABLE),
    ],
)
def test_layout_follows_from_what_the_paragraph_holds(markdown: str, layout: Layout) -> None:
    assert choose_card_text(markdown).layout is layout


def test_heading_has_the_point_of_its_text_below() -> None:
    card = choose_card_text("## Tides ##\n\nThe *moon* pulls on the sea. More words follow here, and more.")
    assert (card.text, card.note) == ("Tides", "The moon pulls on the sea.")


def test_sentence_that_the_author_emphasised_is_the_point() -> None:
    card = choose_card_text("One pass makes every voice. **Some of it is good, and some of it is not.** More.")
    assert (card.text, card.strong) == ("Some of it is good, and some of it is not.", ())


def test_emphasised_words_stand_out_in_their_whole_sentence() -> None:
    card = choose_card_text("Look at it first. Do **not press** the button. Then go.")
    assert (card.text, card.strong) == ("Do not press the button.", ("not press",))


def test_code_keeps_its_lines_and_indents() -> None:
    card = choose_card_text(f"Look:\n\n{CODE}")
    assert (card.title, card.lines) == ("Look", ("def rise(hour):", "", "    return hour / 12"))


def test_table_has_a_head_and_rows_of_one_width() -> None:
    card = choose_card_text(f"{TABLE}\n| Hamburg |")
    assert card.rows == (("Port", "Range"), ("Brest", "6.1 m"), ("Malo", "12.2 m"), ("Hamburg", ""))


def test_long_list_shows_its_first_items_and_counts_the_rest() -> None:
    card = choose_card_text("\n".join(f"{number}. Rule number {number}." for number in range(1, 10)))
    assert card.items == tuple(f"Rule number {number}" for number in range(1, 6))
    assert (card.marks, card.note) == (("1", "2", "3", "4", "5"), "+ 4")


def test_quote_names_who_said_it() -> None:
    card = choose_card_text("> Keep it simple, and go on.\n>\n> — Ann Lee")
    assert (card.text, card.note) == ("Keep it simple, and go on.", "Ann Lee")


@pytest.mark.parametrize("script", UNSPACED)
def test_point_of_a_script_without_spaces_is_cut_between_words(script: str) -> None:
    text = UNSPACED[script] * 8
    shown = choose_card_text(text).text
    assert measure_length(shown) <= MAX_PHRASE_CHARS
    kept = shown.removesuffix("…")
    assert text.startswith(kept)
    assert "".join(iter_words(text[: len(kept)])) == kept


@given(st.text(alphabet="ab XY.,;!?-–—:*_`#>|1234 %\n日本。、“”", max_size=400))
def test_card_of_any_text_shows_only_what_is_written_and_no_wall(text: str) -> None:
    card = choose_card_text(text)
    assert card == choose_card_text(text)
    assert len(card.text) <= 2 * MAX_PHRASE_CHARS
    assert all(len(item) < 100 for item in card.items)


WORDS = st.lists(
    st.sampled_from(["we", "may", "not", "never", "press", "the", "key", "if", "and", "but", "so", "opens"]), min_size=1
)


@given(WORDS)
def test_shortened_phrase_is_a_start_of_whole_words_with_an_ellipsis(words: list[str]) -> None:
    text = " ".join(words)
    shown = shorten_phrase(text, 40)
    if shown != text:
        assert shown.endswith("…")
        kept = shown.removesuffix("…").split()
        assert kept == words[: len(kept)]
        # What is denied or limited is never cut off from the word that does it.
        assert kept[-1] not in ("not", "never", "the", "and", "but", "if") or len(kept) == 1


@pytest.mark.parametrize("turn", ["but", "unless", "if", "except", "only when", "or", "not", "until", "without"])
def test_clause_that_the_next_one_turns_does_not_stand_alone(turn: str) -> None:
    shown = shorten_phrase(
        f"You may open the door of the reactor whenever you like, {turn} the red light is on up there", 70
    )
    assert turn.split()[0] in shown


def test_phrase_is_cut_at_the_end_of_a_clause() -> None:
    text = "The receivers on their drones lost lock, and the machines drifted with the wind until somebody took over."
    assert shorten_phrase(text, 80) == "The receivers on their drones lost lock…"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Smith came in. He sat.", ["Dr. Smith came in.", "He sat."]),
        (
            "The U.S. Navy sailed, e.g. to Rome. St. Paul came!",
            ["The U.S. Navy sailed, e.g. to Rome.", "St. Paul came!"],
        ),
        ("It costs 3.50 or so. Yes?", ["It costs 3.50 or so.", "Yes?"]),
        ("日本語の文章です。次の文。", ["日本語の文章です。", "次の文。"]),
        ("“Where am I, friend?” He did not know.", ["“Where am I, friend?”", "He did not know."]),
        ("", []),
    ],
)
def test_split_sentences_knows_abbreviations(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_choose_sentence_passes_over_a_greeting_and_what_is_too_long() -> None:
    assert choose_sentence(["Hello.", "Today we follow an aircraft."]) == "Today we follow an aircraft."
    assert choose_sentence(["word " * 50, "This one fits into a card."]) == "This one fits into a card."
    assert choose_sentence(["Hello."]) == "Hello."


@pytest.mark.parametrize(
    ("sentence", "value", "hedge"),
    [
        ("Only 27 % of the segments get a picture.", "27 %", "Only"),
        ("It costs $3.50 a month.", "$3.50", ""),
        ("The tide rises by up to 13.5 m there.", "13.5 m", "up to"),
        ("The Moon is 384,400 km away.", "384,400 km", ""),
        ("More than 8 billion people live today.", "8 billion", "More than"),
        ("Es sind 12 Prozent.", "12 Prozent", ""),
        ("At night it has −40 °C.", "−40 °C", ""),
    ],
)
def test_find_figure_returns_the_number_with_what_qualifies_it(sentence: str, value: str, hedge: str) -> None:
    found = find_figure(sentence)
    assert found is not None
    assert (found.value, found.hedge) == (value, hedge)
    assert f"{hedge} {value}".strip() in sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "In 1969 people walked on the Moon.",
        "It does not take 5 minutes.",
        "Not 8 km but less.",
        "It never costs $5.",
        "From 1 to 10 km.",
        "If it takes 5 minutes, stop.",
        "A 4-minute film.",
        "Version 3.11 is out.",
        "Chapter 2.",
        "The file a8km.",
    ],
)
def test_find_figure_finds_none_where_the_number_alone_would_mislead(sentence: str) -> None:
    assert find_figure(sentence) is None


def test_number_card_has_the_whole_sentence() -> None:
    sentence = "Light needs about 8 minutes from the Sun to us."
    card = choose_card_text(f"Look up. {sentence} It is old.")
    assert card == CardText(layout=Layout.NUMBER, figure="8 minutes", hedge="about", text=sentence)
    assert strip_inline(sentence) == card.text
