"""Read the numbers of a Markdown table, and choose how a chart shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import md5

from msgspec import Struct

from gitassets.domain.markdown_blocks import BlockKind, parse_blocks

MIN_ROWS, MAX_ROWS, MAX_SERIES = 2, 60, 4
# A picture with more bars cannot be read at a glance.
MAX_BARS = 16
_NUMBER = re.compile(
    r"(?P<before>[$€£¥~<>≈]?\s?)(?P<sign>[+−–-]?)(?P<digits>\d{1,3}(?:[ \u00a0\u202f,’']\d{3})+|\d+)"  # noqa: RUF001
    r"(?P<fraction>[.,]\d+)?(?P<after>\s?[^\d\s][^\d]{0,15})?\Z"
)
_DECIMAL_COMMA = re.compile(r"\d,(?:\d{1,2}|\d{4,})(?!\d)")
_TIME = re.compile(
    r"(?:\d{4}(?:[-/]\d{1,2}){0,2}|Q[1-4](?: \d{4})?|\d{1,2}(?::\d{2})?(?: ?[ap]m)?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*\.?(?: \d{2,4})?|(?:Day|Week|Year|Hour|Month) \d+)\Z"
)


class ChartKind(StrEnum):
    BARS = "bars"
    LINES = "lines"


class Series(Struct, frozen=True):
    """A column of numbers. `cells` are the numbers as written."""

    name: str
    values: tuple[float, ...]
    cells: tuple[str, ...]


class ChartData(Struct, frozen=True, kw_only=True):
    """What a chart shows: a value of each series for each label. `axis` is the head of the labels' column."""

    kind: ChartKind
    axis: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]


def find_chart(markdown: str) -> ChartData | None:
    """Return the numbers of the paragraph's first table, or None if it has no column of labels and one of numbers."""
    rows = _find_rows(markdown)
    return read_table(rows) if rows else None


def table_md5(markdown: str) -> str:
    """Return the md5 of the paragraph's first table, by its cells."""
    text = "\n".join(map("\t".join, _find_rows(markdown)))
    return md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _find_rows(markdown: str) -> tuple[tuple[str, ...], ...]:
    # Most paragraphs have no table, and this is called for each of them.
    blocks = parse_blocks(markdown) if "|" in markdown else ()
    return next((one.rows for one in blocks if one.kind is BlockKind.TABLE), ())


def read_table(rows: Sequence[Sequence[str]]) -> ChartData | None:
    """Read the columns of numbers, which the first row names. One that has another cell is left out."""
    head, body = rows[0], rows[1:]
    if not MIN_ROWS <= len(body) <= MAX_ROWS or len(head) < 2 or any(len(row) != len(head) for row in body):
        return None
    labels = tuple(row[0] for row in body)
    columns = [(head[place], [row[place] for row in body]) for place in range(1, len(head))]
    series = [one for name, cells in columns if (one := _read_column(name, cells))]
    if not all(labels) or not 1 <= len(series) <= MAX_SERIES or not _have_one_unit(series):
        return None
    kind = _choose_kind(labels)
    if kind is ChartKind.BARS and len(labels) * len(series) > MAX_BARS:
        return None
    return ChartData(kind=kind, axis=head[0], labels=labels, series=tuple(series))


def _read_column(name: str, cells: Sequence[str]) -> Series | None:
    has_comma = any(_DECIMAL_COMMA.search(cell) for cell in cells)
    values = [parse_number(cell.replace(",", ".") if has_comma else cell) for cell in cells]
    known = [one for one in values if one is not None]
    return Series(name, tuple(known), tuple(cells)) if len(known) == len(cells) else None


def parse_number(cell: str) -> float | None:
    """Return the number that a cell holds, with or without a unit; None if it holds another text."""
    match = _NUMBER.match(cell.strip())
    if match is None or _is_clock(match):
        return None
    digits = re.sub(r"\D", "", match["digits"])
    fraction = (match["fraction"] or "").replace(",", ".")
    return float(f"{digits}{fraction}") * (-1 if match["sign"] in ("-", "−", "–") else 1)  # noqa: RUF001


def _is_clock(match: re.Match[str]) -> bool:
    return (match["after"] or "").lstrip().startswith((":", "/", "-", "–"))


def _have_one_unit(series: Sequence[Series]) -> bool:
    """Check whether the numbers may share an axis."""
    return len({_find_unit(cell) for one in series for cell in one.cells if parse_number(cell)}) <= 1


def _find_unit(cell: str) -> str:
    return re.sub(r"[\d\s.,’'+−–~<>≈\u00a0\u202f-]", "", cell)  # noqa: RUF001


def _choose_kind(labels: Sequence[str]) -> ChartKind:
    """Choose lines for what changes in time, and bars for what is compared."""
    in_time = len(labels) > 3 and all(_TIME.match(label) for label in labels)
    return ChartKind.LINES if in_time else ChartKind.BARS
