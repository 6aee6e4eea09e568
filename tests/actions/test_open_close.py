from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.init import init
from gitassets.actions.list import list_assets
from gitassets.actions.open import open_run
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.errors import ConflictError, NotFoundError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import (
    assert_clean,
    asset,
    dvc_status,
    files_below,
    git,
    ignore_progress,
    run_cli,
    select,
    statuses,
)
from tests.media import write_picture
from tests.starter import run_program


def dvc(folder: Path, *args: str) -> None:
    done = run_program("dvc", args, folder=folder, environment=os.environ)
    assert done.returncode == 0, done.stderr


# Closing and opening again


def test_close_removes_the_folder_and_nothing_else(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    head = git(project.root, "rev-parse", "run/ep1")
    result = close_run(project, run)
    assert result.folder == project.runs_dir / "ep1"
    assert not result.folder.exists()
    assert git(project.root, "rev-parse", "run/ep1") == head
    assert git(project.root, "worktree", "list").count("\n") == 1
    assert git(project.root, "status", "--porcelain") == ""
    assert find_run(project, "ep1") == Run("ep1", None, "refs/heads/run/ep1")


def test_list_reads_a_closed_run_without_opening_it(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    close_run(project, run)
    closed = find_run(project, "ep1")
    assert statuses(project, closed)["audio 1"] == "approved"
    assert [row.present for row in list_assets(project, closed).rows] == [False] * 5


def test_open_restores_every_byte_and_permission(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    folder = run.require_folder()
    before = files_below(folder)
    close_run(project, run)
    result = open_run(project, "ep1")
    assert (result.opened, len(result.restored), result.missing, result.differing) == (True, 5, (), ())
    after = files_below(folder)
    assert {path: data for path, data in after.items() if path != ".git"} == {
        path: data for path, data in before.items() if path != ".git"
    }
    assert (folder / "audio" / "audio_000.wav").stat().st_mode & 0o777 == 0o444
    assert (folder / "audio" / "audio_001.wav").stat().st_mode & 0o200
    assert_clean(project, find_run(project, "ep1"))


def test_open_of_an_open_run_restores_missing_files(project: Project, run: Run) -> None:
    folder = run.require_folder()
    (folder / "audio" / "audio_000.wav").unlink()
    changed = write_picture(folder / "images" / "scene_000.png", seed=99).read_bytes()
    result = open_run(project, "ep1")
    assert (result.opened, result.restored, result.differing) == (
        False, ("audio/audio_000.wav",), ("images/scene_000.png",)
    )  # fmt: skip
    assert (folder / "images" / "scene_000.png").read_bytes() == changed


def test_open_names_files_missing_from_the_cache(project: Project, run: Run) -> None:
    found = asset(project, run, "image", 1)
    close_run(project, run)
    project.blobs.remove(found.md5)
    result = open_run(project, "ep1")
    assert result.missing == ("images/scene_000.png",)
    done = run_cli(project.root, "open", "ep1")
    assert done.returncode == 0
    assert "no DVC remote is set up: images/scene_000.png" in done.stderr
    assert "No DVC remote is set up that could have them" in done.stderr
    assert "gitassets pull" not in done.stderr


def test_open_refuses_when_another_folder_is_in_the_way(project: Project, run: Run) -> None:
    close_run(project, run)
    run.require_folder().mkdir()
    (run.require_folder() / "mine.txt").write_text("mine")
    with pytest.raises(ConflictError, match="is in the way of run ep1"):
        open_run(project, "ep1")
    assert [one.name for one in run.require_folder().iterdir()] == ["mine.txt"]
    (run.require_folder() / "mine.txt").unlink()
    open_run(project, "ep1")
    assert_clean(project, find_run(project, "ep1"))


def test_open_refuses_a_missing_run(project: Project, run: Run) -> None:
    with pytest.raises(NotFoundError, match="There is no run 'ep7'") as caught:
        open_run(project, "ep7")
    assert "ep1" in caught.value.hint


# Changes that close would lose


def a_new_text(folder: Path) -> str:
    (folder / "notes.txt").write_text("mine")
    return "notes.txt"


def a_new_picture(folder: Path) -> str:
    write_picture(folder / "images" / "scene_007.png")
    return "images/scene_007.png"


def another_picture(folder: Path) -> str:
    write_picture(folder / "images" / "scene_000.png", seed=99)
    return "images/scene_000.png"


def a_staged_text(folder: Path) -> str:
    a_new_text(folder)
    git(folder, "add", "notes.txt")
    return "notes.txt"


def a_changed_file_of_git(folder: Path) -> str:
    (folder / ".gitignore").write_text("*\n")
    return ".gitignore"


def a_hidden_file(folder: Path) -> str:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / ".hidden").write_text("mine")
    return "deep/er/.hidden"


def a_link_to_a_folder(folder: Path) -> str:
    (folder / "link").symlink_to(folder.parent)
    return "link"


def a_setting_of_dvc(folder: Path) -> str:
    (folder / ".dvc" / "mine").write_text("x")
    return ".dvc/mine"


@pytest.mark.parametrize(
    "disturb",
    [a_new_text, a_new_picture, another_picture, a_staged_text, a_changed_file_of_git, a_hidden_file,
     a_link_to_a_folder, a_setting_of_dvc],
)  # fmt: skip
def test_close_refuses_when_changes_would_be_lost(project: Project, run: Run, disturb: Callable[[Path], str]) -> None:
    path = disturb(run.require_folder())
    before = files_below(run.require_folder())
    with pytest.raises(ConflictError, match=f"Closing ep1 would lose {path}") as caught:
        close_run(project, run)
    assert caught.value.hint
    assert files_below(run.require_folder()) == before


def test_close_ignores_a_missing_file(project: Project, run: Run) -> None:
    (run.require_folder() / "images" / "scene_000.png").unlink()
    close_run(project, run)
    assert len(open_run(project, "ep1").restored) == 5


def test_close_saves_bytes_that_only_the_folder_has(project: Project, run: Run) -> None:
    found = asset(project, run, "image", 1)
    project.blobs.remove(found.md5)
    close_run(project, run)
    assert project.blobs.has(found.md5)


def test_close_refuses_a_clone_of_the_run_branch(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", str(project.root), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    alone = find_project(tmp_path / "clone")
    with pytest.raises(ConflictError, match="is a clone of the run's branch"):
        close_run(alone, find_run(alone, "ep1"))


def test_close_refuses_from_inside_the_run_folder(project: Project, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.require_folder() / "images")
    with pytest.raises(ConflictError, match="You are in"):
        close_run(project, run)
    assert run.require_folder().exists()


def test_close_refuses_a_closed_run(project: Project, run: Run) -> None:
    close_run(project, run)
    done = run_cli(project.root, "close", "ep1")
    assert done.returncode == 1
    assert "only on a branch" in done.stderr


# Clones


@pytest.fixture
def shared(project: Project, media_folder: Callable[..., Path], tmp_path: Path) -> Run:
    """A run whose project has a DVC remote, pushed there."""
    dvc(project.root, "remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    git(project.root, "commit", "--quiet", "-am", "A store")
    track(project, media_folder("ep1"), on_progress=ignore_progress)
    run = find_run(project, "ep1")
    approve(project, run, select(audio="all"))
    dvc(run.require_folder(), "push", "--quiet")
    return run


def media_below(folder: Path) -> dict[str, bytes]:
    return {path: data for path, data in files_below(folder).items() if path.startswith(("audio/", "images/"))}


def test_clone_of_the_run_branch_works_with_plain_git_and_dvc(project: Project, shared: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(project.root), "clone")
    clone = tmp_path / "clone"
    assert not (clone / "audio").exists()
    dvc(clone, "pull", "--quiet")
    assert media_below(clone) == media_below(shared.require_folder())
    assert len(media_below(clone)) == 5
    assert dvc_status(clone) == {}
    assert git(clone, "status", "--porcelain") == ""


def test_approve_works_in_a_clone_of_the_run_branch(project: Project, shared: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(project.root), "clone")
    clone = tmp_path / "clone"
    dvc(clone, "pull", "--quiet")
    done = run_cli(clone, "approve", "ep1", "--image", "1")
    assert done.returncode == 0, done.stderr
    assert git(clone, "status", "--porcelain") == ""
    assert dvc_status(clone) == {}
    git(clone, "push", "--quiet", "origin", "run/ep1:refs/heads/from-clone")
    assert "approve image 1" in git(project.root, "log", "-1", "--format=%s", "from-clone")


def test_replace_in_a_clone_of_the_run_branch_uploads_with_dvc_push(
    project: Project, shared: Run, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(project.root), "clone")
    clone = find_project(tmp_path / "clone")
    dvc(clone.root, "pull", "--quiet")
    run = find_run(clone, "ep1")
    replace_asset(clone, run, select(image="1"), write_picture(tmp_path / "mine.png", seed=42))
    assert_clean(clone, run)
    dvc(clone.root, "push", "--quiet")
    md5 = asset(clone, run, "image", 1).md5
    assert (tmp_path / "store" / "files" / "md5" / md5[:2] / md5[2:]).exists()


def test_open_in_a_clone_of_the_project_opens_a_remote_run(project: Project, shared: Run, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(project.root), "clone")
    init(tmp_path / "clone")
    clone = find_project(tmp_path / "clone")
    result = open_run(clone, "ep1")
    assert (result.opened, len(result.missing)) == (True, 5)
    run = find_run(clone, "ep1")
    dvc(run.require_folder(), "pull", "--quiet")
    assert_clean(clone, run)
    assert git(run.require_folder(), "rev-parse", "--abbrev-ref", "@{upstream}").strip() == "origin/run/ep1"
    approve(clone, run, select(image="all"))
    git(run.require_folder(), "push", "--quiet", "origin", "HEAD:refs/heads/from-clone")
    assert_clean(clone, run)


def test_open_refuses_a_repository_without_init(project: Project, run: Run, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "other")
    with pytest.raises(NotFoundError, match="not set up"):
        open_run(find_project(tmp_path / "other"), "ep1")


@pytest.mark.parametrize("name", ["images", "audio.dvc", "asset_manifest.json", "deep/link"])
def test_open_refuses_a_branch_with_symlinks(project: Project, run: Run, tmp_path: Path, name: str) -> None:
    """Files written through such a link would end up outside the run."""
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = run.require_folder()
    target = folder / name
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(outside)
    git(folder, "add", "--force", name)
    git(folder, "commit", "--quiet", "--no-verify", "-m", "a trap")
    shutil.rmtree(folder)
    with pytest.raises(ConflictError, match=f"{name} is a symbolic link"):
        open_run(project, "ep1")
    assert not folder.exists()
    assert os.listdir(outside) == []


def test_open_and_close_commands_print_results(project: Project, run: Run) -> None:
    closed = run_cli(project.root, "close", "ep1")
    assert (closed.returncode, closed.stdout) == (
        0, "Closed ep1. `gitassets open ep1` brings it back.\n"
    ), closed.stderr  # fmt: skip
    opened = run_cli(project.root, "open", "ep1")
    assert opened.returncode == 0, opened.stderr
    assert "Restored 5 files." in opened.stdout
    assert_clean(project, find_run(project, "ep1"))
