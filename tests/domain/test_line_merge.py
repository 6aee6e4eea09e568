from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.merge.lines import MAX_LINES, merge_text

BASE = "one\ntwo\nthree\nfour\nfive"

lines = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=6).map("\n".join)


@pytest.mark.parametrize(
    ("ours", "theirs", "merged", "clean"),
    [
        ("ONE\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nFIVE", "ONE\ntwo\nthree\nfour\nFIVE", True),
        ("one\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nfive\nsix", "one\nthree\nfour\nfive\nsix", True),
        ("one\ntwo\nTHREE\nfour\nfive", "one\ntwo\nTHREE\nfour\nfive", "one\ntwo\nTHREE\nfour\nfive", True),
        ("one\ntwo\nB\nfour\nfive", "one\ntwo\nA\nfour\nfive", "one\ntwo\nA\nB\nfour\nfive", False),
        ("one\ntwo\nfour\nfive", "one\ntwo\nA\nfour\nfive", "one\ntwo\nA\nfour\nfive", False),
        (BASE + "\nx\ny", BASE + "\nx", BASE + "\nx\ny", False),
    ],
)
def test_lines_merge(ours: str, theirs: str, merged: str, clean: bool) -> None:
    assert merge_text(BASE, ours, theirs) == (merged, clean)


def test_two_texts_out_of_nothing_are_both_kept() -> None:
    assert merge_text("", "too dark", "off topic") == ("off topic\ntoo dark", False)


@given(lines, lines, lines)
def test_sides_may_be_swapped(base: str, ours: str, theirs: str) -> None:
    assert merge_text(base, ours, theirs) == merge_text(base, theirs, ours)


@given(lines, lines)
def test_one_side_alone_wins(base: str, side: str) -> None:
    assert merge_text(base, base, side) == (side, True)
    assert merge_text(base, side, side) == (side, True)


@given(lines, lines, lines)
def test_no_line_that_a_side_added_is_lost(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)[0].split("\n")
    old = base.split("\n")
    assert {line for text in (ours, theirs) for line in text.split("\n") if line and line not in old} <= set(merged)


def test_texts_of_very_many_lines_are_not_compared() -> None:
    base = "x\n" * MAX_LINES * 50
    merged, clean = merge_text(base, base + "a", base + "b")
    assert not clean
    assert base + "a" in merged
    assert base + "b" in merged
