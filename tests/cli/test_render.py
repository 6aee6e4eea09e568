"""Layout of tables and lists of names."""

from __future__ import annotations

import io
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from gitassets.cli.render import STATUS_STYLES
from gitassets.cli.screen import Screen, find_screen, make_paint
from gitassets.cli.table import _NARROW, Cell, Column, cut_text, format_table, wrap_text
from gitassets.domain.wording import name_some

COLUMNS = (Column("Asset", right=True), Column("By", wrap=True), Column("Commit"))
ANN = ("image 1", "Ann Lee <ann.lee@studio.example.com>", "4b73411123")


def draw(
    width: int, *rows: tuple[Cell, ...], columns: tuple[Column, ...] = COLUMNS, below: tuple[str, ...] = ()
) -> list[str]:
    return list(format_table(columns, rows, width, make_paint(Screen(width, False, False, False)), below=below))


def test_table_breaks_a_column_only_between_words() -> None:
    head, _, *rows = draw(54, ANN)
    assert head.split() == ["Asset", "By", "Commit"]
    assert rows == [
        "image 1  Ann Lee                            4b73411123",
        "         <ann.lee@studio.example.com>",
    ]


def test_table_wraps_nothing_on_a_wide_terminal() -> None:
    assert draw(160, ANN, ("audio 12", "Bea", "0"))[2:] == [
        " image 1  Ann Lee <ann.lee@studio.example.com>  4b73411123",
        "audio 12  Bea                                   0",
    ]


def test_table_that_is_too_wide_becomes_lines_of_title_and_value() -> None:
    assert draw(40, ANN, ("audio 2", "", "0")) == [
        "image 1",
        "  By      Ann Lee",
        "          <ann.lee@studio.example.com>",
        "  Commit  4b73411123",
        "audio 2",
        "  Commit  0",
    ]


def test_table_leaves_out_the_columns_of_the_highest_rank_first() -> None:
    columns = (Column("Name"), Column("Text", cut=True, least=6), Column("File", rank=1), Column("From", rank=2))
    row = ("one", "some words", "file.png", "card")
    heads = {width: draw(width, row, columns=columns)[0].split() for width in (40, 28, 24, 15)}
    assert heads == {
        40: ["Name", "Text", "File", "From"],
        28: ["Name", "Text", "File", "From"],
        24: ["Name", "Text", "File"],
        15: ["Name", "Text"],
    }
    assert draw(15, row, columns=columns)[2] == "one   some wor…"


def test_table_leaves_out_an_empty_column_with_a_rank() -> None:
    columns = (Column("Name"), Column("Length", rank=1), Column("Text"))
    assert draw(80, ("one", "", ""), columns=columns)[0] == "Name  Text"


def test_table_shows_details_below_the_row() -> None:
    lines = draw(30, ("1", "Ann", "0"), ("2", "Bea", "1"), below=("", "too dark for this sentence"))
    assert lines[3:] == ["    2  Bea  1", "       too dark for this", "       sentence"]


@pytest.mark.parametrize("width", [20, 33, 60, 80, 120, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(width: int) -> None:
    rows = [
        ("image 1", "漢字 " * 30, "ab"),
        ("audio 2", "größe und maß " * 9, "💡" * 5),
        ("x", (("3 approved,", ""),) * 7, ""),
    ]
    for line in draw(width, *rows, below=("漢" * 99, "", "words " * 30)):
        assert cell_len(line) <= width
        assert line == line.rstrip()


def test_table_prints_no_control_character() -> None:
    lines = draw(80, ("a\x1b[31m", (("b\a", "red"),), "c\r\n"), below=("d\x9b",))
    assert all(line.isprintable() for line in lines)


def test_characters_that_are_measured_without_rich_take_one_cell() -> None:
    narrow = [chr(number) for number in range(0x20, 0x3000) if _NARROW.fullmatch(chr(number))]
    assert len(narrow) > 600
    assert {cell_len(one) for one in narrow} == {1}


def test_texts_are_measured_in_cells() -> None:
    assert cut_text("漢字漢字", 5) == "漢字…"
    assert cut_text("größer", 4) == "grö…"
    assert wrap_text("漢字漢字 ab", 4) == ["漢字", "漢字", "ab"]


STYLES = sorted({"bold", "dim", "red", "green", "yellow", "cyan", *STATUS_STYLES.values()})


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("styled", "no_color"), [(True, False), (True, True), (False, False)])
def test_styles_are_written_as_rich_writes_them(style: str, styled: bool, no_color: bool) -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard" if styled else None, no_color=no_color
    )
    with console.capture() as capture:
        console.print("word", style=style, end="")
    assert make_paint(Screen(80, styled, styled, no_color))("word", style) == capture.get()


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "environment",
    [
        {}, {"TERM": "dumb"}, {"TERM": "unknown", "COLUMNS": "50"}, {"TERM": "xterm-256color", "COLUMNS": "50"},
        {"NO_COLOR": "1"}, {"NO_COLOR": ""}, {"FORCE_COLOR": "1"}, {"FORCE_COLOR": ""}, {"TTY_COMPATIBLE": "0"},
        {"TTY_COMPATIBLE": "1", "FORCE_COLOR": ""}, {"COLUMNS": "wide"},
    ],
)  # fmt: skip
def test_the_screen_is_what_rich_sees(
    environment: dict[str, str], terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Stream(terminal=terminal))
    console = Console(width=None if terminal else 160, _environ=environment)
    seen = find_screen(160)
    assert (seen.width, seen.is_terminal) == (console.width, console.is_terminal)
    assert (seen.styled, seen.no_color) == (console.color_system is not None, console.no_color)


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
