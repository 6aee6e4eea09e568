"""What is heard, read and seen of a paragraph: the words of its narration, of its captions, and on its picture.

A card draws the Markdown itself (see markdown_blocks.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from gitassets.domain.markdown import strip_markdown
from gitassets.domain.markdown_blocks import Block, BlockKind, parse_blocks
from gitassets.domain.script_rules import CodeUse, ScriptRules

_SENTENCE_ENDS = tuple(".!?:;,…。！？：；、—–-")  # noqa: RUF001 (full-width ones are punctuation, too)
_CLOSING = "\"'”’»)]」』）*"  # noqa: RUF001


def find_spoken_text(paragraph_text: str, rules: ScriptRules) -> str:
    """Return the words to be spoken. Headings and items of lists get a full stop, so that the voice pauses."""
    if not rules.have_blocks:
        return strip_markdown(paragraph_text)
    blocks = [one for one in parse_blocks(paragraph_text) if _is_heard(one, rules)]
    return "\n".join(line for block in blocks for line in _iter_spoken_lines(block))


def find_caption_text(paragraph_text: str, rules: ScriptRules) -> str:
    """Return the words of the captions as written, with a line for each item, heading and line of code."""
    if not rules.have_blocks:
        return strip_markdown(paragraph_text)
    blocks = parse_blocks(paragraph_text)
    return "\n".join(line for block in blocks if _is_read(block, rules) for line in iter_lines(block) if line.strip())


def find_shown_text(paragraph_text: str, rules: ScriptRules) -> str:
    """Return all that a picture of this paragraph can show: the words, code and tables, line by line."""
    if not rules.have_blocks:
        return strip_markdown(paragraph_text)
    return "\n".join(line for block in parse_blocks(paragraph_text) for line in iter_lines(block))


@lru_cache(maxsize=32768)
def is_silent(paragraph_text: str, rules: ScriptRules) -> bool:
    """Check whether the paragraph has something to show but nothing to speak, such as a block of code."""
    if not rules.have_blocks or any(map(str.isalnum, find_spoken_text(paragraph_text, rules))):
        return False
    return has_content(paragraph_text)


def has_content(paragraph_text: str) -> bool:
    """Check whether there is a word or a line of code in the Markdown."""
    return any(_has_content(one) for one in parse_blocks(paragraph_text))


def _has_content(block: Block) -> bool:
    return any(char.isalnum() or block.kind is BlockKind.CODE for line in block.words for char in line.strip())


def iter_lines(block: Block) -> Iterator[str]:
    """Yield the block's lines without marks, but with the numbers of a numbered list."""
    if block.kind is BlockKind.LIST:
        yield from (f"{one.mark} {one.words}" if one.is_numbered else one.words for one in block.items)
    else:
        yield from block.words


def _is_heard(block: Block, rules: ScriptRules) -> bool:
    return block.kind is not BlockKind.TABLE and (block.kind is not BlockKind.CODE or rules.code is CodeUse.SPOKEN)


def _is_read(block: Block, rules: ScriptRules) -> bool:
    return _is_heard(block, rules) or (block.kind is BlockKind.CODE and rules.code is CodeUse.CAPTION)


def _iter_spoken_lines(block: Block) -> Iterator[str]:
    for line in iter_lines(block):
        separate = block.kind in (BlockKind.HEADING, BlockKind.LIST)
        yield f"{line}." if separate and _is_open(line) else line


def _is_open(line: str) -> bool:
    """Check whether the line ends without any punctuation."""
    bare = line.rstrip(_CLOSING + " ")
    return bool(bare) and not bare.endswith(_SENTENCE_ENDS)
