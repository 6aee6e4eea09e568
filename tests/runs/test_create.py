from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from gitassets.adapters.process import CommandError
from gitassets.domain.manifest import Manifest
from gitassets.errors import ConflictError, GitAssetsError, NotFoundError, UsageError
from gitassets.runs.create import check_set_up, create_run
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import assert_clean, git
from tests.domain.builders import a_segment


def a_run(project: Project, run_id: str = "ep1", folder: Path | None = None) -> Run:
    manifest = Manifest(run_id=run_id, segments={1: a_segment("One."), 2: a_segment("Two.")})
    return create_run(project, manifest, folder or project.runs_dir / run_id)


def test_create_run_makes_an_orphan_branch_in_a_linked_work_tree(project: Project) -> None:
    run = a_run(project)
    folder = run.require_folder()
    assert git(folder, "rev-list", "--max-parents=0", "HEAD") == git(folder, "rev-parse", "HEAD")
    assert git(folder, "merge-base", "main", "run/ep1", check=False) == ""
    assert (folder / ".git").is_file()
    assert git(folder, "ls-tree", "-r", "--name-only", "HEAD").split() == [
        ".dvc/.gitignore", ".dvc/config", ".dvcignore", ".gitattributes", ".gitignore", "asset_manifest.json"
    ]  # fmt: skip
    assert list(read_manifest(project, run).segments) == [1, 2]
    assert_clean(project, run)


def test_create_run_commit_message_names_the_segments(project: Project) -> None:
    run = a_run(project)
    assert git(run.require_folder(), "log", "--format=%B").strip() == (
        "assets(ep1): create segments 1-2\n\nAssets-Run: ep1\nAssets-Action: create"
    )


def test_create_run_of_several_runs_leaves_main_clean(project: Project) -> None:
    head = git(project.root, "rev-parse", "HEAD")
    runs = [a_run(project, name) for name in ("ep1", "ep2", "Über-1.2")]
    for run in runs:
        assert_clean(project, run)
    git(project.root, "add", "--all")
    assert git(project.root, "status", "--porcelain") == ""
    git(project.root, "clean", "-xdfq", "-e", ".dvc")
    assert all(run.require_folder().exists() for run in runs)
    assert git(project.root, "rev-parse", "HEAD") == head


def test_create_run_inherits_the_dvc_remotes_of_the_project(project: Project, tmp_path: Path) -> None:
    with (project.root / ".dvc" / "config").open("a") as config:
        config.write(
            "['remote \"store\"']\n    url = ../../store\n[core]\n"
            if False
            else "['remote \"store\"']\n    url = ../../store\n"
        )
    run = a_run(project)
    assert f"url = {tmp_path / 'store'}" in (run.require_folder() / ".dvc" / "config").read_text()


def test_create_run_uses_the_dvc_cache_of_the_project(project: Project) -> None:
    from dvc.repo import Repo

    with Repo(str(a_run(project).require_folder())) as repo:
        assert repo.cache.local.path == str(project.blobs.cache_dir / "files" / "md5")
        assert repo.config["cache"]["type"] == ["reflink", "copy"]
        assert repo.config["core"]["site_cache_dir"] == str(project.site_cache_dir)


def test_create_run_keeps_files_already_in_the_folder(project: Project) -> None:
    folder = project.runs_dir / "ep1"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    a_run(project)
    assert (folder / "notes.txt").read_text() == "mine"
    assert git(folder, "status", "--porcelain") == "?? notes.txt\n"


@pytest.mark.parametrize("taken", ["ep1", "EP1", "Ep1"])
def test_create_run_refuses_an_existing_id_in_any_letter_case(project: Project, taken: str) -> None:
    a_run(project, "ep1")
    with pytest.raises(ConflictError, match="There is a run ep1 already") as caught:
        a_run(project, taken)
    assert "--resume ep1" in caught.value.hint


def test_create_run_refuses_the_id_of_a_run_without_a_folder(project: Project) -> None:
    a_run(project, "ep1")
    git(project.root, "worktree", "remove", "--force", "runs/ep1")
    with pytest.raises(ConflictError, match="There is a run ep1 already"):
        a_run(project, "ep1")


@pytest.mark.parametrize(
    "run_id",
    ["-x", "a/b", "a..b", "a\n", "a ", "x.lock", "latest", "Latest", "", "..", ".hidden", "x.", "con", "a:b", "a\\b",
     "x" * 101, unicodedata.normalize("NFD", "é"), "a~1", "a^", "a?b", "a*", "a[b", "@{x", "a\x00b"],
)  # fmt: skip
def test_create_run_refuses_an_id_that_is_no_valid_folder_or_branch_name(project: Project, run_id: str) -> None:
    with pytest.raises(UsageError, match="cannot be a run id"):
        a_run(project, run_id, project.runs_dir / "somewhere")
    assert find_runs(project) == {}
    assert not project.runs_dir.exists()


def test_create_run_refuses_an_existing_id_in_another_unicode_form(project: Project) -> None:
    a_run(project, "é1")
    with pytest.raises(GitAssetsError):
        a_run(project, unicodedata.normalize("NFD", "é1"))
    assert list(find_runs(project)) == ["é1"]


def test_check_set_up_refuses_a_project_without_init(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    with pytest.raises(NotFoundError, match="not set up") as caught:
        check_set_up(find_project(tmp_path / "repo"))
    assert "gitassets init" in caught.value.hint


def test_create_run_leaves_nothing_when_signing_fails(project: Project) -> None:
    git(project.root, "config", "commit.gpgSign", "true")
    git(project.root, "config", "gpg.program", "false")
    with pytest.raises(CommandError, match="gpg failed to sign"):
        a_run(project)
    assert find_runs(project) == {}
    assert not project.runs_dir.exists()
    assert list((project.state_dir / "tmp").iterdir()) == []


def test_find_run_finds_a_run_created_without_a_folder(project: Project) -> None:
    run = a_run(project)
    git(project.root, "worktree", "remove", "--force", "runs/ep1")
    assert find_run(project, "ep1") == Run("ep1", None, run.ref)
