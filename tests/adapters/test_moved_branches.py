"""Pushes to a branch that is moved or locked on the server meanwhile, over every transport."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitassets.adapters.git.remote import BehindError, fetch_branches, list_remote_branches, push_commit
from gitassets.adapters.git.repository import Git
from gitassets.errors import RemoteError
from tests.adapters.repositories import git, make_repository
from tests.git_http import serve_git

# Git calls it with options, a host and a command; the host is always this computer.
_SSH = '#!/bin/sh\nwhile [ "$1" != host ]; do shift; done\nshift\nexec sh -c "$*"\n'


@contextmanager
def reach_by_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    del monkeypatch
    yield str(folder / "server.git")


@contextmanager
def reach_by_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    script = folder / "ssh"
    script.write_text(_SSH)
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    yield f"ssh://host{folder / 'server.git'}"


@contextmanager
def reach_by_http(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    del monkeypatch
    git(folder / "server.git", "config", "http.receivepack", "true")
    with serve_git(folder) as server:
        yield f"{server.url}/server.git"


WAYS = {"path": reach_by_path, "ssh": reach_by_ssh, "http": reach_by_http}


@pytest.fixture(params=WAYS)
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Git]:
    """Create a repository whose `mine` and `theirs` diverge; the server has `base` and `theirs`, but no run/x."""
    git(tmp_path, "init", "--quiet", "--bare", "server.git")
    root = make_repository(tmp_path / "repo")
    for name, branch in (("a", "base"), ("b", "theirs")):
        git(root, "commit", "--quiet", "--allow-empty", "--message", name)
        git(root, "branch", branch)
    git(root, "reset", "--quiet", "--hard", "base")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "mine")
    git(root, "branch", "mine")
    git(root, "push", "--quiet", str(tmp_path / "server.git"), "theirs", "base")
    with WAYS[request.param](tmp_path, monkeypatch) as url:
        git(root, "remote", "add", "origin", url)
        yield Git(root)


def meanwhile(here: Git, *lines: str) -> None:
    """Run commands on the server after a push has begun and before it moves the branch."""
    hook = here.folder.parent / "server.git" / "hooks" / "pre-receive"
    # Git forbids hooks of a push to move branches; a concurrent push is outside its quarantine.
    free = "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES"
    hook.write_text("\n".join(("#!/bin/sh", "cat >/dev/null", free, *lines, "")))
    hook.chmod(0o755)


def server(here: Git) -> Path:
    return here.folder.parent / "server.git"


def tip(here: Git, name: str) -> str:
    return here.line("rev-parse", name)


@pytest.mark.parametrize("before", [None, "base"])
def test_push_reports_branch_moved_meanwhile_as_ahead(here: Git, before: str | None) -> None:
    if before is not None:
        git(server(here), "update-ref", "refs/heads/run/x", before)
    meanwhile(here, "git update-ref refs/heads/run/x theirs")
    with pytest.raises(BehindError):
        push_commit(here, "origin", tip(here, "mine"), "run/x")
    assert list_remote_branches(here, "origin")["run/x"] == tip(here, "theirs")


def test_push_retries_while_branch_is_locked_briefly(here: Git) -> None:
    lock = "refs/heads/run/x.lock"
    meanwhile(here, "mkdir -p refs/heads/run", f"test -e seen && rm -f {lock} || touch {lock}", "touch seen")
    push_commit(here, "origin", tip(here, "mine"), "run/x")
    assert list_remote_branches(here, "origin")["run/x"] == tip(here, "mine")


def test_push_names_lock_that_is_never_removed(here: Git) -> None:
    (server(here) / "refs" / "heads" / "run").mkdir(parents=True)
    (server(here) / "refs" / "heads" / "run" / "x.lock").touch()
    with pytest.raises(RemoteError, match="origin refuses the push") as caught:
        push_commit(here, "origin", tip(here, "mine"), "run/x")
    assert "x.lock" in caught.value.message
    assert "run/x" not in list_remote_branches(here, "origin")


def test_push_succeeds_when_branch_already_has_the_commit(here: Git) -> None:
    """Another command pushed the same commit, or the connection broke after this push."""
    push_commit(here, "origin", tip(here, "mine"), "copy")
    meanwhile(here, f"git update-ref refs/heads/run/x {tip(here, 'mine')}")
    push_commit(here, "origin", tip(here, "mine"), "run/x")
    assert list_remote_branches(here, "origin")["run/x"] == tip(here, "mine")


def test_push_succeeds_when_branch_was_moved_to_an_ancestor(here: Git) -> None:
    meanwhile(here, "test -e seen || git update-ref refs/heads/run/x base", "touch seen")
    push_commit(here, "origin", tip(here, "mine"), "run/x")
    assert list_remote_branches(here, "origin")["run/x"] == tip(here, "mine")


@pytest.mark.parametrize("name", ["pre-receive", "update"])
def test_push_reports_declining_hook_even_when_branch_moved(here: Git, name: str) -> None:
    meanwhile(here, "git update-ref refs/heads/run/x theirs", *(["exit 1"] if name == "pre-receive" else []))
    if name == "update":
        (server(here) / "hooks" / "update").write_text("#!/bin/sh\necho 'not on Fridays' >&2\nexit 1\n")
        (server(here) / "hooks" / "update").chmod(0o755)
    with pytest.raises(RemoteError, match="hook declined"):
        push_commit(here, "origin", tip(here, "mine"), "run/x")


def test_fetch_fails_while_ref_is_locked_and_then_succeeds(here: Git) -> None:
    git(server(here), "update-ref", "refs/heads/run/x", "base")
    lock = here.folder / ".git" / "refs" / "remotes" / "origin" / "run" / "x.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with pytest.raises(RemoteError):
        fetch_branches(here, "origin", "run/x")
    lock.unlink()
    fetch_branches(here, "origin", "run/x")
    assert here.resolve("refs/remotes/origin/run/x") == tip(here, "base")
