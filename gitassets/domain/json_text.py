"""JSON with two-space indent and one value a line, as `json.dumps(value, indent=2)` writes it.

That one is Python code for every value; here flat objects, of which a manifest mostly consists, go through the encoder
that is written in C, which knows no indent but writes whatever stands between two items.
"""

from __future__ import annotations

import json
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_CONTAINERS = (dict, list, tuple)


def format_json(value: Any, newline: str = "\n") -> str:
    """The text of a JSON value. `newline` is a line break with the indent of the line that the value begins in."""
    if not isinstance(value, _CONTAINERS):
        return _flat_encoder(newline).encode(value)
    if not isinstance(value, dict) or not value:
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).replace("\n", newline)
    inner = f"{newline}  "
    if any(isinstance(one, _CONTAINERS) for one in value.values()):
        items = f",{inner}".join(f"{encode_basestring(key)}: {format_json(one, inner)}" for key, one in value.items())
    else:
        items = _flat_encoder(inner).encode(value)[1:-1]
    return f"{{{inner}{items}{newline}}}"


@lru_cache(maxsize=16)
def _flat_encoder(newline: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(f",{newline}", ": "))
