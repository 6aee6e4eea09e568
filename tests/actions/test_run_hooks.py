"""Git calls the hooks of gitassets in run folders only, after the hooks of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from gitassets.actions.close import close_run
from gitassets.actions.hooks import find_unguarded, install, show_hooks, uninstall
from gitassets.actions.init import init
from gitassets.actions.open import open_run
from gitassets.actions.track import track
from gitassets.adapters.git.hook_files import CLIENT_HOOKS
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, find_project
from gitassets.runs.work_tree import repair_links
from tests.actions.checks import cli_environment, dvc_status, git, ignore_progress, run_cli, write_hook
from tests.actions.locked_run import LockedRun, overwrite
from tests.actions.sharing import dvc
from tests.faults.test_surroundings import add_submodule, make_media, make_repository

# Hooks that git calls in a work tree, by `man githooks`; the others run in a repository that receives a push.
HOOKS_OF_GIT = {
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "reference-transaction",
    "pre-auto-gc", "post-rewrite", "sendemail-validate", "p4-changelist", "p4-prepare-changelist",
    "p4-post-changelist", "p4-pre-submit", "post-index-change",
}  # fmt: skip


def commit(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = ("git", "commit", "--allow-empty", "-m", "x", *args)
    return subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env}, input=""
    )


def assert_guarded(folder: Path) -> None:
    """Check that a commit in the run's folder is blocked once an approved image is overwritten."""
    path = folder / "images" / "scene_000.png"
    before, mode = path.read_bytes(), path.stat().st_mode
    overwrite(path)
    done = commit(folder)
    path.write_bytes(before)
    path.chmod(mode)
    assert done.returncode != 0
    assert "images/scene_000.png was overwritten" in done.stderr


def read_common(project: Project) -> str:
    return (project.git_dir / "config").read_text()


def test_init_and_track_keep_hooks_path_and_hooks_of_the_project(locked: LockedRun) -> None:
    project = locked.project
    assert "hookspath" not in read_common(project).lower()
    assert [one.name for one in (project.git_dir / "hooks").iterdir() if one.suffix != ".sample"] == []
    assert locked.git("config", "core.hooksPath").strip() == "../../.git/gitassets/hooks"
    assert git(project.root, "config", "core.hooksPath", check=False) == ""
    assert {one.name for one in (project.git_dir / "gitassets" / "hooks").iterdir()} >= HOOKS_OF_GIT
    assert_guarded(locked.folder)


@pytest.mark.parametrize("name", sorted(HOOKS_OF_GIT))
def test_project_hook_is_called_in_a_run_with_arguments_and_exit_code(locked: LockedRun, name: str) -> None:
    said = locked.project.root.parent / "said"
    write_hook(locked.project, name, f'{{ echo "$0 $*"; pwd; cat; }} >"{said}"', "exit 3")
    command = ("git", "hook", "run", name, "--", "one", "two words")
    done = subprocess.run(command, cwd=locked.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    lines = said.read_text().splitlines()
    assert lines == [f"{locked.project.git_dir / 'hooks' / name} one two words", str(locked.folder)]


def test_project_hook_receives_standard_input(locked: LockedRun, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    write_hook(locked.project, "pre-push", f'cat >"{tmp_path / "said"}"')
    locked.git("push", "--quiet", str(tmp_path / "server.git"), "run/ep1")
    assert (tmp_path / "said").read_text().startswith(f"refs/heads/run/ep1 {locked.head()} refs/heads/run/ep1 0000")
    write_hook(locked.project, "post-rewrite", f'cat >"{tmp_path / "said"}"')
    before = locked.head()
    commit(locked.folder, "--amend", "--no-verify")
    assert (tmp_path / "said").read_text() == f"{before} {locked.head()}\n"


def test_project_hook_that_refuses_runs_before_the_guard(locked: LockedRun) -> None:
    write_hook(locked.project, "pre-commit", "echo theirs >&2", "exit 1")
    overwrite(locked.locked_file)
    done = commit(locked.folder)
    assert done.returncode == 1
    assert done.stderr == "theirs\n"


def test_project_hook_that_is_not_executable_is_skipped(locked: LockedRun) -> None:
    write_hook(locked.project, "pre-commit", "exit 1").chmod(0o644)
    assert commit(locked.folder).returncode == 0


@pytest.mark.parametrize("level", ["--local", "--global"])
def test_hooks_path_of_project_or_user_is_respected(locked: LockedRun, tmp_path: Path, level: str) -> None:
    folder = tmp_path / "shared hooks"
    folder.mkdir()
    write_hook(locked.project, "pre-commit", "echo not this one >&2; exit 1").rename(folder / "unused")
    (folder / "pre-commit").write_text('#!/bin/sh\necho "$0" >&2\nexit 4\n')
    (folder / "pre-commit").chmod(0o755)
    git(locked.project.root, "config", level, "core.hooksPath", str(folder))
    done = commit(locked.folder)
    assert (done.returncode, done.stderr) == (1, f"{folder}/pre-commit\n")
    (folder / "pre-commit").unlink()
    assert_guarded(locked.folder)
    assert show_hooks(locked.project).complete


def test_hooks_path_that_is_relative_starts_at_the_top_of_the_run(locked: LockedRun) -> None:
    git(locked.project.root, "config", "core.hooksPath", ".githooks")
    write_hook(locked.project, "pre-commit", "exit 1")
    assert commit(locked.folder).returncode == 0
    hook = locked.folder / ".githooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\necho "$0" >&2\nexit 1\n')
    hook.chmod(0o755)
    assert commit(locked.folder).stderr == ".githooks/pre-commit\n"


def test_hooks_path_that_points_to_gitassets_calls_no_hook_twice(locked: LockedRun) -> None:
    git(locked.project.root, "config", "core.hooksPath", str(locked.project.git_dir / "gitassets" / "hooks"))
    assert commit(locked.folder).returncode == 0
    assert_guarded(locked.folder)


def test_commit_outside_runs_starts_no_hook_process(locked: LockedRun, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    root = locked.project.root
    done = commit(root, GIT_TRACE2_EVENT=str(trace))
    assert done.returncode == 0
    assert '"child_class":"hook"' not in trace.read_text()


def test_moved_project_is_guarded_before_and_after_repair(locked: LockedRun, tmp_path: Path) -> None:
    moved = tmp_path / "deeper" / "moved"
    moved.parent.mkdir()
    locked.project.root.rename(moved)
    git(moved, "worktree", "repair", str(moved / "runs" / "ep1"))
    assert_guarded(moved / "runs" / "ep1")
    assert find_unguarded(find_project(moved)) == []


def test_copied_project_is_guarded_by_its_own_hooks(locked: LockedRun, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(("cp", "-r", str(locked.project.root), str(copy)), check=True)
    project = find_project(copy)
    assert find_unguarded(project) == []
    repair_links(project)
    shutil.rmtree(locked.project.root)
    assert find_unguarded(project) == []
    assert_guarded(copy / "runs" / "ep1")


def test_install_guards_a_run_that_moved_within_the_project(locked: LockedRun) -> None:
    folder = locked.project.root / "media" / "deep" / "ep1"
    folder.parent.mkdir(parents=True)
    git(locked.project.root, "worktree", "move", str(locked.folder), str(folder))
    assert find_unguarded(locked.project) == ["ep1"]
    install(locked.project)
    assert find_unguarded(locked.project) == []
    assert_guarded(folder)


def test_moved_clone_of_a_run_stays_guarded(locked: LockedRun, tmp_path: Path) -> None:
    clone = clone_run(locked, tmp_path)
    init(clone)
    assert find_unguarded(find_project(clone)) == []
    clone.rename(tmp_path / "moved")
    assert_guarded(tmp_path / "moved")
    assert find_unguarded(find_project(tmp_path / "moved")) == []


def clone_run(locked: LockedRun, tmp_path: Path) -> Path:
    """Clone the run with plain git and check out its media with plain DVC."""
    clone = tmp_path / "clone"
    source = f"file://{locked.project.root}"
    git(tmp_path, "clone", "--quiet", "-b", "run/ep1", "--single-branch", source, str(clone))
    shutil.copytree(locked.project.blobs.cache_dir, clone / ".dvc" / "cache")
    with Repo(str(clone)) as repo:
        repo.checkout()
    return clone


@pytest.mark.parametrize("branch", ["run/ep1", "mine", None])
def test_init_in_a_clone_of_a_run_commits_nothing_and_changes_no_tracked_file(
    locked: LockedRun, tmp_path: Path, branch: str | None
) -> None:
    clone = clone_run(locked, tmp_path)
    if branch != "run/ep1":
        git(clone, "checkout", "--quiet", *(["--detach"] if branch is None else ["-b", branch]))
    head = git(clone, "rev-parse", "HEAD")
    result = init(clone)
    assert result.commit is None
    assert git(clone, "rev-parse", "HEAD") == head
    assert git(clone, "status", "--porcelain", "--untracked-files=all") == ""
    assert not (clone / "gitassets.yaml").exists()
    git(clone, "checkout", "--quiet", "run/ep1")
    install(find_project(clone))
    assert_guarded(clone)


@pytest.mark.parametrize("clone_of_run", [False, True])
def test_work_tree_added_from_a_run_uses_only_project_hooks(
    locked: LockedRun, tmp_path: Path, clone_of_run: bool
) -> None:
    start = locked.folder
    if clone_of_run:
        start = clone_run(locked, tmp_path)
        init(start)
    project = find_project(start)
    git(start, "worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "feature"))
    assert git(tmp_path / "feature", "config", "core.hooksPath", check=False) == ""
    write_hook(project, "pre-commit", "echo theirs >&2; exit 1")
    assert commit(tmp_path / "feature").stderr == "theirs\n"


def unset_extension(locked: LockedRun) -> None:
    git(locked.project.root, "config", "--unset", "extensions.worktreeConfig")


def remove_file(locked: LockedRun) -> None:
    (locked.project.git_dir / "worktrees" / "ep1" / "config.worktree").unlink()


def lead_elsewhere(locked: LockedRun) -> None:
    locked.git("config", "--worktree", "core.hooksPath", ".husky/_")


def lead_elsewhere_by_a_file(locked: LockedRun) -> None:
    (locked.project.root.parent / "mine").write_text("[core]\n\thooksPath = /dev/null\n")
    locked.git("config", "--worktree", "--add", "include.path", str(locked.project.root.parent / "mine"))


def remove_hooks(locked: LockedRun) -> None:
    shutil.rmtree(locked.project.git_dir / "gitassets" / "hooks")


def remove_one_hook(locked: LockedRun) -> None:
    (locked.project.git_dir / "gitassets" / "hooks" / "commit-msg").unlink()


def replace_hook(locked: LockedRun) -> None:
    (locked.project.git_dir / "gitassets" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")


def make_hook_no_program(locked: LockedRun) -> None:
    (locked.project.git_dir / "gitassets" / "hooks" / "pre-commit").chmod(0o644)


def change_where_it_leads(locked: LockedRun) -> None:
    path = locked.project.git_dir / "worktrees" / "ep1" / "gitassets-hooks"
    path.write_text(path.read_text().replace("gitassets/", ""))


DAMAGES = [
    unset_extension, remove_file, lead_elsewhere, lead_elsewhere_by_a_file, remove_hooks, remove_one_hook,
    replace_hook, make_hook_no_program, change_where_it_leads,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_hooks_are_reported_once_and_reinstalled(
    locked: LockedRun, damage: Callable[[LockedRun], None]
) -> None:
    damage(locked)
    assert find_unguarded(locked.project) == ["ep1"]
    assert not show_hooks(locked.project).complete
    done = run_cli(locked.project.root, "list", "ep1", "--json")
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert done.stderr == "Installed the hooks that guard approved assets in ep1: git did not call them.\n"
    assert run_cli(locked.project.root, "list", "ep1", "--json").stderr == ""
    assert show_hooks(locked.project).complete
    assert_guarded(locked.folder)


def test_install_and_uninstall_keep_other_work_tree_settings(locked: LockedRun) -> None:
    locked.git("config", "--worktree", "user.name", "Bea")
    locked.git("config", "--worktree", "core.sparseCheckout", "false")
    assert find_unguarded(locked.project) == []
    (locked.project.root.parent / "mine").write_text("[user]\n\temail = bea@example.com\n")
    locked.git("config", "--worktree", "--add", "include.path", str(locked.project.root.parent / "mine"))
    lead_elsewhere(locked)
    install(locked.project)
    assert find_unguarded(locked.project) == []
    assert locked.git("config", "user.name") == "Bea\n"
    assert locked.git("config", "user.email") == "bea@example.com\n"
    assert_guarded(locked.folder)
    uninstall(locked.project)
    assert locked.git("config", "user.email") == "bea@example.com\n"
    assert locked.git("config", "core.hooksPath") == ".husky/_\n"


def test_run_is_guarded_after_track_and_after_open(project: Project, media_folder: Callable[..., Path]) -> None:
    track(project, media_folder("new"), on_progress=ignore_progress)
    assert find_unguarded(project) == []
    close_run(project, find_run(project, "new"))
    open_run(project, "new")
    assert find_unguarded(project) == []


def test_command_in_ci_reports_missing_hooks_without_installing_them(
    locked: LockedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_file(locked)
    monkeypatch.setenv("CI", "true")
    done = run_cli(locked.project.root, "list", "ep1")
    assert done.returncode == 0
    assert done.stderr == "Git calls no hooks of gitassets in ep1; `gitassets hooks install` installs them.\n"
    assert find_unguarded(locked.project) == ["ep1"]


def test_command_without_write_access_reports_missing_hooks_only(locked: LockedRun) -> None:
    remove_file(locked)
    (locked.project.git_dir / "config.lock").touch()
    unset = locked.project.git_dir / "config"
    unset.write_text(unset.read_text().replace("worktreeConfig = true", "worktreeConfig = false"))
    done = run_cli(locked.project.root, "list", "ep1")
    assert done.returncode == 0
    assert done.stderr.startswith("Git calls no hooks of gitassets in ep1, and they cannot be installed: ")
    assert done.stderr.count("\n") == 1


def test_command_after_uninstall_leaves_hooks_uninstalled(locked: LockedRun) -> None:
    assert run_cli(locked.project.root, "hooks", "uninstall").returncode == 0
    assert run_cli(locked.project.root, "list", "ep1").stderr == ""
    assert locked.git("config", "core.hooksPath", check=False) == ""
    run_cli(locked.project.root, "hooks", "install")
    assert_guarded(locked.folder)


def test_dvc_commands_work_in_project_and_run(locked: LockedRun) -> None:
    for folder in (locked.project.root, locked.folder):
        assert dvc_status(folder) == {}
        for argv in (("data", "status", "--json"), ("doctor",), ("diff", "--json"), ("gc", "-w", "-f", "--dry")):
            dvc(folder, *argv)
    (locked.project.root / "data.bin").write_text("x")
    with Repo(str(locked.project.root)) as repo:
        repo.add("data.bin")
        assert repo.scm.is_tracked("data.bin.dvc") is False
    with Repo(str(locked.folder)) as repo:
        assert repo.scm.active_branch() == "run/ep1"


def test_submodule_with_core_worktree_set_again_keeps_its_runs_separate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = make_repository(tmp_path / "above")
    root = add_submodule(above, make_repository(tmp_path / "source"), "videos")
    monkeypatch.chdir(root)
    init(root)
    project = find_project(root)
    folder = make_media(root / "runs" / "ep1")
    track(project, folder, on_progress=ignore_progress)
    other = tmp_path / "other"
    git(root, "worktree", "add", "--quiet", "-b", "feature", str(other))
    # As `git checkout --recurse-submodules` in the repository above does.
    git(root, "config", "--file", str(project.git_dir / "config"), "core.worktree", "../../../videos")
    assert git(root, "rev-parse", "--show-toplevel").strip() == str(root)
    assert git(folder, "rev-parse", "--show-toplevel").strip() == str(folder)
    assert find_unguarded(project) == ["ep1"]
    install(project)
    for one in (root, folder, other):
        assert git(one, "rev-parse", "--show-toplevel").strip() == str(one)
    assert "worktree =" not in read_common(project)


def test_init_in_a_work_tree_of_a_bare_repository_keeps_it_bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_repository(tmp_path / "source")
    top = tmp_path / "top"
    git(tmp_path, "clone", "--quiet", "--bare", str(source), str(top / ".git"))
    git(top, "worktree", "add", "--quiet", "main", "main")
    monkeypatch.chdir(top / "main")
    init(top / "main")
    assert "bare = true" not in read_common(find_project(top / "main"))
    assert git(top / ".git", "rev-parse", "--is-bare-repository").strip() == "true"
    assert git(top / "main", "rev-parse", "--is-bare-repository").strip() == "false"


def test_hooks_status_lists_every_client_hook(locked: LockedRun) -> None:
    said = run_cli(locked.project.root, "hooks", "status").stdout
    assert all(f"  {name}: installed\n" in said for name in CLIENT_HOOKS)


def count_hooks(locked: LockedRun, *argv: str) -> int:
    """Count the hooks that git starts while the command runs."""
    trace = locked.project.root.parent / "trace"
    trace.unlink(missing_ok=True)
    environment = {**cli_environment(), "GIT_TRACE2_EVENT": str(trace)}
    command = (sys.executable, "-m", "gitassets", *argv)
    done = subprocess.run(
        command, cwd=locked.project.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return trace.read_text().count('"child_class":"hook"')


@pytest.mark.parametrize("where", ["in the repository", "elsewhere"])
def test_command_calls_only_the_guard_unless_other_hooks_exist(locked: LockedRun, tmp_path: Path, where: str) -> None:
    assert count_hooks(locked, "approve", "ep1", "--image", "3") == 1
    called = tmp_path / "called"
    hook = write_hook(locked.project, "post-commit", f'echo "$0" >>"{called}"')
    if where == "elsewhere":
        (tmp_path / "theirs").mkdir()
        hook = hook.rename(tmp_path / "theirs" / "post-commit")
        git(locked.project.root, "config", "--global", "core.hooksPath", str(hook.parent))
    assert count_hooks(locked, "reopen", "ep1", "--image", "3", "--reason", "x") > 1
    assert called.read_text() == f"{hook}\n"
    hook.unlink()
    assert count_hooks(locked, "approve", "ep1", "--image", "3") == 1
    assert called.read_text() == f"{hook}\n"


def test_lone_guard_blocks_a_commit_with_overwritten_locked_bytes(locked: LockedRun) -> None:
    hooks = locked.project.git_dir / "gitassets" / "hooks"
    overwrite(locked.locked_file)
    alone = ("-c", f"core.hooksPath={hooks / 'alone'}", "commit", "--allow-empty", "-m", "x")
    done = subprocess.run(("git", *alone), cwd=locked.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "images/scene_000.png was overwritten" in done.stderr


def test_lone_guard_that_is_damaged_is_not_used(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI nothing is repaired, so the other hooks are still called."""
    monkeypatch.setenv("CI", "true")
    lone = locked.project.git_dir / "gitassets" / "hooks" / "alone" / "pre-commit"
    for damage in (lambda: lone.chmod(0o644), lone.unlink, lambda: lead_elsewhere(locked)):
        damage()
        assert find_unguarded(locked.project) == ["ep1"]
        assert locked.project.hooks.find_lone_path(locked.folder) is None


@pytest.mark.parametrize("name", ["calls", "of_theirs", "run", "hook", "theirs", "python"])
def test_environment_variables_disable_neither_guard_nor_other_hooks(locked: LockedRun, name: str) -> None:
    overwrite(locked.locked_file)
    for value in ("yes", "theirs", "/nonexistent"):
        done = commit(locked.folder, **{name: value})
        assert done.returncode != 0, value
        assert "images/scene_000.png was overwritten" in done.stderr
    write_hook(locked.project, "pre-commit", "echo theirs >&2", "exit 1")
    for value in ("yes", "ours", "/nonexistent"):
        assert commit(locked.folder, **{name: value}).stderr == "theirs\n", value
