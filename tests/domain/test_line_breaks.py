import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitassets.domain.line_breaks import iter_clusters, iter_pieces, iter_words, shorten
from tests.scripts import CHINESE, THAI, UNSPACED

anything = st.text(max_size=200)


@given(anything)
def test_splitting_loses_no_character_and_returns_no_empty_piece(text: str) -> None:
    for split in (iter_clusters, iter_pieces, iter_words):
        pieces = list(split(text))
        assert "".join(pieces) == text
        assert all(pieces)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ยินดีต้อนรับสู่หลักสูตรใหม่", ["ยินดี", "ต้อนรับ", "สู่", "หลักสูตร", "ใหม่"]),
        ("今天，我们（学习）“Git”。", ["今", "天，", "我", "们", "（学", "习）“Git”。"]),
        ("새로운 과정에 오신", ["새로운 ", "과정에 ", "오신"]),
        ("quoi ? 3.14 % d'un", ["quoi ? ", "3.14 ", "% ", "d'un"]),
        ("a state-of-the-art https://x.org/a/b", ["a ", "state-of-the-art ", "https://x.org/a/b"]),
        ("кто-то пришёл — и", ["кто-то ", "пришёл ", "— ", "и"]),
        ("10\u00a0km à pied", ["10\u00a0km ", "à ", "pied"]),
    ],
)
def test_iter_words_splits_where_a_line_may_end(text: str, words: list[str]) -> None:
    assert list(iter_words(text)) == words


@pytest.mark.parametrize("text", UNSPACED.values(), ids=UNSPACED)
def test_iter_words_starts_no_piece_with_mark_or_closing_punctuation(text: str) -> None:
    clusters = {sum(map(len, list(iter_clusters(text))[:n])) for n in range(len(text))}
    at = 0
    for piece in iter_words(text):
        assert at in clusters
        assert unicodedata.category(piece[0]) not in ("Mn", "Mc", "Pe", "Pf", "Po")
        at += len(piece)


def test_iter_clusters_keeps_combined_characters_together() -> None:
    assert list(iter_clusters("x̄y\u0301\u0308👩‍👩‍👧กำ")) == ["x̄", "y\u0301\u0308", "👩‍👩‍👧", "กำ"]


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Two\n words", "Two words"),
        ("Welcome back to all of us", "Welcome back to…"),
        ("Supercalifragilistic", "Supercalifragilis"),
        (THAI, "ยินดีต้อนรับสู่…"),
        (CHINESE, "欢迎来到我们的新课程，今天我们学…"),
        ("", ""),
    ],
)
def test_shorten_cuts_text_where_a_line_may_end(text: str, short: str) -> None:
    assert shorten(text, 17) == short


def test_iter_words_loses_nothing_of_huge_texts() -> None:
    for text in (THAI * 200, "x" * 20_000, "! " * 10_000, CHINESE * 400):
        assert "".join(iter_words(text)) == text
