"""Find the one number that a sentence is about, with its unit and what qualifies it."""

from __future__ import annotations

import re

from msgspec import Struct

UNITS = (
    "%|‰|°C|°F|°|km/h|mph|kph|m/s|km|cm|mm|m|mi|ft|kg|mg|g|t|lb|s|ms|h|min|Hz|kHz|MHz|GHz|W|kW|MW|GW|kWh|MWh|V|A|mAh|dB"
    "|K|N|kN|Pa|hPa|bar|l|ml|L|kB|KB|MB|GB|TB|px|fps|pt|million|billion|trillion|thousand|hundred|percent|per cent"
    "|times|hours?|minutes?|seconds?|days?|weeks?|months?|years?|kilometres?|kilometers?|metres?|meters?|miles?|feet|degrees"
    "|kilograms?|tonnes?|tons?|grams?|litres?|liters?|dollars?|euros?|pounds?|Millionen|Milliarden|Prozent|Stunden"
    "|Minuten|Jahre|Tage|Meter|Kilometer|millions?|milliards?|millones"
)
_MAGNITUDES = r"million|billion|trillion|thousand|Millionen|Milliarden|millions|milliards|millones"
_NUMBER = r"\d{1,3}(?:[ \u00a0\u202f,.’']\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_FIGURE = re.compile(
    rf"(?<![\w.,/–-])(?:(?P<money>[$€£¥₹]|US\$)\s?)?(?P<sign>[−-](?=\d))?(?P<number>{_NUMBER})"  # noqa: RUF001
    rf"(?:[ \u00a0\u202f]?(?P<unit>(?:(?:{_MAGNITUDES})[ \u00a0])?(?:{UNITS}|[€£¥×x](?![\w])))(?![\w]))?(?![\w/–-])"
)
_ANY_NUMBER = re.compile(r"\d+")
_HEDGE = re.compile(
    r"(?i)(?:\b(?:up to|at least|at most|more than|less than|fewer than|only|just|about|around|nearly|almost|roughly"
    r"|approximately|over|under|some|exactly|every|a mere|as many as|as little as|another|the first|the last|within"
    r"|after)\s+)+$"
)
_DENIAL = re.compile(
    r"(?i)\b(?:not|never|no|none|neither|nor|without|hardly|nobody|nothing|cannot|false|wrong|myth|if|unless"
    r"|nicht|kein\w*|nie|ohne|wenn|ne|pas|jamais|sans|nunca|sin|si)\b|n[’']t\b"
)


class Figure(Struct, frozen=True):
    """A number with its unit, as written, and the words before it that qualify it, such as `up to`."""

    value: str
    hedge: str = ""


def find_figure(sentence: str) -> Figure | None:
    """Return the number that stands for the sentence, or None if none does.

    A sentence with several numbers, or one that denies something, is about more than its number.
    """
    found = [one for one in _FIGURE.finditer(sentence) if _matters(one)]
    if len(found) != 1 or _DENIAL.search(sentence) or len(_ANY_NUMBER.findall(_without(sentence, found[0]))):
        return None
    hedge = _HEDGE.search(sentence[: found[0].start()])
    return Figure(found[0][0].strip(), " ".join(hedge[0].split()) if hedge else "")


def _matters(match: re.Match[str]) -> bool:
    """Check whether the number has a unit or is a large one; a plain one may be a year or a count."""
    return bool(match["money"] or match["unit"]) or len(re.sub(r"\D", "", match["number"])) > 4


def _without(sentence: str, match: re.Match[str]) -> str:
    return sentence[: match.start()] + sentence[match.end() :]
