"""Finding projects and runs, including in copied, moved and cloned projects."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.init import init
from gitassets.actions.open import open_run
from gitassets.actions.summary import summarize
from gitassets.actions.track import track
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli, select, statuses
from tests.media import write_picture

MakeFolder = Callable[..., Path]


@pytest.fixture
def runs(project: Project, media_folder: MakeFolder) -> list[str]:
    """Three runs, oldest first; their names sort differently."""
    names = ["b-2026", "a-2026", "a-2027"]
    for name in names:
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    return names


# The project


def test_scratch_removes_leftovers_older_than_a_week(project: Project) -> None:
    left, fresh = (project.state_dir / "tmp" / name for name in ("left", "fresh"))
    for folder in (left, fresh):
        (folder / "inside").mkdir(parents=True)
    os.utime(left, (0, time.time() - 8 * 24 * 60 * 60))
    with project.scratch():
        assert fresh.exists()
        assert not left.exists()


def test_find_project_works_from_any_folder_inside(project: Project, run: Run) -> None:
    for folder in (project.root, project.root / "runs", run.require_folder(), run.require_folder() / "images"):
        assert find_project(folder) == project


def test_find_project_refuses_a_folder_outside_git(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in a git repository") as caught:
        find_project(tmp_path)
    assert "gitassets init" in caught.value.hint


def test_find_project_follows_a_symlink_to_the_project(project: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project.root)
    assert find_project(tmp_path / "link" / "runs" / "ep1") == project


# The runs


def test_find_run_accepts_id_prefix_and_folder(project: Project, runs: list[str]) -> None:
    for wanted in ("b-2026", "b", "runs/b-2026", "./runs/b-2026/", str(project.runs_dir / "b-2026" / "audio")):
        assert find_run(project, wanted).run_id == "b-2026"


def test_find_run_accepts_the_current_folder(
    project: Project, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.runs_dir / "a-2026" / "audio")
    assert find_run(project, ".").run_id == "a-2026"
    assert find_run(project, "..").run_id == "a-2026"


def test_find_run_prefers_a_full_id_to_a_prefix(project: Project, media_folder: MakeFolder) -> None:
    for name in ("ep1", "ep10"):
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    assert find_run(project, "ep1").run_id == "ep1"


@pytest.mark.parametrize(
    ("wanted", "said", "hint"),
    [
        ("a-20", "Several runs begin with 'a-20': a-2026, a-2027", "more of the name"),
        ("a-2062", "There is no run 'a-2062'", "Did you mean a-202"),
        ("zzz", "There is no run 'zzz'", "The runs are: a-2026, a-2027, b-2026"),
        ("", "There is no run ''", "The runs are"),
        ("runs/none", "There is no folder .*runs/none", ""),
        ("./runs", "runs is not a run", "gitassets track"),
        ("..", "is not a run", "The runs are: a-2026, a-2027, b-2026"),
        (".", "is not a run", "The runs are"),
        ("-x", "There is no run '-x'", ""),
    ],
)
def test_find_run_with_a_wrong_name_suggests_existing_runs(
    project: Project, runs: list[str], wanted: str, said: str, hint: str
) -> None:
    with pytest.raises(GitAssetsError, match=said) as caught:
        find_run(project, wanted)
    assert hint in caught.value.hint


def test_find_run_latest_is_the_newest_run(project: Project, runs: list[str]) -> None:
    assert find_run(project, "latest").run_id == "a-2027"


def test_find_run_latest_includes_closed_runs(
    project: Project, media_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, second in (("b", 1_000_000_000), ("c", 1_000_000_002), ("a", 1_000_000_001)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{second} +0000")
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    close_run(project, find_run(project, "c"))
    assert find_run(project, "latest").run_id == "c"


def test_find_run_latest_compares_the_time_in_run_ids(project: Project, media_folder: MakeFolder) -> None:
    for name in ("20260207_101747", "20250207_101747"):
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    assert find_run(project, "latest").run_id == "20260207_101747"


def test_find_run_without_runs_suggests_produce(project: Project) -> None:
    for wanted in ("latest", "ep1"):
        with pytest.raises(NotFoundError) as caught:
            find_run(project, wanted)
        assert "gitassets produce" in caught.value.hint


def test_find_runs_ignores_other_branches_and_work_trees(project: Project, run: Run, tmp_path: Path) -> None:
    git(project.root, "branch", "feature")
    git(project.root, "branch", "run/deep/er")
    git(project.root, "worktree", "add", "--quiet", str(tmp_path / "other"), "feature")
    assert list(find_runs(project)) == ["ep1"]
    assert find_project(tmp_path / "other").root == tmp_path / "other"


def test_find_run_finds_a_run_with_detached_head(project: Project, run: Run) -> None:
    git(run.require_folder(), "switch", "--quiet", "--detach")
    assert find_run(project, "ep1") == run


# Run folders deleted by hand


def test_open_restores_a_run_folder_deleted_by_hand(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    shutil.rmtree(run.require_folder())
    assert find_run(project, "ep1").folder is None
    assert statuses(project, find_run(project, "ep1"))["audio 1"] == "approved"
    result = open_run(project, "ep1")
    assert (result.opened, len(result.restored)) == (True, 5)
    assert_clean(project, find_run(project, "ep1"))


def test_find_run_does_not_confuse_a_deleted_folder_with_that_of_another_run(
    project: Project, run: Run, media_folder: MakeFolder
) -> None:
    shutil.rmtree(run.require_folder())
    other = media_folder("ep2").rename(project.root / "ep1")
    track(project, other, run_id="ep2", on_progress=ignore_progress)
    assert find_run(project, "ep1").folder is None
    assert find_run(project, "ep2").folder == other


def test_approve_of_a_closed_run_suggests_open(project: Project, run: Run) -> None:
    close_run(project, run)
    with pytest.raises(GitAssetsError, match="only on a branch") as caught:
        approve(project, find_run(project, "ep1"), select(audio="1"))
    assert "gitassets open ep1" in caught.value.hint


# Unreadable manifests


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b'{"run_id": "ep1", "segm', "is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b'{"run_id": "ep2", "segments": {}}', "says that its run is 'ep2'"),
        (b'{"run_id": "ep1", "run_id": "ep1", "segments": {}}', "twice"),
        (b"<<<<<<< HEAD\n", "is not JSON"),
    ],
)
def test_read_manifest_names_an_unreadable_manifest_and_its_fault(
    project: Project, run: Run, content: bytes, said: str
) -> None:
    path = run.require_folder() / "asset_manifest.json"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=said) as caught:
        read_manifest(project, run)
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def test_read_manifest_of_a_missing_file_names_a_command_that_restores_it(project: Project, run: Run) -> None:
    (run.require_folder() / "asset_manifest.json").unlink()
    with pytest.raises(NotFoundError, match="is missing") as caught:
        read_manifest(project, run)
    command = caught.value.hint.split("`")[1].split()
    assert run_cli(project.root, *command[1:]).returncode == 0
    assert_clean(project, run)


# Copied and moved projects


@pytest.fixture
def adopted(project: Project, media_folder: MakeFolder) -> Run:
    """A run whose folder is outside the runs folder."""
    folder = media_folder("ep2").rename(project.root / "old episodes")
    track(project, folder, run_id="ep2", on_progress=ignore_progress)
    return find_run(project, "ep2")


def test_copied_project_is_independent_of_the_original(
    project: Project, run: Run, adopted: Run, tmp_path: Path
) -> None:
    original = [git(one.require_folder(), "rev-parse", "HEAD") for one in (run, adopted)]
    copy = find_project(Path(shutil.copytree(project.root, tmp_path / "copy", symlinks=True)))
    assert copy.root == tmp_path / "copy"
    for one in (run, adopted):
        copied = find_run(copy, one.run_id)
        assert copied.require_folder() == copy.root / one.require_folder().relative_to(project.root)
        approve(copy, copied, select(audio="2"))
        assert statuses(copy, copied)["audio 2"] == "approved"
        assert statuses(project, one)["audio 2"] == "draft"
        assert_clean(copy, copied)
        assert str(copy.root) in (copied.require_folder() / ".dvc" / "config.local").read_text()
    assert [git(one.require_folder(), "rev-parse", "HEAD") for one in (run, adopted)] == original
    for one in (run, adopted):
        assert_clean(project, one)


def test_approve_in_the_folder_of_a_copied_run_changes_the_copy(project: Project, run: Run, tmp_path: Path) -> None:
    shutil.copytree(project.root, tmp_path / "copy", symlinks=True)
    done = run_cli(tmp_path / "copy" / "runs" / "ep1" / "images", "approve", ".", "--audio", "1")
    assert done.returncode == 0, done.stderr
    copy = find_project(tmp_path / "copy")
    assert statuses(copy, find_run(copy, "ep1"))["audio 1"] == "approved"
    assert statuses(project, run)["audio 1"] == "draft"
    assert_clean(project, run)


def test_summarize_reads_a_copied_project_without_repairing_it(project: Project, run: Run, tmp_path: Path) -> None:
    copy = find_project(Path(shutil.copytree(project.root, tmp_path / "copy", symlinks=True)))
    gitfile = (copy.root / "runs" / "ep1" / ".git").read_bytes()
    assert [one.run_id for one in summarize(copy)] == ["ep1"]
    assert (copy.root / "runs" / "ep1" / ".git").read_bytes() == gitfile


def test_copied_project_works_after_init_and_deletion_of_the_original(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(project.root, tmp_path / "copy", symlinks=True)
    done = init(tmp_path / "copy").done
    assert any("copied or moved" in line for line in done)
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(project.root)
    copy = find_project(tmp_path / "copy")
    approve(copy, find_run(copy, "ep1"), select(audio="1"))
    assert_clean(copy, find_run(copy, "ep1"))


def test_moved_project_keeps_working(project: Project, run: Run, adopted: Run, tmp_path: Path) -> None:
    project.root.rename(tmp_path / "moved")
    moved = find_project(tmp_path / "moved")
    for one in (run, adopted):
        folder = moved.root / one.require_folder().relative_to(project.root)
        assert find_project(folder / "audio") == moved
        found = find_run(moved, one.run_id)
        assert found.folder == folder
        approve(moved, found, select(audio="1"))
        assert_clean(moved, found)


def test_commands_work_in_the_folder_of_a_moved_run(project: Project, run: Run, tmp_path: Path) -> None:
    project.root.rename(tmp_path / "moved")
    inside = tmp_path / "moved" / "runs" / "ep1" / "images"
    for args in (("list", "."), ("approve", ".", "--audio", "1"), ("init",)):
        done = run_cli(inside, *args)
        assert done.returncode == 0, done.stderr
    moved = find_project(tmp_path / "moved")
    assert_clean(moved, find_run(moved, "ep1"))


def test_moved_project_leaves_a_new_project_at_its_old_place_alone(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.root.rename(tmp_path / "moved")
    init(project.root)
    monkeypatch.chdir(project.root)
    other = find_project(project.root)
    write_picture(other.runs_dir / "ep1" / "images" / "scene_000.png", seed=5)
    track(other, other.runs_dir / "ep1", on_progress=ignore_progress)
    moved = find_project(tmp_path / "moved" / "runs" / "ep1")
    assert moved.root == tmp_path / "moved"
    approve(moved, find_run(moved, "ep1"), select(audio="1"))
    assert_clean(moved, find_run(moved, "ep1"))
    assert_clean(other, find_run(other, "ep1"))
    assert statuses(other, find_run(other, "ep1")) == {"image 1": "draft"}


# Clones


def test_find_run_in_a_clone_finds_runs_of_the_remote(project: Project, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project.root), "clone")
    clone = find_project(tmp_path / "clone")
    assert find_run(clone, "ep1") == Run("ep1", None, "refs/remotes/origin/run/ep1")
    assert statuses(clone, find_run(clone, "ep1"))["audio 1"] == "draft"


def test_find_run_in_a_clone_of_the_run_branch_returns_the_clone(project: Project, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(project.root), "clone")
    clone = find_project(tmp_path / "clone")
    assert find_run(clone, "ep1").folder == tmp_path / "clone"
    assert find_run(clone, "latest").run_id == "ep1"
