from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.drawing.typesetting import Line, Role, Typesetter, cut_text, measure_height, split_lead

DISPLAY = Role("display", lambda text: 0.6 * len(text), 1.2)
BODY = Role("body", lambda text: 0.5 * len(text), 1.45)


def make(width_px: float = 1500, height_px: float = 800, largest_px: float = 180, least_px: float = 40) -> Typesetter:
    return Typesetter(width_px, height_px, largest_px, least_px, DISPLAY, BODY)


def joined(lines: list[Line]) -> str:
    return " ".join(line.text for line in lines)


@given(
    st.text(alphabet="abc WXYZ.,-!?日本、。「」é", max_size=300).map(str.split).map(" ".join),
    st.floats(1, 2000),
    st.floats(1, 2000),
)
def test_set_lines_stays_inside_its_box_and_starts_with_the_text(text: str, width_px: float, height_px: float) -> None:
    lines = make(width_px, height_px).set_lines(text)
    assert measure_height(lines) <= height_px
    assert all(line.width_px <= width_px * 1.0001 for line in lines)
    assert all(line.size_px >= 40 for line in lines)
    shown = joined(lines).replace(" ", "")
    kept = shown.removesuffix("…")
    assert text.replace(" ", "").startswith(kept)


def test_set_lines_makes_long_text_smaller_but_legible() -> None:
    sizes = [make().set_lines("word " * count)[-1].size_px for count in (1, 12, 40, 4_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 180
    assert sizes[-1] == 40


def test_set_lines_sets_first_sentence_as_headline() -> None:
    lines = make().set_lines("Welcome back to this place. Today we follow an aircraft that has lost its way.")
    head = [line for line in lines if line.role is DISPLAY]
    assert joined(head) == "Welcome back to this place."
    assert head[0].size_px > 1.5 * lines[-1].size_px


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Welcome back to us. Then more.", "Welcome back to us."),
        ("“Where am I, friend?” He did not know.", "“Where am I, friend?”"),
        ("日本語の文章です。次の文。", "日本語の文章です。"),
        ("One sentence alone.", ""),
        ("Dr. Smith came in from the cold. He sat.", "Dr. Smith came in from the cold."),
        ("We asked Mr. Lee about it.", ""),
        ("It costs 3.50 or so, e.g. in Rome today.", ""),
        ("Oh. And then nothing came of it", ""),
        ("A very long first sentence " * 5 + "ends. Next.", ""),
    ],
)
def test_split_lead_returns_first_sentence_that_fits_a_headline(text: str, lead: str) -> None:
    assert split_lead(text)[0] == lead


def test_set_lines_balances_line_widths() -> None:
    lines = make(width_px=1000, largest_px=100).set_lines("Finding the way without any satellites above")
    assert len(lines) > 1
    assert min(line.width_px for line in lines) > 0.6 * max(line.width_px for line in lines)


def test_set_lines_cuts_long_text_at_a_sentence_with_ellipsis() -> None:
    lines = make().set_lines("This is one of very many sentences. " * 600)
    assert joined(lines).endswith("sentences. …")
    assert measure_height(lines) > 0.8 * 800


def test_set_lines_cuts_long_sentence_at_a_word() -> None:
    assert joined(make().set_lines("word, " * 4_000)).endswith("word…")


def test_set_lines_breaks_long_word_only_at_smallest_size() -> None:
    lines = make(width_px=400).set_lines("Supercalifragilisticexpialidocious")
    assert {line.size_px for line in lines} == {40}
    assert "".join(line.text for line in lines) == "Supercalifragilisticexpialidocious"


def test_set_lines_wraps_japanese_text_and_never_starts_line_with_punctuation() -> None:
    text = "これは日本語の長い文章で、「単語」の間に空白がなく、小さいっゃも、句読点も行頭に来ない。"
    lines = make(width_px=420).set_lines(text)
    assert len(lines) > 3
    assert "".join(line.text for line in lines) == text
    assert not any(line.text[0] in "、。」っゃ" or line.text[-1] in "「" for line in lines)


@pytest.mark.parametrize(
    "whole", ["4-minute", "state-of-the-art", "8 km", "13.5 m", "27 %", "3 million", "$ 40", "No. 5", "Mr. Lee", "km/h"]
)
def test_set_lines_keeps_what_is_read_as_one_on_one_line(whole: str) -> None:
    for width_px in range(800, 1600, 25):
        lines = make(width_px=width_px, largest_px=60).set_lines(f"We saw it pass at {whole} and then some more of it")
        assert any(whole in line.text for line in lines), (width_px, [line.text for line in lines])


def test_set_lines_ends_no_line_with_an_article() -> None:
    for width_px in range(700, 1600, 25):
        lines = make(width_px=width_px, largest_px=60).set_lines("It is the tide that a coast of the sea feels at noon")
        ends = [line.text.rsplit(" ", 1)[-1] for line in lines]
        assert not {"a", "the", "of", "at"} & set(ends), (width_px, ends)


def test_set_lines_breaks_after_a_hyphen_where_nothing_else_helps() -> None:
    lines = make(width_px=250, largest_px=60).set_lines("state-of-the-art")
    assert [line.text for line in lines] == ["state-of-", "the-art"]


@pytest.mark.parametrize("name", ["UNIFIED_PRODUCTION_ARCHITECTURE.md", "gitassets/drawing/typesetting.py"])
def test_set_lines_breaks_a_long_name_at_its_joints_rather_than_make_it_small(name: str) -> None:
    lines = make(width_px=1000).set_lines(f"It is in {name}")
    assert joined(lines).replace(" ", "") == f"Itisin{name}"
    assert min(line.size_px for line in lines) > 60
    assert all(line.text.endswith(("_", "/")) for line in lines[1:-1])
    assert [line.text for line in make().set_lines("It is in short_named_one.py")] == ["It is in", "short_named_one.py"]


HOSTILE = ["x" * 20_000, "a-" * 10_000, "! " * 10_000, "." * 20_000, "。" * 20_000]


@pytest.mark.parametrize("text", HOSTILE)
def test_set_lines_handles_hostile_text(text: str) -> None:
    """Without linear time (see benchmarks/texts.py) this lasts minutes."""
    assert make().set_lines(text.strip())


def test_set_lines_returns_nothing_when_nothing_fits() -> None:
    assert make(width_px=10).set_lines("Hello") == []
    assert make(height_px=20).set_lines("Hello") == []


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One two three. Four", "One two three."),
        ("One. Two three four five", "One. Two three four"),
        ("Onetwothree", "Onetwothre"),
        ("", ""),
        ("a", ""),
    ],
)
def test_cut_text_cuts_at_end_of_sentence_or_word(text: str, cut: str) -> None:
    assert cut_text(text) == cut
