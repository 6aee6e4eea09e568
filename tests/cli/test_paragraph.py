from __future__ import annotations

import pytest

from gitassets.cli.paragraph import find_first_words, format_paragraph

TABLE = "Most are right.\n| Try | *Pictures* |\n|---|---:|\n| First | 47 |\n| Second |"

SHOWN = [
    ("One **bold** word\nin two lines.", "One bold word in two lines."),
    ("# A title", "A title"),
    ("Look:\n- one *more*\n  - inner\n- two", "Look:\n  • one more\n    • inner\n  • two"),
    ("1. first\n2. second", "  1. first\n  2. second"),
    ("> Murder your darlings.\n> — Quiller-Couch", "  Murder your darlings.\n  — Quiller-Couch"),
    ("```sh\nif a:\n    b\n```", "  if a:\n      b"),
    (TABLE, "Most are right.\n  Try     Pictures\n  First   47\n  Second"),
    ("***", "***"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_paragraph_keeps_the_lines_of_its_blocks(text: str, shown: str) -> None:
    assert format_paragraph(text) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("One **bold** word[^1].", "One bold word."),
        (TABLE, "Most are right."),
        ("Run this:\n```\nls\n```", "Run this:"),
        ("```\nls\n```", "ls"),
        ("Look:\n- one\n- two", "Look: one two"),
    ],
)
def test_first_words_leave_out_code_and_tables_beside_text(text: str, words: str) -> None:
    assert find_first_words(text) == words
