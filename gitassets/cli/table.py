"""Lay out tables that fit any width. For 30,000 rows rich.Table takes 40 s of CPU, this half a second."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from gitassets.cli.screen import Paint

# A text and its style.
Styled = tuple[str, str]
Cell = str | tuple[Styled, ...]

_GAP = "  "
_LEAST_WORD = 8
# Letters of Latin and marks such as "–" and "…" take one cell each. For all others rich has tables.
_NARROW = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027]*")


class Column(Struct, frozen=True):
    """A column. `wrap` breaks its text between words; `cut` shortens it, to `least` cells at the narrowest.

    A column with a `rank` is left out if it is empty, and where the table is too wide, the highest rank first.
    """

    title: str
    right: bool = False
    wrap: bool = False
    cut: bool = False
    least: int = 0
    rank: int = 0


def format_table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, paint: Paint, *, below: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of the table. `below` has a text to show under each row, or nothing.

    Where even the narrowest table is too wide, each row becomes lines of title and value.
    """
    cells = [_clean_column(one) for one in zip(*rows, strict=True)]
    found = _choose_widths(columns, cells, width)
    if found is None:
        for number, row in enumerate(zip(*cells, strict=True)):
            yield from _stack(columns, row, width, paint)
            yield from _format_below(below[number] if below else "", "  ", width, paint)
        return
    yield _join([_paint_cell(columns[at].title, "bold", size, columns[at], paint) for at, size in found])
    yield "─" * (sum(size for _, size in found) + len(_GAP) * (len(found) - 1))
    shown = [_format_column(columns[at], cells[at], size, paint) for at, size in found]
    blanks = [" " * size for _, size in found]
    indent = blanks[0] + _GAP
    for number, row in enumerate(zip(*shown, strict=True)):
        yield from _format_row(row, blanks)
        yield from _format_below(below[number] if below else "", indent, width, paint)


def _format_below(text: str, indent: str, width: int, paint: Paint) -> Iterator[str]:
    if text:
        yield from (f"{indent}{paint(line, 'dim')}" for line in wrap_text(_clean(text), width - len(indent)))


def _format_row(row: Sequence[str | list[str]], blanks: Sequence[str]) -> Iterator[str]:
    try:
        yield _GAP.join(row).rstrip()  # type: ignore[arg-type]
    except TypeError:
        yield from _format_lines([[one] if isinstance(one, str) else one for one in row], blanks)


def _format_lines(cells: Sequence[list[str]], blanks: Sequence[str]) -> Iterator[str]:
    for line in range(max(map(len, cells))):
        yield _join([one[line] if line < len(one) else blank for one, blank in zip(cells, blanks, strict=True)])


def _join(cells: Sequence[str]) -> str:
    return _GAP.join(cells).rstrip()


def _format_column(column: Column, cells: Sequence[Cell], size: int, paint: Paint) -> list[str | list[str]]:
    """Return each cell as wide as the column: a text, or the lines of one that is broken."""
    fits = _is_plain(cells) and max(map(len, cells), default=0) <= size
    if fits:
        return [one.rjust(size) if column.right else one.ljust(size) for one in cells]  # type: ignore[union-attr]
    known: dict[Cell, str | list[str]] = {}
    for one in cells:
        if one not in known:
            known[one] = _format_cell(one, column, size, paint)
    return [known[one] for one in cells]


def _format_cell(cell: Cell, column: Column, size: int, paint: Paint) -> str | list[str]:
    if not isinstance(cell, str) and len(cell) != 1:
        return [_paint_words(words, size, paint) for words in _fill_lines(cell, size)]
    text, style = (cell, "") if isinstance(cell, str) else cell[0]
    if measure(text) <= size or not column.wrap:
        return _paint_cell(cut_text(text, size), style, size, column, paint)
    return [_paint_cell(line, style, size, column, paint) for line in wrap_text(text, size)]


def _paint_cell(text: str, style: str, size: int, column: Column, paint: Paint) -> str:
    """Style only the text, not the space around it."""
    space = " " * (size - measure(text))
    shown = paint(text, style) if style else text
    return space + shown if column.right else shown + space


def _is_plain(cells: Sequence[Cell]) -> bool:
    """Check whether each cell is a text of characters that take one cell, at once since there may be 30,000."""
    try:
        return "".join(cells).isascii()  # type: ignore[arg-type]
    except TypeError:
        return False


def _clean_column(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Replace the characters that a terminal would obey."""
    try:
        if "".join(cells).isprintable():  # type: ignore[arg-type]
            return cells
    except TypeError:
        pass
    return [
        _clean(one) if isinstance(one, str) else tuple((_clean(text), style) for text, style in one) for one in cells
    ]


def _clean(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


# Widths


def _choose_widths(
    columns: Sequence[Column], cells: Sequence[Sequence[Cell]], width: int
) -> list[tuple[int, int]] | None:
    """Return the columns to show, each with its width; None if even the narrowest table is too wide."""
    natural = [_measure_column(column, texts) for column, texts in zip(columns, cells, strict=True)]
    kept = [at for at, column in enumerate(columns) if not column.rank or any(cells[at])]
    fitting = sum(natural[at] for at in kept) + len(_GAP) * (len(kept) - 1) <= width
    least = natural if fitting else [_find_least(*one) for one in zip(columns, cells, natural, strict=True)]
    while True:
        room = width - len(_GAP) * (len(kept) - 1)
        if sum(least[at] for at in kept) <= room:
            widths = _share(room, [natural[at] for at in kept], [least[at] for at in kept])
            return list(zip(kept, widths, strict=True))
        dropped = max(kept, key=lambda at: columns[at].rank)
        if not columns[dropped].rank:
            return None
        kept.remove(dropped)


def _measure_column(column: Column, cells: Sequence[Cell]) -> int:
    sizes = map(len, cells) if _is_plain(cells) else map(_measure_cell, set(cells))
    return max(measure(column.title), max(sizes, default=0))


def _measure_cell(cell: Cell) -> int:
    if isinstance(cell, str):
        return measure(cell)
    return sum(measure(text) for text, _ in cell) + max(len(cell) - 1, 0)


def _find_least(column: Column, cells: Sequence[Cell], natural: int) -> int:
    """Return how narrow the column may get: no word is broken."""
    if column.cut:
        return min(natural, max(column.least, measure(column.title)))
    if not column.wrap:
        return natural
    words = (word for cell in cells for word in _iter_words(cell))
    return max(min(natural, max(column.least, _LEAST_WORD)), measure(column.title), max(map(measure, words), default=0))


def _iter_words(cell: Cell) -> Iterator[str]:
    return (word for text, _ in _split_cell(cell) for word in text.split())


def _share(room: int, natural: Sequence[int], least: Sequence[int]) -> list[int]:
    """Give every column its least width, and then what is left to those that are short of their natural width."""
    widths = list(least)
    spare = room - sum(widths)
    short = sorted((want - have, at) for at, (want, have) in enumerate(zip(natural, widths, strict=True)))
    for count, (wanted, at) in enumerate(short):
        given = min(wanted, spare // (len(short) - count))
        widths[at] += given
        spare -= given
    return widths


# Rows as lines of title and value


def _stack(columns: Sequence[Column], row: Sequence[Cell], width: int, paint: Paint) -> Iterator[str]:
    indent = max((measure(one.title) for one in columns[1:]), default=0) + 4
    head = " ".join(text for text, _ in _split_cell(row[0]))
    yield from (paint(line, "bold") for line in wrap_text(head, width))
    for column, cell in zip(columns[1:], row[1:], strict=True):
        lines = _fill_lines(_split_cell(cell), max(width - indent, _LEAST_WORD))
        for number, words in enumerate(lines if any(_iter_words(cell)) else ()):
            title = f"  {column.title}" if number == 0 else ""
            yield f"{title.ljust(indent)}{_paint_words(words, 0, paint)}".rstrip()


def _split_cell(cell: Cell) -> Sequence[Styled]:
    return ((cell, ""),) if isinstance(cell, str) else cell


# Text


def _fill_lines(parts: Sequence[Styled], size: int) -> Iterator[list[Styled]]:
    """Yield lines of as many words as fit. Only a word longer than a line is broken, and no part that fits a line."""
    line: list[Styled] = []
    used, several = 0, len(parts) > 1
    for text, style in parts:
        words = [text] if several and measure(text) <= size else text.split()
        for word in (piece for one in words for piece in _chop(one, size)):
            if line and used + 1 + measure(word) > size:
                yield line
                line, used = [], 0
            used += measure(word) + (1 if line else 0)
            line.append((word, style))
    yield line


def _paint_words(words: Sequence[Styled], size: int, paint: Paint) -> str:
    space = size - sum(measure(word) for word, _ in words) - max(len(words) - 1, 0)
    return " ".join(paint(word, style) if style else word for word, style in words) + " " * space


def wrap_text(text: str, size: int) -> list[str]:
    """Break a text between words."""
    return [" ".join(word for word, _ in line) for line in _fill_lines([(text, "")], max(size, 1))]


def _chop(word: str, size: int) -> Iterator[str]:
    while measure(word) > size:
        piece = _take_cells(word, size) or word[0]
        yield piece
        word = word[len(piece) :]
    if word:
        yield word


def cut_text(text: str, size: int) -> str:
    """Shorten a text to that many cells, and mark that with "…"."""
    if measure(text) <= size:
        return text
    return f"{_take_cells(text, size - 1).rstrip()}…" if size > 0 else ""


def _take_cells(text: str, size: int) -> str:
    if text.isascii():
        return text[:size]
    used = 0
    for at, char in enumerate(text):
        used += measure(char)
        if used > size:
            return text[:at]
    return text


def measure(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() or _NARROW.fullmatch(text) else _measure_wide(text)


@lru_cache(maxsize=4096)
def _measure_wide(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
