from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.list import list_assets, read_rows
from gitassets.actions.note import note
from gitassets.actions.produce import produce
from gitassets.actions.reject import reject
from gitassets.actions.show import show_segment
from gitassets.actions.summary import summarize
from gitassets.actions.track import track
from gitassets.cli.render import SCHEMA
from gitassets.domain.budget import Budget
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import CorruptError, NoMatchError
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import files_below, git, ignore_progress, run_cli, select, snapshot
from tests.actions.tone_provider import ToneProvider


def listed(project: Project, run: Run, **options: object) -> list[str]:
    result = list_assets(project, run, **options)  # type: ignore[arg-type]
    return [f"{row.kind} {row.segment}" for row in result.rows]


# List


def test_list_returns_all_assets_in_order(project: Project, run: Run) -> None:
    result = list_assets(project, run)
    assert (result.run_id, result.folder, result.segments, result.production_state) == ("ep1", run.folder, 3, "draft")
    assert listed(project, run) == ["audio 1", "image 1", "audio 2", "audio 3", "image 3"]


def test_list_filters_by_status_kind_and_segments(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1", image="3"))
    assert listed(project, run, status=Status.APPROVED) == ["audio 1", "image 3"]
    assert listed(project, run, kind=Kind.IMAGE) == ["image 1", "image 3"]
    assert listed(project, run, segments=parse_selection("2-3")) == ["audio 2", "audio 3", "image 3"]
    assert listed(project, run, status=Status.DRAFT, kind=Kind.AUDIO, segments=parse_selection("1-2")) == ["audio 2"]
    assert listed(project, run, status=Status.PUBLISHED) == []


def test_list_refuses_a_missing_segment(project: Project, run: Run) -> None:
    with pytest.raises(NoMatchError, match="no segment 9"):
        list_assets(project, run, segments=parse_selection("9"))


def test_list_marks_a_missing_file(project: Project, run: Run) -> None:
    (run.require_folder() / "images" / "scene_000.png").unlink()
    rows = list_assets(project, run, kind=Kind.IMAGE).rows
    assert [(row.segment, row.present) for row in rows] == [(1, False), (3, True)]


def test_list_marks_an_asset_of_another_text_stale(project: Project, provider: ToneProvider) -> None:
    produce(project, ["One.", "Two."], ProduceOptions(run_id="ep1", images=False), ignore_progress)
    run = find_run(project, "ep1")
    path = run.require_folder() / "asset_manifest.json"
    path.write_text(path.read_text().replace('"Two."', '"*Two* and a half."'))
    stale = {row.segment: row.stale for row in list_assets(project, run).rows}
    assert stale[1] is None
    assert stale[2] is not None
    path.write_text(path.read_text().replace('"*Two* and a half."', '"**Two.**"'))
    assert [row.stale for row in list_assets(project, run).rows] == [None, None]


def test_read_rows_returns_the_selected_rows(project: Project, run: Run) -> None:
    rows = read_rows(project, run, select(image="all", segment="2"))
    assert [f"{row.kind} {row.segment}" for row in rows] == ["image 1", "audio 2", "image 3"]


# Show


def test_show_segment_returns_text_notes_and_assets(project: Project, media_folder: Callable[..., Path]) -> None:
    track(project, media_folder("ep1"), paragraphs=["One.", "Two.", "Three."], on_progress=ignore_progress)
    run = find_run(project, "ep1")
    note(project, run, parse_selection("3"), "check")
    first, last = show_segment(project, run, parse_selection("1,3"))
    assert (first.segment, first.text, first.notes, first.sync_status) == (1, "One.", None, "pending")
    assert (last.text, last.notes, [row.kind for row in last.rows]) == ("Three.", "check", [Kind.AUDIO, Kind.IMAGE])


# Summary


def test_summarize_counts_assets_duration_and_cost_of_all_runs(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    produce(project, ["One.", "Two."], ProduceOptions(run_id="ep2", budget=Budget.FULL), ignore_progress)
    reject(project, find_run(project, "ep2"), select(image="1"))
    close_run(project, run)
    first, second = summarize(project)
    assert (first.run_id, first.is_open, first.production_state, first.segments) == ("ep1", False, "draft", 3)
    assert (first.counts, first.duration_sec, first.cost_usd) == ({"draft": 5}, 3.0, 0.0)
    assert (second.run_id, second.is_open, second.production_state) == ("ep2", True, "review")
    assert (second.counts, second.duration_sec, second.cost_usd) == ({"draft": 3, "rejected": 1}, 0.4, 1.0)


def test_summarize_reports_an_unreadable_run_beside_the_others(
    project: Project, run: Run, media_folder: Callable[..., Path]
) -> None:
    track(project, media_folder("ep2"), on_progress=ignore_progress)
    (run.require_folder() / "asset_manifest.json").write_text("{")
    broken, fine = summarize(project)
    assert broken.production_state == "unreadable"
    assert broken.problem is not None
    assert str(run.require_folder()) in broken.problem
    assert fine.counts == {"draft": 5}
    with pytest.raises(CorruptError):
        summarize(project, run)


def test_summarize_without_runs_is_empty(project: Project) -> None:
    assert summarize(project) == ()
    done = run_cli(project.root, "summary")
    assert (done.returncode, "no runs yet" in done.stdout) == (0, True)


# Reading commands


READING = [
    ("list", "ep1"), ("show", "ep1", "1-3"), ("summary",), ("summary", "ep1"), ("log", "ep1"),
    ("log", "ep1", "--segment", "1"),
]  # fmt: skip


@pytest.mark.parametrize("args", READING)
def test_reading_commands_change_nothing_and_print_json(project: Project, run: Run, args: tuple[str, ...]) -> None:
    before, state = snapshot(run), files_below(project.state_dir)
    done = run_cli(project.root, *args, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["schema"], found["command"]) == (SCHEMA, args[0])
    assert snapshot(run) == before
    assert files_below(project.state_dir) == state
    assert git(project.root, "status", "--porcelain") == ""


def test_list_json_row_has_stable_keys(project: Project, run: Run) -> None:
    row = json.loads(run_cli(project.root, "list", "ep1", "--json").stdout)["assets"][0]
    assert {"segment", "kind", "path", "status", "md5", "size", "duration_sec", "take", "text", "notes"} <= row.keys()


def test_list_json_prints_an_error_as_json(project: Project, run: Run) -> None:
    done = run_cli(project.root, "list", "ep9", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["message"] == "There is no run 'ep9'"
