from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.git.remote import (
    BehindError,
    count_ahead_behind,
    fetch_branches,
    find_upstream_remote,
    follow_branch,
    list_git_remotes,
    list_remote_branches,
    merge_commit,
    push_commit,
)
from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.errors import NotFoundError, RemoteError
from tests.adapters.repositories import git, make_repository


@pytest.fixture
def here(tmp_path: Path) -> Git:
    """Create a repository with one commit and a bare one as its remote."""
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    root = make_repository(tmp_path / "repo")
    commit(root, "a.txt", "one")
    git(root, "remote", "add", "origin", str(tmp_path / "server.git"))
    return Git(root)


def commit(root: Path, name: str, text: str) -> str:
    (root / name).write_text(text)
    git(root, "add", name)
    git(root, "commit", "--quiet", "--message", text)
    return git(root, "rev-parse", "HEAD").strip()


def test_push_commit_creates_branch_on_remote(here: Git) -> None:
    assert list_git_remotes(here) == ["origin"]
    assert list_remote_branches(here, "origin") == {}
    head = here.line("rev-parse", "HEAD")
    push_commit(here, "origin", head, "run/x")
    push_commit(here, "origin", head, "other")
    assert list_remote_branches(here, "origin") == {"run/x": head, "other": head}
    assert list_remote_branches(here, "origin", "run/*") == {"run/x": head}


def test_fetch_branches_fetches_by_name_or_pattern_and_prunes(here: Git, tmp_path: Path) -> None:
    head = here.line("rev-parse", "HEAD")
    for branch in ("run/x", "run/y", "other"):
        push_commit(here, "origin", head, branch)
    git(tmp_path, "clone", "--quiet", "--branch", "other", "--single-branch", str(tmp_path / "server.git"), "clone")
    clone = Git(tmp_path / "clone")
    fetch_branches(clone, "origin", "run/x")
    assert [*clone.list_refs("refs/remotes/origin/run/*")] == ["refs/remotes/origin/run/x"]
    fetch_branches(clone, "origin", "run/*")
    assert len(clone.list_refs("refs/remotes/origin/run/*")) == 2
    git(tmp_path / "server.git", "update-ref", "-d", "refs/heads/run/x")
    fetch_branches(clone, "origin", "run/*", prune=True)
    assert [*clone.list_refs("refs/remotes/origin/run/*")] == ["refs/remotes/origin/run/y"]
    with pytest.raises(NotFoundError, match="origin has no branch run/x"):
        fetch_branches(clone, "origin", "run/x")


def test_push_commit_refuses_to_overwrite_branch_that_is_ahead(here: Git, tmp_path: Path) -> None:
    first = here.line("rev-parse", "HEAD")
    second = commit(here.folder, "a.txt", "two")
    push_commit(here, "origin", second, "run/x")
    with pytest.raises(BehindError):
        push_commit(here, "origin", first, "run/x")
    assert list_remote_branches(here, "origin") == {"run/x": second}
    assert count_ahead_behind(here, first, second) == (0, 1)


def test_push_commit_error_contains_message_of_server_hook(here: Git, tmp_path: Path) -> None:
    hook = tmp_path / "server.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'no, since it is late' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RemoteError, match="pre-receive hook declined") as caught:
        push_commit(here, "origin", here.line("rev-parse", "HEAD"), "run/x")
    assert "\n  no, since it is late" in caught.value.message


@pytest.mark.parametrize("url", ["/nowhere/server.git", "http://127.0.0.1:9/server.git"])
def test_remote_commands_name_unreachable_remote(here: Git, url: str) -> None:
    git(here.folder, "remote", "set-url", "origin", url)
    for act in (
        lambda: list_remote_branches(here, "origin"),
        lambda: fetch_branches(here, "origin", "run/x"),
        lambda: push_commit(here, "origin", here.line("rev-parse", "HEAD"), "run/x"),
    ):
        with pytest.raises(RemoteError, match=f"The git remote origin \\({url}\\) failed"):
            act()


def test_follow_branch_records_remote_of_branch(here: Git) -> None:
    assert find_upstream_remote(here, "run/x") is None
    follow_branch(here, "run/x", "origin")
    assert find_upstream_remote(here, "run/x") == "origin"
    assert here.read_config("branch.run/x.merge") == "refs/heads/run/x"


# Merging


@pytest.fixture
def sides(here: Git) -> tuple[str, str]:
    """Create two independent commits; the first is checked out."""
    theirs = commit(here.folder, "b.txt", "theirs")
    git(here.folder, "reset", "--quiet", "--hard", "HEAD~1")
    return commit(here.folder, "c.txt", "ours"), theirs


def write_hook(here: Git, *lines: str) -> None:
    hook = here.folder / ".git" / "hooks" / "pre-merge-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("\n".join(("#!/bin/sh", *lines, "")))
    hook.chmod(0o755)


def test_merge_commit_without_conflicts_commits_both_parents(here: Git, sides: tuple[str, str]) -> None:
    assert merge_commit(here, sides[1], "Merge it")
    assert here.line("log", "-1", "--format=%s|%P") == f"Merge it|{sides[0]} {sides[1]}"


def test_merge_commit_fast_forwards_without_commit(here: Git, sides: tuple[str, str]) -> None:
    git(here.folder, "reset", "--quiet", "--hard", "HEAD~1")
    assert merge_commit(here, sides[1], "Merge it")
    assert here.line("rev-parse", "HEAD") == sides[1]


def test_merge_commit_with_conflicts_leaves_merge_in_progress(here: Git) -> None:
    theirs = commit(here.folder, "a.txt", "theirs")
    git(here.folder, "reset", "--quiet", "--hard", "HEAD~1")
    commit(here.folder, "a.txt", "ours")
    assert not merge_commit(here, theirs, "Merge it")
    assert here.resolve("MERGE_HEAD") == theirs


def test_merge_commit_includes_change_made_by_hook(here: Git, sides: tuple[str, str]) -> None:
    """The hook changes a file and stops `git merge`, which would not include the change."""
    write_hook(here, "echo mended > b.txt && git add b.txt && exit 1")
    assert merge_commit(here, sides[1], "Merge it")
    assert (here.folder / "b.txt").read_text() == "mended\n"
    assert here.line("status", "--porcelain") == ""
    assert here.line("log", "-1", "--format=%P").split() == list(sides)


def test_merge_commit_refused_by_hook_is_undone(here: Git, sides: tuple[str, str]) -> None:
    write_hook(here, "exit 1")
    commit_hook = here.folder / ".git" / "hooks" / "pre-commit"
    commit_hook.write_text("#!/bin/sh\necho 'not so' >&2\nexit 1\n")
    commit_hook.chmod(0o755)
    with pytest.raises(CommandError, match="not so"):
        merge_commit(here, sides[1], "Merge it")
    assert here.resolve("MERGE_HEAD") is None
    assert here.line("rev-parse", "HEAD") == sides[0]
    assert here.line("status", "--porcelain") == ""
