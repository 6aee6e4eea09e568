"""Pushing a run: what is uploaded, in which order, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.adapters.files import hash_file
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.errors import ConflictError, NotFoundError, UsageError
from gitassets.runs.remotes import RemoteSource
from tests.actions.checks import assert_clean, git, run_cli, select, write_hook
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand, overwrite
from tests.actions.sharing import Office, dvc, make_office, named, pull_run, push_run, write_dvc_config
from tests.media import write_picture
from tests.storage import FolderStorage


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    return office


def listings(locked: LockedRun) -> set[str]:
    return {one.md5 for one in imply_dvc_files(locked.manifest()).values()}


def test_push_uploads_media_and_branch(locked: LockedRun, office: Office) -> None:
    result = push_run(locked)
    assert (result.git_remote, result.remote, result.pushed) == ("origin", "store", True)
    assert office.tip() == result.commit == locked.head()
    blobs = set(named(locked.manifest()).values())
    assert office.store.names() == blobs | listings(locked)
    assert (result.media.sent, result.media.there, result.media.incomplete) == (len(blobs) + 2, 0, ())
    assert_clean(locked.project, locked.run)


def test_push_leaves_dvc_cloud_status_in_sync(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    assert "in sync" in dvc(locked.folder, "status", "--cloud").stdout


def test_push_repeated_does_nothing(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    again = push_run(locked)
    assert (again.pushed, again.media.sent, again.media.there) == (False, 0, 5)
    done = run_cli(locked.project.root, "push", "ep1")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0, "Nothing to do: run ep1 on origin is up to date."
    ), done.stderr  # fmt: skip


def test_push_uploads_blobs_deleted_on_the_remote_again(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    office.store.remove(locked.asset(IMAGE_1).md5)
    again = push_run(locked)
    assert (again.pushed, again.media.sent) == (False, 1)
    assert locked.asset(IMAGE_1).md5 in office.store.names()


def test_push_uploads_only_new_blobs(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=42))
    result = push_run(locked)
    assert result.media.sent == 2  # The picture, and the listing of images/.
    assert locked.asset(IMAGE_3).md5 in office.store.names()
    assert office.tip() == locked.head()


# A run created before the remote


def test_push_commits_the_inherited_dvc_remote_separately(locked: LockedRun, office: Office) -> None:
    before = locked.head()
    result = push_run(locked)
    assert result.inherited
    assert locked.git("rev-parse", "HEAD~1").strip() == before
    assert locked.git("show", "--format=%s", "--name-only").split("\n\n") == [
        f"assets(ep1): remote store {office.store.url}", ".dvc/config\n",
    ]  # fmt: skip
    config = (locked.folder / ".dvc" / "config").read_text()
    assert "remote = store" in config
    assert f"url = {office.store.url}" in config
    assert "autostage = false" in config
    assert not push_run(locked).inherited


def test_push_does_not_commit_secrets(locked: LockedRun, office: Office) -> None:
    with (locked.project.root / ".dvc" / "config.local").open("a") as file:
        file.write("['remote \"store\"']\n    password = hush\n")
    push_run(locked)
    assert "hush" not in (locked.folder / ".dvc" / "config").read_text()


def test_push_uses_but_does_not_commit_a_local_dvc_remote(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    with (locked.project.root / ".dvc" / "config.local").open("a") as file:
        file.write(f"['remote \"mine\"']\n    url = {office.store.url}\n")
    result = push_run(locked, remote="mine")
    assert (result.inherited, result.remote) == (False, "mine")
    assert len(office.store.names()) == 7


# Only approved assets


def test_push_only_approved_uploads_no_listing_of_partial_folders(locked: LockedRun, office: Office) -> None:
    result = push_run(locked, only_approved=True)
    assert office.store.names() == {locked.asset(IMAGE_1).md5}
    assert result.media.incomplete == ("audio", "images")
    assert result.media.absent == ()
    assert office.tip() == locked.head()


def test_push_only_approved_uploads_the_listing_of_a_fully_approved_folder(locked: LockedRun, office: Office) -> None:
    approve(locked.project, locked.run, select(audio="all"))
    result = push_run(locked, only_approved=True)
    assert result.media.incomplete == ("images",)
    audio = imply_dvc_files(locked.manifest())["audio"].md5
    assert {name for name in office.store.names() if name.endswith(".dir")} == {audio}


def test_push_after_only_approved_completes_the_upload(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked, only_approved=True)
    result = push_run(locked)
    assert (result.pushed, result.media.incomplete) == (False, ())
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "plain")
    dvc(tmp_path / "plain", "pull", "--quiet")
    assert {path: hash_file(tmp_path / "plain" / path) for path in named(locked.manifest())} == named(locked.manifest())


def test_push_completes_the_upload_after_a_granular_dvc_push(locked: LockedRun, office: Office) -> None:
    """DVC uploads a folder's listing with one file of it, and later assumes that the folder is complete."""
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    dvc(locked.folder, "push", "--quiet", "images/scene_000.png")
    assert office.store.names() == {locked.asset(IMAGE_1).md5, imply_dvc_files(locked.manifest())["images"].md5}
    push_run(locked)
    assert office.store.names() == set(named(locked.manifest()).values()) | listings(locked)


def test_push_only_approved_tells_that_dvc_pull_needs_targets(locked: LockedRun, office: Office) -> None:
    done = run_cli(locked.project.root, "push", "ep1", "--only", "approved")
    assert done.returncode == 0, done.stderr
    assert "incomplete on the remote: audio/, images/" in done.stdout
    assert "give `dvc pull` targets" in done.stdout


# Refusals


def test_push_refuses_when_the_server_is_ahead(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    first = locked.head()
    approve(locked.project, locked.run, select(image="3"))
    push_run(locked)
    theirs = office.tip()
    locked.git("reset", "--quiet", "--hard", first)
    with pytest.raises(ConflictError, match="origin is ahead") as caught:
        push_run(locked)
    assert "gitassets pull ep1" in caught.value.hint
    reject(locked.project, locked.run, select(audio="2"), reason="too fast")
    with pytest.raises(ConflictError, match="origin is ahead"):
        push_run(locked)
    assert office.tip() == theirs


def test_push_refuses_a_broken_lock(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    theirs, names = office.tip(), office.store.names()
    change_by_hand(locked.folder, IMAGE_1, lambda _: None)
    commit_by_hand(locked.folder)
    with pytest.raises(ConflictError, match="`verify` finds") as caught:
        push_run(locked)
    assert "image 1 is approved and locked, but it was removed" in caught.value.message
    assert (office.tip(), office.store.names()) == (theirs, names)


def test_push_refuses_an_overwritten_locked_file(locked: LockedRun, office: Office) -> None:
    overwrite(locked.locked_file)
    with pytest.raises(ConflictError, match="holds other bytes"):
        push_run(locked)
    assert office.tip() is None
    assert office.store.names() == set()


def test_push_refuses_when_approved_bytes_are_missing_everywhere(locked: LockedRun, office: Office) -> None:
    locked.project.blobs.remove(locked.asset(IMAGE_1).md5)
    locked.locked_file.unlink()
    with pytest.raises(ConflictError, match=r"image 1 \(images/scene_000.png\).* neither here nor on the DVC remote"):
        push_run(locked)
    assert office.tip() is None


def test_push_accepts_approved_bytes_that_only_the_remote_has(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    locked.project.blobs.remove(locked.asset(IMAGE_1).md5)
    locked.locked_file.unlink()
    approve(locked.project, locked.run, select(image="3"))
    assert push_run(locked).pushed
    assert office.tip() == locked.head()


def test_push_names_missing_draft_bytes_and_uploads_the_rest(locked: LockedRun, office: Office) -> None:
    path = locked.asset(IMAGE_3).path
    locked.project.blobs.remove(locked.asset(IMAGE_3).md5)
    (locked.folder / path).unlink()
    result = push_run(locked)
    assert (result.media.absent, result.media.incomplete) == ((path,), ("images",))
    assert office.tip() == locked.head()
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert f"neither here nor on the remote: {path}" in done.stderr


def test_push_repairs_a_corrupt_cached_blob_from_the_file(locked: LockedRun, office: Office) -> None:
    md5 = locked.asset(IMAGE_3).md5
    blob = locked.project.blobs.path(md5)
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    push_run(locked)
    assert hash_file(blob) == md5
    assert office.store.read(md5) == blob.read_bytes()


def test_push_can_be_refused_by_a_user_pre_push_hook(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    write_hook(locked.project, "pre-push", "echo 'not on Fridays' >&2", "exit 1")
    approve(locked.project, locked.run, select(image="3"))
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert office.tip() != locked.head()


def test_push_shows_why_the_server_refused(locked: LockedRun, office: Office) -> None:
    hook = office.server / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'the disk is full of cats' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert "origin refuses the push (pre-receive hook declined)" in done.stderr
    assert "the disk is full of cats" in done.stderr


def test_push_refuses_during_a_merge(locked: LockedRun, office: Office) -> None:
    (locked.project.git_dir / "worktrees" / "ep1" / "MERGE_HEAD").write_text(locked.head() + "\n")
    with pytest.raises(ConflictError, match="a merge is not finished"):
        push_run(locked)


# Choice of remotes


def test_push_without_a_git_remote_suggests_git_remote_add(locked: LockedRun) -> None:
    with pytest.raises(NotFoundError, match="No git remote") as caught:
        push_run(locked)
    assert "git remote add origin URL" in caught.value.hint


def test_push_without_a_dvc_remote_suggests_dvc_remote_add(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    with pytest.raises(NotFoundError, match="No DVC remote is set up") as caught:
        push_run(locked)
    assert f"`dvc remote add -d NAME URL` in {locked.project.root}" in caught.value.hint
    assert office.tip() is None


def test_push_with_a_wrong_remote_name_suggests_the_right_one(locked: LockedRun, office: Office) -> None:
    with pytest.raises(NotFoundError, match="no git remote 'orign'") as caught:
        push_run(locked, git_remote="orign")
    assert caught.value.hint == "Did you mean origin?"
    with pytest.raises(NotFoundError, match="no DVC remote 'stor'") as caught:
        push_run(locked, remote="stor")
    assert "There is store." in caught.value.hint
    with pytest.raises(NotFoundError, match="no DVC remote 'origin'") as caught:
        push_run(locked, remote="origin")
    assert "origin is a git remote: name it with --git-remote" in caught.value.hint


def test_push_chooses_the_upstream_remote_then_origin(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "other.git")
    git(locked.project.root, "remote", "add", "backup", str(tmp_path / "other.git"))
    assert push_run(locked).git_remote == "origin"
    git(locked.project.root, "config", "branch.run/ep1.remote", "backup")
    assert push_run(locked).git_remote == "backup"
    git(locked.project.root, "config", "--unset", "branch.run/ep1.remote")
    git(locked.project.root, "remote", "rename", "origin", "first")
    with pytest.raises(UsageError, match="Several git remotes") as caught:
        push_run(locked)
    assert "backup, first" in caught.value.hint


def test_push_to_another_dvc_remote_keeps_the_default(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    with (locked.project.root / ".dvc" / "config").open("a") as file:
        file.write(f"['remote \"archive\"']\n    url = {tmp_path / 'archive'}\n")
    result = push_run(locked, remote="archive")
    assert (result.remote, result.inherited, result.media.sent) == ("archive", True, 7)
    assert FolderStorage(tmp_path / "archive").names() == office.store.names()
    assert "remote = store" in (locked.folder / ".dvc" / "config").read_text()


def test_push_sets_the_upstream_for_plain_git_push(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    approve(locked.project, locked.run, select(image="3"))
    locked.git("push", "--quiet")
    assert office.tip() == locked.head()


# Closed runs, dry runs and JSON


def test_push_of_a_closed_run_uploads_from_its_branch(locked: LockedRun, office: Office) -> None:
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    close_run(locked.project, locked.run)
    result = push_run(locked)
    assert office.tip() == result.commit
    assert len(office.store.names()) == 7


def test_push_dry_run_changes_nothing(locked: LockedRun, office: Office) -> None:
    before = locked.head()
    result = push_run(locked, dry_run=True)
    assert (result.pushed, result.inherited, result.media.sent) == (True, True, 7)
    assert (office.tip(), office.store.names(), locked.head()) == (None, set(), before)


def test_push_json_has_stable_keys(locked: LockedRun, office: Office) -> None:
    done = run_cli(locked.project.root, "push", "ep1", "--json")
    told = json.loads(done.stdout)
    assert set(told) == {
        "schema", "command", "run_id", "git_remote", "remote", "url", "commit", "pushed", "media", "inherited",
        "main_missing", "dry_run",
    }  # fmt: skip
    assert set(told["media"]) == {
        "sent", "sent_bytes", "there", "unhashed", "replaced", "absent", "incomplete",
    }  # fmt: skip


def test_push_reports_that_the_main_branch_is_not_on_the_server(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.project.root, office.store)
    assert push_run(locked).main_missing == "main"
    git(locked.project.root, "push", "--quiet", "origin", "main")
    assert push_run(locked).main_missing is None


# The remote in the run's own .dvc/config


def test_push_refuses_an_uncommitted_dvc_remote_of_the_run(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.folder, office.store)
    with pytest.raises(ConflictError, match="is not committed") as caught:
        push_run(locked)
    assert f"git -C {locked.folder} commit .dvc/config" in caught.value.hint
    assert office.tip() is None


def test_push_uses_a_dvc_remote_that_only_the_run_branch_names(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    result = push_run(locked)
    assert (result.url, result.inherited) == (office.store.url, False)
    assert pull_run(locked).fetched.complete


def test_remote_source_merges_options_of_the_project_for_the_same_url(locked: LockedRun, office: Office) -> None:
    """For example an endpoint that was set after the run had inherited the remote."""
    push_run(locked)
    with (locked.project.root / ".dvc" / "config").open("a") as file:
        file.write("    verify = true\n")
    found = RemoteSource(locked.project, locked.run).find()
    assert found is not None
    assert found.settings.options == {"url": office.store.url, "verify": "true"}
