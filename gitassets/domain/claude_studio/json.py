"""Parse JSON of claude-studio, version 1. Many programs and editors wrote it, so accept any Unicode encoding.

Values that JSON cannot hold (NaN, halves of surrogate pairs) are dropped, so that everything read can be written again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from gitassets.errors import CorruptError

MAX_BYTES = 64 * 1024 * 1024
UPGRADE_BEGUN = "upgrade_begun"
"""The key of a manifest that has only the earlier takes of a run whose upgrade is unfinished."""

_MAX_DEPTH = 60
_HEAD_BYTES = 4096
_OLD_KEYS = ("assets", "total_scenes", "audio_clips")


def parse_old_json(data: bytes, name: str) -> Any:
    """Parse the JSON value. Raise CorruptError, which names the file and the problem. The file is never changed."""
    if len(data) > MAX_BYTES:
        raise _broken(name, f"is larger than {MAX_BYTES} bytes")
    if not data.strip(b" \t\r\n\0"):
        raise _broken(name, "is empty")
    try:
        # Some programs add a second byte order mark.
        text = data.decode(json.detect_encoding(data)).lstrip("\ufeff")
        return _clean(json.loads(text, parse_constant=lambda _: None), name, _MAX_DEPTH)
    except UnicodeDecodeError as error:
        raise _broken(name, f"is no text: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise _broken(name, "is nested too deeply") from error
    except ValueError as error:
        raise _broken(name, f"is cut off or damaged: {error}") from error


def parse_old_object(data: bytes, name: str) -> Mapping[str, Any]:
    """Parse a JSON object. Raise CorruptError if it is anything else."""
    value = parse_old_json(data, name)
    if not isinstance(value, dict):
        raise _broken(name, f"holds {_describe(value)} instead of an object")
    return value


def parse_old_list(data: bytes, name: str) -> list[Any]:
    """Parse a JSON list. Raise CorruptError if it is anything else."""
    value = parse_old_json(data, name)
    if not isinstance(value, list):
        raise _broken(name, f"holds {_describe(value)} instead of a list")
    return value


def is_old_manifest(data: bytes) -> bool:
    """Check whether this is an asset_manifest.json of version 1, in any encoding."""
    raw = _parse_or_none(data)
    return isinstance(raw, dict) and "segments" not in raw and any(key in raw for key in _OLD_KEYS)


def is_new_manifest(data: bytes) -> bool:
    """Check whether this is a manifest of version 2, only by its shape."""
    raw = _parse_or_none(data)
    return isinstance(raw, dict) and "segments" in raw


def is_upgrade_unfinished(data: bytes) -> bool:
    """Check whether a run with this manifest is still to be upgraded. This is cheap if it is not."""
    if f'"{UPGRADE_BEGUN}"'.encode() in data:
        raw = _parse_or_none(data)
        return isinstance(raw, dict) and UPGRADE_BEGUN in raw
    return b'"segments"' not in data[:_HEAD_BYTES] and is_old_manifest(data)


def _parse_or_none(data: bytes) -> Any:
    try:
        return parse_old_json(data, "")
    except CorruptError:
        return None


def _broken(name: str, problem: str) -> CorruptError:
    return CorruptError(
        f"{name} {problem}", "The file was left as it is: mend it, or put a whole copy of it there, and try again."
    )


def _describe(value: Any) -> str:
    names = {list: "a list", dict: "an object", str: "a text", type(None): "null"}
    return names.get(type(value), "a number")


def _clean(value: Any, name: str, depth: int) -> Any:
    if depth == 0:
        raise _broken(name, "is nested too deeply")
    if isinstance(value, dict):
        return {_clean(key, name, depth): _clean(one, name, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_clean(one, name, depth - 1) for one in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value
