"""Decode JSON by the standard: no key twice, no NaN, no infinity, no half of a surrogate pair."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any, NoReturn

import msgspec


class NotStrictError(ValueError):
    """Report JSON that Python accepts but the standard forbids. The text completes a sentence about the manifest."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise NotStrictError(f"holds the key {twice!r} twice in one object")
    return found


def _refuse(constant: str) -> NoReturn:
    raise NotStrictError(f"holds {constant}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotStrictError(f"holds {digits[:40]}, a number too large to be kept")
    return number


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)


def decode_strictly(data: bytes) -> Any:
    """Decode UTF-8. Raise NotStrictError, another ValueError, or RecursionError."""
    text = data.decode("utf-8")
    value = _STRICT.decode(text)
    # A lone surrogate parses, but cannot be written back.
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def decode_own(data: bytes) -> Any:
    """Decode like `decode_strictly`, in half of the time if the JSON is as we write it.

    msgspec keeps the last of two equal keys. If the value is written as it was read, there were none.
    """
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        value = msgspec.json.decode(data)
        if msgspec.json.encode(value) == msgspec.json.format(data, indent=-1):
            return value
    return decode_strictly(data)
