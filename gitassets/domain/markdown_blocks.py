"""Parse the Markdown of a script into blocks: headings, text, lists, code, quotes and tables.

Blocks follow CommonMark and GitHub's tables, with three exceptions. Only a fence makes code, since people indent
narration. A heading that is underlined has one line, since people write a rule directly below their text. Marks inside
a line follow `markdown.py`, which keeps 3*4*5. The time is linear in the length of any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby

from msgspec import Struct

from gitassets.domain.markdown import strip_inline

BULLET = "•"

_OPENING = frozenset("#>-*+=_[0123456789")
"""What a block other than text or a table begins with."""
_FENCE = re.compile(r"([ \t]*)(`{3,}(?=[^`]*\Z)|~{3,})(.*)\Z")
_HEADING = re.compile(r"[ \t]{0,3}(#{1,6})(?:[ \t]+(.*))?\Z")
_CLOSING_HASHES = re.compile(r"(?:\A|[ \t])#+[ \t]*\Z")
_UNDERLINE = re.compile(r"[ \t]{0,3}(=+|-{2,})[ \t]*\Z")
_RULE = re.compile(r"[ \t]*(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|=[= \t]*)\Z")
_QUOTE = re.compile(r"(?:[ \t]{0,3}>[ \t]?)+")  # All levels at once: no line leads deeper than the stack.
_ALERT = re.compile(r"\[!\w+\]\s*\Z")
_ATTRIBUTION = re.compile(r"[ \t]*(?:—|–|--)[ \t]*[*_]*\w")
_ITEM = re.compile(r"([ \t]*)([-*+]|\d{1,9}[.)])(?:[ \t]+(?:\[[ xX]\][ \t]+)?(.*))?\Z")
_TABLE_RULE = re.compile(r"\|?(?:[ \t]*:?-+:?[ \t]*\|)*(?:[ \t]*:?-+:?)?\Z")
_CELL_END = re.compile(r"(?<!\\)\|")
_FOOTNOTE = re.compile(r"[ \t]{0,3}\[\^[^\[\]\s]+\]:")
_DEFINITION = re.compile(r" {0,3}\[[^\[\]^][^\[\]]*\]:[ \t]+\S")


class BlockKind(StrEnum):
    """The kind of a block."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    CODE = "code"
    QUOTE = "quote"
    TABLE = "table"


class Item(Struct, frozen=True):
    """An item of a list. `mark` is its number as written, such as `2.`, or a bullet; `depth` counts from 0."""

    mark: str
    text: str
    depth: int = 0

    @property
    def words(self) -> str:
        return strip_inline(self.text)

    @property
    def is_numbered(self) -> bool:
        return self.mark != BULLET


class Block(Struct, frozen=True):
    """A block of Markdown, without the marks before its lines, but with those inside of them.

    Each of `lines` has a line of its own: the text of a heading or paragraph, the items of a list, the lines of code,
    the paragraphs of a quote and its attribution, the rows of a table. `level` is that of a heading, from 1; `language`
    that of code. The first of a table's `rows` is its head; cells have no marks.
    """

    kind: BlockKind
    lines: tuple[str, ...]
    level: int = 0
    language: str = ""
    items: tuple[Item, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The lines as people read them, without any mark. Lines of code stay as they are."""
        return self.lines if self.kind is BlockKind.CODE else tuple(filter(None, map(strip_inline, self.lines)))


class Fence(Struct, frozen=True):
    """A fenced block of code: all lines of its `source`, and those of its code, without the indent of the fence."""

    source: tuple[str, ...]
    code: tuple[str, ...]
    language: str
    closed: bool


def parse_blocks(text: str) -> tuple[Block, ...]:
    """Parse the Markdown of one paragraph. Footnotes, definitions, images, rules and comments make no block."""
    return tuple(_iter_blocks([piece for _, piece in iter_pieces(text)]))


def is_footnote(line: str) -> bool:
    return bool(_FOOTNOTE.match(line))


def iter_pieces(text: str) -> Iterator[tuple[int, str | Fence]]:
    """Yield each line without its <!-- comments -->, but a fence as one piece, with the number of its (first) line.

    An unclosed comment is none. An unclosed fence ends with the text.
    """
    lines = text.splitlines()
    last_end = max((at for at, line in enumerate(lines) if "-->" in line), default=-1)
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening:
            fence = _read_fence(lines, at, opening)
            yield at + 1, fence
            at += len(fence.source)
        else:
            number = at + 1
            line, at = _read_plain(lines, at, last_end)
            yield number, line


def _read_fence(lines: Sequence[str], at: int, opening: re.Match[str]) -> Fence:
    indent, marks, info = opening.groups()
    end = next((one for one in range(at + 1, len(lines)) if _closes(lines[one], marks)), None)
    code = [_unindent(line, len(indent)) for line in lines[at + 1 : end]]
    source = lines[at:] if end is None else lines[at : end + 1]
    return Fence(tuple(source), tuple(code), (info.split() or [""])[0], end is not None)


def _closes(line: str, marks: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(marks) and not bare.strip(marks[0])


def _unindent(line: str, width: int) -> str:
    return line[:width].lstrip(" \t") + line[width:]


def _read_plain(lines: Sequence[str], at: int, last_end: int) -> tuple[str, int]:
    """Return the line without its comments, and the number of the next line. A comment may span lines."""
    kept, line = "", lines[at]
    while (start := line.find("<!--")) >= 0:
        rest, end = line[start + 4 :], at
        while "-->" not in rest and end < last_end:
            end += 1
            rest = lines[end]
        if "-->" not in rest:
            break
        kept, line, at = kept + line[:start], rest.partition("-->")[2], end
    return kept + line, at + 1


_Pieces = Sequence[str | Fence]
_Read = tuple[Sequence[Block], int]


def _iter_blocks(pieces: _Pieces) -> Iterator[Block]:
    at = 0
    while at < len(pieces):
        blocks, at = (_find_reader(pieces, at) or _read_paragraph)(pieces, at)
        yield from (one for one in blocks if one.words)


def _find_reader(pieces: _Pieces, at: int) -> Callable[[_Pieces, int], _Read] | None:
    """Return what reads the block that starts here. None if it is text, which may also go on from the line before."""
    piece = pieces[at]
    if isinstance(piece, Fence):
        return _read_code
    if not piece.strip():
        return _skip_line
    if "|" not in piece and piece.lstrip(" \t")[:1] not in _OPENING:
        return None
    if _is_table(pieces, at):
        return _read_table
    return next((read for opening, read in _READERS if opening.match(piece)), None)


def _read_code(pieces: _Pieces, at: int) -> _Read:
    fence = pieces[at]
    if not isinstance(fence, Fence):
        raise TypeError(fence)
    return [Block(BlockKind.CODE, fence.code, language=fence.language)], at + 1


def _skip_line(pieces: _Pieces, at: int) -> _Read:  # noqa: ARG001 (the signature of a reader)
    return [], at + 1


def _skip_note(pieces: _Pieces, at: int) -> _Read:
    """Skip a footnote with the lines that go on with it."""
    at += 1
    while at < len(pieces) and _goes_on(pieces, at):
        at += 1
    return [], at


def _read_heading(pieces: _Pieces, at: int) -> _Read:
    found = _HEADING.match(str(pieces[at]))
    marks, text = (found[1], found[2] or "") if found else ("", "")
    return [Block(BlockKind.HEADING, (_CLOSING_HASHES.sub("", text).strip(),), level=len(marks))], at + 1


def _read_quote(pieces: _Pieces, at: int) -> _Read:
    """Read a quote. What it holds besides text, such as a list, stays a block of its own kind."""
    start = at
    while at < len(pieces) and (_QUOTE.match(str(pieces[at])) or (at > start and _goes_on(pieces, at))):
        at += 1
    inner = [_unquote(str(line)) for line in pieces[start:at]]
    blocks = parse_blocks("\n".join(_separate_attribution(inner)))
    return list(_join_quoted(blocks)), at


def _unquote(line: str) -> str:
    marks = _QUOTE.match(line)
    return line[marks.end() :] if marks else line


def _separate_attribution(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if _ATTRIBUTION.match(line):
            yield ""
        if not _ALERT.match(line):
            yield line


def _join_quoted(blocks: Iterable[Block]) -> Iterator[Block]:
    for is_text, group in groupby(blocks, lambda one: one.kind is BlockKind.PARAGRAPH):
        if is_text:
            yield Block(BlockKind.QUOTE, tuple(line for one in group for line in one.lines))
        else:
            yield from group


def _is_table(pieces: _Pieces, at: int) -> bool:
    if at + 1 >= len(pieces):
        return False
    head, rule = pieces[at : at + 2]
    if isinstance(head, Fence) or isinstance(rule, Fence) or "|" not in head or not _TABLE_RULE.match(rule.strip()):
        return False
    return len(_split_row(head)) == len(_split_row(rule))


def _read_table(pieces: _Pieces, at: int) -> _Read:
    rows = [_split_row(str(pieces[at]))]
    at += 2
    while at < len(pieces) and _goes_on(pieces, at) and "|" in str(pieces[at]):
        rows.append(_split_row(str(pieces[at])))
        at += 1
    cells = [tuple(strip_inline(cell) for cell in row) for row in rows]
    return [Block(BlockKind.TABLE, tuple(map(" | ".join, rows)), rows=tuple(cells))], at


def _split_row(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [cell.strip() for cell in _CELL_END.split(bare)]


def _read_list(pieces: _Pieces, at: int) -> _Read:
    items: list[tuple[int, str, list[str]]] = []
    while at < len(pieces) and (_is_item(pieces, at) or _goes_on(pieces, at)):
        found = _ITEM.match(str(pieces[at]))
        if found:
            mark = found[2] if found[2][0].isdigit() else BULLET
            items.append((len(found[1].expandtabs(4)), mark, [found[3] or ""]))
        else:
            items[-1][2].append(str(pieces[at]))
        at += 1
    made = [Item(mark, _join(lines), depth) for depth, mark, lines in _find_depths(items)]
    made = [one for one in made if strip_inline(one.text)]
    return [Block(BlockKind.LIST, tuple(one.text for one in made), items=tuple(made))], at


def _is_item(pieces: _Pieces, at: int) -> bool:
    return _find_reader(pieces, at) is _read_list


def _find_depths(items: Iterable[tuple[int, str, list[str]]]) -> Iterator[tuple[int, str, list[str]]]:
    """Turn the width of each item's indent into its depth."""
    indents: list[int] = []
    for indent, mark, lines in items:
        while indents and indents[-1] > indent:
            indents.pop()
        if not indents or indents[-1] < indent:
            indents.append(indent)
        yield len(indents) - 1, mark, lines


def _read_paragraph(pieces: _Pieces, at: int) -> _Read:
    start, at = at, at + 1
    while at < len(pieces) and _goes_on(pieces, at):
        at += 1
    text = _join(map(str, pieces[start:at]))
    underline = _UNDERLINE.match(str(pieces[at])) if at < len(pieces) and at == start + 1 else None
    if underline and text:
        return [Block(BlockKind.HEADING, (text,), level=1 if underline[1][0] == "=" else 2)], at + 1
    return [Block(BlockKind.PARAGRAPH, (text,))], at


def _goes_on(pieces: _Pieces, at: int) -> bool:
    """Check whether this line goes on with the block before. As in CommonMark, no number but 1 begins a list here."""
    line = pieces[at]
    found = None if isinstance(line, Fence) else _ITEM.match(line)
    if found and found[2][0].isdigit() and found[2][:-1] != "1":
        return True
    return _find_reader(pieces, at) is None


def _join(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


_READERS = (
    (_RULE, _skip_line),
    (_HEADING, _read_heading),
    (_QUOTE, _read_quote),
    (_ITEM, _read_list),
    (_FOOTNOTE, _skip_note),
    (_DEFINITION, _skip_line),
)
