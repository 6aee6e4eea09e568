"""`gitassets diff` and plain `git diff` in a run describe changes in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.diff import describe_file, diff
from gitassets.actions.hooks import install
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import NotFoundError, UsageError
from tests.actions.checks import git, run_cli, select
from tests.actions.locked_run import IMAGE_3, LockedRun, change_by_hand, with_status
from tests.media import write_picture


def test_diff_without_a_range_shows_the_last_commit_and_uncommitted_changes(locked: LockedRun) -> None:
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    assert (
        diff(locked.project, locked.run).lines
        == (
            "run: review → review",
            "image 3: draft → rejected: “too dark”",
        )[1:]
    )
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.REVIEW))
    assert diff(locked.project, locked.run).lines[0].startswith("image 3: draft → review")


def test_diff_of_a_range_shows_transitions_takes_and_notes(locked: LockedRun) -> None:
    before = locked.asset(IMAGE_3)
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    file = write_picture(locked.project.root.parent / "new.png", seed=9)
    replace_asset(locked.project, locked.run, select(image="3"), file)
    approve(locked.project, locked.run, select(image="3"))
    note(locked.project, locked.run, parse_selection("2"), "louder")
    after = locked.asset(IMAGE_3)
    result = diff(locked.project, locked.run, "HEAD~4..HEAD")
    assert (result.before, result.after) == ("HEAD~4", "HEAD")
    assert set(result.lines) == {
        "segment 2: note: “louder”",
        f"image 3: take 1 → 2 (md5 {before.md5} → {after.md5})",
        "image 3: draft → approved",
    }
    assert diff(locked.project, locked.run, "HEAD..HEAD").lines == ()


def test_diff_of_the_first_commits_shows_added_segments_and_assets(locked: LockedRun) -> None:
    lines = diff(locked.project, locked.run, "HEAD~2..HEAD~1").lines
    assert lines[0].startswith("audio 1: new, draft, take 1 by manual")
    locked.git("reset", "--hard", "--quiet", "HEAD~2")
    assert diff(locked.project, locked.run).lines == (
        "segment 1: added: “”",
        "segment 2: added: “”",
        "segment 3: added: “”",
    )


def test_diff_refuses_an_invalid_range_and_commits_outside_the_run(locked: LockedRun) -> None:
    for wrong in ("HEAD", "..HEAD", "HEAD..", "a...b"):
        with pytest.raises(UsageError, match="not a range"):
            diff(locked.project, locked.run, wrong)
    with pytest.raises(NotFoundError, match="no commit 'nowhere'"):
        diff(locked.project, locked.run, "nowhere..HEAD")
    with pytest.raises(NotFoundError, match="no manifest at main"):
        diff(locked.project, locked.run, "main..HEAD")


def test_git_diff_and_git_log_in_a_run_describe_the_manifest_in_words(locked: LockedRun) -> None:
    reopen_assets(locked.project, locked.run, select(image="1"), reason="wrong logo")
    told = locked.git("diff", "HEAD~1", "--", MANIFEST_NAME)
    assert "-  image: approved, take 1, images/scene_000.png" in told
    assert "+  image: review, take 1, images/scene_000.png" in told
    assert '"status"' not in told
    assert "+  image: review" in locked.git("log", "-1", "-p", "--", MANIFEST_NAME)
    assert '"status"' in locked.git("diff", "--no-textconv", "HEAD~1", "--", MANIFEST_NAME)


def test_git_diff_shows_raw_json_when_the_program_is_missing(
    locked: LockedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitassets.adapters.git.run_hooks.sys.executable", str(tmp_path / "gone" / "python"))
    install(locked.project)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="wrong logo")
    assert '+        "status": "review"' in locked.git("diff", "HEAD~1", "--", MANIFEST_NAME)


def test_describe_file_returns_a_file_that_is_no_manifest_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"<<<<<<< \xff\n")
    assert describe_file(path) == "<<<<<<< �\n"


def test_diff_command_prints_text_and_json(locked: LockedRun) -> None:
    root = locked.project.root
    assert "image 1: draft → approved" in run_cli(root, "diff", "ep1").stdout
    assert run_cli(root, "diff", "ep1", "HEAD..HEAD").stdout == "Nothing changed.\n"
    found = json.loads(run_cli(root, "diff", "ep1", "HEAD~1..HEAD", "--json").stdout)
    assert {"run_id", "before", "after", "lines"} < set(found)
    assert git(root, "status", "--porcelain") == ""
