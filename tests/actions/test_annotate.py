"""Notes on assets: what `note` commits, and where they are seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from gitassets.actions.annotate import annotate, reply, set_state
from gitassets.actions.diff import diff
from gitassets.actions.export import ExportOptions, export_run
from gitassets.actions.import_bag import ImportOptions, import_bag
from gitassets.actions.list import list_assets
from gitassets.actions.log import read_log
from gitassets.actions.undo import undo
from gitassets.domain.annotations import State, iter_annotations
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import NotFoundError, UsageError
from gitassets.runs.expected_bytes import ChangedBytesError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from tests.actions.candidates import add_candidates
from tests.actions.checks import assert_clean, ignore_progress
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun
from tests.whole_app import app

AUDIO_1 = Address(1, Kind.AUDIO)


def call(*words: str) -> dict[str, object]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_note_names_the_bytes_and_keeps_a_locked_asset_locked(locked: LockedRun) -> None:
    made = annotate(locked.project, locked.run, IMAGE_1, "the sign", region=(10, 20, 30, 30))
    (found,) = iter_annotations(locked.manifest())
    assert found == made.annotation
    assert (found.md5, found.take, found.author) == (locked.asset(IMAGE_1).md5, 1, "Ann Lee")
    assert locked.asset(IMAGE_1).approved
    assert_clean(locked.project, locked.run)


def test_note_on_a_candidate_belongs_to_its_bytes(locked: LockedRun) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    made = annotate(locked.project, locked.run, IMAGE_3, "better", seen=second.md5)
    assert (made.annotation.md5, made.annotation.take) == (second.md5, 2)


def test_note_on_bytes_that_are_gone_is_refused(locked: LockedRun) -> None:
    before = locked.head()
    with pytest.raises(ChangedBytesError):
        annotate(locked.project, locked.run, IMAGE_3, "x", seen="0" * 32)
    with pytest.raises(UsageError, match="needs a text"):
        annotate(locked.project, locked.run, IMAGE_3, " ")
    with pytest.raises(NotFoundError, match="no note"):
        set_state(locked.project, locked.run, "ffffffff", State.SETTLED)
    assert locked.head() == before


def test_replies_and_settling_are_commits_and_can_be_undone(locked: LockedRun) -> None:
    project, run = locked.project, locked.run
    note = annotate(project, run, AUDIO_1, "too fast", time=(0.02, 0.04)).annotation
    reply(project, run, note.id[:6], "made slower")
    settled = set_state(project, run, note.id, State.SETTLED)
    assert set_state(project, run, note.id, State.SETTLED).commit is None
    assert [one.body for one in settled.annotation.replies] == ["made slower"]
    assert [one.summary for one in read_log(project, run)][:2] == [
        "note settled on audio 1 (take 1) at 0.02-0.04 s",
        "note reply on audio 1 (take 1) at 0.02-0.04 s",
    ]
    undo(project, run)
    undo(project, run)
    assert list(iter_annotations(locked.manifest())) == [note]
    undo(project, run)
    assert list(iter_annotations(locked.manifest())) == []
    assert_clean(project, run)


def test_list_show_and_diff_have_the_notes(locked: LockedRun) -> None:
    before = locked.head()
    note = annotate(locked.project, locked.run, IMAGE_3, "flat\x1b[2J", region=(50, 50, 0, 0)).annotation
    row = next(one for one in list_assets(locked.project, locked.run).rows if one.segment == 3 and one.kind == "image")
    assert row.annotations == (note,)
    rows = call("list", "ep1", "--type", "image")["assets"]
    assert isinstance(rows, list)
    assert rows[-1]["annotations"][0]["body"] == "flat[2J"
    assert note.id in CliRunner().invoke(app, ["show", "ep1", "3"]).stdout
    assert "1 open note" in CliRunner().invoke(app, ["list", "ep1"]).stdout
    assert any("flat" in line for line in diff(locked.project, locked.run, f"{before}..HEAD").lines)


def test_note_command_annotates_replies_and_settles(locked: LockedRun) -> None:
    made = call("note", "ep1", "--image", "3", "--region", "10,20,30,30", "misspelt")["annotation"]
    assert isinstance(made, dict)
    assert made["region"] == [10.0, 20.0, 30.0, 30.0]
    timed = call("note", "ep1", "--audio", "1", "--at", "0.02-0.04", "too fast")["annotation"]
    assert isinstance(timed, dict)
    assert timed["time"] == [0.02, 0.04]
    call("note", "ep1", "--reply", made["id"], "done")
    settled = call("note", "ep1", "--settle", made["id"])["annotation"]
    assert isinstance(settled, dict)
    assert (settled["state"], len(settled["replies"])) == ("settled", 1)


@pytest.mark.parametrize(
    "words",
    [
        ("x",), ("x", "--segment", "1", "--image", "3"), ("x", "--image", "1-3"), ("x", "--image", "1", "--audio", "1"),
        ("--image", "3"), ("x", "--image", "3", "--region", "1,2,3"), ("x", "--image", "3", "--region", "a,b"),
        ("x", "--image", "3", "--region", "nan,1,1,1"), ("x", "--image", "3", "--at", "1"),
        ("x", "--audio", "1", "--at", "3-1"), ("x", "--audio", "1", "--at", "1-2-3"),
        ("x", "--audio", "1", "--region", "1,2,3,4"), ("x", "--audio", "1", "--at", "500"),
    ],
)  # fmt: skip
def test_note_command_refuses_what_makes_no_sense(locked: LockedRun, words: tuple[str, ...]) -> None:
    before = locked.head()
    assert CliRunner().invoke(app, ["note", "ep1", *words]).exit_code == 2
    assert locked.head() == before


def test_bag_brings_the_notes_back(locked: LockedRun, tmp_path: Path) -> None:
    note = annotate(locked.project, locked.run, IMAGE_3, "flat", region=(0, 0, 50, 50)).annotation
    export_run(locked.project, locked.run, ExportOptions(output=tmp_path / "bag.zip"), ignore_progress)
    import_bag(locked.project, tmp_path / "bag.zip", ImportOptions(run_id="ep9"), ignore_progress)
    again = read_manifest(locked.project, find_run(locked.project, "ep9"))
    assert list(iter_annotations(again)) == [note]


def test_timeline_has_a_marker_at_the_moment_of_an_open_note(locked: LockedRun, tmp_path: Path) -> None:
    note = annotate(locked.project, locked.run, AUDIO_1, "too fast", time=(0.05, 0.06)).annotation
    gone = annotate(locked.project, locked.run, IMAGE_3, "flat").annotation
    set_state(locked.project, locked.run, gone.id, State.SETTLED)
    done = CliRunner().invoke(app, ["export", "ep1", "--otio", "-o", str(tmp_path / "x.otio")])
    assert done.exit_code == 0, done.output
    markers = json.loads((tmp_path / "x.otio").read_text())["tracks"]["markers"]
    (found,) = [one for one in markers if one["metadata"]["gitassets"]["concern"] == "note"]
    start = found["marked_range"]["start_time"]
    assert found["comment"] == f"{replace(note).place}: too fast"
    assert start["value"] / start["rate"] == pytest.approx(0.05, abs=0.03)
