"""Choose what a card shows of a paragraph: its point, set as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import md5

from msgspec import Struct

from gitassets.domain.figures import find_figure
from gitassets.domain.key_phrase import choose_sentence, shorten_phrase, split_sentences
from gitassets.domain.markdown import strip_inline
from gitassets.domain.markdown_blocks import Block, BlockKind, parse_blocks

# Increase with every change to what cards show or how they look: takes record it, and a build draws its own cards anew.
CARD_RULES = 2
SHOWN_MD5 = "shown_md5"

MAX_HEADING_CHARS, MAX_SUBTITLE_CHARS, MAX_QUOTE_CHARS, MAX_ITEM_CHARS, MAX_TITLE_CHARS = 90, 120, 150, 84, 60
MAX_ITEMS = 6
MAX_CODE_LINES, MAX_CODE_CHARS = 16, 200
MAX_ROWS, MAX_COLUMNS, MAX_CELL_CHARS = 6, 5, 28

_STRONG = re.compile(r"(?<![\w*])(\*\*|__)(?=\S)((?:(?!\1).){1,200})(?<=\S)\1(?![\w*])")
_ATTRIBUTION = re.compile(r"(?:—|–|--?|―)\s*(?=\S)(?P<by>.{1,80})\Z")
_QUOTED = re.compile(r"[“„«\"](?P<said>[^“”„«»\"]{12,})[”“»\"]")
_VERB = "(?:said|says|wrote|writes|asked|asks|noted|notes|argued|argues|added|adds)"
_NAME = r"(?!Nobody|No\b|Never|Who\b|None|Not\b)[A-Z][\w.’'-]*(?: (?:[A-Z][\w.’'-]*|of|the|de|van|von|da|di|al)){0,4}"
_SAYS = re.compile(rf"{_VERB} (?P<after>{_NAME})|(?P<before>{_NAME}) (?:once )?{_VERB}")


class Layout(StrEnum):
    """How the words of a card are set."""

    HEADING = "heading"
    STATEMENT = "statement"
    NUMBER = "number"
    QUOTE = "quote"
    LIST = "list"
    CODE = "code"
    TABLE = "table"


class CardText(Struct, frozen=True, kw_only=True):
    """The words of a card. `title` stands small above the others.

    `text` is the large one: a heading, a sentence, what is quoted; in `strong` are the parts of it that stand out.
    `note` stands below: what comes after a heading, who is quoted, how much is not shown. `figure` and `hedge` are a
    number and the words that qualify it. `items` are those of a list with their `marks`, `lines` those of code, `rows`
    those of a table, its head first.
    """

    layout: Layout
    title: str = ""
    text: str = ""
    strong: tuple[str, ...] = ()
    note: str = ""
    figure: str = ""
    hedge: str = ""
    items: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Everything that is drawn, in pieces of one typeface each."""
        cells = (cell for row in self.rows for cell in row)
        marks = (mark for mark in self.marks if mark)
        parts = (self.title, self.hedge, self.figure, self.text, *self.items, *marks, *self.lines, *cells, self.note)
        return tuple(filter(None, parts))

    @property
    def words(self) -> str:
        return "\n".join(self.parts)


def describe_card(markdown: str) -> dict[str, object]:
    """Return what a take records of its card: layout, rules, and the md5 of the words that it shows."""
    card = choose_card_text(markdown)
    shown = md5(card.words.encode(), usedforsecurity=False).hexdigest()
    return {"layout": card.layout.value, "card_rules": CARD_RULES, SHOWN_MD5: shown}


def choose_card_text(markdown: str) -> CardText:
    """Choose the layout by what the paragraph holds, and the words for it. The same text always gives the same card."""
    blocks = parse_blocks(markdown)
    title = next((strip_inline(one.lines[0]) for one in blocks if one.kind is BlockKind.HEADING), "")
    for kind, make in ((BlockKind.CODE, _show_code), (BlockKind.TABLE, _show_table), (BlockKind.LIST, _show_list)):
        block = next((one for one in blocks if one.kind is kind and _has_words(one)), None)
        if block is not None:
            return make(block, shorten_phrase(title or _find_lead(blocks, block), MAX_TITLE_CHARS))
    quote = next((one for one in blocks if one.kind is BlockKind.QUOTE and _has_words(one)), None)
    if quote is not None:
        return _show_quote(quote, shorten_phrase(title, MAX_TITLE_CHARS))
    kinds = (BlockKind.PARAGRAPH, BlockKind.LIST)
    prose = " ".join(line for one in blocks if one.kind in kinds for line in one.lines)
    return _show_heading(title, prose) if title else _show_prose(prose)


def _has_words(block: Block) -> bool:
    if block.kind is BlockKind.CODE:
        return any(line.strip() for line in block.lines)
    if block.kind is BlockKind.LIST:
        return sum(not one.depth for one in block.items) > 1
    return any(any(map(str.isalnum, line)) for line in block.lines)


def _find_lead(blocks: Sequence[Block], shown: Block) -> str:
    """Return the sentence that leads to the block: the last one before it, if it ends with a colon or stands alone."""
    place = blocks.index(shown)
    before = blocks[place - 1] if place else None
    if before is None or before.kind is not BlockKind.PARAGRAPH:
        return ""
    sentences = split_sentences(strip_inline(before.lines[0]))
    return sentences[-1].rstrip(":：") if sentences else ""  # noqa: RUF001


def _show_code(block: Block, title: str) -> CardText:
    lines = [line.expandtabs(4).rstrip()[:MAX_CODE_CHARS] for line in block.lines]
    while lines and not lines[0]:
        del lines[0]
    while lines and not lines[-1]:
        del lines[-1]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    shown = [line[indent:] for line in lines[:MAX_CODE_LINES]]
    return CardText(layout=Layout.CODE, title=title, lines=tuple(shown), note=_count_rest(len(lines), len(shown)))


def _show_table(block: Block, title: str) -> CardText:
    width = min(max(map(len, block.rows)), MAX_COLUMNS)
    rows = [tuple(shorten_phrase(cell, MAX_CELL_CHARS) for cell in (*row, *[""] * width)[:width]) for row in block.rows]
    shown = rows[: MAX_ROWS + 1]
    return CardText(layout=Layout.TABLE, title=title, rows=tuple(shown), note=_count_rest(len(rows), len(shown)))


def _show_list(block: Block, title: str) -> CardText:
    items = [one for one in block.items if not one.depth and strip_inline(one.text)]
    shown = items if len(items) <= MAX_ITEMS else items[: MAX_ITEMS - 1]
    return CardText(
        layout=Layout.LIST,
        title=title,
        items=tuple(_shorten_item(strip_inline(one.text)) for one in shown),
        marks=tuple(one.mark.rstrip(".)") if one.is_numbered else "" for one in shown),
        note=_count_rest(len(items), len(shown)),
    )


def _shorten_item(text: str) -> str:
    """Show the first sentence of an item, without its full stop."""
    sentences = split_sentences(text)
    first = sentences[0] if sentences else text
    return shorten_phrase(first[:-1] if first.endswith(".") and not first.endswith("..") else first, MAX_ITEM_CHARS)


def _count_rest(count: int, shown: int) -> str:
    return f"+ {count - shown}" if count > shown else ""


def _show_quote(block: Block, title: str) -> CardText:
    lines = [line for line in map(strip_inline, block.lines) if line]
    by = _ATTRIBUTION.match(lines[-1]) if len(lines) > 1 else None
    said = " ".join(lines[:-1] if by else lines)
    return _make_quote(said, by["by"].strip() if by else "", title)


def _make_quote(said: str, by: str, title: str = "") -> CardText:
    bare = said.strip(' “”„«»"')
    kept = bare if len(bare) <= MAX_QUOTE_CHARS else choose_sentence(split_sentences(bare), MAX_QUOTE_CHARS)
    text = shorten_phrase(kept, MAX_QUOTE_CHARS)
    return CardText(layout=Layout.QUOTE, title=title, text=text, note=shorten_phrase(by, MAX_TITLE_CHARS))


def _show_heading(title: str, prose: str) -> CardText:
    sentence = choose_sentence(split_sentences(strip_inline(prose)), MAX_SUBTITLE_CHARS)
    return CardText(
        layout=Layout.HEADING,
        text=shorten_phrase(title, MAX_HEADING_CHARS),
        note=shorten_phrase(sentence, MAX_SUBTITLE_CHARS),
    )


def _show_prose(prose: str) -> CardText:
    sentences = split_sentences(strip_inline(prose))
    strong = [strip_inline(match[2]) for match in _STRONG.finditer(prose)]
    point = _choose_point(sentences, strong)
    quote = _find_quote(point) or _find_quote(" ".join(sentences[:2]))
    if quote is not None and not strong:
        return quote
    figure = find_figure(point)
    if figure is not None and len(point) <= MAX_SUBTITLE_CHARS and len(figure.value) <= 16:
        return CardText(layout=Layout.NUMBER, figure=figure.value, hedge=figure.hedge, text=point)
    text = shorten_phrase(point)
    return CardText(layout=Layout.STATEMENT, text=text, strong=tuple(_iter_inside(strong, text)))


def _choose_point(sentences: Sequence[str], strong: Sequence[str]) -> str:
    """Return the sentence that the author emphasised, else one with a number, else the first one that fits."""
    emphasised = [one for one in sentences if any(part in one or one in part for part in strong)]
    if emphasised:
        return emphasised[0]
    first = choose_sentence(sentences)
    numbered = [one for one in sentences[:3] if find_figure(one) and len(one) <= MAX_SUBTITLE_CHARS]
    return numbered[0] if numbered else first


def _iter_inside(strong: Sequence[str], text: str) -> Iterator[str]:
    """Yield the emphasised parts that are less than all of the text."""
    yield from (one for one in strong if one in text and len(one) < 0.7 * len(text))


def _find_quote(sentence: str) -> CardText | None:
    """Return the card of a sentence that mostly is what somebody says, or None."""
    match = _QUOTED.search(sentence)
    if match is None:
        return None
    rest = f"{sentence[: match.start()]} {sentence[match.end() :]}".strip(" .,;:–—")
    said = match["said"].strip().rstrip(",")
    if not any(map(str.isalnum, rest)):
        return _make_quote(said, "")
    speaker = _SAYS.fullmatch(rest)
    return _make_quote(said, (speaker["after"] or speaker["before"]).strip()) if speaker else None
