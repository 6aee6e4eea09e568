from __future__ import annotations

import pytest

from gitassets.domain.chart_data import ChartKind, find_chart, parse_number, table_md5


def make_table(*rows: str) -> str:
    head, *body = rows
    return "\n".join((head, "|".join("---" for _ in head.split("|")), *body))


TIDES = make_table("Port | High water | Range", "Brest | 05:12 | 6.1 m", "Malo | 07:30 | 12.2 m")
AIR = make_table("Year | ppm", "1990 | 354", "2000 | 369", "2010 | 390", "2020 | 414")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("12", 12), ("−40 °C", -40), ("-3", -3), ("$3.50", 3.5), ("1,234,567", 1234567), ("3,5 %", 3.5),
        ("12 000 km", 12000), ("~5", 5), ("12:30", None), ("2020-01-02", None), ("", None), ("v1", None),
    ],
)  # fmt: skip
def test_parse_number_reads_numbers_with_their_units_alone(cell: str, number: float | None) -> None:
    assert parse_number(cell) == number


def test_bars_compare_and_leave_out_columns_that_are_no_numbers() -> None:
    data = find_chart(f"The tides:\n\n{TIDES}")
    assert data is not None
    assert (data.kind, data.labels) == (ChartKind.BARS, ("Brest", "Malo"))
    assert [(one.name, one.values, one.cells) for one in data.series] == [("Range", (6.1, 12.2), ("6.1 m", "12.2 m"))]


def test_lines_show_what_changes_in_time() -> None:
    data = find_chart(AIR)
    assert data is not None
    assert (data.kind, data.series[0].values) == (ChartKind.LINES, (354, 369, 390, 414))


def test_comma_is_a_decimal_one_if_any_number_of_its_column_says_so() -> None:
    data = find_chart(make_table("Ort | Hub", "Brest | 6,1", "Malo | 12,234"))
    assert data is not None
    assert data.series[0].values == (6.1, 12.234)


@pytest.mark.parametrize(
    "text",
    [
        "No table.",
        make_table("a | b", "x | y", "z | 2"),
        make_table("a | b", "x | 2"),
        make_table("a | b | c", "x | 2 m | 3 kg", "y | 3 m | 4 kg"),
        make_table("a | b", *(f"{chr(97 + one)} | {one}" for one in range(17))),
        make_table("a | b", " | 1", "x | 2"),
    ],
)
def test_tables_that_no_chart_shows_truly_make_none(text: str) -> None:
    assert find_chart(text) is None


def test_table_md5_depends_on_the_cells_alone() -> None:
    assert table_md5(TIDES) == table_md5(f"Other words.\n\n{TIDES}")
    assert table_md5(TIDES) != table_md5(TIDES.replace("6.1", "6.2"))
