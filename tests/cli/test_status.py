"""`gitassets status`, and the pager of `log`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.domain.manifest import Address, Kind
from tests.actions.checks import select
from tests.actions.locked_run import LockedRun, change_by_hand
from tests.actions.sharing import join, make_office, pull_run, push_run
from tests.cli.terminal import Terminal
from tests.whole_app import app


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_status_shows_what_waits_and_what_to_do(locked: LockedRun, tmp_path: Path) -> None:
    make_office(tmp_path).equip(locked.project.root)
    push_run(locked)
    reject(locked.project, locked.run, select(image="3"), reason="flat")
    locked.locked_file.chmod(0o644)
    locked.locked_file.write_bytes(b"x")
    assert invoke("status").splitlines() == [
        "Run ep1: review, 3 segments",
        "  to decide    audio 1-3",
        "  rejected     image 3",
        "  altered      image 1",
        "  server       1 commit ahead (origin)",
        "  → gitassets restore ep1 --image 1",
        "  → gitassets review ep1",
        "  → gitassets regen ep1 --image 3",
        "  → gitassets push ep1",
    ]


def test_status_of_an_approved_run_suggests_to_build(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(audio="all", image="all"))
    assert "  → gitassets build ep1" in invoke("status", "ep1").splitlines()


def test_status_in_the_folder_of_a_run_shows_that_run(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked.folder / "images")
    (found,) = json.loads(invoke("status", "--json"))["runs"]
    assert found["run_id"] == "ep1"
    assert found["to_decide"][0] == {"segment": 1, "kind": "audio"}
    assert "gitassets review ep1" in found["next_steps"]


def test_status_reports_an_unreadable_run(locked: LockedRun) -> None:
    (locked.folder / "asset_manifest.json").write_text("{")
    output = invoke("status")
    assert "unreadable" in output
    assert "→ gitassets doctor" in output


def test_log_shows_one_line_a_commit_and_at_most_n(locked: LockedRun) -> None:
    lines = invoke("log", "ep1", "--oneline").splitlines()
    assert lines[0].split(" ", 1)[1] == "approve image 1"
    assert invoke("log", "ep1", "--oneline", "-n", "1").splitlines() == lines[:1]
    assert [line[2:] for line in invoke("log", "ep1", "--oneline", "--graph").splitlines()] == lines
    assert len(json.loads(invoke("log", "ep1", "--json", "-n", "1"))["entries"]) == 1


def test_log_draws_merges(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "-b", "side")
    locked.git("commit", "--quiet", "--allow-empty", "--no-verify", "-m", "on the side")
    locked.git("checkout", "--quiet", "run/ep1")
    locked.git("merge", "--quiet", "--no-ff", "--no-verify", "-m", "together", "side")
    lines = invoke("log", "ep1", "--oneline", "--graph").splitlines()
    assert lines[1] == "|\\"
    assert lines[2].startswith("| * ")
    assert lines[2].endswith("on the side")


@pytest.mark.parametrize(
    ("environment", "setting", "paged"),
    [
        ({"GIT_PAGER": "sed s/^/paged:/"}, "", True),
        ({"PAGER": "sed s/^/paged:/"}, "", True),
        ({"PAGER": "false"}, "sed s/^/paged:/", True),
        ({"GIT_PAGER": "cat"}, "sed s/^/paged:/", False),
        ({"GIT_PAGER": "no-such-program"}, "", False),
    ],
)
def test_log_on_a_terminal_uses_the_pager_of_git(
    locked: LockedRun, environment: dict[str, str], setting: str, paged: bool
) -> None:
    if setting:
        locked.git("config", "core.pager", setting)
    with Terminal(locked.project.root, "log", "ep1", env=environment) as terminal:
        code, output = terminal.finish()
    assert code == 0
    assert "approve image 1" in output
    assert ("paged:" in output) is paged


def test_log_off_a_terminal_uses_no_pager(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_PAGER", "sed s/^/paged:/")
    assert "paged:" not in invoke("log", "ep1")


def test_ls_is_list(locked: LockedRun) -> None:
    assert invoke("ls", "ep1") == invoke("list", "ep1")


def test_status_names_narration_that_was_never_made(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(audio="all", image="all"))
    change_by_hand(locked.folder, Address(2, Kind.AUDIO), lambda _: None)
    lines = invoke("status", "ep1").splitlines()
    assert "  not made     audio 2" in lines
    assert "  → gitassets produce --resume ep1" in lines
    assert not any("gitassets build" in line for line in lines)


def test_status_in_a_merge_suggests_neither_pull_nor_push(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    reject(bea.project, bea.run, select(image="3"), reason="flat")
    push_run(bea)
    approve(locked.project, locked.run, select(image="3"))
    pull_run(locked)
    lines = invoke("status", "ep1").splitlines()
    assert "  server       1 commit ahead, 1 commit behind (origin)" in lines
    assert [line for line in lines if "→" in line] == [
        "  → gitassets approve ep1 --image 3",
        "  → gitassets review ep1",
    ]
