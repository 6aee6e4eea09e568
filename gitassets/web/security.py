"""Refuse what this server's own pages did not ask for, before anything else sees the request."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gitassets.web.errors import Refused, respond_error
from gitassets.web.site import Session, Site

CSRF_HEADER = "x-csrf-token"
_PIECE_SEC = 30.0
MAX_JSON_BYTES = 4 * 1024 * 1024
MAX_UPLOAD_BYTES = 512 * 1024 * 1024
_PUBLIC = ("/static/", "/fonts/")
_METHODS = ("GET", "HEAD", "POST")
_LINK = "Open the link that `gitassets serve` printed."
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def format_policy(nonce: str) -> str:
    """Return the content security policy. Style elements need the nonce; nothing allows inline scripts or eval."""
    return "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


class Gate:
    """The outermost layer: Host, Origin, token or cookie, CSRF header and size, then the headers of every answer."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app, self.site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            nonce = secrets.token_urlsafe(16)
            scope["state"] = {**scope.get("state", {}), "nonce": nonce, "site": self.site}
            await self._answer(scope, receive, _with_headers(send, nonce, _find_caching(scope)))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = self._check(scope)
        except Refused as refusal:
            response = respond_error(scope, refusal.status, refusal.kind, refusal.message, refusal.hint)
            response.headers["connection"] = "close"
        await (response or self.app)(scope, receive if response else _limit(scope, receive), send)

    def _check(self, scope: Scope) -> Response | None:
        """Raise Refused for a foreign request, return the answer to one with the token, and None for all others."""
        headers = Headers(scope=scope)
        if scope["method"] not in _METHODS:
            raise Refused(405, "usage", f"{scope['method']} is not used here")
        self._check_host(headers)
        self._check_origin(scope, headers)
        given = _read_token(scope)
        if given is not None:
            return self._exchange(scope, given)
        if scope["path"].startswith(_PUBLIC):
            return None
        session = self._require_session(headers)
        scope["state"]["session"] = session
        if scope["method"] == "POST":
            _check_change(scope, headers, session)
        return None

    def _check_host(self, headers: Headers) -> None:
        """Refuse foreign names: a page of another site whose name points here sends that name."""
        if len(headers.getlist("host")) != 1 or not self._is_own(headers["host"]):
            raise Refused(421, "forbidden", "This server does not answer to that host", _LINK)

    def _is_own(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        if port != str(self.site.options.port):
            return False
        name = name.strip("[]").lower()
        if self.site.options.local:
            return name in ("127.0.0.1", "localhost", "::1")
        return name in (self.site.options.host.lower(), "localhost", socket.gethostname().lower()) or _is_address(name)

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin, own = headers.get("origin"), f"{scope['scheme']}://{headers['host']}"
        if origin is not None and origin.lower() != own.lower():
            raise Refused(403, "forbidden", "Another site asked for this", _LINK)
        from_elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if from_elsewhere and (scope["method"] != "GET" or headers.get("sec-fetch-mode") != "navigate"):
            raise Refused(403, "forbidden", "Another site asked for this", _LINK)

    def _exchange(self, scope: Scope, token: str) -> Response:
        secret = self.site.sign_in(token) if scope["method"] == "GET" else None
        if secret is None:
            raise Refused(403, "forbidden", "This link is of an earlier server", _LINK)
        rest = [(key, one) for key, values in _read_query(scope).items() if key != "token" for one in values]
        # Two slashes at the start would name another host.
        path = "/" + scope["path"].lstrip("/\\")
        response = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, 303)
        response.set_cookie(self.site.cookie_name, secret, path="/", httponly=True, samesite="strict")
        return response

    def _require_session(self, headers: Headers) -> Session:
        secret = _read_cookies(headers).get(self.site.cookie_name)
        session = None if secret is None else self.site.find_session(secret)
        if session is None:
            raise Refused(403, "forbidden", "This browser has not shown the token of this server", _LINK)
        return session


def _check_change(scope: Scope, headers: Headers, session: Session) -> None:
    given = headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(given.encode(), session.csrf.encode()):
        raise Refused(403, "forbidden", "The page is older than this server", "Load the page again.")
    is_upload = is_upload_path(scope["path"])
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != ("application/octet-stream" if is_upload else "application/json"):
        raise Refused(415, "usage", "The request has the wrong content type")
    length = headers.get("content-length")
    if length is not None and int(length) > _find_limit(scope):
        raise _too_large(scope)


def is_upload_path(path: str) -> bool:
    return path.startswith("/api/") and path.endswith("/replace")


def _find_limit(scope: Scope) -> int:
    return MAX_UPLOAD_BYTES if is_upload_path(scope["path"]) else MAX_JSON_BYTES


def _too_large(scope: Scope) -> Refused:
    limit = _find_limit(scope) // (1024 * 1024)
    return Refused(413, "usage", f"More than {limit} MB are not accepted", "Use `gitassets replace` for large files.")


def _limit(scope: Scope, receive: Receive) -> Receive:
    """Stop reading a body without a length at the same size as one with."""
    seen, limit, complete = 0, _find_limit(scope), scope["method"] != "POST"

    async def counted() -> Message:
        nonlocal seen, complete
        message = await receive() if complete else await _receive_in_time(receive)
        seen += len(message.get("body", b""))
        complete = complete or not message.get("more_body", False)
        if seen > limit:
            raise _too_large(scope)
        return message

    return counted


async def _receive_in_time(receive: Receive) -> Message:
    try:
        return await asyncio.wait_for(receive(), _PIECE_SEC)
    except TimeoutError:
        raise Refused(408, "usage", "The request did not arrive in time") from None


def _find_caching(scope: Scope) -> str:
    """Let browsers keep the page's own files, and ask each time whether they are still the same."""
    return "no-cache" if scope["path"].startswith(_PUBLIC) else "no-store"


def _with_headers(send: Send, nonce: str, caching: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("content-security-policy", format_policy(nonce))
            headers.setdefault("cache-control", caching)
        await send(message)

    return sent


def _read_token(scope: Scope) -> str | None:
    values = _read_query(scope).get("token", [])
    return values[0] if values else None


def _read_query(scope: Scope) -> Mapping[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=100)


def _read_cookies(headers: Headers) -> Mapping[str, str]:
    """Read the cookies as browsers do: one with an odd name, set by another server of this computer, hides no other."""
    return cookie_parser("; ".join(headers.getlist("cookie")))


def _is_address(name: str) -> bool:
    """Check for a plain address: only names can be made to point here by somebody else."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
