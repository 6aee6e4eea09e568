"""A bare repository with the pre-receive hook accepts a push of a run's branch only if it keeps locks and history."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.adapters.git.hook_files import shipped_hooks_dir
from gitassets.adapters.git.run_hooks import INTERPRETER, describe_settings
from gitassets.adapters.git.setup import set_config
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.status import Status
from tests.actions.checks import git, select
from tests.actions.locked_run import (
    IMAGE_1,
    LockedRun,
    change_by_hand,
    commit_by_hand,
    with_bytes,
    with_status,
)

pytestmark = pytest.mark.usefixtures("quick_hooks")


@dataclass(frozen=True)
class Server:
    """A bare repository with the pre-receive hook, to which `locked` has pushed its branch."""

    path: Path
    locked: LockedRun

    def push(self, *args: str) -> subprocess.CompletedProcess[str]:
        argv = ("git", "push", f"file://{self.path}", *args)
        return subprocess.run(argv, cwd=self.locked.folder, capture_output=True, text=True, check=False)

    def tip(self, branch: str = "run/ep1") -> str:
        return git(self.path, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False).strip()

    def refuses(self, *args: str) -> str:
        """Expect the server to refuse the push and to keep its branches; return git's stderr."""
        before = git(self.path, "for-each-ref")
        done = self.push(*args)
        assert done.returncode != 0
        assert git(self.path, "for-each-ref") == before
        return done.stderr


@pytest.fixture
def server(locked: LockedRun, tmp_path: Path) -> Server:
    path = tmp_path / "server.git"
    git(tmp_path, "init", "--quiet", "--bare", str(path))
    shutil.copy(shipped_hooks_dir() / "pre-receive", path / "hooks" / "pre-receive")
    set_config(path, {INTERPRETER: describe_settings()[INTERPRETER]})
    made = Server(path, locked)
    done = made.push("run/ep1")
    assert done.returncode == 0, done.stderr
    assert made.tip() == locked.head()
    return made


def test_server_accepts_a_valid_push_and_says_what_was_not_checked(server: Server) -> None:
    approve(server.locked.project, server.locked.run, select(image="3"))
    done = server.push("run/ep1")
    assert done.returncode == 0
    assert server.tip() == server.locked.head()
    assert "ep1: 1 commit keeps the locks" in done.stderr
    assert "not checked: the media files" in done.stderr


def test_server_refuses_overwritten_locked_bytes_with_the_reason(server: Server) -> None:
    locked = server.locked
    change_by_hand(locked.folder, IMAGE_1, lambda asset: with_bytes(locked.project, asset))
    commit = commit_by_hand(locked.folder)
    said = server.refuses("run/ep1")
    assert f"ep1: commit {commit[:10]} by Ann Lee <ann@example.com>: image 1 is approved and locked" in said
    assert said.count("take it out of the branch") == 1
    assert "gitassets reopen ep1 --image 1" in said


def test_server_refuses_a_broken_lock_in_an_intermediate_commit(server: Server) -> None:
    locked = server.locked
    good = (locked.folder / MANIFEST_NAME).read_bytes()
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))
    commit_by_hand(locked.folder)
    (locked.folder / MANIFEST_NAME).write_bytes(good)
    commit_by_hand(locked.folder)
    assert "without a recorded reopen" in server.refuses("run/ep1")


def test_server_refuses_a_rewritten_history(server: Server) -> None:
    server.locked.git("commit", "--quiet", "--amend", "--no-verify", "-m", "Another word")
    assert "rewrites history" in server.refuses("--force", "run/ep1")


def test_server_refuses_deletion_of_a_run_branch(server: Server) -> None:
    assert "would be deleted" in server.refuses("--delete", "run/ep1")


def test_server_accepts_any_push_to_other_branches(server: Server) -> None:
    root = server.locked.project.root
    (root / "clip.mp4").write_bytes(b"video")
    git(root, "add", "clip.mp4")
    git(root, "commit", "--quiet", "-m", "x")
    assert server.push("main:feature").returncode == 0
    git(root, "commit", "--quiet", "--amend", "-m", "y")
    assert server.push("--force", "main:feature").returncode == 0
    assert server.push("--delete", "feature").returncode == 0


def test_server_checks_a_new_branch_from_its_root(server: Server) -> None:
    locked = server.locked
    locked.git("push", "--quiet", f"file://{server.path}", "run/ep1:keep")
    git(server.path, "update-ref", "-d", "refs/heads/run/ep1")
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))
    commit_by_hand(locked.folder)
    assert "without a recorded reopen" in server.refuses("run/ep1")
    locked.git("reset", "--quiet", "--hard", "HEAD~1")
    done = server.push("run/ep1")
    assert done.returncode == 0
    assert "3 commits keep the locks" in done.stderr


def test_server_refuses_a_run_under_another_name(server: Server) -> None:
    assert "was of run ep2 and is of run ep1" in server.refuses("run/ep1:run/ep2")


def test_server_refuses_a_run_branch_without_a_manifest(server: Server) -> None:
    assert "holds no asset_manifest.json of gitassets" in server.refuses("main:refs/heads/run/other")


def test_server_refuses_the_whole_push_for_one_bad_branch(server: Server) -> None:
    change_by_hand(server.locked.folder, IMAGE_1, with_status(Status.REVIEW))
    commit_by_hand(server.locked.folder)
    server.refuses("run/ep1", "main")
    assert server.tip("main") == ""


def test_server_checks_blobs_on_its_configured_remote(server: Server, tmp_path: Path) -> None:
    locked = server.locked
    remote = tmp_path / "remote"
    set_config(server.path, {"gitassets.blobs": str(remote)})
    approve(locked.project, locked.run, select(image="3"))
    assert "are not on the remote" in server.refuses("run/ep1")
    shutil.copytree(locked.project.blobs.cache_dir, remote)
    done = server.push("run/ep1")
    assert done.returncode == 0
    assert "the hashes of the blobs" in done.stderr


def test_server_refuses_pushes_when_the_program_is_missing(server: Server) -> None:
    set_config(server.path, {"gitassets.python": "/nowhere"})
    approve(server.locked.project, server.locked.run, select(image="3"))
    assert "pushes cannot be checked" in server.refuses("run/ep1")
    set_config(server.path, {"gitassets.python": shutil.which("false") or "/bin/false"})
    assert "pushes cannot be checked" in server.refuses("run/ep1")


def test_server_refuses_a_tree_with_duplicate_entries(server: Server) -> None:
    """Git commands disagree on which of two entries with one name is the manifest."""
    locked = server.locked
    good = locked.git("rev-parse", f"HEAD:{MANIFEST_NAME}").strip()
    bad = subprocess.run(
        ("git", "hash-object", "-w", "--stdin"),
        cwd=locked.folder,
        input="{}",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    entry = b"100644 " + MANIFEST_NAME.encode() + b"\0"
    raw = entry + bytes.fromhex(good) + entry + bytes.fromhex(bad)
    tree = subprocess.run(
        ("git", "hash-object", "-w", "-t", "tree", "--stdin", "--literally"),
        cwd=locked.folder, input=raw, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip
    commit = locked.git("commit-tree", tree, "-p", "HEAD", "-m", "x").strip()
    assert "holds 'asset_manifest.json' twice" in server.refuses(f"{commit}:refs/heads/run/ep1")


@pytest.mark.parametrize(
    "name",
    ["RUN/ep1", "Run/ep1", "run/x/y", "run/EP1", "run/a;b", "run/$(x)", "run/latest", "run/CON", "run/cafe\u0301"],
)
def test_server_refuses_an_ambiguous_run_branch_name(server: Server, name: str) -> None:
    said = server.refuses(f"run/ep1:refs/heads/{name}")
    assert "is refused: it" in said
    assert "Name it run/ and the run's id" in said


def test_server_refuses_a_broken_lock_under_every_spelling_of_the_branch(server: Server) -> None:
    change_by_hand(server.locked.folder, IMAGE_1, lambda asset: with_bytes(server.locked.project, asset))
    commit_by_hand(server.locked.folder)
    for name in ("run/ep1", "RUN/ep1", "Run/other", "run/ep1/x"):
        server.refuses(f"HEAD:refs/heads/{name}")


def test_server_accepts_a_branch_that_only_resembles_a_run_branch(server: Server) -> None:
    assert server.push("run/ep1:refs/heads/running/ep1").returncode == 0
