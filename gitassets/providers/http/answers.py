"""Reading what a service answers, with a bound on everything."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any

from gitassets.providers.http.calls import CallError, Problem

if TYPE_CHECKING:
    import httpx

ERROR_BYTES = 65_536
_PIECE_BYTES = 65_536
_GZIP = 16 + zlib.MAX_WBITS


def copy_body(response: httpx.Response, sink: IO[bytes], max_bytes: int) -> None:
    """The body, unpacked, is in `sink`. CallError when it is larger than that, empty, or packed in an unknown way."""
    written = 0
    for piece in _iter_plain(response):
        written += len(piece)
        if written > max_bytes:
            raise CallError(Problem.TOO_LARGE, f"more than {max_bytes:,} bytes")
        sink.write(piece)
    if not written:
        raise CallError(Problem.CONTENT, "an empty answer")


def _iter_plain(response: httpx.Response) -> Iterator[bytes]:
    """The body in small pieces, whatever is packed into it. Nobody was asked to pack, but gateways do."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("identity", ""):
        return response.iter_raw(_PIECE_BYTES)
    if packing in ("gzip", "x-gzip"):
        return _unpack(response.iter_raw(_PIECE_BYTES))
    raise CallError(Problem.CONTENT, f"an answer packed as {packing[:20]!r}, which was not asked for")


def _unpack(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        for piece in pieces:
            while piece and not unpacker.eof:
                yield unpacker.decompress(piece, _PIECE_BYTES)
                piece = unpacker.unconsumed_tail
    except zlib.error:
        raise CallError(Problem.CONTENT, "an answer that cannot be unpacked") from None
    if not unpacker.eof:
        raise CallError(Problem.BROKEN_OFF)


def read_failure(response: httpx.Response, body: bytes) -> CallError:
    """What an answer with a status other than success says."""
    code, said = _read_message(body)
    wait = _read_retry_after(response.headers.get("retry-after", ""))
    return CallError(Problem.STATUS, said, status=response.status_code, code=code, retry_after_sec=wait)


def read_some(response: httpx.Response) -> bytes:
    """The beginning of the body."""
    found = b""
    for piece in _iter_plain(response):
        found += piece
        if len(found) > ERROR_BYTES:
            break
    return found[:ERROR_BYTES]


def _read_message(body: bytes) -> tuple[str, str]:
    """A code and a sentence out of the ways in which services wrap them; empty where there is none."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    inner = raw.get("error", raw.get("detail", raw)) if isinstance(raw, dict) else raw
    if isinstance(inner, list):
        return "", "; ".join(_describe_item(one) for one in inner[:3])
    if isinstance(inner, dict):
        code = inner.get("code") or inner.get("status") or inner.get("type") or ""
        return str(code), str(inner.get("message") or inner.get("info") or code)
    return "", str(inner)


def _describe_item(item: Any) -> str:
    """One entry of a 422: which field, and what is wrong with it."""
    if not isinstance(item, dict):
        return str(item)
    place = item.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    return f"{where}: {item.get('msg', '')}".strip(": ")


def _read_retry_after(text: str) -> float | None:
    """Seconds, given as such or as a date; None where neither is readable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, wait)


def parse_answer(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`. CallError when it is anything else."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        what = "a web page" if data.lstrip()[:1] == b"<" else "something that is no JSON"
        raise CallError(Problem.CONTENT, f"{what} instead of data") from None
    if not isinstance(raw, dict):
        raise CallError(Problem.CONTENT, "data of an unknown form")
    return raw
