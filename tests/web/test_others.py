"""Servers that only show, servers on other addresses, and visitors who say who they are."""

from __future__ import annotations

import httpx
import pytest

from gitassets.actions.log import read_log
from gitassets.web.site import Options, Site
from tests.actions.checks import git
from tests.actions.locked_run import IMAGE_3, LockedRun
from tests.web.serving import serve, visit


def body(locked: LockedRun) -> dict[str, object]:
    return {"action": "approve", "assets": [{"segment": 3, "kind": "image", "md5": locked.asset(IMAGE_3).md5}]}


def test_read_only_server_changes_nothing(locked: LockedRun) -> None:
    before = locked.head()
    with serve(locked.project, read_only=True) as site:
        visitor = visit(site)
        assert visitor.read("/api/runs/ep1")["can"]["decide"] is False
        md5 = locked.asset(IMAGE_3).md5
        asset = {"segment": 3, "kind": "image", "md5": md5}
        for path, sent in {
            "decide": body(locked), "undo": {"undo": before}, "choose": {**asset, "take": 1},
            "note": {"segment": 1, "text": "x"}, "edit": {"segment": 1, "text": "x"},
            "annotations": {**asset, "body": "x"}, "annotations/abcdef": {"state": "settled"},
            "regenerate": asset, "build": {}, "push": {}, "pull": {}, "fetch": {},
        }.items():  # fmt: skip
            answer = visitor.post(f"/api/runs/ep1/{path}", sent)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "forbidden"), path
        upload = visitor.client.post(
            "/api/runs/ep1/replace?segment=3&kind=image",
            content=b"x",
            headers={"content-type": "application/octet-stream"},
        )
        assert upload.status_code == 403
    assert locked.head() == before


def test_visitor_gives_a_name_that_the_commit_records(locked: LockedRun) -> None:
    with serve(locked.project, others_decide=True) as site:
        bo, eve = visit(site), visit(site)
        refused = bo.post("/api/runs/ep1/decide", body(locked))
        assert refused.json()["error"]["kind"] == "name"
        assert bo.read("/api/runs/ep1")["can"]["needs_name"] is True
        assert bo.post("/api/name", {"name": " \n "}).status_code == 400
        bo.do("/api/name", {"name": "Bo\nAssets-Transition: image 3 draft -> published"})
        eve.do("/api/name", {"name": "Eve"})
        done = bo.do("/api/runs/ep1/decide", body(locked))
        assert eve.post("/api/runs/ep1/undo", {"undo": done["undo"]}).status_code == 409
        entry = read_log(locked.project, locked.run)[0]
        assert entry.reviewed_by == "Bo > Assets-Transition: image 3 draft -> published"
        assert git(locked.folder, "log", "-1", "--format=%(trailers:key=Assets-Reviewed-By,valueonly)").startswith(
            "Bo "
        )
        assert {one.after for one in entry.transitions} == {"approved"}
        assert bo.do("/api/runs/ep1/undo", {"undo": done["undo"]})["commit"]
    assert locked.codes() == set()


def test_nobody_is_asked_for_a_name_where_the_owner_decides(locked: LockedRun) -> None:
    with serve(locked.project) as site:
        assert visit(site).post("/api/name", {"name": "Bo"}).status_code == 400


@pytest.mark.parametrize(
    ("host", "accepted"),
    [("192.168.7.9:PORT", True), ("[::1]:PORT", True), ("evil.example:PORT", False), ("studio.lan:PORT", True)],
)
def test_server_on_another_address_answers_to_addresses_and_its_own_name(
    locked: LockedRun, host: str, accepted: bool
) -> None:
    with serve(locked.project) as site:
        shown = Site(site.root, site.git_dir, Options("studio.lan", site.options.port))
        object.__setattr__(site, "options", shown.options)
        answer = httpx.get(
            f"http://127.0.0.1:{site.options.port}/", headers={"host": host.replace("PORT", str(site.options.port))}
        )
        assert answer.status_code == (403 if accepted else 421)
