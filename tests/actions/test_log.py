from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.log import read_log
from gitassets.actions.note import note
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.review import move_to_review
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import parse_selection
from gitassets.errors import NoMatchError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli, select
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture


@pytest.fixture
def told(project: Project, run: Run, provider: ToneProvider, tmp_path: Path) -> Run:
    """A run whose history has every kind of decision."""
    move_to_review(project, run, select(segment="all"))
    approve(project, run, select(audio="all"))
    reject(project, run, select(image="3"), reason="too dark")
    note(project, run, parse_selection("3"), "look here")
    regen(project, run, select(image="3"), RegenOptions(provider="tone", style="bright"), ignore_progress)
    replace_asset(project, run, select(image="1"), write_picture(tmp_path / "mine.png", seed=9))
    approve(project, run, select(image="all"))
    reopen_assets(project, run, select(audio="2"), reason="mispronounced")
    return run


def summaries(project: Project, run: Run, **options: object) -> list[str]:
    return [entry.summary for entry in read_log(project, run, **options)]  # type: ignore[arg-type]


def test_log_lists_every_commit_newest_first(project: Project, told: Run) -> None:
    entries = read_log(project, told)
    assert [entry.summary for entry in entries] == [
        "reopen audio 2",
        "approve image 1,3",
        "replace image 1",
        "regen image 3",
        "note segment 3",
        "reject image 3",
        "approve audio 1-3",
        "review audio 1-3, image 1,3",
        "track audio 1-3, image 1,3",
        "create segments 1-3",
    ]
    assert [entry.words for entry in entries[:6]] == [
        "mispronounced", "", "By the file mine.png.", "Style: bright", "look here", "too dark"
    ]  # fmt: skip
    assert {(entry.author, entry.email) for entry in entries} == {("Ann Lee", "ann@example.com")}
    assert all(entry.date[4] == "-" and entry.date[10] == "T" for entry in entries)
    assert entries[0].commit == git(told.require_folder(), "rev-parse", "HEAD").strip()
    assert_clean(project, told)


def test_log_entries_have_their_transitions(project: Project, told: Run) -> None:
    found = {
        entry.summary: [(str(one.address), one.before, one.after) for one in entry.transitions]
        for entry in read_log(project, told)
    }
    assert found["regen image 3"] == [("image 3", "rejected", "revised")]
    assert found["approve image 1,3"] == [("image 1", "review", "approved"), ("image 3", "revised", "approved")]
    assert found["reopen audio 2"] == [("audio 2", "approved", "review")]
    assert found["note segment 3"] == []


def test_log_can_be_limited_to_segments_and_kind(project: Project, told: Run) -> None:
    assert summaries(project, told, segments=parse_selection("2")) == [
        "reopen audio 2", "approve audio 1-3", "review audio 1-3, image 1,3", "track audio 1-3, image 1,3"
    ]  # fmt: skip
    assert "note segment 3" in summaries(project, told, segments=parse_selection("3"))
    assert "note segment 3" not in summaries(project, told, segments=parse_selection("3"), kind=Kind.IMAGE)
    assert summaries(project, told, segments=parse_selection("2"), kind=Kind.IMAGE) == []
    images = summaries(project, told, kind=Kind.IMAGE)
    assert "approve audio 1-3" not in images
    assert "regen image 3" in images


def test_log_refuses_a_missing_segment(project: Project, told: Run) -> None:
    with pytest.raises(NoMatchError, match="no segment 4"):
        read_log(project, told, segments=parse_selection("4"))


def test_log_shows_manual_commits_with_their_own_message(project: Project, run: Run) -> None:
    git(
        run.require_folder(),
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "my own\n\nwith words\n\nAssets-Action: approve",
    )
    entry = read_log(project, run)[0]
    assert (entry.action, entry.summary, entry.transitions) == ("", "my own", ())
    assert entry.words.startswith("with words")


def test_log_of_a_closed_run_equals_that_of_the_open_run(project: Project, told: Run) -> None:
    before = summaries(project, told)
    close_run(project, told)
    assert summaries(project, find_run(project, "ep1")) == before


def test_log_ignores_mailmap_and_replace_refs(project: Project, run: Run) -> None:
    reject(project, run, select(image="3"), reason="too dark")
    folder = run.require_folder()
    head = git(folder, "rev-parse", "HEAD").strip()
    forged = git(folder, "commit-tree", "HEAD^{tree}", "-p", "HEAD~", "-m", "assets(ep1): approve image 3").strip()
    git(folder, "replace", head, forged)
    git(project.root, "config", "mailmap.blob", "HEAD:.mailmap")
    entry = read_log(project, run)[0]
    assert (entry.commit, entry.summary, entry.words) == (head, "reject image 3", "too dark")


def test_log_command_prints_no_terminal_escape_sequences(project: Project, run: Run) -> None:
    message = "\x1b[2Jgone\n\nAnd \x1b]0;title\x07 more"
    git(run.require_folder(), "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", message)
    done = run_cli(project.root, "log", "ep1")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "gone" in done.stdout


def test_log_command_filters_by_segment_and_type(project: Project, told: Run) -> None:
    done = run_cli(project.root, "log", "ep1", "--segment", "3", "--type", "image")
    assert done.returncode == 0, done.stderr
    assert "Ann Lee  reject image 3" in done.stdout
    assert "    too dark" in done.stdout
    assert "image 3: rejected → revised" in done.stdout
    assert "approve audio" not in done.stdout
