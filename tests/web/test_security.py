"""Hostile requests, sent as raw bytes: foreign names, tokens of others, paths that climb, floods and silence."""

from __future__ import annotations

import html
import re
from contextlib import ExitStack

import pytest
from msgspec.structs import replace

from gitassets.actions.annotate import annotate
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.note import note
from gitassets.actions.preview import find_media_type
from gitassets.actions.reject import reject
from gitassets.domain.selection import parse_selection
from gitassets.web import patience, security
from gitassets.web.site import Site
from tests.actions.checks import select
from tests.actions.locked_run import IMAGE_3, LockedRun, change_by_hand, commit_by_hand
from tests.starter import replaced
from tests.web.serving import Visitor, connect, read_answer, send_raw, serve, visit

EVIL = '</script><img src=x onerror="alert(1)"><!--'
PAGES = ("/", "/runs/ep1", "/runs/ep1/review", "/runs/ep1/audit")


def ask(
    site: Site, path: str, *headers: str, method: str = "GET", host: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    own = f"127.0.0.1:{site.options.port}"
    return send_raw(site, f"{method} {path} HTTP/1.1", f"Host: {host or own}", "Connection: close", *headers)


def cookies(visitor: Visitor) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:PORT", "0.0.0.0:PORT"],
)
def test_foreign_host_is_refused(site: Site, visitor: Visitor, host: str) -> None:
    for path in ("/", "/static/css/base.css", "/api/runs", "/events"):
        status, _, _ = ask(site, path, cookies(visitor), host=host.replace("PORT", str(site.options.port)))
        assert status == 421, path


def test_two_hosts_are_refused(site: Site) -> None:
    own = f"Host: 127.0.0.1:{site.options.port}"
    assert send_raw(site, "GET / HTTP/1.1", own, "Host: evil.example")[0] in (400, 421)
    assert send_raw(site, "GET / HTTP/1.1")[0] in (400, 421)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:PORT", "http://localhost:PORT"]
)
def test_foreign_origin_is_refused(site: Site, visitor: Visitor, origin: str) -> None:
    given = f"Origin: {origin.replace('PORT', str(site.options.port))}"
    token = f"X-CSRF-Token: {visitor.client.headers['x-csrf-token']}"
    for method, path in (("GET", "/api/runs"), ("POST", "/api/runs/ep1/decide"), ("GET", "/static/css/base.css")):
        status, _, _ = ask(site, path, given, token, cookies(visitor), "Content-Type: application/json", method=method)
        assert status == 403, path


def test_request_of_another_site_is_refused_by_its_fetch_metadata(site: Site, visitor: Visitor) -> None:
    for where in ("cross-site", "same-site"):
        assert ask(site, "/api/runs", f"Sec-Fetch-Site: {where}", "Sec-Fetch-Mode: no-cors", cookies(visitor))[0] == 403
    assert ask(site, "/", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")[0] == 403


@pytest.mark.parametrize("path", ["/", "/runs/ep1", "/api/runs", "/media/ep1/" + "0" * 32, "/events", "/thumb/ep1/x"])
def test_browser_without_the_token_sees_nothing(site: Site, path: str) -> None:
    status, _, body = ask(site, path)
    assert (status, b"ep1" in body) == (403, False)
    wrong = f"Cookie: {site.cookie_name}={'x' * 43}"
    assert ask(site, path, wrong)[0] == 403


def test_token_of_an_earlier_server_is_refused(locked: LockedRun, site: Site) -> None:
    with serve(locked.project) as other:
        for token in (other.token, "", "x", "%C3%A9"):
            status, headers, _ = ask(site, f"/?token={token}")
            assert (status, "set-cookie" in headers) == (403, False)
        stale = visit(other)
    secret = next(iter(stale.client.cookies.values()))
    assert ask(site, "/", f"Cookie: {site.cookie_name}={secret}")[0] == 403


def test_token_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(site: Site) -> None:
    status, headers, _ = ask(site, f"/runs/ep1?token={site.token}&from=3")
    assert (status, headers["location"]) == (303, "/runs/ep1?from=3")
    assert headers["set-cookie"].endswith("; HttpOnly; Path=/; SameSite=strict")
    assert site.token not in headers["set-cookie"]


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil.example"])
def test_redirect_stays_on_this_server(site: Site, path: str) -> None:
    status, headers, _ = ask(site, f"{path}?token={site.token}")
    assert status == 303
    assert re.match(r"/[^/\\]", headers["location"])


def test_change_needs_the_token_of_the_page(site: Site, visitor: Visitor, locked: LockedRun) -> None:
    before = locked.head()
    kind, others = "Content-Type: application/json", visit(site)
    for token in ("", "X-CSRF-Token: x", f"X-CSRF-Token: {others.client.headers['x-csrf-token']}"):
        headers = [one for one in (token, kind, cookies(visitor)) if one]
        assert ask(site, "/api/runs/ep1/note", *headers, method="POST")[0] == 403
    form = visitor.client.post("/api/runs/ep1/note", content=b"a=b", headers={"content-type": "text/plain"})
    assert form.status_code == 415
    assert locked.head() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_other_methods_are_refused(site: Site, visitor: Visitor, method: str) -> None:
    assert ask(site, "/api/runs", cookies(visitor), method=method)[0] in (400, 405)


CLIMBING = (
    "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
    "/static//etc/passwd", "/fonts/%2e%2e/errors.py", "/fonts/..%5c..%5cerrors.py", "/static/css/../../app.py",
    "/static/%00", "/static/\\..\\app.py",
    "/media/ep1/%2e%2e%2f%2e%2e%2fgitassets.yaml", "/media/%2e%2e/gitassets.yaml", "/media/../gitassets.yaml",
    "/runs/%2e%2e", "/runs/..", "/runs/.", "/api/runs/%2e%2e/index", "/api/runs/latest", "/runs/ep", "/api/runs/%2Ftmp",
)  # fmt: skip


@pytest.mark.parametrize("path", CLIMBING)
def test_path_that_climbs_leads_nowhere(site: Site, visitor: Visitor, path: str) -> None:
    status, _, body = ask(site, path, cookies(visitor))
    assert status in (400, 404), body
    assert b"import" not in body
    assert b"runs_dir" not in body


def test_every_answer_has_the_strict_headers(site: Site, visitor: Visitor) -> None:
    answers = [ask(site, path, cookies(visitor))[1] for path in (*PAGES, "/api/runs", "/static/css/base.css", "/none")]
    answers.append(ask(site, "/")[1])
    for headers in answers:
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


def test_only_the_pages_own_files_are_kept_and_asked_for_again(visitor: Visitor) -> None:
    for path in ("/fonts/Inter-Regular.ttf", "/static/css/base.css"):
        kept = visitor.get(path)
        assert kept.headers["cache-control"] == "no-cache"
        assert visitor.get(path, headers={"if-none-match": kept.headers["etag"]}).status_code == 304
    for path in (*PAGES, "/api/runs"):
        assert visitor.get(path).headers["cache-control"] == "no-store"


def test_hostile_texts_are_escaped_wherever_they_stand(locked: LockedRun, site: Site, visitor: Visitor) -> None:
    project, run = locked.project, locked.run
    edit(project, run, parse_selection("3"), EditOptions(text=f"Text {EVIL}", prompt=f"Prompt {EVIL}"))
    note(project, run, parse_selection("3"), f"Note {EVIL}")
    annotate(project, run, IMAGE_3, f"Body {EVIL}")
    reject(project, run, select(image="3"), reason=f"Reason {EVIL}")
    path = "images/<img src=x onerror=alert(1)>.png"
    (locked.folder / "images" / "scene_002.png").rename(locked.folder / path)
    change_by_hand(locked.folder, IMAGE_3, lambda asset: replace(asset, path=path, prompt=EVIL))
    commit_by_hand(locked.folder)
    for page in PAGES:
        text = visitor.get(page).text
        assert "<img" not in text.lower(), page
        assert text.count("</script>") == text.count("<script"), page
    assert "onerror" in visitor.get("/runs/ep1").text


def test_hostile_run_id_is_escaped_in_the_error(site: Site, visitor: Visitor) -> None:
    status, _, body = ask(site, "/runs/%3Cimg%20src=x%20onerror=alert(1)%3E", cookies(visitor))
    assert status == 404
    assert b"<img" not in body
    assert html.escape("<img") in body.decode()


def test_upload_of_a_gigabyte_is_refused_by_its_size_alone(site: Site, visitor: Visitor, locked: LockedRun) -> None:
    token = f"X-CSRF-Token: {visitor.client.headers['x-csrf-token']}"
    for path, kind in (
        ("/api/runs/ep1/replace?segment=3&kind=image", "application/octet-stream"),
        ("/api/runs/ep1/note", "application/json"),
    ):
        status, headers, _ = ask(
            site, path, token, cookies(visitor), f"Content-Type: {kind}", "Content-Length: 1073741824", method="POST"
        )
        assert (status, headers["connection"]) == (413, "close")
    assert visitor.read("/api/runs")["runs"][0]["run_id"] == "ep1"


def test_upload_without_a_length_is_cut_off_at_the_same_size(site: Site, visitor: Visitor) -> None:
    with replaced(security, "MAX_UPLOAD_BYTES", 1_000_000):
        pieces = (bytes(100_000) for _ in range(100))
        answer = visitor.client.post(
            "/api/runs/ep1/replace?segment=3&kind=image",
            content=pieces,
            headers={"content-type": "application/octet-stream"},
        )
    assert answer.status_code == 413
    assert list((site.open_project().state_dir / "tmp").iterdir()) == []


def test_body_that_stalls_is_given_up(site: Site, visitor: Visitor) -> None:
    token = f"X-CSRF-Token: {visitor.client.headers['x-csrf-token']}"
    with replaced(security, "_PIECE_SEC", 0.05):
        status, _, _ = ask(
            site,
            "/api/runs/ep1/note",
            token,
            cookies(visitor),
            "Content-Type: application/json",
            "Content-Length: 100",
            method="POST",
        )
    assert status == 408


def test_200_connections_that_stall_stop_nobody(site: Site, visitor: Visitor) -> None:
    token = visitor.client.headers["x-csrf-token"]
    starts = (
        "", "GET / HTTP/1.1\r\nHost:", f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{site.options.port}\r\n",
        f"POST /api/runs/ep1/note HTTP/1.1\r\nHost: 127.0.0.1:{site.options.port}\r\n{cookies(visitor)}\r\n"
        f"X-CSRF-Token: {token}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{",
    )  # fmt: skip
    with ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(connect(site))
            connection.sendall(starts[number % len(starts)].encode())
        assert visitor.get("/runs/ep1/review").status_code == 200
        assert visitor.do("/api/runs/ep1/note", {"segment": 1, "text": "louder"})["commit"]


def test_connection_that_never_finishes_its_head_is_closed(locked: LockedRun) -> None:
    with replaced(patience, "HEAD_SEC", 0.05), serve(locked.project) as site:
        for start in (b"", b"GET / HTTP/1.1\r\nHost:"):
            with connect(site) as connection:
                connection.sendall(start)
                assert connection.recv(1) == b""


def test_kept_connection_answers_more_than_one_request(site: Site) -> None:
    with connect(site) as connection:
        for _ in range(3):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{site.options.port}\r\n\r\n".encode())
            status, headers, _ = read_answer(connection)
            if headers.get("connection") == "close":
                return
            assert status == 403


def test_bytes_that_are_no_media_are_only_a_download(locked: LockedRun, visitor: Visitor) -> None:
    md5 = locked.asset(IMAGE_3).md5
    blob = locked.project.blobs.path(md5)
    for data in (b"<html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"):
        blob.chmod(0o644)
        blob.write_bytes(data)
        assert find_media_type(blob) is None
        answer = visitor.get(f"/media/ep1/{md5}.svg")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == "attachment"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert visitor.get(f"/thumb/ep1/{md5}").status_code >= 400
