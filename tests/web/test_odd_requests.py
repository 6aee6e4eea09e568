"""Requests that are well-formed and odd: cookies of other servers, deep JSON, hostile letters, bytes of other runs."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Manifest, Segment
from gitassets.runs.create import create_run
from gitassets.web.site import Site
from tests.actions.checks import assert_clean, git
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand
from tests.media import write_picture
from tests.web.serving import Visitor, send_raw

RUN = "/api/runs/ep1"


@pytest.mark.parametrize(
    "other", ["a[]=1", "two words=1", '{"a":1}', 'open="x y', "=", "\xe9=1", "x", ";;", "a=" + "b" * 4000]
)
def test_cookie_of_another_server_locks_nobody_out(site: Site, visitor: Visitor, other: str) -> None:
    own = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    for cookie in (f"{other}; {own}", f"{own}; {other}"):
        assert _ask(site, "/api/runs", f"Cookie: {cookie}")[0] == 200, cookie


def _ask(
    site: Site, path: str, *headers: str, method: str = "GET", body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    host = f"Host: 127.0.0.1:{site.options.port}"
    return send_raw(site, f"{method} {path} HTTP/1.1", host, "Connection: close", *headers, body=body)


def _own(visitor: Visitor) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000, b'{"a":' * 200_000, b'{"segment":' + b"[" * 5000 + b"]" * 5000 + b', "text": "x"}', b"",
        b"null",
        b'{"segment": 1e999, "text": "x"}', b'{"segment": ' + b"9" * 5000 + b', "text": "x"}', b'"\xff"',
        b'{"segment": 1, "text": "\\ud800"}', b'{"segment": 1, "text": "x", "segment": {}}', b"{" + b" " * 1_000_000,
    ],
)  # fmt: skip
def test_body_that_is_no_request_is_refused(locked: LockedRun, visitor: Visitor, body: bytes) -> None:
    before = locked.head()
    answer = visitor.client.post(f"{RUN}/note", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "usage")
    assert locked.head() == before


@pytest.mark.parametrize("length", ["abc", "-1", "+5", "0x10", "9" * 30, "1, 2", "", "1_0", "\xb2"])
def test_length_that_is_no_number_is_refused(site: Site, visitor: Visitor, length: str) -> None:
    token = f"X-CSRF-Token: {visitor.client.headers['x-csrf-token']}"
    kind = "Content-Type: application/json"
    status, _, _ = _ask(site, f"{RUN}/note", token, kind, _own(visitor), f"Content-Length: {length}", method="POST")
    assert status in (400, 413)


@pytest.mark.parametrize("origin", ["http://evil.example", None])
def test_no_other_site_opens_a_stream_or_a_socket(site: Site, visitor: Visitor, origin: str | None) -> None:
    foreign = [f"Origin: {origin}"] if origin else ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]
    socket = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    assert _ask(site, "/events?run=ep1", _own(visitor), *foreign)[0] == 403
    host = f"Host: 127.0.0.1:{site.options.port}"
    status, _, _ = send_raw(site, "GET /events HTTP/1.1", host, "Connection: Upgrade", *socket, _own(visitor), *foreign)
    assert status in (400, 403, 404, 501)


def test_form_of_another_site_changes_nothing(site: Site, visitor: Visitor, locked: LockedRun) -> None:
    before, body = locked.head(), b'{"segment": 1, "text": "x="}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        for more in ((), ("Origin: null",), ("Origin: http://evil.example",), ("Sec-Fetch-Site: cross-site",)):
            status, _, _ = _ask(
                site, f"{RUN}/note", _own(visitor), f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more,
                method="POST", body=body,
            )  # fmt: skip
            assert status == 403
    assert locked.head() == before


def test_token_never_leaves_in_a_referrer_or_a_page(site: Site, visitor: Visitor) -> None:
    for path in ("/", "/runs/ep1", "/runs/ep1/review", "/runs/nothing", "/api/runs", "/static/js/api.js"):
        answer = visitor.get(path)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert site.token not in answer.text
        assert site.token not in str(answer.headers)


HOSTILE = (
    "\x00",
    "a\x00b",
    "\x1b[2Jclear",
    "\u202eevil\u202c",
    "\u2066x",
    "\ufeff",
    "\u2028</script>",
    "\r\n\r\nx: y",
    "\x85",
)


@pytest.mark.parametrize("letters", HOSTILE)
def test_hostile_letters_break_neither_commit_nor_page(locked: LockedRun, visitor: Visitor, letters: str) -> None:
    text = f"so {letters} it is"
    asset = {"segment": 3, "kind": "image", "md5": locked.asset(IMAGE_3).md5}
    made = visitor.post(f"{RUN}/annotations", {**asset, "body": text})
    for path, body in (
        ("note", {"segment": 3, "text": text}),
        ("annotations", {**asset, "body": text, "reply_to": made.json().get("annotation", {}).get("id")}),
        ("decide", {"action": "reject", "assets": [asset], "reason": text}),
        ("edit", {"segment": 2, "text": text, "prompt": text}),
    ):
        answer = visitor.post(f"{RUN}/{path}", body)
        assert answer.status_code in (200, 400), (path, answer.text)
    assert_clean(locked.project, locked.run)
    for page in ("/runs/ep1", "/runs/ep1/review", "/runs/ep1/audit"):
        shown = visitor.get(page).text
        data = shown.partition('id="data">')[2].partition("</script>")[0]
        assert json.loads(data)["run_id"] == "ep1"
        assert "\x00" not in shown
        assert "\x1b" not in shown
    log = git(locked.project.root, "log", "--format=%B", "run/ep1")
    assert "\x1b" not in log


def test_bytes_of_another_run_are_not_served(locked: LockedRun, site: Site, visitor: Visitor) -> None:
    project = locked.project
    create_run(project, Manifest(run_id="ep2", segments={1: Segment(paragraph_text="x")}), project.runs_dir / "ep2")
    md5 = locked.asset(IMAGE_1).md5
    for place in ("media", "play", "thumb", "peaks"):
        assert visitor.get(f"/{place}/ep2/{md5}").status_code == 404
        for name in (f"{md5}%0a", md5.upper(), md5[:-1], f"{md5}.png/..", f"%2e%2e%2f{md5}", "x" * 32):
            assert visitor.get(f"/{place}/ep1/{name}").status_code == 404, name


def test_link_in_the_run_is_not_followed(locked: LockedRun, visitor: Visitor) -> None:
    """A run that somebody else made names the hash of a file elsewhere, and its own file is a link to that one."""
    file, secret = locked.folder / locked.asset(IMAGE_3).path, write_picture(locked.project.root / "secret.png", seed=9)
    md5 = hash_file(secret)
    file.unlink()
    file.symlink_to(secret)
    change_by_hand(locked.folder, IMAGE_3, lambda asset: replace(asset, md5=md5, size=secret.stat().st_size))
    commit_by_hand(locked.folder)
    for place in ("media", "play", "thumb", "peaks"):
        assert visitor.get(f"/{place}/ep1/{md5}").status_code == 404
    assert visitor.read(f"{RUN}/3/image")["asset"]["md5"] == md5


def test_many_ranges_take_no_time(visitor: Visitor, locked: LockedRun) -> None:
    md5 = locked.asset(IMAGE_1).md5
    for ranges in (
        "bytes=" + ",".join(["0-0"] * 2000),
        "bytes=" + "0-," * 2000 + "0-",
        "bytes=9-1",
        "bytes=-0",
        "lines=1-2",
    ):
        answer = visitor.get(f"/media/ep1/{md5}", headers={"range": ranges})
        assert answer.status_code in (200, 206, 400, 416, 431), ranges[:20]
        assert len(answer.content) <= 4_000_000


@pytest.mark.parametrize("commit", ["0" * 40 + "\n", "--all", "HEAD", "run/ep1", "0" * 39, "0" * 40 + "\nHEAD"])
def test_only_a_whole_commit_id_is_undone(locked: LockedRun, visitor: Visitor, commit: str) -> None:
    before = locked.head()
    assert visitor.post(f"{RUN}/undo", {"undo": commit}).status_code == 400
    assert visitor.get(f"{RUN}", params={"since": commit}).status_code == 200
    assert locked.head() == before
