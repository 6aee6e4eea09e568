from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.reject import reject
from gitassets.actions.runs import RunRow, Sync, show_runs
from gitassets.actions.track import track
from gitassets.errors import NotFoundError
from gitassets.runs.lookup import find_run
from tests.actions.checks import git, ignore_progress, run_cli, select
from tests.actions.locked_run import LockedRun
from tests.actions.sharing import Office, join, make_office, pull_run, push_run
from tests.media import write_tone


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    return office


def rows(locked: LockedRun, remote: str | None = None) -> dict[str, RunRow]:
    return {row.summary.run_id: row for row in show_runs(locked.project, remote).runs}


def syncs(locked: LockedRun) -> dict[str, tuple[Sync, int, int]]:
    return {run_id: (row.sync, row.ahead, row.behind) for run_id, row in rows(locked).items()}


def test_runs_shows_how_each_run_compares_with_the_server(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    assert syncs(locked) == {"ep1": (Sync.HERE, 0, 0)}
    push_run(locked)
    assert syncs(locked) == {"ep1": (Sync.SAME, 0, 0)}
    bea = join(office, tmp_path / "bea")
    approve(bea.project, bea.run, select(image="3"))
    assert syncs(bea) == {"ep1": (Sync.AHEAD, 1, 0)}
    push_run(bea)
    assert syncs(locked) == {"ep1": (Sync.BEHIND, 0, 1)}
    reject(locked.project, locked.run, select(audio="1"), reason="no")
    assert syncs(locked) == {"ep1": (Sync.DIVERGED, 1, 1)}
    pull_run(locked)
    assert syncs(locked) == {"ep1": (Sync.AHEAD, 2, 0)}


def test_runs_reads_a_server_run_without_opening_it(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    write_tone(locked.project.runs_dir / "ep2" / "audio" / "audio_000.wav")
    track(locked.project, locked.project.runs_dir / "ep2", on_progress=ignore_progress)
    clone = office.clone(tmp_path / "bea")
    push_run(locked)
    push_run(locked, "ep2")
    found = {row.summary.run_id: row for row in show_runs(clone).runs}
    assert {run_id: row.sync for run_id, row in found.items()} == {"ep1": Sync.THERE, "ep2": Sync.THERE}
    assert (found["ep1"].summary.segments, found["ep1"].summary.counts) == (3, {"draft": 4, "approved": 1})
    assert not found["ep1"].summary.is_open
    assert not clone.runs_dir.exists()
    git(office.server, "update-ref", "-d", "refs/heads/run/ep2")
    assert [row.summary.run_id for row in show_runs(clone).runs] == ["ep1"]


def test_runs_without_a_server_shows_local_runs(locked: LockedRun) -> None:
    result = show_runs(locked.project)
    assert (result.remote, [row.sync for row in result.runs]) == (None, [Sync.HERE])
    with pytest.raises(NotFoundError, match="no git remote 'far'"):
        show_runs(locked.project, "far")


def test_runs_shows_the_last_known_state_of_an_unreachable_server(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    shutil.move(office.server, office.server.with_name("away.git"))
    result = show_runs(locked.project)
    assert [row.sync for row in result.runs] == [Sync.SAME]
    assert result.problem is not None
    done = run_cli(locked.project.root, "runs")
    assert done.returncode == 0
    assert "Showing the last known state, since origin cannot be reached" in done.stderr
    assert "in step" in done.stdout


def test_runs_marks_a_branch_without_manifest_as_unreadable(locked: LockedRun, office: Office) -> None:
    git(locked.project.root, "push", "--quiet", "origin", "main:run/odd")
    found = rows(locked)["odd"]
    assert (found.sync, found.summary.production_state) == (Sync.THERE, "unreadable")
    assert "holds no asset_manifest.json" in str(found.summary.problem)


def test_runs_command_prints_table_and_json(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    close_run(locked.project, find_run(locked.project, "ep1"))
    table = run_cli(locked.project.root, "runs", "--remote", "origin").stdout
    assert [line.split() for line in table.splitlines() if line.startswith("ep1")] == [
        ["ep1", "review", "3", "4", "draft,", "1", "approved", "not", "open", "in", "step"]
    ]
    told = json.loads(run_cli(locked.project.root, "runs", "--json").stdout)
    assert set(told) == {"schema", "command", "remote", "runs", "problem"}
    assert set(told["runs"][0]) == {
        "run_id", "is_open", "production_state", "segments", "counts", "duration_sec", "cost_usd", "problem", "altered",
        "sync", "ahead", "behind",
    }  # fmt: skip
    assert (told["remote"], told["runs"][0]["sync"]) == ("origin", "in step")
