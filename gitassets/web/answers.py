"""Write answers as JSON: records as objects, assets as in the manifest."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import Response

from gitassets.domain.manifest import Address, Asset
from gitassets.domain.manifest_format import raw_asset

_encoder = msgspec.json.Encoder(enc_hook=lambda value: _convert(value))


def as_json(value: object, status: int = 200) -> Response:
    return Response(encode_json(value), status, media_type="application/json")


def encode_json(value: object) -> bytes:
    return _encoder.encode(value)


def embed_json(value: object) -> str:
    """Format JSON for a script element of a page: no text in it can end the element or begin a comment."""
    text = encode_json(value).decode()
    escaped: dict[str, str | int | None] = {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
    return text.translate(str.maketrans(escaped))


def _convert(value: object) -> Any:
    if isinstance(value, Asset):
        return raw_asset(value)
    if isinstance(value, Address):
        return {"segment": value.segment, "kind": value.kind.value}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path | str):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
