"""Finding projects and runs, also in projects that were copied, moved or cloned."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.actions.open_close import close_run, open_run
from gitassets.actions.query import summarize
from gitassets.actions.track import track
from gitassets.actions.transition import approve
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli, select, statuses
from tests.media import write_picture

MakeFolder = Callable[..., Path]


@pytest.fixture
def runs(project: Project, media_folder: MakeFolder) -> list[str]:
    """Three runs, oldest first; by name they stand in another order."""
    names = ["b-2026", "a-2026", "a-2027"]
    for name in names:
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    return names


# The project


def test_what_kills_have_left_in_the_scratch_folder_goes_after_a_week(project: Project) -> None:
    left, fresh = (project.state_dir / "tmp" / name for name in ("left", "fresh"))
    for folder in (left, fresh):
        (folder / "inside").mkdir(parents=True)
    os.utime(left, (0, time.time() - 8 * 24 * 60 * 60))
    with project.scratch():
        assert fresh.exists()
        assert not left.exists()


def test_the_project_is_found_from_anywhere_in_it(project: Project, run: Run) -> None:
    for folder in (project.root, project.root / "runs", run.require_folder(), run.require_folder() / "images"):
        assert find_project(folder) == project


def test_no_project_outside_git(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in a git repository") as caught:
        find_project(tmp_path)
    assert "gitassets init" in caught.value.hint


def test_a_link_to_the_project_is_the_project(project: Project, run: Run, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project.root)
    assert find_project(tmp_path / "link" / "runs" / "ep1") == project


# The runs


def test_runs_by_id_prefix_and_folder(project: Project, runs: list[str]) -> None:
    for wanted in ("b-2026", "b", "runs/b-2026", "./runs/b-2026/", str(project.runs_dir / "b-2026" / "audio")):
        assert find_run(project, wanted).run_id == "b-2026"


def test_the_folder_in_which_one_stands(project: Project, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.runs_dir / "a-2026" / "audio")
    assert find_run(project, ".").run_id == "a-2026"
    assert find_run(project, "..").run_id == "a-2026"


def test_a_whole_id_goes_before_a_prefix(project: Project, media_folder: MakeFolder) -> None:
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
def test_a_wrong_name_is_told_what_there_is(
    project: Project, runs: list[str], wanted: str, said: str, hint: str
) -> None:
    with pytest.raises(GitAssetsError, match=said) as caught:
        find_run(project, wanted)
    assert hint in caught.value.hint


def test_the_latest_is_the_newest(project: Project, runs: list[str]) -> None:
    assert find_run(project, "latest").run_id == "a-2027"


def test_the_latest_is_the_newest_also_when_it_is_closed(
    project: Project, media_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, second in (("b", 1_000_000_000), ("c", 1_000_000_002), ("a", 1_000_000_001)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{second} +0000")
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    close_run(project, find_run(project, "c"))
    assert find_run(project, "latest").run_id == "c"


def test_the_latest_is_the_newest_by_the_time_in_its_name(project: Project, media_folder: MakeFolder) -> None:
    for name in ("20260207_101747", "20250207_101747"):
        track(project, media_folder(name, audio=1, images=()), on_progress=ignore_progress)
    assert find_run(project, "latest").run_id == "20260207_101747"


def test_without_runs_the_way_to_the_first_is_told(project: Project) -> None:
    for wanted in ("latest", "ep1"):
        with pytest.raises(NotFoundError) as caught:
            find_run(project, wanted)
        assert "gitassets produce" in caught.value.hint


def test_other_branches_and_work_trees_are_no_runs(project: Project, run: Run, tmp_path: Path) -> None:
    git(project.root, "branch", "feature")
    git(project.root, "branch", "run/deep/er")
    git(project.root, "worktree", "add", "--quiet", str(tmp_path / "other"), "feature")
    assert list(find_runs(project)) == ["ep1"]
    assert find_project(tmp_path / "other").root == tmp_path / "other"


def test_a_run_is_found_while_its_head_is_detached(project: Project, run: Run) -> None:
    git(run.require_folder(), "switch", "--quiet", "--detach")
    assert find_run(project, "ep1") == run


# Deleted by hand


def test_a_folder_that_was_deleted_by_hand_can_be_opened_again(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    shutil.rmtree(run.require_folder())
    assert find_run(project, "ep1").folder is None
    assert statuses(project, find_run(project, "ep1"))["audio 1"] == "approved"
    result = open_run(project, "ep1")
    assert (result.opened, len(result.restored)) == (True, 5)
    assert_clean(project, find_run(project, "ep1"))


def test_the_folder_of_another_run_is_not_taken_for_it(project: Project, run: Run, media_folder: MakeFolder) -> None:
    shutil.rmtree(run.require_folder())
    other = media_folder("ep2").rename(project.root / "ep1")
    track(project, other, run_id="ep2", on_progress=ignore_progress)
    assert find_run(project, "ep1").folder is None
    assert find_run(project, "ep2").folder == other


def test_a_run_that_is_only_on_a_branch_says_how_to_open_it(project: Project, run: Run) -> None:
    close_run(project, run)
    with pytest.raises(GitAssetsError, match="only on a branch") as caught:
        approve(project, find_run(project, "ep1"), select(audio="1"))
    assert "gitassets open ep1" in caught.value.hint


# Manifests that cannot be read


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
def test_a_manifest_that_cannot_be_read_is_named(project: Project, run: Run, content: bytes, said: str) -> None:
    path = run.require_folder() / "asset_manifest.json"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=said) as caught:
        read_manifest(project, run)
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def test_a_missing_manifest_says_how_to_get_it_back(project: Project, run: Run) -> None:
    (run.require_folder() / "asset_manifest.json").unlink()
    with pytest.raises(NotFoundError, match="is missing") as caught:
        read_manifest(project, run)
    command = caught.value.hint.split("`")[1].split()
    git(project.root, *command[1:])
    assert_clean(project, run)


# Copied and moved projects


@pytest.fixture
def adopted(project: Project, media_folder: MakeFolder) -> Run:
    """A run whose folder does not lie where runs usually do."""
    folder = media_folder("ep2").rename(project.root / "old episodes")
    track(project, folder, run_id="ep2", on_progress=ignore_progress)
    return find_run(project, "ep2")


def test_a_copied_project_is_a_project_of_its_own(project: Project, run: Run, adopted: Run, tmp_path: Path) -> None:
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


def test_in_the_folder_of_a_copied_run_the_copy_is_meant(project: Project, run: Run, tmp_path: Path) -> None:
    shutil.copytree(project.root, tmp_path / "copy", symlinks=True)
    done = run_cli(tmp_path / "copy" / "runs" / "ep1" / "images", "approve", ".", "--audio", "1")
    assert done.returncode == 0, done.stderr
    copy = find_project(tmp_path / "copy")
    assert statuses(copy, find_run(copy, "ep1"))["audio 1"] == "approved"
    assert statuses(project, run)["audio 1"] == "draft"
    assert_clean(project, run)


def test_a_copied_project_is_read_without_being_repaired(project: Project, run: Run, tmp_path: Path) -> None:
    copy = find_project(Path(shutil.copytree(project.root, tmp_path / "copy", symlinks=True)))
    gitfile = (copy.root / "runs" / "ep1" / ".git").read_bytes()
    assert [one.run_id for one in summarize(copy)] == ["ep1"]
    assert (copy.root / "runs" / "ep1" / ".git").read_bytes() == gitfile


def test_a_copy_can_be_set_up_again_and_the_original_deleted(
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


def test_a_moved_project_goes_on(project: Project, run: Run, adopted: Run, tmp_path: Path) -> None:
    project.root.rename(tmp_path / "moved")
    moved = find_project(tmp_path / "moved")
    for one in (run, adopted):
        folder = moved.root / one.require_folder().relative_to(project.root)
        assert find_project(folder / "audio") == moved
        found = find_run(moved, one.run_id)
        assert found.folder == folder
        approve(moved, found, select(audio="1"))
        assert_clean(moved, found)


def test_in_the_folder_of_a_moved_run_every_command_works(project: Project, run: Run, tmp_path: Path) -> None:
    project.root.rename(tmp_path / "moved")
    inside = tmp_path / "moved" / "runs" / "ep1" / "images"
    for args in (("list", "."), ("approve", ".", "--audio", "1"), ("init",)):
        done = run_cli(inside, *args)
        assert done.returncode == 0, done.stderr
    moved = find_project(tmp_path / "moved")
    assert_clean(moved, find_run(moved, "ep1"))


def test_another_project_where_the_moved_one_was_is_left_alone(
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


def test_a_clone_lists_the_runs_of_its_remote(project: Project, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project.root), "clone")
    clone = find_project(tmp_path / "clone")
    assert find_run(clone, "ep1") == Run("ep1", None, "refs/remotes/origin/run/ep1")
    assert statuses(clone, find_run(clone, "ep1"))["audio 1"] == "draft"


def test_a_clone_of_the_runs_branch_alone_is_the_run(project: Project, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(project.root), "clone")
    clone = find_project(tmp_path / "clone")
    assert find_run(clone, "ep1").folder == tmp_path / "clone"
    assert find_run(clone, "latest").run_id == "ep1"
