"""Layout of tables and lists of names."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gitassets.cli.render import make_table
from gitassets.domain.wording import name_some


def draw(width: int, *rows: tuple[str, ...]) -> list[str]:
    table = make_table("Asset", "By", "Commit", right=("Asset",), whole=("Asset", "Commit"))
    for row in rows:
        table.add_row(*row)
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_table_wraps_only_columns_that_are_not_whole() -> None:
    head, _, *rows = draw(40, ("image 1", "Ann Lee <ann.lee@studio.example.com>", "4b73411123"))
    assert head.split() == ["Asset", "By", "Commit"]
    assert rows[0].startswith("image 1  Ann Lee")
    assert rows[0].endswith("4b73411123")
    assert "".join(row[9:28].strip() for row in rows) == "Ann Lee<ann.lee@studio.example.com>"


def test_table_wraps_nothing_on_a_wide_terminal() -> None:
    rows = draw(160, ("image 1", "Ann Lee <ann.lee@studio.example.com>", "4b73411123"), ("audio 12", "Bea", "0"))
    assert rows[2:] == [
        " image 1  Ann Lee <ann.lee@studio.example.com>  4b73411123",
        "audio 12  Bea                                   0",
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a, b"),
        (("a", "b", "c"), "a, b and 1 more"),
        ("abcdef", "a, b and 4 more"),
    ],
)
def test_name_some_counts_the_names_that_it_leaves_out(names: str, text: str) -> None:
    assert name_some(tuple(names), 2) == text
