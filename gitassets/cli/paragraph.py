"""Show the Markdown of a paragraph at a terminal: its words without marks, each block in lines of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gitassets.cli.table import measure
from gitassets.domain.markdown import strip_markdown
from gitassets.domain.markdown_blocks import Block, BlockKind, parse_blocks
from gitassets.domain.script_text import iter_lines

_INDENT = "  "
_UNHEARD = (BlockKind.TABLE, BlockKind.CODE)


def format_paragraph(text: str) -> str:
    """Return the lines of a paragraph. Lists, code, quotes and tables keep theirs."""
    lines = (line for block in parse_blocks(text) for line in _LAYOUTS.get(block.kind, iter_lines)(block))
    return "\n".join(lines) or strip_markdown(text) or text


def find_first_words(text: str) -> str:
    """Return the words of a paragraph in one line, without its code and tables if there is anything else."""
    blocks = parse_blocks(text)
    heard = [one for one in blocks if one.kind not in _UNHEARD] or blocks
    return " ".join(line for block in heard for line in iter_lines(block)) or strip_markdown(text)


def _layout_list(block: Block) -> Iterator[str]:
    return (f"{_INDENT * (one.depth + 1)}{one.mark} {one.words}" for one in block.items)


def _layout_indented(block: Block) -> Iterator[str]:
    return (f"{_INDENT}{line}" for line in block.words)


def _layout_table(block: Block) -> Iterator[str]:
    from itertools import zip_longest

    columns = list(zip_longest(*block.rows, fillvalue=""))
    widths = [max(map(measure, column)) for column in columns]
    for row in zip(*columns, strict=True):
        cells = (f"{cell}{' ' * (width - measure(cell))}" for cell, width in zip(row, widths, strict=True))
        yield f"{_INDENT}{_INDENT.join(cells)}".rstrip()


_LAYOUTS: Mapping[BlockKind, Callable[[Block], Iterator[str]]] = {
    BlockKind.LIST: _layout_list,
    BlockKind.CODE: _layout_indented,
    BlockKind.QUOTE: _layout_indented,
    BlockKind.TABLE: _layout_table,
}
