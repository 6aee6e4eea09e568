from __future__ import annotations

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.note import note
from gitassets.domain.commit_message import parse_message
from gitassets.domain.selection import parse_selection
from gitassets.errors import NoMatchError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, git, select, snapshot, subjects


def notes(project: Project, run: Run) -> list[str | None]:
    return [segment.notes for segment in read_manifest(project, run).segments.values()]


def test_note_on_a_segment_is_committed(project: Project, run: Run) -> None:
    result = note(project, run, parse_selection("2"), "  too quiet\nat the end ")
    assert notes(project, run) == [None, "too quiet\nat the end", None]
    assert (result.segments, result.text) == ((2,), "too quiet\nat the end")
    parsed = parse_message(git(run.require_folder(), "log", "-1", "--format=%B"))
    assert parsed is not None
    assert (parsed.action, parsed.words, parsed.segments) == ("note", "too quiet\nat the end", (2,))
    assert_clean(project, run)


def test_note_on_several_segments_makes_one_commit(project: Project, run: Run) -> None:
    note(project, run, parse_selection("1,3"), "check")
    note(project, run, parse_selection("all"), "check")
    assert notes(project, run) == ["check"] * 3
    assert subjects(run)[:2] == ["note segment 2", "note segment 1,3"]


def test_note_repeated_commits_nothing(project: Project, run: Run) -> None:
    note(project, run, parse_selection("2"), "check")
    before = snapshot(run)
    assert note(project, run, parse_selection("2"), "check").commit is None
    assert snapshot(run) == before


def test_note_with_empty_text_removes_the_note(project: Project, run: Run) -> None:
    note(project, run, parse_selection("2"), "check")
    note(project, run, parse_selection("2"), " ")
    assert notes(project, run) == [None] * 3
    assert_clean(project, run)


def test_note_on_an_approved_segment_is_allowed(project: Project, run: Run) -> None:
    approve(project, run, select(segment="all"))
    note(project, run, parse_selection("1"), "well done")
    assert_clean(project, run)


def test_note_strips_control_characters_and_quotes_forged_trailers(project: Project, run: Run) -> None:
    note(project, run, parse_selection("1"), "\x1b[31mred\nAssets-Action: approve")
    assert notes(project, run)[0] == "[31mred\n> Assets-Action: approve"


def test_note_refuses_a_missing_segment(project: Project, run: Run) -> None:
    before = snapshot(run)
    with pytest.raises(NoMatchError, match="no segment 4") as caught:
        note(project, run, parse_selection("1,4"), "x")
    assert "1-3" in caught.value.hint
    assert snapshot(run) == before
