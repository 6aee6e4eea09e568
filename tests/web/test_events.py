"""What changes elsewhere reaches an open page without a reload, and long work tells how far it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from gitassets.actions.approve import approve
from gitassets.runs.watch import find_head, read_stamp, read_stamp_of_all
from gitassets.web import api
from gitassets.web.hub import Hub
from gitassets.web.site import Site
from tests.actions.checks import select
from tests.actions.locked_run import IMAGE_3, LockedRun
from tests.starter import replaced
from tests.web.serving import Visitor, serve, visit

RUN = "/api/runs/ep1"


def iter_events(stream: httpx.Response) -> Iterator[tuple[str, dict[str, object]]]:
    name = ""
    for line in stream.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_page_is_told_the_new_head_of_a_command_and_of_a_packed_branch(locked: LockedRun, visitor: Visitor) -> None:
    with visitor.client.stream("GET", "/events?run=ep1") as stream:
        events = iter_events(stream)
        assert next(events) == ("head", {"run_id": "ep1", "head": locked.head()})
        approve(locked.project, locked.run, select(image="3"))
        after = locked.head()
        while next(events)[1]["head"] != after:
            pass
        before = read_stamp(locked.project, locked.run)
        locked.git("pack-refs", "--all")
        assert read_stamp(locked.project, locked.run) != before
        assert find_head(locked.project, locked.run) == after
        approve(locked.project, locked.run, select(audio="1"))
        while next(events)[1]["head"] != locked.head():
            pass


def test_page_of_all_runs_is_told_when_a_branch_moves(locked: LockedRun, visitor: Visitor) -> None:
    with visitor.client.stream("GET", "/events") as stream:
        lines = stream.iter_lines()
        next(lines)  # The stream has begun.
        before = read_stamp_of_all(locked.project)
        approve(locked.project, locked.run, select(image="3"))
        assert read_stamp_of_all(locked.project) != before
        assert "event: runs" in lines


def test_page_on_an_unknown_run_is_refused(visitor: Visitor) -> None:
    assert visitor.get("/events?run=none").status_code == 404


def test_server_stops_while_pages_listen(locked: LockedRun) -> None:
    with serve(locked.project) as site:
        visitor = visit(site)
        with visitor.client.stream("GET", "/events?run=ep1") as stream:
            assert next(iter_events(stream))[0] == "head"


def regenerate(visitor: Visitor, locked: LockedRun, **wish: object) -> httpx.Response:
    asset = {"segment": 3, "kind": "image", "md5": locked.asset(IMAGE_3).md5}
    return visitor.post(f"{RUN}/regenerate", {**asset, **wish})


def test_take_is_estimated_then_made_and_appears(locked: LockedRun, visitor: Visitor) -> None:
    visitor.do(f"{RUN}/edit", {"segment": 3, "text": "A map of the town."})
    told = regenerate(visitor, locked, provider="card").json()
    assert (told["free"], told["provider"], told["live"], told["problems"]) == (True, "card", False, [])
    assert locked.asset(IMAGE_3).take == 1
    started = regenerate(visitor, locked, provider="card", takes=2, confirm=True).json()
    job = visitor.await_job(started["job"])
    assert (job["state"], len(job["result"]["candidates"])) == ("done", 2)
    assert visitor.read(f"/api/jobs/{started['job']}")["state"] == "done"
    assert len(visitor.read(f"{RUN}/3/image")["takes"]) == 3


def test_bytes_that_changed_are_not_regenerated(locked: LockedRun, visitor: Visitor) -> None:
    for confirm in (False, True):
        answer = regenerate(visitor, locked, md5="0" * 32, provider="card", confirm=confirm)
        assert answer.json()["error"]["kind"] == "changed"
    assert visitor.read("/api/jobs")["jobs"] == []


def test_service_is_never_called_by_a_server_that_was_not_started_to_buy(locked: LockedRun, visitor: Visitor) -> None:
    answer = regenerate(visitor, locked, provider="dalle", prompt="a map", confirm=True)
    assert answer.status_code >= 400
    assert visitor.read("/api/jobs")["jobs"] == []


def test_failed_work_says_why_and_what_to_do(locked: LockedRun, visitor: Visitor) -> None:
    started = visitor.do(f"{RUN}/build")
    job = visitor.await_job(started["job"])
    assert job["state"] == "failed"
    assert "cannot be built" in job["text"]
    assert job["hint"]
    pushed = visitor.await_job(visitor.do(f"{RUN}/push")["job"])
    assert pushed["state"] == "failed"
    assert locked.codes() == set()


def test_video_is_built_and_can_be_seen(locked: LockedRun, visitor: Visitor) -> None:
    (locked.project.root / "gitassets.yaml").write_text("build: {size: 64x36, fps: '5'}\n")
    approve(locked.project, locked.run, select(audio="all", image="3"))
    job = visitor.await_job(visitor.do(f"{RUN}/build")["job"])
    assert job["state"] == "done", job
    built = visitor.read(RUN)["build"]["built"]
    part = visitor.get(built["media"], headers={"range": "bytes=0-9"})
    assert (part.status_code, part.headers["content-type"], len(part.content)) == (206, "video/mp4", 10)


def test_limit_of_what_the_server_may_spend(locked: LockedRun) -> None:
    with serve(locked.project, live=True, max_cost_usd=0.5) as site:
        rights = visit(site).read(RUN)["can"]
        assert (rights["buy"], rights["max_cost_usd"], rights["spent_usd"]) == (True, 0.5, 0)


def test_sites_share_no_sessions(site: Site, locked: LockedRun) -> None:
    with serve(locked.project) as other:
        assert site.token != other.token
        assert site.cookie_name != other.cookie_name


def test_page_that_does_not_read_is_ended_and_others_are_told() -> None:
    async def fill() -> tuple[object, int]:
        hub = Hub()
        slow, other = hub.join(), hub.join()
        for _ in range(slow.maxsize + 1):
            hub.tell("job", b"{}")
            await asyncio.sleep(0)
            if other.qsize() > 1:
                other.get_nowait()
        return slow.get_nowait(), other.qsize()

    with ThreadPoolExecutor(1) as thread:  # A browser's test may have left a loop in this one.
        assert thread.submit(asyncio.run, fill()).result() == (None, 1)


def test_bug_in_a_job_is_reported_and_stops_no_later_job(visitor: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> object:
        raise ZeroDivisionError("of the test")

    first = visitor.site.jobs.start("build", "ep1", fail)
    second = visitor.site.jobs.start("build", "ep1", lambda _: {"fine": True})
    assert visitor.await_job(second.job)["result"] == {"fine": True}
    told = visitor.read(f"/api/jobs/{first.job}")
    assert (told["state"], told["text"]) == ("failed", "This is a bug in gitassets: ZeroDivisionError")
    assert "of the test" in capsys.readouterr().err


def test_bug_tells_the_browser_little_and_the_terminal_all(
    visitor: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> object:
        raise ZeroDivisionError("of the test")

    with replaced(api, "read_reasons", lambda *_: fail(None)):
        answer = visitor.get(f"{RUN}/reasons")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "bug")
    assert "of the test" not in answer.text
    assert capsys.readouterr().err.count("ZeroDivisionError: of the test") == 1
