"""Read the responses of services, with a bound on everything."""

from __future__ import annotations

import json
import re
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
# https://www.mediawiki.org/wiki/API:Errors_and_warnings
_BUSY_CODES = ("ratelimited", "maxlag", "readonly")
# A pair of halves, half a character, or any other escape.
_HIGH, _LOW = r"u[dD][89abAB][\da-fA-F]{2}", r"u[dD][c-fC-F][\da-fA-F]{2}"
_ESCAPE = re.compile(rf"\\(?:{_HIGH}\\{_LOW}|({_HIGH}|{_LOW})|.)", re.DOTALL)
_GZIP = 16 + zlib.MAX_WBITS


def copy_body(response: httpx.Response, sink: IO[bytes], max_bytes: int) -> None:
    """Copy the decompressed body into `sink`.

    Raise CallError if it is larger than `max_bytes`, empty, or compressed in an unknown way.
    """
    written = 0
    for piece in _iter_decompressed(response):
        written += len(piece)
        if written > max_bytes:
            raise CallError(Problem.TOO_LARGE, f"more than {max_bytes:,} bytes")
        sink.write(piece)
    if not written:
        raise CallError(Problem.CONTENT, "an empty answer")


def _iter_decompressed(response: httpx.Response) -> Iterator[bytes]:
    """Yield the decompressed body in small pieces.

    No request asks for compression, but gateways compress all the same.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return response.iter_raw(_PIECE_BYTES)
    if encoding in ("gzip", "x-gzip"):
        return _decompress(response.iter_raw(_PIECE_BYTES))
    raise CallError(Problem.CONTENT, f"an answer packed as {encoding[:20]!r}, which was not asked for")


def _decompress(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(_GZIP)
    try:
        for piece in pieces:
            while piece and not decompressor.eof:
                yield decompressor.decompress(piece, _PIECE_BYTES)
                piece = decompressor.unconsumed_tail
    except zlib.error:
        raise CallError(Problem.CONTENT, "an answer that cannot be unpacked") from None
    if not decompressor.eof:
        raise CallError(Problem.BROKEN_OFF)


def read_failure(response: httpx.Response, body: bytes) -> CallError:
    """Parse the error that a response with a failure status reports."""
    code, message = _read_message(body)
    wait = _read_retry_after(response.headers.get("retry-after", ""))
    return CallError(Problem.STATUS, message, status=response.status_code, code=code, retry_after_sec=wait)


def check_reported_error(response: httpx.Response, sink: IO[bytes]) -> None:
    """Raise the CallError that an answer of status 200 reports under its key `error`, as MediaWiki does."""
    sink.seek(0)
    body = sink.read(ERROR_BYTES + 1)
    if len(body) > ERROR_BYTES or b'"error"' not in body:
        return
    raw = parse_answer(body)
    if "error" not in raw:
        return
    code, message = _read_message(body)
    wait = _read_retry_after(response.headers.get("retry-after", ""))
    if code in _BUSY_CODES:
        raise CallError(Problem.STATUS, message, status=429, code=code, retry_after_sec=wait)
    raise CallError(Problem.CONTENT, f"the error {message or code!r} instead of data")


def read_start(response: httpx.Response) -> bytes:
    """Read the beginning of the body."""
    found = b""
    for piece in _iter_decompressed(response):
        found += piece
        if len(found) > ERROR_BYTES:
            break
    return found[:ERROR_BYTES]


def _read_message(body: bytes) -> tuple[str, str]:
    """Find a code and a message in the formats that services use; empty where there is none."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(raw, dict) and isinstance(raw.get("issues"), list):
        return "", "; ".join([str(raw.get("error") or ""), *map(_describe_item, raw["issues"][:3])]).strip("; ")
    inner = raw.get("error", raw.get("detail", raw)) if isinstance(raw, dict) else raw
    if isinstance(inner, list):
        return "", "; ".join(_describe_item(one) for one in inner[:3])
    if isinstance(inner, dict):
        code = inner.get("code") or inner.get("status") or inner.get("type") or ""
        message = str(inner.get("message") or inner.get("info") or code)
        return str(code), "; ".join((message, *_describe_nodes(raw.get("node_errors"))))
    return "", str(inner)


def _replace_halves(text: str) -> str:
    """Replace the escapes of half a character, which no encoding can hold."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], text)


def _describe_item(item: Any) -> str:
    """Describe one entry of a list of problems: the field and its problem."""
    if not isinstance(item, dict):
        return str(item)
    place = item.get("loc", item.get("path"))
    where = ".".join(map(str, place)) if isinstance(place, list) else str(place or "")
    return f"{where}: {item.get('msg', item.get('message', ''))}".strip(": ")


def _describe_nodes(nodes: Any) -> Iterator[str]:
    """Describe what is wrong with each node of a workflow, as ComfyUI reports it."""
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        errors = node.get("errors") if isinstance(node, dict) else None
        for one in errors if isinstance(errors, list) else ():
            if isinstance(one, dict):
                yield f"node {name}: {one.get('message', '')} {one.get('details', '')}".strip()


def _read_retry_after(text: str) -> float | None:
    """Parse Retry-After, given in seconds or as a date. Return None if it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        wait = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, wait)


def parse_answer(data: bytes) -> dict[str, Any]:
    """Parse the JSON object in `data`, in UTF-8. Raise CallError if it is anything else.

    Its texts can be written to any file: what is no character is replaced.
    """
    try:
        raw = json.loads(_replace_halves(data.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError):
        what = "a web page" if data.lstrip()[:1] == b"<" else "something that is no JSON"
        raise CallError(Problem.CONTENT, f"{what} instead of data") from None
    if not isinstance(raw, dict):
        raise CallError(Problem.CONTENT, "data of an unknown form")
    return raw
