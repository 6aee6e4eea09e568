"""Two people share a run: git over smart HTTP with a server-side check, media on S3 over HTTP."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.hooks import install_on_server
from gitassets.actions.reject import reject
from gitassets.adapters.files import hash_file
from gitassets.errors import RemoteError
from gitassets.runs.project import Project
from tests.actions.checks import assert_clean, git, run_cli, select
from tests.actions.locked_run import IMAGE_1, LockedRun, change_by_hand, commit_by_hand, with_bytes
from tests.actions.sharing import Office, dvc, join, make_office, media_of, named, pull_run, push_run, write_keys
from tests.git_http import GitServer, serve_git
from tests.storage import S3Storage, make_bucket, serve_s3


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with serve_s3() as client:
        yield client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "srv").mkdir()
    with serve_git(tmp_path / "srv") as server:
        yield server


@dataclass(frozen=True)
class HttpOffice(Office):
    """An office whose git server is used by its HTTP address."""

    url: str

    def equip(self, root: Path, *, default: bool = True) -> None:
        super().equip(root, default=default)
        git(root, "remote", "set-url", "origin", self.url)

    def clone(self, root: Path) -> Project:
        project = super().clone(root)
        git(root, "remote", "set-url", "origin", self.url)
        return project


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path, server: GitServer, client: Any) -> Office:
    made = make_office(tmp_path / "srv", make_bucket(client))
    git(made.server, "config", "http.receivepack", "true")
    install_on_server(made.server)
    office = HttpOffice(made.server, made.store, f"{server.url}/server.git")
    office.equip(locked.project.root)
    return office


def test_push_and_pull_exchange_the_work_of_two_people(
    locked: LockedRun, office: Office, server: GitServer, tmp_path: Path
) -> None:
    pushed = push_run(locked)
    assert (pushed.media.sent, pushed.media.unhashed, pushed.pushed) == (7, 0, True)
    assert office.store.names() >= set(named(locked.manifest()).values())
    assert any(one.startswith("POST") and "git-receive-pack" in one for one in server.asked)
    bea = join(office, tmp_path / "bea")
    assert media_of(bea.project, bea.run) == media_of(locked.project, locked.run)
    assert_clean(bea.project, bea.run, quick=True)
    approve(bea.project, bea.run, select(image="3"))
    reject(locked.project, locked.run, select(audio="2"), reason="too fast")
    push_run(bea)
    assert pull_run(locked).merged
    push_run(locked)
    assert pull_run(bea).commit == locked.head() == office.tip()
    assert push_run(bea).media.sent == 0


def test_plain_dvc_downloads_what_was_pushed_to_s3(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "plain")
    write_keys(tmp_path / "plain", office.store)
    dvc(tmp_path / "plain", "pull", "--quiet")
    found = {path: hash_file(tmp_path / "plain" / path) for path in named(locked.manifest())}
    assert found == named(locked.manifest())


def test_server_refuses_a_broken_lock_with_the_reason(locked: LockedRun, office: Office, server: GitServer) -> None:
    push_run(locked)
    tip = office.tip()
    change_by_hand(locked.folder, IMAGE_1, lambda one: with_bytes(locked.project, one))
    commit_by_hand(locked.folder)
    done = subprocess.run(
        ("git", "push", "origin", "run/ep1"), cwd=locked.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "image 1 is approved and locked, but its md5 changed" in done.stderr
    assert office.tip() == tip


def test_server_refuses_rewritten_history(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    tip = office.tip()
    locked.git("commit", "--quiet", "--amend", "--no-verify", "--message", "assets(ep1): nothing happened")
    forced = subprocess.run(
        ("git", "push", "--force", "origin", "run/ep1"), cwd=locked.folder, capture_output=True, text=True, check=False
    )
    assert forced.returncode == 1
    assert "rewrites history" in forced.stderr
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert "origin is ahead" in done.stderr
    assert office.tip() == tip


def test_push_shows_the_refusal_of_a_check_only_the_server_makes(locked: LockedRun, office: Office) -> None:
    """The server checks that the media are on the remote configured there."""
    git(office.server, "config", "gitassets.blobs", str(office.server.parent / "nowhere"))
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert "origin refuses the push (pre-receive hook declined)" in done.stderr
    assert "are not on the remote" in done.stderr
    assert office.tip() is None


def test_push_replaces_a_blob_on_s3_with_a_wrong_checksum(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    image = locked.asset(IMAGE_1)
    office.store.write(image.md5, b"x" * image.size)
    bea = office.clone(tmp_path / "bea")
    assert pull_run(bea).fetched.wrong == (image.path,)
    assert push_run(locked).media.replaced == (image.path,)
    assert pull_run(bea).fetched.complete


def test_push_with_unreachable_s3_leaves_the_server_branch_unchanged(
    locked: LockedRun, office: Office, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    config = locked.project.root / ".dvc" / "config"
    assert isinstance(office.store, S3Storage)
    config.write_text(config.read_text().replace(office.store.endpoint, "http://127.0.0.1:9"))
    with pytest.raises(RemoteError, match=r"The DVC remote store \(s3://"):
        push_run(locked)
    assert office.tip() is None


def test_push_interrupted_by_the_server_changes_nothing(locked: LockedRun, office: Office, server: GitServer) -> None:
    server.refuses = "git-receive-pack"
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert f"The git remote origin ({server.url}/server.git) failed" in done.stderr
    assert office.tip() is None
    server.refuses = None
    again = run_cli(locked.project.root, "push", "ep1")
    assert again.returncode == 0, again.stderr
    assert "already there: 5 blobs" in again.stdout
    assert office.tip() == locked.head()


def test_pull_interrupted_by_the_server_changes_nothing(
    locked: LockedRun, office: Office, server: GitServer, tmp_path: Path
) -> None:
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    approve(locked.project, locked.run, select(image="3"))
    push_run(locked)
    head = bea.head()
    server.refuses = "git-upload-pack"
    done = run_cli(bea.project.root, "pull", "ep1")
    assert done.returncode == 1
    assert "The git remote origin" in done.stderr
    assert bea.head() == head
    server.refuses = None
    assert pull_run(bea).commit == locked.head()
