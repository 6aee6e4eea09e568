"""Find line breaks and user-perceived characters by Unicode's rules (UAX 14, UAX 29), using ICU.

ICU includes the word lists of Thai, Lao, Khmer and Burmese, which put no spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

_LOCALE = "und"
_SURROGATES = re.compile("[\ud800-\udfff]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7ff]")


def iter_clusters(text: str) -> Iterator[str]:
    """Yield the characters, each with its combining marks and the letters that it is joined with."""
    from icu4py.breakers import CharacterBreaker

    return _cut(text, CharacterBreaker(_without_surrogates(text), _LOCALE))


def iter_pieces(text: str) -> Iterator[str]:
    """Cut the text into pieces after which a line may end. A piece includes the spaces at its end.

    Korean has spaces, so lines do not break inside its words.
    """
    from icu4py.breakers import LineBreaker

    pieces = _cut(text, LineBreaker(_without_surrogates(text), _LOCALE))
    return _join(pieces, lambda before, after: bool(_HANGUL.match(before) and _HANGUL.match(after)))


def iter_words(text: str) -> Iterator[str]:
    """Cut like `iter_pieces`, but not after a hyphen or slash: what stands between spaces stays together."""
    return _join(iter_pieces(text), lambda before, after: before.isascii() and before != " " and not _is_wide(after))


def iter_sentences(text: str) -> Iterator[str]:
    """Cut the text into sentences, each with the spaces behind it. ICU knows no abbreviations."""
    from icu4py.breakers import SentenceBreaker

    return _cut(text, SentenceBreaker(_without_surrogates(text), _LOCALE))


def shorten(text: str, length: int) -> str:
    """Shorten the text to `length` at a possible line break, with an ellipsis; between characters if need be."""
    flat = " ".join(text.split())
    if len(flat) <= length:
        return flat
    start = _join_up_to(iter_words(flat), length - 1).rstrip()
    return f"{start}…" if start else _join_up_to(iter_clusters(flat), length)


def _join_up_to(pieces: Iterator[str], length: int) -> str:
    joined = ""
    for piece in pieces:
        if len((joined + piece).rstrip()) > length:
            break
        joined += piece
    return joined


def _cut(text: str, breaker: Iterable[str]) -> Iterator[str]:
    at = 0
    for found in breaker:
        yield text[at : at + len(found)]
        at += len(found)


def _join(pieces: Iterable[str], belong: Callable[[str, str], bool]) -> Iterator[str]:
    """Join neighbouring pieces if the last character of one and the first of the next belong together."""
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
    """Replace lone surrogates, which ICU refuses. The length stays the same."""
    return _SURROGATES.sub("\ufffd", text)
