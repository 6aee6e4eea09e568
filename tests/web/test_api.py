"""What the page reads and does: each request is one action, and each decision holds for the bytes that were seen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.log import read_log
from gitassets.actions.reopen import reopen_assets
from gitassets.domain.annotations import iter_annotations
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from tests.actions.candidates import add_candidates
from tests.actions.checks import assert_clean, git, run_cli, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand, overwrite
from tests.media import write_picture
from tests.old_runs import RUN_ID, write_old_run
from tests.web.serving import Visitor, serve, visit

RUN = "/api/runs/ep1"
AUDIO = [Address(number, Kind.AUDIO) for number in (1, 2, 3)]


def name(locked: LockedRun, *addresses: Address) -> list[dict[str, object]]:
    """Return the assets as a page names them that has just shown them."""
    return [{"segment": one.segment, "kind": one.kind.value, "md5": locked.asset(one).md5} for one in addresses]


def decide(visitor: Visitor, action: str, assets: list[dict[str, object]], reason: str | None = None) -> object:
    return visitor.do(f"{RUN}/decide", {"action": action, "assets": assets, "reason": reason})


def test_runs_have_progress_and_cost(visitor: Visitor) -> None:
    (found,) = visitor.read("/api/runs")["runs"]
    assert (found["run_id"], found["segments"], found["assets"], found["decided"]) == ("ep1", 3, 5, 1)
    assert found["counts"] == {"draft": 4, "approved": 1}
    assert found["poster"].startswith("/thumb/ep1/")
    assert found["last_activity"] > 0


def test_runs_tell_the_distance_to_the_server_without_asking_it(
    locked: LockedRun, visitor: Visitor, tmp_path: Path
) -> None:
    root = locked.project.root
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    git(root, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(root, "push", "--quiet", "origin", "run/ep1")
    (tmp_path / "server.git").rename(tmp_path / "gone.git")
    decide(visitor, "approve", name(locked, IMAGE_3))
    (found,) = visitor.read("/api/runs")["runs"]
    assert (found["ahead"], found["behind"]) == (1, 0)


def test_run_has_rows_rights_and_gaps(locked: LockedRun, visitor: Visitor) -> None:
    found = visitor.read(RUN)
    assert (found["head"], found["segments"], found["undecided"]) == (locked.head(), 3, 4)
    assert found["can"]["decide"] is True
    assert {(one["segment"], one["kind"]) for one in found["build"]["gaps"]} == {
        (1, "audio"), (2, "audio"), (3, "audio"), (3, "image"),
    }  # fmt: skip
    image = found["rows"][0]["assets"]["image"]
    assert (image["status"], image["md5"], image["altered"]) == ("approved", locked.asset(IMAGE_1).md5, False)
    assert found["rows"][1]["carried_from"] == 1
    window = visitor.read(f"{RUN}?from=1&count=1")["rows"]
    assert [one["segment"] for one in window] == [2]
    assert len(visitor.read(f"{RUN}/index")["rows"]) == 5


def test_changed_rows_since_a_commit_are_few(locked: LockedRun, visitor: Visitor) -> None:
    before = locked.head()
    decide(visitor, "approve", name(locked, IMAGE_3))
    assert [one["segment"] for one in visitor.read(f"{RUN}?since={before}")["rows"]] == [3]
    assert visitor.read(f"{RUN}?since={locked.head()}")["rows"] == []
    for unknown in ("0" * 40, "HEAD", "--all", "main"):
        assert len(visitor.get(RUN, params={"since": unknown}).json()["rows"]) == 3


def test_altered_file_is_marked(locked: LockedRun, visitor: Visitor) -> None:
    overwrite(locked.folder / "images" / "scene_002.png")
    assert visitor.read(RUN)["rows"][2]["assets"]["image"]["altered"] is True


def test_decision_is_one_commit_with_its_undo(locked: LockedRun, visitor: Visitor) -> None:
    done = visitor.do(f"{RUN}/decide", {"action": "approve", "assets": name(locked, *AUDIO, IMAGE_3)})
    assert done["commit"] == done["head"] == locked.head()
    assert [one["status"] for one in done["assets"]] == ["approved"] * 4
    assert (done["decided"], done["undecided"]) == (5, 0)
    assert locked.git("rev-list", "--count", f"{locked.head()}~1..HEAD").strip() == "1"
    undone = visitor.do(f"{RUN}/undo", {"undo": done["undo"]})
    assert (undone["undecided"], undone["undone"]) == (4, done["commit"])
    assert locked.asset(IMAGE_3).status is Status.REVIEW
    assert_clean(locked.project, locked.run)


def test_decision_again_changes_nothing(locked: LockedRun, visitor: Visitor) -> None:
    for action in ("approve", "reopen", "reject"):
        decide(visitor, action, name(locked, IMAGE_3), "again")
        head = locked.head()
        again = visitor.do(f"{RUN}/decide", {"action": action, "assets": name(locked, IMAGE_3), "reason": "again"})
        assert (again["commit"], locked.head()) == (None, head), action


def test_other_bytes_than_seen_refuse_the_whole_batch_and_are_shown(locked: LockedRun, visitor: Visitor) -> None:
    seen = name(locked, *AUDIO, IMAGE_3)
    write_picture(locked.project.root / "new.png", seed=9)
    assert run_cli(locked.project.root, "replace", "ep1", "--image", "3", "new.png").returncode == 0
    before = locked.head()
    for action in ("approve", "reject", "reopen"):
        refused = visitor.post(f"{RUN}/decide", {"action": action, "assets": seen, "reason": "x"})
        assert refused.status_code == 409
        told = refused.json()
        assert told["error"]["kind"] == "changed"
        assert [one["md5"] for one in told["assets"]] == [locked.asset(IMAGE_3).md5]
        assert told["head"] == before == locked.head()


def test_several_changed_assets_are_all_shown(locked: LockedRun, visitor: Visitor) -> None:
    wrong = [{**one, "md5": "0" * 32} for one in name(locked, IMAGE_3, AUDIO[0])]
    told = visitor.post(f"{RUN}/decide", {"action": "approve", "assets": wrong}).json()
    assert {(one["segment"], one["kind"]) for one in told["assets"]} == {(3, "image"), (1, "audio")}
    assert "nothing was decided" in told["error"]["message"]


BROKEN: tuple[object, ...] = (
    [], {}, {"action": "publish", "assets": []}, {"action": "approve", "assets": []},
    {"action": "approve", "assets": [{"segment": 0, "kind": "image", "md5": "0" * 32}]},
    {"action": "approve", "assets": [{"segment": 3, "kind": "svg", "md5": "0" * 32}]},
    {"action": "approve", "assets": [{"segment": 3, "kind": "image", "md5": "../x"}]},
    {"action": "approve", "assets": [{"segment": "3", "kind": "image", "md5": "0" * 32}]},
    {"action": "approve", "assets": [{"segment": 3, "kind": "image", "md5": "0" * 32, "x": 1}]},
    {"action": "reject", "assets": [{"segment": 3, "kind": "image", "md5": "0" * 32}], "reason": "x" * 20_001},
)  # fmt: skip


@pytest.mark.parametrize("sent", BROKEN)
def test_request_that_makes_no_sense_is_refused(locked: LockedRun, visitor: Visitor, sent: object) -> None:
    before = locked.head()
    answer = visitor.post(f"{RUN}/decide", sent)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "usage")
    raw = visitor.client.post(f"{RUN}/decide", content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert raw.status_code == 400
    assert locked.head() == before


def test_error_has_the_words_of_the_command_line(locked: LockedRun, visitor: Visitor) -> None:
    answer = visitor.post(f"{RUN}/decide", {"action": "reject", "assets": name(locked, IMAGE_1), "reason": "x"})
    assert answer.status_code == 409
    assert answer.json()["error"] == {
        "message": "Cannot reject image 1 of ep1: it is approved, and so locked",
        "hint": "Reopen it first: `gitassets reopen ep1 --image 1 --reason …`.",
        "kind": "locked",
    }
    for path in ("/api/runs/none", f"{RUN}/9/image", f"{RUN}/2/image", "/api/none", "/api/jobs/none", f"{RUN}/1/svg"):
        assert visitor.get(path).json()["error"]["kind"] == "missing", path


def test_asset_has_takes_history_and_notes(locked: LockedRun, visitor: Visitor) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    decide(visitor, "reject", name(locked, IMAGE_3), "too dark")
    found = visitor.read(f"{RUN}/3/image")
    assert [(one["take"], one["current"], one["candidate"]) for one in found["takes"]] == [
        (1, True, False), (2, False, True),
    ]  # fmt: skip
    assert [one["what"] for one in found["history"]] == ["rejected", "other candidates", "take 1, draft"]
    assert (found["history"][0]["reason"], found["history"][0]["by"]) == ("too dark", "Ann Lee")
    chosen = visitor.do(f"{RUN}/choose", {"segment": 3, "kind": "image", "take": 2, "md5": second.md5})
    assert chosen["assets"][0]["md5"] == second.md5
    assert visitor.read(f"{RUN}/reasons")["reasons"] == ["too dark"]
    again = visitor.read(f"{RUN}/3/image")
    assert [one["current"] for one in again["takes"]] == [False, True]


def test_note_annotation_reply_and_settling(locked: LockedRun, visitor: Visitor) -> None:
    assert visitor.do(f"{RUN}/note", {"segment": 2, "text": "louder"})["notes"] == {"2": "louder"}
    (asset,) = name(locked, IMAGE_3)
    made = visitor.do(f"{RUN}/annotations", {**asset, "body": "sign", "region": [10, 20, 30, 30]})["annotation"]
    visitor.do(f"{RUN}/annotations", {**asset, "body": "done", "reply_to": made["id"]})
    settled = visitor.do(f"{RUN}/annotations/{made['id']}", {"state": "settled"})["annotation"]
    assert (settled["state"], settled["replies"][0]["body"]) == ("settled", "done")
    assert visitor.read(f"{RUN}/3/image")["annotations"] == [settled]
    assert [one.body for one in iter_annotations(locked.manifest())] == ["sign"]
    stale = visitor.post(f"{RUN}/annotations", {**asset, "md5": "0" * 32, "body": "x"})
    assert stale.json()["error"]["kind"] == "changed"
    outside = visitor.post(f"{RUN}/annotations", {**asset, "body": "x", "region": [90, 0, 20, 1]})
    assert outside.json()["error"]["kind"] == "usage"


def test_text_is_edited(locked: LockedRun, visitor: Visitor) -> None:
    visitor.do(f"{RUN}/edit", {"segment": 2, "text": "Other words.", "prompt": "a map"})
    assert locked.manifest().segments[2].paragraph_text == "Other words."


def test_cost_has_a_point_for_each_commit_that_bought(locked: LockedRun, visitor: Visitor) -> None:
    for take, cost_usd in ((1, 0.25), (2, 0.5)):
        change_by_hand(
            locked.folder,
            IMAGE_3,
            lambda asset, take=take, cost_usd=cost_usd: replace(asset, source="dalle", take=take, cost_usd=cost_usd),
        )
        commit_by_hand(locked.folder)
    decide(visitor, "reject", name(locked, IMAGE_3))
    (run,) = visitor.read(f"{RUN}/cost")["runs"]
    assert [one["total_usd"] for one in run["points"]] == [0.25, 0.75]
    assert run["points"][-1]["total_usd"] == run["total_usd"]


def test_run_with_contradicting_decisions_counts_them(locked: LockedRun, visitor: Visitor) -> None:
    assert visitor.read("/api/runs")["runs"][0]["conflicts"] == 0
    change_by_hand(locked.folder, IMAGE_3, lambda asset: replace(asset, extra={CONFLICT: {"ours": {}, "theirs": {}}}))
    assert visitor.read("/api/runs")["runs"][0]["conflicts"] == 1
    assert "1 in conflict" in visitor.get("/").text


def test_audit_cost_blame_and_playlist(locked: LockedRun, visitor: Visitor) -> None:
    decide(visitor, "reject", name(locked, IMAGE_3), "flat")
    entries = visitor.read(f"{RUN}/audit?count=1")
    assert (entries["entries"][0]["words"], entries["more"]) == ("flat", True)
    rest = visitor.read(f"{RUN}/audit?before={entries['entries'][0]['commit']}")
    assert len(rest["entries"]) == entries["total"] - 1
    assert visitor.read(f"{RUN}/cost")["total_usd"] == 0
    assert [one["address"] for one in visitor.read(f"{RUN}/blame")["approvals"]] == [{"segment": 1, "kind": "image"}]
    shots = visitor.read(f"{RUN}/playlist")["shots"]
    assert [(one["segment"], one["look"], one["visual_from"]) for one in shots] == [
        (1, "still", 1), (2, "still", 1), (3, "still", 3),
    ]  # fmt: skip
    assert shots[1]["start_sec"] == pytest.approx(shots[0]["duration_sec"])
    # One move over the picture of segment 1, which is carried forward.
    first, second = shots[0]["camera"], shots[1]["camera"]
    assert (first["from"], first["begun_sec"]) == (0, 0)
    assert second == first | {"begun_sec": pytest.approx(shots[0]["duration_sec"], abs=0.05)}
    assert first["duration_sec"] == pytest.approx(shots[0]["duration_sec"] + shots[1]["duration_sec"], abs=0.05)


def test_pages_hold_the_data_of_their_first_sight(locked: LockedRun, visitor: Visitor) -> None:
    for page in ("/", "/runs/ep1", "/runs/ep1/review", "/runs/ep1/audit"):
        answer = visitor.get(page)
        assert answer.status_code == 200
        assert 'type="application/json" id="data"' in answer.text, page
    assert locked.asset(IMAGE_3).md5 in visitor.get("/runs/ep1/review").text


def test_old_run_is_upgraded_when_it_is_opened(locked: LockedRun) -> None:
    write_old_run(locked.project.root)
    with serve(locked.project) as site:
        assert visit(site).read(f"/api/runs/{RUN_ID}")["segments"] > 0
    assert not find_run(locked.project, RUN_ID).old


def test_read_only_server_upgrades_nothing(locked: LockedRun) -> None:
    write_old_run(locked.project.root)
    with serve(locked.project, read_only=True) as site:
        assert visit(site).read(f"/api/runs/{RUN_ID}")["can"]["decide"] is False
    assert find_run(locked.project, RUN_ID).old


def upload(visitor: Visitor, query: str, data: bytes) -> tuple[int, str]:
    answer = visitor.client.post(
        f"{RUN}/replace?{query}", content=data, headers={"content-type": "application/octet-stream"}
    )
    return answer.status_code, answer.json().get("error", {}).get("kind", "")


def test_upload_goes_through_the_checks_of_replace(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    data, md5 = write_picture(tmp_path / "new.png", seed=9).read_bytes(), locked.asset(IMAGE_3).md5
    before = locked.head()
    for body in (b"", b"<svg onload=alert(1)>", b"<html>", data[:40]):
        assert upload(visitor, f"segment=3&kind=image&md5={md5}", body)[0] >= 400
    assert upload(visitor, f"segment=3&kind=audio&md5={md5}", data)[0] >= 400
    assert upload(visitor, "segment=1&kind=image", data) == (409, "locked")
    assert upload(visitor, f"segment=3&kind=image&md5={'0' * 32}", data) == (409, "changed")
    assert upload(visitor, "segment=x&kind=image", data) == (400, "usage")
    assert upload(visitor, "segment=3&kind=image&name=../../x", data) == (400, "usage")
    assert locked.head() == before
    assert upload(visitor, f"segment=3&kind=image&md5={md5}", data) == (200, "")
    assert locked.asset(IMAGE_3).take == 2
    assert_clean(locked.project, locked.run)


def test_two_tabs_and_a_command_line_at_once_lose_nothing(locked: LockedRun, visitor: Visitor) -> None:
    other = visit(visitor.site)
    project, run = locked.project, locked.run
    works = (
        lambda: decide(visitor, "approve", name(locked, AUDIO[0])),
        lambda: decide(other, "reject", name(locked, AUDIO[1]), "too fast"),
        lambda: visitor.do(f"{RUN}/note", {"segment": 3, "text": "louder"}),
        lambda: other.do(f"{RUN}/annotations", {**name(locked, IMAGE_3)[0], "body": "flat"}),
        lambda: approve(project, run, select(audio="3")),
        lambda: reopen_assets(project, run, select(image="1"), reason="again"),
    )
    failed: list[Exception] = []

    def work(one: object) -> None:
        try:
            one()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 (a thread's error would be lost)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in works]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    assert len(read_log(project, run)) >= len(works)
    found = [locked.asset(one).status for one in (*AUDIO, IMAGE_1)]
    assert found == [Status.APPROVED, Status.REJECTED, Status.APPROVED, Status.REVIEW]
    assert locked.manifest().segments[3].notes == "louder"
    assert len(list(iter_annotations(locked.manifest()))) == 1
    assert_clean(project, run)
