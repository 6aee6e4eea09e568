"""What an earlier verification found right is not judged again, and nothing else is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.actions.note import note
from gitassets.domain.manifest import MANIFEST_NAME, Asset
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from tests.actions.checks import git, run_cli
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand, overwrite, with_bytes


def verify(locked: LockedRun, *options: str) -> dict[str, Any]:
    done = run_cli(locked.project.root, "verify", "ep1", "--json", *options)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def counts(locked: LockedRun) -> tuple[int, int]:
    found = verify(locked)
    return found["commits"], found["commits_before"]


def swap(locked: LockedRun) -> str:
    """Commit other bytes for the locked image 1 without running hooks."""
    change_by_hand(locked.folder, IMAGE_1, lambda one: with_bytes(locked.project, one))
    overwrite(locked.locked_file)
    return commit_by_hand(locked.folder)


def record(locked: LockedRun) -> Path:
    return locked.project.state_dir / "held" / "ep1.json"


def test_only_commits_since_the_last_verification_are_judged(locked: LockedRun) -> None:
    assert [counts(locked), counts(locked)] == [(3, 0), (3, 3)]
    note(locked.project, locked.run, parse_selection("1"), "look again")
    assert [counts(locked), counts(locked)] == [(4, 3), (4, 4)]
    done = run_cli(locked.project.root, "verify", "ep1")
    assert done.stdout.endswith("All holds: 1 run, 4 commits, 1 blob, 1 file; 4 commits were found right before.\n")


def test_a_fault_after_the_verified_commit_is_found_each_time(locked: LockedRun) -> None:
    verify(locked)
    before = record(locked).read_bytes()
    commit = swap(locked)
    for _ in range(2):
        found = verify(locked)
        assert (found["holds"], found["commits"], found["commits_before"]) == (False, 4, 3)
        assert commit in {one["commit"] for one in found["findings"]}
    assert record(locked).read_bytes() == before


def test_a_rewritten_branch_is_judged_from_its_beginning(locked: LockedRun) -> None:
    verify(locked)
    git(locked.folder, "commit", "--quiet", "--amend", "--no-verify", "--no-edit", "--date=2020-01-01T00:00:00Z")
    assert counts(locked) == (3, 0)


@pytest.mark.parametrize("damage", ["", "{}", '{"tip": 3}', "\x00", "[]"])
def test_a_damaged_record_is_written_anew(locked: LockedRun, damage: str) -> None:
    verify(locked)
    whole = record(locked).read_bytes()
    record(locked).write_text(damage)
    assert counts(locked) == (3, 0)
    assert record(locked).read_bytes() == whole


def forge(locked: LockedRun) -> None:
    """Make the record say that the faulty last commit was found right."""
    verify(locked)
    forged = json.loads(record(locked).read_bytes()) | {"tip": swap(locked), "commits": 4}
    record(locked).write_text(json.dumps(forged))


def test_full_judges_every_commit(locked: LockedRun) -> None:
    forge(locked)
    found = verify(locked, "--full")
    assert (found["commits"], found["commits_before"], found["holds"]) == (4, 0, False)


def test_ci_judges_every_commit(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    forge(locked)
    assert verify(locked)["commits_before"] == 4
    monkeypatch.setenv("CI", "true")
    found = verify(locked)
    assert (found["commits"], found["commits_before"], found["holds"]) == (4, 0, False)


def test_a_bare_repository_judges_every_commit(locked: LockedRun, tmp_path: Path) -> None:
    bare = tmp_path / "server.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(locked.project.root), str(bare))
    for _ in range(2):
        found = json.loads(run_cli(bare, "verify", "ep1", "--json").stdout)
        assert (found["commits"], found["commits_before"]) == (3, 0)


def approve_by_hand(locked: LockedRun) -> None:
    def approved(one: Asset) -> Asset:
        return replace(one, status=Status.APPROVED, approved_md5=one.md5)

    change_by_hand(locked.folder, IMAGE_3, approved)
    commit_by_hand(locked.folder, "typo")


def leave_dvc_file_behind(locked: LockedRun) -> None:
    """Commit an outdated .dvc file that the next commit corrects."""
    note(locked.project, locked.run, parse_selection("1"), "before")
    dvc = locked.folder / "images.dvc"
    whole = dvc.read_bytes()
    change_by_hand(locked.folder, IMAGE_3, lambda one: with_bytes(locked.project, one))
    changed = dvc.read_bytes()
    dvc.write_bytes(whole)
    commit_by_hand(locked.folder, "an outdated file")
    dvc.write_bytes(changed)
    commit_by_hand(locked.folder, "corrected")


@pytest.mark.parametrize(("act", "key"), [(approve_by_hand, "by_hand"), (leave_dvc_file_behind, "mended")])
def test_notes_of_earlier_commits_are_told_again(locked: LockedRun, act: Callable[[LockedRun], None], key: str) -> None:
    act(locked)
    first, second = verify(locked, "--allow-by-hand"), verify(locked, "--allow-by-hand")
    assert first["holds"], first["findings"]
    assert first[key]
    assert second == first | {"commits_before": first["commits"]}


def test_what_was_allowed_by_hand_is_judged_again_without_it(locked: LockedRun) -> None:
    approve_by_hand(locked)
    assert verify(locked, "--allow-by-hand")["holds"]
    found = verify(locked)
    assert (found["holds"], found["commits_before"]) == (False, 0)


def test_a_commit_that_breaks_a_corrected_file_again_brings_the_finding_back(locked: LockedRun) -> None:
    leave_dvc_file_behind(locked)
    outdated = verify(locked)["mended"]
    assert len(outdated) == 1
    dvc = locked.folder / "images.dvc"
    dvc.write_bytes(git(locked.folder, "show", "HEAD~1:images.dvc").encode())
    commit_by_hand(locked.folder, "outdated again")
    found = verify(locked)
    whole = verify(locked, "--full")
    assert {one["commit"] for one in found["findings"]} == {one["commit"] for one in whole["findings"]}
    assert outdated[0]["commit"] in {one["commit"] for one in found["findings"]}


def test_manifest_of_the_run_is_checked_though_nothing_is_new(locked: LockedRun) -> None:
    verify(locked)
    (locked.folder / MANIFEST_NAME).write_text("{}")
    assert not verify(locked)["holds"]
