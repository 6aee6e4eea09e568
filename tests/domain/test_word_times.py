from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.guard import RunState, check_step
from gitassets.domain.tree_rules import TreeEntry, iter_tree_problems
from gitassets.domain.word_times import (
    MAX_FILE_BYTES,
    MAX_WORDS,
    TimedWords,
    WordTime,
    choose_file,
    find_fault,
    format_words,
    join_characters,
    name_file,
    parse_words,
)
from tests.domain.builders import a_manifest


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


TIMED = TimedWords("a voice 1.0", (WordTime("Où,", 0.012, 0.5), WordTime('"here"', 0.5, 1.25)))
MD5 = "0123456789abcdef0123456789abcdef"
WORDS = name_file(MD5)


def test_a_file_of_word_times_is_read_as_it_was_written() -> None:
    data = format_words(TIMED)
    assert data.decode() == '{"made_by": "a voice 1.0", "words": [\n["Où,", 12, 500],\n["\\"here\\"", 500, 1250]\n]}\n'
    assert parse_words(data) == parse_words(data, 1.0) == TIMED
    assert parse_words(data, 0.5) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"made_by": "x", "words": [\n\n]}\n',
        format_words(TIMED)[:-1],
        format_words(TIMED).replace(b"500", b"5e2"),
        format_words(TIMED).replace(b"500", b"99999999999999999999999"),
        format_words(TIMED).replace(b"1250", b"1250, 3"),
        format_words(TIMED).replace(b'"made_by"', b'"more": 1, "made_by"'),
        format_words(TimedWords("a\x1b[2J", TIMED.words)),
        format_words(TimedWords("", TIMED.words)),
        format_words(TimedWords("a", TIMED.words[::-1])),
        format_words(TIMED) + b" " * MAX_FILE_BYTES,
        b"\xff" + format_words(TIMED),
    ],
)
def test_nothing_else_is_a_file_of_word_times(data: bytes) -> None:
    assert parse_words(data) is None


def test_the_same_valid_file_wins_a_merge_on_both_sides() -> None:
    one, other = format_words(TIMED), format_words(TimedWords("another", TIMED.words))
    assert choose_file([one, other]) == choose_file([other, one]) == choose_file([b"broken", one, other])
    assert choose_file([b"a", b""]) is None


@pytest.mark.parametrize(
    ("entry", "is_allowed"),
    [
        (TreeEntry(WORDS, "100644", timed=True), True),
        (TreeEntry(WORDS, "100644"), False),
        (TreeEntry(WORDS, "100755", timed=True), False),
        (TreeEntry(WORDS.replace("words", "Words"), "100644", timed=True), False),
        (TreeEntry(WORDS.upper(), "100644", timed=True), False),
        (TreeEntry("words", "100644", timed=True), False),
        (TreeEntry("words/notes.json", "100644", timed=True), False),
        (TreeEntry(f"words/more/{MD5}.json", "100644", timed=True), False),
        (TreeEntry("words/dvc.yaml", "100644", describes=True), False),
        (TreeEntry("words.txt", "100644"), True),
    ],
)
def test_the_folder_holds_valid_word_times_alone(entry: TreeEntry, *, is_allowed: bool) -> None:
    assert [one.code for one in iter_tree_problems([entry])] == ([] if is_allowed else ["words-malformed"])


@pytest.mark.parametrize(("rules", "codes"), [(2, []), (3, ["words-malformed"])])
def test_a_folder_of_that_name_from_before_there_were_word_times_stays_valid(rules: int, codes: list[str]) -> None:
    before = RunState(manifest=a_manifest(rules=rules))
    after = RunState(manifest=a_manifest(rules=rules), tree=[TreeEntry("words/notes.txt", "100644")])
    assert [one.code for one in check_step(before, after)] == codes
    raised = RunState(manifest=a_manifest(rules=3), tree=after.tree)
    assert check_step(after, raised) == ()
