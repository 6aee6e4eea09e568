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
def test_merge_text_merges_changed_lines_of_both_sides(ours: str, theirs: str, merged: str, clean: bool) -> None:
    assert merge_text(BASE, ours, theirs) == (merged, clean)


def test_merge_text_keeps_both_texts_added_to_empty_base() -> None:
    assert merge_text("", "too dark", "off topic") == ("off topic\ntoo dark", False)


@given(lines, lines, lines)
def test_merge_text_is_symmetric(base: str, ours: str, theirs: str) -> None:
    assert merge_text(base, ours, theirs) == merge_text(base, theirs, ours)


@given(lines, lines)
def test_merge_text_returns_the_only_changed_side(base: str, side: str) -> None:
    assert merge_text(base, base, side) == (side, True)
    assert merge_text(base, side, side) == (side, True)


@given(lines, lines, lines)
def test_merge_text_loses_no_added_line(base: str, ours: str, theirs: str) -> None:
    merged = merge_text(base, ours, theirs)[0].split("\n")
    old = base.split("\n")
    assert {line for text in (ours, theirs) for line in text.split("\n") if line and line not in old} <= set(merged)


def test_merge_text_keeps_both_sides_of_very_long_texts() -> None:
    base = "x\n" * MAX_LINES * 50
    merged, clean = merge_text(base, base + "a", base + "b")
    assert not clean
    assert base + "a" in merged
    assert base + "b" in merged
