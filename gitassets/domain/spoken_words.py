"""Turn what stands between spaces in an English text into the words that a speaker says."""

from __future__ import annotations

import re
import unicodedata

_PIECE = re.compile(
    r"[$€£]\d+(?:,\d{3})*(?:\.\d+)?|\d+(?:,\d{3})*(?:\.\d+)?(?:st|nd|rd|th)?|[^\W\d_]+(?:'[^\W\d_]+)*|[%&@+=]",
    re.IGNORECASE,
)
_SIGNS = {"%": "percent", "&": "and", "@": "at", "+": "plus", "=": "equals"}
_MONEY = {"$": "dollars", "€": "euros", "£": "pounds"}
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS |= {"twelve": "twelfth"}
_MAX_DIGITS = 15
_YEARS, _YEAR_DIGITS = range(1100, 2100), 4


def list_spoken(token: str) -> list[str]:
    """Return the spoken words without punctuation: "1990," is "nineteen", "ninety"."""
    plain = unicodedata.normalize("NFKD", token.replace("’", "'"))
    ascii_only = "".join(char for char in plain if not unicodedata.combining(char))
    return [word for piece in _PIECE.findall(ascii_only) for word in _speak(piece)]


def _speak(piece: str) -> list[str]:
    if piece in _SIGNS:
        return [_SIGNS[piece]]
    if piece[0] in _MONEY:
        whole, _, part = piece[1:].partition(".")
        return [*_speak_number(whole.replace(",", "")), _MONEY[piece[0]], *(_name(int(part[:2])) if part else [])]
    if not piece[0].isdigit():
        return [piece]
    digits = piece.rstrip("stndrhSTNDRH")
    words = _speak_year(digits) or _speak_number(digits.replace(",", ""))
    return words if piece[-1].isdigit() else [*words[:-1], _make_ordinal(words[-1])]


def _speak_number(digits: str) -> list[str]:
    whole, _, part = digits.partition(".")
    if part:
        return [*_speak_number(whole), "point", *(_ONES[int(digit)] for digit in part)]
    return _name(int(whole[:_MAX_DIGITS]))


def _speak_year(digits: str) -> list[str]:
    """Return the words of a year such as 1990, nothing for any other number."""
    if len(digits) != _YEAR_DIGITS or not digits.isdigit() or int(digits) not in _YEARS or int(digits) % 1000 < 10:
        return []
    first, last = divmod(int(digits), 100)
    return [*_name(first), *(_name(last) if last >= 10 else ["oh", _ONES[last]] if last else ["hundred"])]


def _name(number: int) -> list[str]:
    if number < len(_ONES):
        return [_ONES[number]]
    for size, name in _SCALES:
        if number >= size:
            count, rest = divmod(number, size)
            return [*_name(count), name, *(_name(rest) if rest else [])]
    tens, ones = divmod(number, 10)
    return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]


def _make_ordinal(word: str) -> str:
    return _ORDINALS.get(word) or (f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th")
