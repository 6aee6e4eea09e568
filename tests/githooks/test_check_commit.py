"""How the hooks find the run, read the index and check the bytes of locked files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.reopen import reopen_assets
from gitassets.adapters.files import hash_bytes, hash_file
from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.state import stat_index
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.guard import RunState
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, Segment
from gitassets.domain.status import Status
from gitassets.errors import LockedError
from gitassets.githooks.check_commit import (
    check_staged,
    check_work_tree,
    find_merged_heads,
    find_staged,
    read_index,
)
from gitassets.runs.locked_files import LockedFiles, linked_folder
from tests.actions.checks import git, select
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    overwrite,
    with_status,
)


def test_find_staged_identifies_the_run_by_marker_branch_or_rebase(locked: LockedRun, tmp_path: Path) -> None:
    staged = find_staged(locked.folder, {})
    assert staged is not None
    assert (staged.run_id, staged.common_dir) == ("ep1", locked.project.git_dir)
    locked.git("checkout", "--quiet", "--detach")
    assert find_staged(locked.folder, {}) is not None
    assert find_staged(locked.project.root, {}) is None
    assert find_staged(tmp_path, {}) is None
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", f"file://{locked.project.root}", str(clone))
    found = find_staged(clone, {})
    assert found is not None
    assert (found.run_id, found.common_dir) == ("ep1", clone / ".git")
    assert not found.foreign
    git(clone, "checkout", "--quiet", "--detach")
    found = find_staged(clone, {})
    assert found is not None
    assert (found.run_id, found.foreign) == ("ep1", True)
    (clone / "asset_manifest.json").unlink()
    assert find_staged(clone, {}) is not None
    git(clone, "checkout", "--quiet", "--orphan", "new")
    assert find_staged(clone, {}) is None
    git(clone, "checkout", "--quiet", "--force", "--detach", "origin/run/ep1")
    rebased = clone / ".git" / "rebase-merge" / "head-name"
    rebased.parent.mkdir()
    rebased.write_text("refs/heads/run/ep1\n")
    assert find_staged(clone, {}) is not None
    rebased.write_text("refs/heads/main\n")
    found = find_staged(clone, {})
    assert found is not None
    assert found.foreign


def test_read_index_reads_the_file_in_git_index_file(locked: LockedRun, tmp_path: Path) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    other = tmp_path / "index"
    git(locked.folder, "read-tree", "HEAD")
    staged = find_staged(locked.folder, {})
    assert staged is not None
    assert read_index(staged, ObjectReader(staged.git)).manifest != locked.manifest()
    git(locked.folder, "add", "asset_manifest.json")
    (locked.project.git_dir / "worktrees" / "ep1" / "index").rename(other)
    staged = find_staged(locked.folder, {"GIT_INDEX_FILE": str(other), "GIT_PREFIX": "nonsense"})
    assert staged is not None
    assert read_index(staged, ObjectReader(staged.git)).manifest == locked.manifest()
    assert check_staged(staged, {}) == ()


def test_find_merged_heads_reads_githead_variables() -> None:
    assert find_merged_heads({"GITHEAD_abc": "other", "PATH": "x"}) == ["abc"]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed since the test began."""
    found: list[Path] = []
    monkeypatch.setattr(stat_index, "hash_file", lambda path: (found.append(path), hash_file(path))[1])
    return found


def test_check_work_tree_hashes_unchanged_files_once(locked: LockedRun, hashed: list[Path]) -> None:
    segments = {}
    for number in range(1, 1001):
        data = f"picture {number}".encode()
        path = f"images/many_{number:04d}.png"
        (locked.folder / path).write_bytes(data)
        os.utime(locked.folder / path, (0, 0))
        md5 = hash_bytes(data)
        image = Asset(path=path, status=Status.APPROVED, md5=md5, approved_md5=md5, size=len(data))
        segments[number] = Segment(paragraph_text="", image=image)
    state = RunState(manifest=Manifest(run_id="ep1", segments=segments))
    staged = find_staged(locked.folder, {})
    assert staged is not None
    _settle(locked.folder / path)
    assert check_work_tree(staged, state) == ()
    assert len(hashed) == 1000
    assert check_work_tree(staged, state) == ()
    assert len(hashed) == 1000
    overwrite(locked.folder / "images" / "many_0500.png")
    (violation,) = check_work_tree(staged, state)
    assert (violation.code, violation.subject) == ("locked-bytes-changed", "image 500")
    assert len(hashed) == 1001


def _settle(path: Path) -> None:
    """Wait until the file is old enough for the index to detect a later change by its time."""
    while time.time_ns() - path.stat().st_ctime_ns <= stat_index.RACY_NS:
        pass


def test_stat_index_hashes_a_file_just_written_again(locked: LockedRun, hashed: list[Path]) -> None:
    index = locked.project.stat_index(locked.run)
    path = locked.folder / "images" / "new.png"
    for text in ("one", "two"):
        path.write_text(text)
        assert index.hash("images/new.png") == hash_bytes(text.encode())
    assert len(hashed) == 2


def test_check_work_tree_accepts_the_previous_bytes_during_a_merge(locked: LockedRun) -> None:
    before = RunState(manifest=locked.manifest())
    image = locked.asset(IMAGE_1)
    merged = replace(image, md5="1" * 32, approved_md5="1" * 32)
    after = RunState(manifest=locked.manifest().with_asset(IMAGE_1, merged))
    staged = find_staged(locked.folder, {})
    assert staged is not None
    assert check_work_tree(staged, after, before) == ()
    assert [one.code for one in check_work_tree(staged, after)] == ["locked-bytes-changed"]
    overwrite(locked.locked_file)
    assert [one.code for one in check_work_tree(staged, after, before)] == ["locked-bytes-changed"]
    taken = replace(locked.asset(IMAGE_3), status=Status.APPROVED, md5="2" * 32, approved_md5="2" * 32)
    theirs = RunState(manifest=Manifest(run_id="ep1", segments={3: Segment(paragraph_text="", image=taken)}))
    assert check_work_tree(staged, theirs, before) == ()
    assert [one.code for one in check_work_tree(staged, theirs, RunState())] == ["locked-bytes-changed"]


def test_check_work_tree_without_a_manifest_reports_nothing(locked: LockedRun) -> None:
    staged = find_staged(locked.folder, {})
    assert staged is not None
    assert check_work_tree(staged, RunState()) == ()


def test_check_work_tree_reports_a_symlinked_folder(locked: LockedRun, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    image = replace(locked.asset(IMAGE_1), path="images/a/b/x.png")
    (locked.folder / "images" / "a").symlink_to(tmp_path / "out")
    staged = find_staged(locked.folder, {})
    assert staged is not None
    state = RunState(manifest=Manifest(run_id="ep1", segments={1: Segment(paragraph_text="", image=image)}))
    assert check_work_tree(staged, state) == (linked_folder("images/a"),)


def test_check_staged_accepts_a_first_commit(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "--orphan", "run/fresh")
    staged = find_staged(locked.folder, {})
    assert staged is not None
    assert check_staged(staged, {}) == ()
    commit_by_hand(locked.folder)
    assert locked.manifest().asset(Address(1, Kind.IMAGE)) is not None


def test_command_names_every_overwritten_locked_file_with_one_remedy(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3", audio="1"))
    overwrite(locked.locked_file)
    overwrite(locked.folder / "images" / "scene_002.png", seed=78)
    for chosen in ({"image": "1"}, {"image": "3"}, {"audio": "1"}):
        with pytest.raises(LockedError, match=r"image 1 is locked.*\n.*image 3 is locked") as caught:
            reopen_assets(locked.project, locked.run, select(**chosen), reason="new logo")
        assert "`gitassets restore ep1 --image 1,3`" in caught.value.hint
        assert "unlock them with `gitassets reopen ep1 --image 1,3 --reason …`" in caught.value.hint
    reopen_assets(locked.project, locked.run, select(image="1,3"), reason="new logo")


def test_locked_files_error_for_many_files_names_some_and_counts_the_rest(locked: LockedRun) -> None:
    asset = locked.asset(IMAGE_1)
    many = {
        number: Segment(paragraph_text="", image=replace(asset, path=f"images/scene_{number:03d}.png"))
        for number in range(100, 130)
    }
    for segment in many.values():
        assert segment.image is not None
        overwrite(locked.folder / segment.image.path)
    files = LockedFiles(locked.folder, "ep1", StatIndex(locked.folder, None))
    with pytest.raises(LockedError, match="… and 10 more") as caught:
        files.require(locked.manifest(), Manifest(run_id="ep1", segments=many))
    assert "--image 100-129" in caught.value.hint
