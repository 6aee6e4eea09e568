"""JSON with two-space indent and one value a line, as `json.dumps(value, indent=2)` writes it, in half of the time.

Python's own encoder is a C program only where it need not indent, and msgspec indents what is JSON already.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def format_json(value: Any) -> str:
    """Format a JSON value."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # Halves of surrogate pairs stand for bytes in the names of files that are no UTF-8.
    return msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=2).decode("utf-8", "surrogatepass")


def escape_json(text: str) -> str:
    """Return the same JSON in ASCII. Other characters occur only in strings and are escaped."""
    return _NOT_ASCII.sub(lambda char: json.dumps(char[0])[1:-1], text)
