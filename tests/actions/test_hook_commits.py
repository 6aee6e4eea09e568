"""The installed hooks under real git commands: each way to commit, switch and merge protects approved assets."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.hooks import install, show_hooks, uninstall
from gitassets.actions.reopen import reopen_assets
from gitassets.adapters.git.hook_files import CLIENT_HOOKS, HookState
from gitassets.adapters.git.setup import set_config
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.status import Status
from gitassets.runs.project import find_project
from tests.actions.checks import git, select, write_hook
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    overwrite,
    with_bytes,
    with_status,
    write_by_hand,
)

pytestmark = pytest.mark.usefixtures("quick_hooks")


def run_git(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("git", *args), cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


def assert_blocked(folder: Path, *args: str, because: str, **env: str) -> str:
    """Expect git to refuse for this reason and to leave HEAD alone; return its stderr."""
    before = git(folder, "rev-parse", "HEAD")
    done = run_git(folder, *args, **env)
    assert done.returncode != 0, done.stdout
    assert because in done.stderr
    assert git(folder, "rev-parse", "HEAD") == before
    return done.stderr


def assert_commits(folder: Path, *args: str, **env: str) -> None:
    before = git(folder, "rev-parse", "HEAD")
    done = run_git(folder, *args, **env)
    assert done.returncode == 0, done.stderr
    assert git(folder, "rev-parse", "HEAD") != before


def lower(locked: LockedRun) -> None:
    """Edit the approved image's status by hand, without a reopen."""
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))


def test_commit_of_an_edited_lock_is_blocked_and_suggests_restore_and_reopen(locked: LockedRun) -> None:
    lower(locked)
    locked.git("add", MANIFEST_NAME)
    said = assert_blocked(locked.folder, "commit", "-m", "x", because="image 1 is approved and locked, but its status")
    assert f"git checkout HEAD -- {MANIFEST_NAME}" in said
    assert "gitassets restore ep1 --image 1" in said
    assert "gitassets reopen ep1 --image 1 --reason" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("commit", "-a", "-m", "x"),
        ("commit", "--only", MANIFEST_NAME, "-m", "x"),
        ("commit", "-i", MANIFEST_NAME, "-m", "x"),
        ("commit", "-a", "--amend", "--no-edit"),
    ],
    ids=lambda one: " ".join(one[:3]),
)
def test_commit_of_an_edited_lock_is_blocked_however_git_stages_it(
    locked: LockedRun, arguments: tuple[str, ...]
) -> None:
    lower(locked)
    assert_blocked(locked.folder, *arguments, because="without a recorded reopen")


def test_commit_ignores_unstaged_changes(locked: LockedRun) -> None:
    (locked.folder / "notes.txt").write_text("a note")
    locked.git("add", "notes.txt")
    lower(locked)
    assert_commits(locked.folder, "commit", "-m", "x")
    (locked.folder / "notes.txt").write_text("another")
    locked.git("add", MANIFEST_NAME)
    assert_commits(locked.folder, "commit", "--only", "notes.txt", "-m", "x")


def test_commit_with_git_index_file_checks_that_index(locked: LockedRun, tmp_path: Path) -> None:
    index = str(tmp_path / "index")
    run_git(locked.folder, "read-tree", "HEAD", GIT_INDEX_FILE=index)
    lower(locked)
    run_git(locked.folder, "add", MANIFEST_NAME, GIT_INDEX_FILE=index)
    assert_blocked(locked.folder, "commit", "-m", "x", because="recorded reopen", GIT_INDEX_FILE=index)


def test_commit_with_git_dir_and_git_work_tree_checks_that_repository(locked: LockedRun) -> None:
    place = {"GIT_DIR": locked.git("rev-parse", "--absolute-git-dir").strip(), "GIT_WORK_TREE": str(locked.folder)}
    lower(locked)
    outside = locked.project.root.parent
    before = locked.head()
    done = run_git(outside, "commit", "-a", "-m", "x", **place)
    assert "recorded reopen" in done.stderr
    assert locked.head() == before


def test_rebase_reword_runs_the_hook(locked: LockedRun) -> None:
    (locked.folder / "notes.txt").write_text("a note")
    commit_by_hand(locked.folder)
    overwriting = "1i exec rm -f images/scene_000.png && echo x >images/scene_000.png"
    editor = {"GIT_SEQUENCE_EDITOR": f"sed -i -e s/^pick/reword/ -e '{overwriting}'", "GIT_EDITOR": "true"}
    done = run_git(locked.folder, "rebase", "-i", "HEAD~1", **editor)
    assert done.returncode != 0
    assert "was overwritten" in done.stderr
    run_git(locked.folder, "rebase", "--abort")


def test_cherry_pick_continue_runs_the_hook(locked: LockedRun) -> None:
    base = locked.head()
    (locked.folder / "notes.txt").write_text("one\n")
    picked = commit_by_hand(locked.folder)
    locked.git("reset", "--hard", "--quiet", base)
    (locked.folder / "notes.txt").write_text("two\n")
    commit_by_hand(locked.folder)
    assert run_git(locked.folder, "cherry-pick", picked).returncode != 0
    lower(locked)
    locked.git("add", "notes.txt", MANIFEST_NAME)
    assert_blocked(locked.folder, "cherry-pick", "--continue", because="without a recorded reopen", GIT_EDITOR="true")


def test_commit_after_merge_no_commit_is_checked_as_a_merge(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "-b", "other")
    (locked.folder / "notes.txt").write_text("theirs")
    commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    locked.git("merge", "--no-commit", "--no-ff", "other")
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    locked.git("add", MANIFEST_NAME)
    assert_blocked(locked.folder, "commit", "--no-edit", because="both sides together give draft")
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.DRAFT))
    locked.git("add", MANIFEST_NAME)
    assert_commits(locked.folder, "commit", "--no-edit")
    assert locked.verify().holds


def test_commit_of_a_squashed_branch_is_checked_as_one_step(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "-b", "other")
    changed = with_bytes(locked.project, locked.asset(IMAGE_3))
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, changed))
    commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    locked.git("merge", "--squash", "other")
    assert_commits(locked.folder, "commit", "-m", "Squashed")
    assert locked.verify().holds


def test_merge_of_several_branches_at_once_is_refused(locked: LockedRun) -> None:
    for name in ("one", "two"):
        locked.git("checkout", "--quiet", "-b", name, "run/ep1")
        (locked.folder / f"{name}.txt").write_text(name)
        commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    (locked.folder / "own.txt").write_text("own")
    commit_by_hand(locked.folder)
    assert_blocked(locked.folder, "merge", "one", "two", because="More than two branches")


def test_commit_with_an_overwritten_locked_file_is_blocked(locked: LockedRun) -> None:
    found = overwrite(locked.locked_file)
    said = assert_blocked(
        locked.folder, "commit", "--allow-empty", "-m", "x", because="images/scene_000.png was overwritten"
    )
    assert found in said
    assert "gitassets restore ep1 --image 1" in said


def test_commit_detects_a_same_size_overwrite_with_restored_times(locked: LockedRun) -> None:
    assert_commits(locked.folder, "commit", "--allow-empty", "-m", "the index knows the file")
    before = locked.locked_file.stat()
    locked.locked_file.chmod(0o644)
    with locked.locked_file.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"x")
    os.utime(locked.locked_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert locked.locked_file.stat().st_size == before.st_size
    assert_blocked(locked.folder, "commit", "--allow-empty", "-m", "x", because="was overwritten")


def replace_by_link(locked: LockedRun) -> None:
    copy = locked.project.root.parent / "copy.png"
    shutil.copyfile(locked.locked_file, copy)
    locked.locked_file.unlink()
    locked.locked_file.symlink_to(copy)


def replace_by_folder(locked: LockedRun) -> None:
    locked.locked_file.unlink()
    locked.locked_file.mkdir()


def link_folder(locked: LockedRun) -> None:
    images = locked.locked_file.parent
    elsewhere = locked.project.root.parent / "elsewhere"
    images.rename(elsewhere)
    images.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("swap", "because"),
    [
        (replace_by_link, "is no longer a file"),
        (replace_by_folder, "is no longer a file"),
        (link_folder, "images/ is a symbolic link"),
    ],
)
def test_commit_with_a_locked_file_replaced_by_a_link_or_folder_is_blocked(
    locked: LockedRun, swap: Callable[[LockedRun], None], because: str
) -> None:
    swap(locked)
    assert_blocked(locked.folder, "commit", "--allow-empty", "-m", "x", because=because)


def test_commit_with_a_missing_locked_file_and_a_changed_draft_passes(locked: LockedRun) -> None:
    locked.locked_file.unlink()
    overwrite(locked.folder / "images" / "scene_002.png")
    assert_commits(locked.folder, "commit", "--allow-empty", "-m", "x")


def test_commit_of_media_added_to_git_is_blocked(locked: LockedRun) -> None:
    locked.git("add", "--force", "images/scene_002.png")
    assert_blocked(locked.folder, "commit", "-m", "x", because="it is committed into git itself")


def test_commit_of_a_manifest_with_a_duplicate_key_is_blocked(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    path.write_text(path.read_text().replace('"status": "approved",', '"status": "review",\n "status": "approved",'))
    assert_blocked(locked.folder, "commit", "-am", "x", because="holds the key 'status' twice")


def test_approve_and_reopen_pass_the_hooks(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reopen_assets(locked.project, locked.run, select(image="1"), reason="wrong logo")
    changed = with_bytes(locked.project, locked.asset(IMAGE_1))
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_1, changed))
    assert_commits(locked.folder, "commit", "-am", "new bytes")
    assert locked.verify().holds


def test_commit_outside_runs_passes_even_when_the_program_is_missing(locked: LockedRun) -> None:
    root = locked.project.root
    set_config(root, {"gitassets.python": "/nowhere/python"})
    (root / "script.md").write_text("Words.")
    git(root, "add", "script.md")
    assert_commits(root, "commit", "-m", "x")
    git(root, "worktree", "add", "--quiet", "-b", "feature", "../feature")
    assert_commits(root.parent / "feature", "commit", "--allow-empty", "-m", "x")


def test_commit_in_a_run_is_blocked_when_the_program_is_missing(locked: LockedRun) -> None:
    set_config(locked.project.root, {"gitassets.python": "/nowhere/python"})
    said = assert_blocked(
        locked.folder, "commit", "--allow-empty", "-m", "x", because="the program that guards its approved assets"
    )
    assert "/nowhere/python" in said
    assert "gitassets hooks install" in said
    assert run_git(locked.folder, "checkout", "-b", "other").returncode == 0


def test_commit_in_a_run_is_blocked_when_python_lacks_gitassets(locked: LockedRun) -> None:
    python = write_hook(locked.project, "python", "echo \"No module named 'gitassets'\" >&2", "exit 1")
    set_config(locked.project.root, {"gitassets.python": str(python)})
    said = assert_blocked(
        locked.folder, "commit", "--allow-empty", "-m", "x", because="the program that guards its approved assets"
    )
    assert f"looked for: {python}" in said
    assert run_git(locked.folder, "checkout", "-b", "other").returncode == 0


def test_commit_in_a_clone_of_the_run_branch_is_guarded_even_during_a_rebase(locked: LockedRun, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", f"file://{locked.project.root}", str(clone))
    install(find_project(clone))
    assert (clone / ".git" / "config.worktree").is_file()
    change_by_hand(clone, IMAGE_1, with_status(Status.REVIEW))
    assert_blocked(clone, "commit", "-am", "x", because="without a recorded reopen")
    git(clone, "rm", "--quiet", "--force", MANIFEST_NAME)
    assert_blocked(clone, "commit", "-m", "x", because="The manifest of run ep1 is gone")
    git(clone, "reset", "--hard", "--quiet")
    commit = clone / "notes.txt"
    commit.write_text("a note")
    commit_by_hand(clone)
    editor = {"GIT_SEQUENCE_EDITOR": "sed -i s/^pick/edit/", "GIT_EDITOR": "true"}
    assert run_git(clone, "rebase", "-i", "HEAD~1", **editor).returncode == 0
    change_by_hand(clone, IMAGE_1, with_status(Status.REVIEW))
    assert_blocked(clone, "commit", "-am", "x", because="without a recorded reopen")


def test_user_hooks_run_first_in_project_and_run_and_may_refuse(locked: LockedRun) -> None:
    project = locked.project
    uninstall(project)
    write_hook(project, "pre-commit", 'echo "$PWD" >>"$(git rev-parse --git-common-dir)/ran"', "[ ! -f refuse ]")
    install(project)
    assert show_hooks(project).hooks[0].state is HookState.CHAINED
    assert_commits(locked.folder, "commit", "--allow-empty", "-m", "x")
    assert_commits(project.root, "commit", "--allow-empty", "-m", "x")
    assert (project.git_dir / "ran").read_text().split() == [str(locked.folder), str(project.root)]
    (locked.folder / "refuse").write_text("")
    assert run_git(locked.folder, "commit", "--allow-empty", "-m", "x").returncode != 0


def test_hooks_install_and_uninstall_are_idempotent(locked: LockedRun) -> None:
    project = locked.project
    hooks = project.git_dir / "gitassets" / "hooks"
    assert show_hooks(project).complete
    assert install(project).changed == ()
    installed = sorted(path.name for path in hooks.iterdir())
    assert {*CLIENT_HOOKS} < {*installed}
    assert {*CLIENT_HOOKS} < {*uninstall(project).changed}
    assert uninstall(project).changed == ()
    assert not show_hooks(project).complete
    assert not show_hooks(project).merge_driver
    assert [*hooks.iterdir()] == []
    assert locked.git("config", "--get", "core.hooksPath", check=False) == ""
    lower(locked)
    assert_commits(locked.folder, "commit", "-am", "x")
    install(project)
    assert sorted(path.name for path in hooks.iterdir()) == installed
    assert show_hooks(project).complete


@pytest.mark.parametrize("name", ["gitassets.sh", "pre-commit", "commit-msg"])
def test_hooks_install_replaces_an_outdated_hook(locked: LockedRun, name: str) -> None:
    (locked.project.git_dir / "gitassets" / "hooks" / name).write_text("exit 0\n")
    assert not show_hooks(locked.project).complete
    assert install(locked.project).changed == (name,)
    assert show_hooks(locked.project).complete


def test_hooks_install_and_uninstall_keep_the_git_config_of_the_user(locked: LockedRun) -> None:
    project = locked.project
    config = project.git_dir / "config"
    uninstall(project)
    text = '\n# mine\n[remote "origin"]\n\turl = x\n\tfetch = a # b\n\tfetch = c\n[alias]\n\tst = "status # short"\n'
    config.write_text(config.read_text() + text)
    before = config.read_text()
    install(project)
    uninstall(project)
    assert config.read_text() == before


def test_checkout_updates_media_and_saves_unknown_bytes_to_the_cache(locked: LockedRun) -> None:
    old = locked.asset(IMAGE_3)
    locked.git("checkout", "--quiet", "-b", "other")
    changed = replace(with_bytes(locked.project, old), status=Status.APPROVED)
    changed = replace(changed, approved_md5=changed.md5)
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, changed))
    commit_by_hand(locked.folder)
    path = locked.folder / old.path
    locked.git("checkout", "--quiet", "run/ep1")
    unknown = overwrite(path, seed=5)
    done = run_git(locked.folder, "checkout", "other")
    assert unknown in done.stderr
    assert locked.project.blobs.has(unknown)
    assert path.read_bytes() == locked.project.blobs.path(changed.md5).read_bytes()
    assert path.stat().st_mode & 0o222 == 0
    locked.git("checkout", "--quiet", "run/ep1")
    assert path.read_bytes() == locked.project.blobs.path(old.md5).read_bytes()
    assert path.stat().st_mode & 0o200


def test_checkout_removes_files_absent_from_the_target_state(locked: LockedRun) -> None:
    path = locked.folder / locked.asset(IMAGE_3).path
    locked.git("checkout", "--quiet", "-b", "other")
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, None))
    commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    unknown = overwrite(path, seed=5)
    locked.git("checkout", "--quiet", "other")
    assert not path.exists()
    assert locked.project.blobs.has(unknown)
    locked.git("checkout", "--quiet", "run/ep1")
    assert path.exists()


def test_checkout_writes_nothing_through_a_symlinked_folder(locked: LockedRun) -> None:
    link_folder(locked)
    outside = locked.project.root.parent / "elsewhere" / "scene_000.png"
    outside.unlink()
    done = run_git(locked.folder, "checkout", "-b", "other")
    assert "is a symbolic link" in done.stderr
    assert not outside.exists()


def test_checkout_reports_files_missing_from_the_cache(locked: LockedRun) -> None:
    old = locked.asset(IMAGE_3)
    path = locked.folder / old.path
    path.unlink()
    locked.project.blobs.remove(old.md5)
    done = run_git(locked.folder, "checkout", "-b", "other")
    assert done.returncode == 0
    assert "1 files of this state are not in the cache" in done.stderr


# HEAD not on the run's branch


@pytest.mark.parametrize("go", [("switch", "--quiet", "--detach"), ("switch", "--quiet", "-c", "experiment")])
@pytest.mark.parametrize("place", ["the run's folder", "a clone of the branch"])
def test_commit_is_checked_on_a_detached_head_and_on_another_branch(
    locked: LockedRun, tmp_path: Path, place: str, go: tuple[str, ...]
) -> None:
    folder = locked.folder
    if place == "a clone of the branch":
        folder = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", str(locked.project.root), str(folder))
        install(find_project(folder))
    git(folder, *go)
    listing = folder / "images.dvc"
    listing.write_text(listing.read_text().replace("md5: ", "md5: 0", 1))
    assert_blocked(folder, "commit", "--quiet", "--all", "-m", "by hand", because="images.dvc")
    git(folder, "checkout", "--quiet", "HEAD", "--", "images.dvc")
    change_by_hand(folder, IMAGE_1, with_status(Status.REVIEW))
    assert_blocked(folder, "commit", "--quiet", "--all", "-m", "by hand", because="image 1")
