from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gitassets.cli import build as command
from gitassets.runs.project import Project, Run
from tests.actions.checks import git
from tests.whole_app import app

SMALL = ("--size", "64x36", "--fps", "5")


def call(*args: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["build", "ep1", *SMALL, *args])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(autouse=True)
def _priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the priority of the process that runs the tests as it is."""
    monkeypatch.setattr(command, "_lower_priority", lambda: None)


def test_dry_run_lists_gaps_and_pictures_and_exits_with_1_if_nothing_would_be_built(project: Project, run: Run) -> None:
    assert call("--dry-run", code=1).splitlines() == [
        "  in the way: segments 1-3: audio is not approved but draft",
        "  in the way: segments 1,3: image is not approved but draft",
        "Would not build final/ep1-64x36-5fps.mp4",
        "  3.0 s, 3 segments",
        "  card with the text: 1-3",
        "  silent: 1-3",
        "  0 reused, 3 to render",
    ]
    assert call("--dry-run", "--skip", "rejected").splitlines() == [
        "Would build final/ep1-draft-64x36-5fps.mp4",
        "  3.0 s, 3 segments",
        "  image: 1-3",
        "  0 reused, 3 to render",
    ]
    told = json.loads(call("--dry-run", "--json", "--skip", "rejected"))
    assert (told["dry_run"], told["gaps"], told["reused"], len(told["segments"])) == (True, [], 0, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="the viewer is a shell script")
def test_segment_builds_a_part_and_open_shows_it(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []
    monkeypatch.setattr("gitassets.cli.viewer.Viewer.show", lambda _, path, kind: shown.append((path, kind)) or True)
    told = call("--segment", "3", "--open")
    video = project.state_dir / "tmp/parts/ep1-segment-3.mp4"
    assert told.splitlines()[:3] == [
        "Built .git/gitassets/tmp/parts/ep1-segment-3.mp4",
        "  1.0 s, 1 segment (1 rendered, 0 reused)",
        "  a part to look at, which is not recorded",
    ]
    assert shown == [(video, "video")]
    call("--segment", "1-2", "-o", str(tmp_path / "part.mp4"))
    assert (tmp_path / "part.mp4").is_file()
    assert git(project.root, "log", "--format=%s", "run/ep1").count("build") == 0


def test_open_without_a_program_names_the_file(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitassets.cli.viewer.Viewer.show", lambda *_: False)
    assert "No program was found to open" in call("--segment", "1", "--open")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has priority classes")
def test_lower_priority_is_inherited_and_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    told = []
    monkeypatch.setattr(os, "setpriority", lambda *args: told.append(args))
    for niceness in (0, 5, 10, 19):
        monkeypatch.setattr(os, "getpriority", lambda *_, niceness=niceness: niceness)
        command._lower_priority()
    assert told == [(os.PRIO_PROCESS, 0, 10)] * 2


def test_from_to_and_draft_build_to_look_at(project: Project, run: Run) -> None:
    assert call("--from", "2", "--to", "3", "--preset", "draft").splitlines()[:3] == [
        "Built .git/gitassets/tmp/parts/ep1-segment-2-3-draft.mp4",
        "  2.0 s, 2 segments (2 rendered, 0 reused)",
        "  a part to look at, which is not recorded",
    ]
    assert "  a draft to look at, which is not recorded" in call("--preset", "draft").splitlines()
    assert git(project.root, "log", "--format=%s", "run/ep1").count("build") == 0


def test_segment_and_from_exclude_each_other(project: Project, run: Run) -> None:
    assert "--segment excludes --from and --to" in call("--segment", "1", "--from", "2", code=2)


def test_progress_is_told_as_json_lines(project: Project, run: Run) -> None:
    done = CliRunner().invoke(app, ["build", "ep1", *SMALL, "--skip", "rejected", "--progress", "json", "--json"])
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {tuple(line) for line in lines} == {("done", "total", "what", "segment", "per_sec", "left_sec")}
    frames = [line for line in lines if line["what"] == "frames"]
    assert (frames[0]["done"], frames[0]["left_sec"]) == (0, None)
    assert (frames[-1]["done"], frames[-1]["left_sec"]) == (frames[-1]["total"], 0.0)
    assert frames[-1]["segment"] in (1, 2, 3)
    assert json.loads(done.stdout)["rendered"] == 3
