"""Refuse YAML that would take long to parse, before it is parsed: the time grows with the square of the depth."""

from __future__ import annotations

_MAX_CHARS, _MAX_PARTS, _MAX_DEPTH = 200_000, 8_000, 50


def check_extent(text: str | bytes) -> None:
    """Raise ValueError if the text is too long, or nests flow lists and mappings too deeply.

    A scan is enough for nearly every text. Only one with many brackets, which may be in quotes, is read by the parser,
    up to the bracket that is too deep.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > _MAX_CHARS or data.count(b",") + data.count(b"\n") > _MAX_PARTS:
        raise ValueError("it holds too many values")
    if data.count(b"[") + data.count(b"{") > _MAX_DEPTH and _is_too_deep(text):
        raise ValueError("it is nested too deeply")


def _is_too_deep(text: str | bytes) -> bool:
    """Follow the events of the parser until one is too deep. What is no YAML is left to whoever loads it."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            kind = type(event).__name__
            depth += kind in ("SequenceStartEvent", "MappingStartEvent")
            depth -= kind in ("SequenceEndEvent", "MappingEndEvent")
            if depth > _MAX_DEPTH:
                return True
    except (YAMLError, ValueError, TypeError):
        return False
    except RecursionError:
        return True
    return False
