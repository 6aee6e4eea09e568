"""Commands work in submodules, linked work trees and unusual git configurations."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.doctor import doctor
from gitassets.actions.init import init
from gitassets.actions.open import open_run
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import asset, git, ignore_progress, run_cli, select, statuses
from tests.faults.whole import assert_whole
from tests.media import write_picture, write_tone


def work_through(project: Project, folder: Path) -> Run:
    """Track a run and do every step of a review."""
    run_id = folder.name
    track(project, folder, on_progress=ignore_progress)
    run = find_run(project, run_id)
    approve(project, run, select(audio="all"))
    reject(project, run, select(image="1"), reason="zu düster 暗い")
    replace_asset(project, run, select(image="1"), write_picture(project.git_dir / "neues Bild ü.jpg", seed=5))
    approve(project, run, select(image="1"))
    reopen_assets(project, run, select(audio="1"), reason="noch einmal")
    assert_whole(project, run)
    close_run(project, run)
    open_run(project, run_id)
    assert statuses(project, run) == {"audio 1": "review", "image 1": "approved"}
    assert doctor(project).left == ()
    assert verify(project, [*find_runs(project).values()], VerifyOptions(full=True)).holds
    assert_whole(project, run)
    return run


def make_media(folder: Path, sound: str = "audio_000.wav", picture: str = "scene_000.png") -> Path:
    write_tone(folder / "audio" / sound)
    write_picture(folder / "images" / picture)
    return folder


def make_repository(folder: Path) -> Path:
    git(folder.parent, "init", "--quiet", str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "start")
    return folder


def add_submodule(folder: Path, source: Path, path: str) -> Path:
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), path)
    git(folder, "commit", "--quiet", "-m", "a submodule")
    return folder / path


def test_commands_work_in_a_project_that_is_a_submodule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = make_repository(tmp_path / "above")
    root = add_submodule(above, make_repository(tmp_path / "source"), "videos")
    monkeypatch.chdir(root)
    init(root)
    git(above, "commit", "--quiet", "--all", "-m", "gitassets in the submodule")
    project = find_project(root)
    assert project.root == root
    run = work_through(project, make_media(root / "runs" / "ep1"))
    assert git(above, "status", "--porcelain") == ""
    assert find_project(run.require_folder() / "images") == project
    inside = run_cli(run.require_folder(), "approve", ".", "--audio", "1")
    assert inside.returncode == 0, inside.stderr
    assert asset(project, run, "audio", 1).locked


def test_commands_work_in_a_project_with_submodules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repository(tmp_path / "project")
    library = add_submodule(root, make_repository(tmp_path / "source"), "library")
    init(root)
    monkeypatch.chdir(root)
    project = find_project(root)
    work_through(project, make_media(root / "runs" / "ep1"))
    assert find_project(library).root == library
    assert git(root, "submodule", "status").split()[1] == "library"


def test_commands_work_in_a_linked_work_tree_of_the_project(project: Project, run: Run, tmp_path: Path) -> None:
    """Runs belong to the repository, not to a work tree that the user adds."""
    other = tmp_path / "other"
    git(project.root, "worktree", "add", "--quiet", "-b", "feature", str(other))
    found = run_cli(other, "list", "ep1", "--json")
    assert found.returncode == 0, found.stderr
    done = run_cli(other, "approve", "ep1", "--audio", "2")
    assert done.returncode == 0, done.stderr
    assert asset(project, run, "audio", 2).locked
    assert_whole(project, run)


@pytest.mark.parametrize("name", ["Füße und 録音", "it's 50% off; $HOME `x`", "-dash"])
def test_commands_work_with_unusual_folder_and_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / name
    init(root)
    monkeypatch.chdir(root)
    project = find_project(root)
    folder = make_media(root / "runs" / "Größe-録音", "Ton ü 001.wav", "画像 001.png")
    run = work_through(project, folder)
    listed = run_cli(folder, "list", ".", "--json")
    assert listed.returncode == 0, listed.stderr
    assert asset(project, run, "audio", 1).path == "audio/Ton ü 001.wav"


def test_commands_work_with_git_settings_that_change_its_output(project: Project) -> None:
    for name, value in {
        "status.relativePaths": "false",
        "status.showUntrackedFiles": "no",
        "status.branch": "true",
        "core.autocrlf": "true",
        "core.quotePath": "true",
        "core.fsmonitor": "false",
        "commit.verbose": "true",
        "commit.template": "/dev/null",
        "commit.status": "false",
        "commit.cleanup": "scissors",
        "color.ui": "always",
        "log.showSignature": "true",
        "log.mailmap": "true",
        "log.date": "relative",
        "diff.noprefix": "true",
        "index.version": "4",
        "feature.manyFiles": "true",
        "merge.ff": "only",
        "i18n.commitEncoding": "ISO-8859-1",
        "i18n.logOutputEncoding": "ISO-8859-1",
    }.items():
        git(project.root, "config", "--global", name, value)
    work_through(project, make_media(project.runs_dir / "ep1"))


def test_commands_ignore_git_variables_that_point_elsewhere(
    project: Project, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks of another repository and `git rebase --exec` set such variables."""
    elsewhere = make_repository(tmp_path / "elsewhere")
    before = git(elsewhere, "log", "--all", "--format=%H")
    for name, value in {
        "GIT_DIR": elsewhere / ".git",
        "GIT_WORK_TREE": elsewhere,
        "GIT_INDEX_FILE": elsewhere / ".git" / "index",
        "GIT_PREFIX": "sub/",
    }.items():
        monkeypatch.setenv(name, str(value))
    approve(project, run, select(audio="2"))
    done = run_cli(project.root, "approve", "ep1", "--audio", "1")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        monkeypatch.delenv(name)
    assert done.returncode == 0, done.stderr
    assert git(elsewhere, "log", "--all", "--format=%H") == before
    assert asset(project, run, "audio", 1).locked
    assert asset(project, run, "audio", 2).locked
    assert_whole(project, run)
