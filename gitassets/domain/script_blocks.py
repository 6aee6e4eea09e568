"""Split a script into paragraphs of Markdown blocks, and find the pictures that it names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.markdown import PICTURE
from gitassets.domain.markdown_blocks import Fence, is_footnote, iter_pieces
from gitassets.domain.names import Names
from gitassets.domain.script_text import has_content
from gitassets.errors import CorruptError

_TARGET = re.compile(r"[ \t]*(?:<([^<>\n]*)>|([^\s\"']*(?: +[^\s\"']+)*))(?:[ \t]+[\"'].*)?[ \t]*\Z")
_CODE_SPAN = re.compile(r"`+[^`]+`+")
_INDENTED = re.compile(r"(?: {4}|\t)")


class Picture(Struct, frozen=True):
    """A picture that the script names, as the address is written there, and the line of its paragraph, from 1."""

    target: str
    line: int


class Paragraph(Struct, frozen=True):
    """A paragraph in its source, and the pictures that stand in it, or alone before it; the first is its image.

    `names` are those of its speaker.
    """

    text: str
    line: int
    pictures: tuple[Picture, ...] = ()
    names: Names = Names()


def name_speakers(paragraphs: Sequence[Paragraph], speakers: Sequence[tuple[str, str]]) -> list[Paragraph]:
    """Take the names of these speakers from the starts of the paragraphs: `Ann Lee: Words.`, or with the name bold."""
    return [_name_speaker(one, speakers) for one in paragraphs]


def _name_speaker(paragraph: Paragraph, speakers: Sequence[tuple[str, str]]) -> Paragraph:
    for name, title in speakers:
        said = re.match(rf"(\*\*|__|){re.escape(name)}[ \t]*(?:\1:|:\1)\s*(?=\S)", paragraph.text, re.IGNORECASE)
        rest = paragraph.text[said.end() :] if said else ""
        if has_content(rest):
            return replace(paragraph, text=rest, names=Names(name, title))
    return paragraph


def split_blocks(text: str, name: str, lines_before: int = 0) -> tuple[list[Paragraph], tuple[Picture, ...]]:
    """Split the text at blank lines outside of fences. Return the paragraphs, and the pictures that none follows.

    A paragraph has something to speak or to show. Footnotes with their paragraphs, rules and comments are left out.
    Raise CorruptError if a fence is not closed, since all the rest would be code.
    """
    paragraphs: list[Paragraph] = []
    waiting: tuple[Picture, ...] = ()
    for group in _drop_footnotes(_group_lines(text, name, lines_before)):
        pictures = tuple(Picture(target, group.line) for target in _find_targets(group.pieces))
        if has_content(group.text):
            paragraphs.append(Paragraph(group.text, group.line, pictures + waiting))
            waiting = ()
        else:
            waiting += pictures
    return paragraphs, waiting


class _Group(Struct, frozen=True):
    """Lines and fences without a blank line between them."""

    pieces: tuple[str | Fence, ...]
    line: int

    @property
    def text(self) -> str:
        lines = (line for one in self.pieces for line in (one.source if isinstance(one, Fence) else (one,)))
        return "\n".join(lines).strip()


def _group_lines(text: str, name: str, lines_before: int) -> Iterator[_Group]:
    pieces: list[str | Fence] = []
    start = 0
    for number, piece in _number_pieces(text, lines_before):
        if isinstance(piece, Fence) and not piece.closed:
            raise CorruptError(
                f"{name}: the block of code that begins in line {number} has no end",
                f"End it with a line of {piece.source[0].strip()[:3]}",
            )
        if isinstance(piece, str) and not piece.strip():
            if pieces:
                yield _Group(tuple(pieces), start)
            pieces = []
        else:
            start = start if pieces else number
            pieces.append(piece)
    if pieces:
        yield _Group(tuple(pieces), start)


def _number_pieces(text: str, lines_before: int) -> Iterator[tuple[int, str | Fence]]:
    for number, piece in iter_pieces(text):
        yield number + lines_before, piece


def _drop_footnotes(groups: Iterable[_Group]) -> Iterator[_Group]:
    """Leave out footnotes, and what is indented below them."""
    in_footnote = False
    for group in groups:
        first = group.pieces[0]
        lead = first.source[0] if isinstance(first, Fence) else first
        in_footnote = is_footnote(lead) or (in_footnote and bool(_INDENTED.match(lead)))
        if not in_footnote:
            yield group


def _find_targets(pieces: Iterable[str | Fence]) -> Iterator[str]:
    plain = "\n".join(one for one in pieces if isinstance(one, str))
    for found in PICTURE.finditer(_CODE_SPAN.sub("", plain)):
        target = _TARGET.match(found[1]) if found[1] is not None else None
        if target:
            yield unquote((target[1] or target[2] or "").strip())
