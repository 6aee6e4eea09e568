"""Where a line of text may end, and what its reader takes for one character: Unicode's rules (UAX 14, UAX 29) by ICU.

ICU brings the word lists of Thai, Lao, Khmer and Burmese, which put no spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

_LOCALE = "und"
_SURROGATES = re.compile("[\ud800-\udfff]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7ff]")


def iter_clusters(text: str) -> Iterator[str]:
    """The characters, each with the marks that sit on it and the letters that it is joined with."""
    from icu4py.breakers import CharacterBreaker

    return _cut(text, CharacterBreaker(_without_surrogates(text), _LOCALE))


def iter_pieces(text: str) -> Iterator[str]:
    """The text in pieces after each of which a line may end; the spaces there are the end of the piece.

    Korean has spaces, and so no line ends within its words.
    """
    from icu4py.breakers import LineBreaker

    pieces = _cut(text, LineBreaker(_without_surrogates(text), _LOCALE))
    return _join(pieces, lambda before, after: bool(_HANGUL.match(before) and _HANGUL.match(after)))


def iter_words(text: str) -> Iterator[str]:
    """The same, but nothing is parted behind a hyphen or slash: what has spaces around it stays together."""
    return _join(iter_pieces(text), lambda before, after: before.isascii() and before != " " and not _is_wide(after))


def shorten(text: str, length: int) -> str:
    """The text, or its beginning to where a line might end and an ellipsis; cut between characters if need be."""
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    kept = _take(iter_words(flat), length - 1).rstrip()
    return f"{kept}…" if kept else _take(iter_clusters(flat), length)


def _take(pieces: Iterator[str], length: int) -> str:
    kept = ""
    for piece in pieces:
        if len((kept + piece).rstrip()) > length:
            break
        kept += piece
    return kept


def _cut(text: str, breaker: Iterable[str]) -> Iterator[str]:
    at = 0
    for found in breaker:
        yield text[at : at + len(found)]
        at += len(found)


def _join(pieces: Iterable[str], belong: Callable[[str, str], bool]) -> Iterator[str]:
    """The pieces, as one where the last character of the one and the first of the next belong together."""
    joined = ""
    for piece in pieces:
        if joined and not belong(joined[-1], piece[0]):
            yield joined
            joined = ""
        joined += piece
    if joined:
        yield joined


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _without_surrogates(text: str) -> str:
    """The text as ICU takes it, of the same length."""
    return _SURROGATES.sub("\ufffd", text)
