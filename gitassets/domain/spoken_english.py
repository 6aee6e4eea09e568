"""Spell out numbers with units, fractions and abbreviations as English speakers read them aloud.

The local voice knows most of them itself. Here are those that it spells letter by letter, takes for dates, or takes for
the end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPACE = "[ \u00a0\u202f]"
_UNITS = {
    "h": "hour", "g": "gram", "L": "liter", "l": "liter", "mL": "milliliter", "ml": "milliliter", "V": "volt",
    "W": "watt", "kN": "kilonewton", "mA": "milliamp", "ha": "hectare", "dB": "decibel", "hPa": "hectopascal",
    "kPa": "kilopascal",
}  # fmt: skip
# Without a space these may be a million, or a plural as in 1990s.
_SPACED_UNITS = {"m": "meter", "s": "second", "t": "tonne"}
_RATES = {
    "m/s": "meters per second", "km/s": "kilometers per second", "m/s²": "meters per second squared",
    "kg/m³": "kilograms per cubic meter", "MB/s": "megabytes per second", "GB/s": "gigabytes per second",
    "rpm": "revolutions per minute", "ppm": "parts per million", "m²": "square meters", "m³": "cubic meters",
    "m2": "square meters", "m3": "cubic meters", "km²": "square kilometers", "km³": "cubic kilometers",
    "cm²": "square centimeters", "cm³": "cubic centimeters", "mm²": "square millimeters", "ft²": "square feet",
}  # fmt: skip
_ONE_OF_RATES = {"feet": "foot"}


def _either(symbols: Iterable[str]) -> str:
    return "|".join(re.escape(one) for one in sorted(symbols, key=len, reverse=True))


# Not part of a longer number, of a price, or of a version.
_NUMBER = r"(?<![\w$€£¥₹.,/])(\d[\d,]*(?:\.\d+)?)"
_UNIT = re.compile(
    rf"{_NUMBER}(?:{_SPACE}?(?P<rate>{_either(_RATES)})|{_SPACE}?(?P<unit>{_either(_UNITS)})"
    rf"|{_SPACE}(?P<spaced>{_either(_SPACED_UNITS)}))(?![\w²³/'’])"
)
_INCHES = re.compile(rf"{_NUMBER}{_SPACE}in\.(?P<end>\s*\Z|\s+(?=[A-Z]))?")
_PRICE = re.compile(rf"([$€£¥₹]\d[\d,]*(?:\.\d+)?){_SPACE}?(bn|tn)\b")
_LARGE = {"bn": "billion", "tn": "trillion"}

_FRACTION = re.compile(r"(?<![\w./,$€£¥₹-])(?:(\d{1,4}) )?(\d{1,3})/(\d{1,4})(?![\w/-]|[.,]\d)")
_BEFORE_DATE = re.compile(r"\b(?:on|by|until|till|since|before|after|from|dated)\s\Z", re.IGNORECASE)
_ALWAYS = re.compile(r"(?<![\w/])24/7(?![\w/])")
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
_ONES += "seventeen eighteen nineteen"
_WORDS = _ONES.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}
_ORDINALS |= {"twelve": "twelfth"}
_DENOMINATORS = {2: "half", 4: "quarter", 100: "hundredth", 1000: "thousandth"}
_DATES = {(9, 11)}
"""Fractions that are the name of a day."""

_MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July",
    "Aug": "August", "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
_BEFORE_NUMBERS = {
    "no": "number", "nos": "numbers", "fig": "figure", "figs": "figures", "p": "page", "pp": "pages", "vol": "volume",
    "ch": "chapter", "sec": "section", "eq": "equation", "approx": "approximately", "ca": "circa", "c": "circa",
}  # fmt: skip
_ABBREVIATION = re.compile(
    rf"\b(?:(?P<month>{_either(_MONTHS)})|(?P<word>(?i:{_either(_BEFORE_NUMBERS)})))\.{_SPACE}?(?=\d)"
)
_LATIN = re.compile(rf"(?<!\w)(?:(e\.{_SPACE}?g\.)|(i\.{_SPACE}?e\.))(?=[\s,:(])", re.IGNORECASE)
# A sentence may end with them, so they stay before words that usually begin one.
_INITIALS = re.compile(
    r"(?<![\w.])((?:[A-Z]\.){2,})(?=\s+(?!(?:The|It|He|She|They|We|You|I|In|On|At|A|An|But|And|So|Its|This|That|These|Those"
    r"|There|Then|When|If|As|For|His|Her|Their|Our|After|Before|By|With|From|To|Now|Not|No|Or|While)\b)[A-Z])"
)


def spell_out(text: str) -> str:
    """Return the text as it is to be read aloud by a voice that reads plain words and numbers."""
    text = _INITIALS.sub(lambda match: match[1].replace(".", ""), text)
    text = _LATIN.sub(lambda match: "for example" if match[1] else "that is", text)
    text = _ABBREVIATION.sub(_expand, text)
    text = _PRICE.sub(lambda match: f"{match[1]} {_LARGE[match[2]]}", text)
    text = _FRACTION.sub(_read_fraction, _ALWAYS.sub("24 7", text))
    text = _INCHES.sub(lambda match: f"{match[1]} {_count('inch', match[1])}{_end(match)}", text)
    return _UNIT.sub(_read_unit, text)


def _end(match: re.Match[str]) -> str:
    return "" if match["end"] is None else f".{match['end']}"


def _expand(match: re.Match[str]) -> str:
    if match["month"]:
        return f"{_MONTHS[match['month']]} "
    word = _BEFORE_NUMBERS[match["word"].lower()]
    return f"{word.capitalize() if match['word'][0].isupper() else word} "


def _read_unit(match: re.Match[str]) -> str:
    number = match[1]
    if match["rate"]:
        return f"{number} {_name_rate(_RATES[match['rate']], number)}"
    return f"{number} {_count(_UNITS.get(match['unit']) or _SPACED_UNITS[match['spaced']], number)}"


def _count(unit: str, number: str) -> str:
    if number == "1":
        return unit
    return f"{unit}es" if unit.endswith("ch") else f"{unit}s"


def _name_rate(rate: str, number: str) -> str:
    """Put the unit that is counted into the singular after 1."""
    if number != "1":
        return rate
    counted = re.compile(r"\b(?:feet|\w+s)\b")
    return counted.sub(lambda match: _ONE_OF_RATES.get(match[0], match[0].removesuffix("s")), rate, count=1)


def _read_fraction(match: re.Match[str]) -> str:
    whole, over, under = match[1], int(match[2]), int(match[3])
    is_date = _BEFORE_DATE.search(match.string[: match.start()][-12:]) or (over, under) in _DATES
    if not 0 < over < under or (is_date and not whole):
        return match[0]
    words = f"{_name_number(over)} {_name_part(under, over)}"
    # "a half" reads as well, but "one half" fits everywhere.
    return f"{whole} and {words}" if whole else words


def _name_part(under: int, over: int) -> str:
    if under > 100 and under not in _DENOMINATORS:
        return f"over {under}"
    name = _DENOMINATORS.get(under) or _make_ordinal(_name_number(under))
    if over == 1:
        return name
    return "halves" if name == "half" else f"{name}s"


def _name_number(number: int) -> str:
    """Name a number below 100 in words; a larger one stays in digits."""
    if number < len(_WORDS):
        return _WORDS[number]
    if number >= 100:
        return str(number)
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens - 2]}-{_WORDS[ones]}" if ones else _TENS[tens - 2]


def _make_ordinal(number: str) -> str:
    head, dash, last = number.rpartition("-")
    if last.endswith("y"):
        return f"{head}{dash}{last[:-1]}ieth"
    return f"{head}{dash}{_ORDINALS.get(last, f'{last}th')}"
