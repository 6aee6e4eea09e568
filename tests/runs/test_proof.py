"""Which approvals the history proves; only new commits are checked, and forged records have no effect."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.close import close_run
from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.note import note
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.track import track
from gitassets.domain.selection import AssetSelection, parse_copy_selection, parse_selection
from gitassets.domain.status import Status
from gitassets.errors import ConflictError
from gitassets.runs import audit_record
from gitassets.runs import proof as proven
from gitassets.runs.audit import HistoryAudit
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, find_project
from gitassets.runs.proof import Unproven, find_unproven, judge_run, require_proven
from tests.actions.checks import git, ignore_progress, run_cli, select, statuses
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    overwrite,
    with_bytes,
    with_status,
)
from tests.actions.sharing import make_office
from tests.media import write_tone


def doubted(locked: LockedRun, project: Project | None = None) -> dict[str, str]:
    """Return the reason for each asset whose approval is not proven."""
    here = project or locked.project
    run = find_run(here, "ep1")
    found = find_unproven(here, run, git(here.root, "rev-parse", run.ref).strip(), read_manifest(here, run))
    return {str(one.address): one.why for one in found}


def swap(locked: LockedRun) -> str:
    """Commit other bytes for the locked image 1 without running hooks."""
    change_by_hand(locked.folder, IMAGE_1, lambda one: with_bytes(locked.project, one))
    overwrite(locked.locked_file)
    return commit_by_hand(locked.folder)


def test_approvals_by_commands_are_proven(locked: LockedRun) -> None:
    assert doubted(locked) == {}
    reopen_assets(locked.project, locked.run, select(image="1"), reason="no")
    approve(locked.project, locked.run, select(image="1", audio="all"))
    assert doubted(locked) == {}


def test_approval_with_swapped_bytes_is_unproven_and_names_commit_and_author(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    commit = swap(locked)
    why = doubted(locked)
    assert why.keys() == {"image 1"}
    assert why["image 1"].startswith(
        f"commit {commit[:10]} by Ann Lee <ann@example.com>: image 1 is approved and locked"
    )


def test_approval_after_reopen_is_proven_despite_an_earlier_fault(locked: LockedRun) -> None:
    swap(locked)
    note(locked.project, locked.run, parse_selection("1"), "x")
    assert "image 1" in doubted(locked)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="look again")
    approve(locked.project, locked.run, select(image="1"))
    assert doubted(locked) == {}
    assert locked.codes() == {"locked-md5-changed"}


def test_approval_stays_unproven_after_a_manual_revert(locked: LockedRun) -> None:
    before = locked.git("rev-parse", "HEAD").strip()
    swap(locked)
    locked.git("checkout", before, "--", ".")
    commit_by_hand(locked.folder)
    assert "image 1" in doubted(locked)


def test_approval_stays_unproven_after_a_manual_approval(locked: LockedRun) -> None:
    for status in (Status.REVIEW, Status.APPROVED):
        change_by_hand(locked.folder, IMAGE_1, with_status(status))
        commit_by_hand(locked.folder)
    assert "without a recorded reopen" in doubted(locked)["image 1"]


def test_fault_without_an_asset_makes_all_earlier_approvals_unproven(locked: LockedRun) -> None:
    path = locked.folder / "asset_manifest.json"
    data = path.read_bytes()
    path.unlink()
    commit_by_hand(locked.folder)
    path.write_bytes(data)
    commit_by_hand(locked.folder)
    approve(locked.project, locked.run, select(image="3"))
    assert doubted(locked).keys() == {"image 1"}


def test_approval_that_is_not_committed_is_unproven(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    assert doubted(locked) == {"image 3": "asset_manifest.json was changed by hand, and the last commit says otherwise"}


def test_find_unproven_without_approvals_reads_no_history(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    reopen_assets(locked.project, locked.run, select(image="1"), reason="no")
    monkeypatch.setattr(proven, "judge_run", lambda *_: pytest.fail("the history was judged"))
    assert doubted(locked) == {}


# -- merges, cut histories, remote branches ----------------------------------------------------------------------------


def test_merge_with_a_faulty_side_leaves_approvals_of_the_other_side_proven(locked: LockedRun) -> None:
    """Only the faulty side's approval is unproven."""
    locked.git("checkout", "--quiet", "-b", "side")
    swap(locked)
    locked.git("checkout", "--quiet", "run/ep1")
    approve(locked.project, locked.run, select(image="3"))
    locked.git("merge", "--quiet", "--no-edit", "--no-verify", "side")
    assert doubted(locked).keys() == {"image 1"}


def shallow_clone(locked: LockedRun, root: Path, *options: str) -> Project:
    git(root.parent, "clone", "--quiet", *options, "--branch", "run/ep1", f"file://{locked.project.root}", root.name)
    return find_project(root)


def test_shallow_clone_proves_no_approvals(locked: LockedRun, tmp_path: Path) -> None:
    project = shallow_clone(locked, tmp_path / "cut", "--depth", "1")
    assert "the history is cut: this clone is shallow" in doubted(locked, project)["image 1"]
    with pytest.raises(ConflictError, match="the history is cut") as caught:
        require_proven(project, find_run(project, "ep1"), locked.head(), locked.manifest(), None, "built")
    assert caught.value.hint == "`git fetch --unshallow` gets the whole history."
    git(project.root, "fetch", "--quiet", "--unshallow")
    assert doubted(locked, project) == {}


def test_shallow_clone_with_the_full_run_history_proves_approvals(locked: LockedRun, tmp_path: Path) -> None:
    commits = len(git(locked.folder, "rev-list", "run/ep1").split())
    project = shallow_clone(locked, tmp_path / "deep", "--depth", str(commits))
    (project.git_dir / "shallow").write_text(git(locked.project.root, "rev-parse", "main"))
    assert doubted(locked, project) == {}


def test_find_unproven_checks_a_run_that_is_only_on_a_remote(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    swap(locked)
    locked.git("push", "--quiet", "--no-verify", "origin", "run/ep1")
    project = office.clone(tmp_path / "bea")
    run = find_run(project, "ep1")
    assert run.ref == "refs/remotes/origin/run/ep1"
    assert doubted(locked, project).keys() == {"image 1"}


# -- the record --------------------------------------------------------------------------------------------------------


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of commits checked by each audit."""
    counts: list[int] = []

    class Counting(HistoryAudit):
        def check(self, include: str, exclude: Sequence[str]):  # type: ignore[no-untyped-def]
            found = super().check(include, exclude)
            counts.append(self._result.commits - self._result.commits_before)
            return found

    monkeypatch.setattr(audit_record, "HistoryAudit", Counting)
    return counts


def record(locked: LockedRun) -> Path:
    return locked.project.state_dir / "held" / "ep1.json"


def test_find_unproven_checks_only_new_commits(locked: LockedRun, judged: list[int]) -> None:
    for _ in range(2):
        assert doubted(locked) == {}
    assert judged == [3]
    for text in "ab":
        note(locked.project, locked.run, parse_selection("1"), text)
    assert doubted(locked) == {}
    assert judged == [3, 2]
    assert json.loads(record(locked).read_bytes())["tip"] == locked.head()


def test_find_unproven_caches_doubts_for_the_same_commit(locked: LockedRun, judged: list[int]) -> None:
    doubted(locked)
    held = record(locked).read_bytes()
    swap(locked)
    assert doubted(locked) == doubted(locked) != {}
    assert (record(locked).read_bytes(), judged) == (held, [3, 1])
    reopen_assets(locked.project, locked.run, select(image="1"), reason="no")
    assert doubted(locked) == {}
    approve(locked.project, locked.run, select(image="1"))
    assert doubted(locked) == doubted(locked) == {}
    assert judged == [3, 1, 3]


def test_find_unproven_caches_the_reason_of_each_asset(locked: LockedRun, judged: list[int]) -> None:
    """The second call answers from the cache, with the same assets and reasons."""
    approve(locked.project, locked.run, select(audio="1"))
    swap(locked)
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder)
    found = doubted(locked)
    assert found.keys() == {"image 1", "image 3"}
    assert doubted(locked) == found
    assert len(judged) == 1


@pytest.mark.parametrize(
    "change", [{"tip": "0" * 40}, {"key": {}}, {"assets": [{"segment": 1, "kind": "x"}]}, {"assets": 1}, {"of_all": 7}]
)
def test_find_unproven_ignores_a_foreign_cache_of_doubts(
    locked: LockedRun, judged: list[int], change: dict[str, object]
) -> None:
    swap(locked)
    found = doubted(locked)
    path = locked.project.state_dir / "doubted" / "ep1.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    assert doubted(locked) == found
    assert judged == [4, 4]


def test_find_unproven_does_not_cache_an_incomplete_history(
    locked: LockedRun, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing objects may be fetched at any time."""
    swap(locked)
    whole = proven._judge

    def judge_incomplete(*arguments: Any) -> proven.HistoryJudgment:
        return replace(whole(*arguments), complete=False)

    monkeypatch.setattr(proven, "_judge", judge_incomplete)
    assert doubted(locked) == doubted(locked) != {}
    assert judged == [4, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"tip": "0" * 40},
        {"tip": "--all"},
        {"tip": 7},
        {"key": {"run_id": "ep2"}},
        {"key": {"rules": 0}},
        {"key": {"gitassets": "0.0.1"}},
        {"key": {"more": 1}},
    ],
)
def test_find_unproven_ignores_a_foreign_record(locked: LockedRun, judged: list[int], change: dict[str, Any]) -> None:
    doubted(locked)
    swap(locked)
    true = {**json.loads(record(locked).read_bytes()), "tip": locked.head()}
    key = {"key": {**true["key"], **change.get("key", {})}}
    record(locked).write_text(json.dumps({**true, **change, **key}))
    assert "image 1" in doubted(locked)
    assert judged == [3, 4]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff"])
def test_find_unproven_rebuilds_a_corrupt_record(locked: LockedRun, judged: list[int], data: bytes) -> None:
    doubted(locked)
    good = record(locked).read_bytes()
    record(locked).write_bytes(data)
    assert doubted(locked) == {}
    assert (judged, record(locked).read_bytes()) == ([3, 3], good)


def test_find_unproven_checks_a_rewritten_branch_from_its_root(locked: LockedRun, judged: list[int]) -> None:
    note(locked.project, locked.run, parse_selection("1"), "x")
    doubted(locked)
    locked.git("reset", "--quiet", "--hard", "HEAD~1")
    swap(locked)
    assert "image 1" in doubted(locked)
    assert judged == [4, 4]


def test_find_unproven_checks_again_under_a_new_rules_version(
    locked: LockedRun, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted(locked)
    monkeypatch.setattr(audit_record, "KNOWN_RULES", audit_record.KNOWN_RULES + 1)
    doubted(locked)
    assert judged == [3, 3]


def test_find_unproven_works_when_the_record_cannot_be_written(locked: LockedRun) -> None:
    (locked.project.state_dir / "held").write_text("in the way")
    assert doubted(locked) == {}


# -- commands ----------------------------------------------------------------------------------------------------------


def test_build_names_unproven_approvals_and_suggests_commands(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(audio="all", image="3"))
    commit = swap(locked)
    for only in ((), ("--only", "approved")):
        done = run_cli(locked.project.root, "build", "ep1", *only)
        assert done.returncode == 1
        assert "Run ep1 is not built: its history does not prove what is approved:\n  image 1: commit" in done.stderr
        assert commit[:10] in done.stderr
        assert "`gitassets verify ep1` shows all that is wrong." in done.stderr
        assert "`gitassets reopen ep1 --image 1 --reason …`, then `gitassets approve ep1 --image 1`." in done.stderr
    reopen_assets(locked.project, locked.run, select(image="1"), reason="look again")
    approve(locked.project, locked.run, select(image="1"))
    assert build(locked.project, locked.run, BuildOptions(size="64x36"), ignore_progress).commit


def test_build_without_the_unproven_asset_succeeds(locked: LockedRun) -> None:
    """The unproven asset is reopened, so the build uses only proven ones."""
    approve(locked.project, locked.run, select(audio="all", image="3"))
    swap(locked)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="no")
    done = run_cli(locked.project.root, "build", "ep1", "--only", "approved", "--size", "64x36")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def target(locked: LockedRun) -> Callable[[], dict[str, str]]:
    """Make a run ep2 with narration only; the fixture returns its statuses."""
    for number in range(3):
        write_tone(locked.project.runs_dir / f"ep2/audio/audio_{number:03d}.wav", frequency=900, duration_sec=0.1)
    track(locked.project, locked.project.runs_dir / "ep2", on_progress=ignore_progress)
    return lambda: statuses(locked.project, find_run(locked.project, "ep2"))


def copy_images(locked: LockedRun, chosen: str = "approved", *, dry_run: bool = False) -> tuple[Unproven, ...]:
    from gitassets.domain.manifest import Kind

    selection = AssetSelection({Kind.IMAGE: parse_copy_selection(chosen)}, None)
    source, target = (find_run(locked.project, name) for name in ("ep1", "ep2"))
    return copy_assets(locked.project, source, target, selection, CopyOptions(dry_run=dry_run)).unproven


@pytest.mark.parametrize("is_open", [True, False])
def test_copy_puts_an_unproven_approval_in_review(
    locked: LockedRun, target: Callable[[], dict[str, str]], is_open: bool
) -> None:
    approve(locked.project, locked.run, select(image="3"))
    swap(locked)
    if not is_open:
        close_run(locked.project, locked.run)
    assert [str(one.address) for one in copy_images(locked, dry_run=True)] == ["image 1"]
    assert [str(one.address) for one in copy_images(locked)] == ["image 1"]
    assert (target()["image 1"], target()["image 3"]) == ("review", "approved")
    message = git(locked.project.root, "log", "-1", "--format=%B", "run/ep2")
    assert "In review, since the history of ep1 does not prove the approval:\nimage 1: commit" in message
    approve(locked.project, find_run(locked.project, "ep2"), select(image="1"))
    assert target()["image 1"] == "approved"


def test_copy_reports_only_unproven_approvals(locked: LockedRun, target: Callable[[], dict[str, str]]) -> None:
    swap(locked)
    assert copy_images(locked, "3") == ()
    assert target()["image 3"] == "draft"
    done = run_cli(locked.project.root, "copy", "ep1", "ep2", "--image", "1")
    assert done.returncode == 0
    assert "in review, since the history of ep1 does not prove the approval:\n    image 1: commit" in done.stderr


def test_judge_run_reports_whether_the_history_holds(locked: LockedRun) -> None:
    assert judge_run(locked.project, locked.run, locked.head()).holds
    swap(locked)
    assert not judge_run(locked.project, locked.run, locked.head()).holds
