"""Pushing a run: what goes up, in which order, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitassets.actions.open_close import close_run
from gitassets.actions.replace import replace_asset
from gitassets.actions.transition import approve, reject
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


def test_the_media_and_then_the_branch_are_there(locked: LockedRun, office: Office) -> None:
    result = push_run(locked)
    assert (result.git_remote, result.remote, result.pushed) == ("origin", "store", True)
    assert office.tip() == result.commit == locked.head()
    blobs = set(named(locked.manifest()).values())
    assert office.store.names() == blobs | listings(locked)
    assert (result.media.sent, result.media.there, result.media.incomplete) == (len(blobs) + 2, 0, ())
    assert_clean(locked.project, locked.run)


def test_dvc_finds_nothing_missing_after_it(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    assert "in sync" in dvc(locked.folder, "status", "--cloud").stdout


def test_pushing_again_does_nothing(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    again = push_run(locked)
    assert (again.pushed, again.media.sent, again.media.there) == (False, 0, 5)
    done = run_cli(locked.project.root, "push", "ep1")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0, "Nothing to do: run ep1 on origin is up to date."
    ), done.stderr  # fmt: skip


def test_what_somebody_deleted_there_is_sent_again_though_the_branch_is_there(
    locked: LockedRun, office: Office
) -> None:
    push_run(locked)
    office.store.remove(locked.asset(IMAGE_1).md5)
    again = push_run(locked)
    assert (again.pushed, again.media.sent) == (False, 1)
    assert locked.asset(IMAGE_1).md5 in office.store.names()


def test_only_what_is_new_is_sent(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=42))
    result = push_run(locked)
    assert result.media.sent == 2  # The picture, and the listing of images/.
    assert locked.asset(IMAGE_3).md5 in office.store.names()
    assert office.tip() == locked.head()


# A run that is older than the remote


def test_the_branch_names_the_remote_from_then_on_in_a_commit_of_its_own(locked: LockedRun, office: Office) -> None:
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


def test_secrets_stay_here(locked: LockedRun, office: Office) -> None:
    with (locked.project.root / ".dvc" / "config.local").open("a") as file:
        file.write("['remote \"store\"']\n    password = hush\n")
    push_run(locked)
    assert "hush" not in (locked.folder / ".dvc" / "config").read_text()


def test_a_remote_that_only_the_user_knows_is_used_and_not_committed(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    with (locked.project.root / ".dvc" / "config.local").open("a") as file:
        file.write(f"['remote \"mine\"']\n    url = {office.store.url}\n")
    result = push_run(locked, remote="mine")
    assert (result.inherited, result.remote) == (False, "mine")
    assert len(office.store.names()) == 7


# Only what is approved


def test_only_approved_media_go_up_and_no_folder_looks_whole(locked: LockedRun, office: Office) -> None:
    result = push_run(locked, only_approved=True)
    assert office.store.names() == {locked.asset(IMAGE_1).md5}
    assert result.media.incomplete == ("audio", "images")
    assert result.media.absent == ()
    assert office.tip() == locked.head()


def test_a_folder_whose_files_are_all_approved_is_whole(locked: LockedRun, office: Office) -> None:
    approve(locked.project, locked.run, select(audio="all"))
    result = push_run(locked, only_approved=True)
    assert result.media.incomplete == ("images",)
    audio = imply_dvc_files(locked.manifest())["audio"].md5
    assert {name for name in office.store.names() if name.endswith(".dir")} == {audio}


def test_a_full_push_after_it_is_complete(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked, only_approved=True)
    result = push_run(locked)
    assert (result.pushed, result.media.incomplete) == (False, ())
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "plain")
    dvc(tmp_path / "plain", "pull", "--quiet")
    assert {path: hash_file(tmp_path / "plain" / path) for path in named(locked.manifest())} == named(locked.manifest())


def test_a_full_push_is_complete_also_after_the_trap_of_a_granular_dvc_push(locked: LockedRun, office: Office) -> None:
    """DVC sends a folder's listing with one of its files, and takes the folder for complete from then on."""
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    dvc(locked.folder, "push", "--quiet", "images/scene_000.png")
    assert office.store.names() == {locked.asset(IMAGE_1).md5, imply_dvc_files(locked.manifest())["images"].md5}
    push_run(locked)
    assert office.store.names() == set(named(locked.manifest()).values()) | listings(locked)


def test_it_says_that_plain_dvc_needs_targets(locked: LockedRun, office: Office) -> None:
    done = run_cli(locked.project.root, "push", "ep1", "--only", "approved")
    assert done.returncode == 0, done.stderr
    assert "incomplete on the remote: audio/, images/" in done.stdout
    assert "give `dvc pull` targets" in done.stdout


# What is refused


def test_a_server_that_is_ahead_is_not_overwritten(locked: LockedRun, office: Office, tmp_path: Path) -> None:
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


def test_a_broken_lock_is_not_shared(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    theirs, names = office.tip(), office.store.names()
    change_by_hand(locked.folder, IMAGE_1, lambda _: None)
    commit_by_hand(locked.folder)
    with pytest.raises(ConflictError, match="`verify` finds") as caught:
        push_run(locked)
    assert "image 1 is approved and locked, but it was removed" in caught.value.message
    assert (office.tip(), office.store.names()) == (theirs, names)


def test_an_overwritten_approved_file_is_not_shared(locked: LockedRun, office: Office) -> None:
    overwrite(locked.locked_file)
    with pytest.raises(ConflictError, match="holds other bytes"):
        push_run(locked)
    assert office.tip() is None
    assert office.store.names() == set()


def test_approved_bytes_that_nobody_has_keep_the_branch_here(locked: LockedRun, office: Office) -> None:
    locked.project.blobs.remove(locked.asset(IMAGE_1).md5)
    locked.locked_file.unlink()
    with pytest.raises(ConflictError, match=r"image 1 \(images/scene_000.png\).* neither here nor on the DVC remote"):
        push_run(locked)
    assert office.tip() is None


def test_approved_bytes_that_only_the_remote_has_are_no_hindrance(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    locked.project.blobs.remove(locked.asset(IMAGE_1).md5)
    locked.locked_file.unlink()
    approve(locked.project, locked.run, select(image="3"))
    assert push_run(locked).pushed
    assert office.tip() == locked.head()


def test_other_bytes_that_nobody_has_are_named_and_the_rest_is_shared(locked: LockedRun, office: Office) -> None:
    path = locked.asset(IMAGE_3).path
    locked.project.blobs.remove(locked.asset(IMAGE_3).md5)
    (locked.folder / path).unlink()
    result = push_run(locked)
    assert (result.media.absent, result.media.incomplete) == ((path,), ("images",))
    assert office.tip() == locked.head()
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert f"neither here nor on the remote: {path}" in done.stderr


def test_a_damaged_blob_is_taken_from_the_file(locked: LockedRun, office: Office) -> None:
    md5 = locked.asset(IMAGE_3).md5
    blob = locked.project.blobs.path(md5)
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    push_run(locked)
    assert hash_file(blob) == md5
    assert office.store.read(md5) == blob.read_bytes()


def test_a_git_hook_of_the_users_may_refuse_it(locked: LockedRun, office: Office) -> None:
    push_run(locked)
    write_hook(locked.project, "pre-push", "echo 'not on Fridays' >&2", "exit 1")
    approve(locked.project, locked.run, select(image="3"))
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert office.tip() != locked.head()


def test_a_refusal_of_the_server_is_shown(locked: LockedRun, office: Office) -> None:
    hook = office.server / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'the disk is full of cats' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = run_cli(locked.project.root, "push", "ep1")
    assert done.returncode == 1
    assert "origin refuses the push (pre-receive hook declined)" in done.stderr
    assert "the disk is full of cats" in done.stderr


def test_in_a_merge_nothing_is_pushed(locked: LockedRun, office: Office) -> None:
    (locked.project.git_dir / "worktrees" / "ep1" / "MERGE_HEAD").write_text(locked.head() + "\n")
    with pytest.raises(ConflictError, match="a merge is not finished"):
        push_run(locked)


# Where to


def test_without_a_git_remote_the_remedy_is_named(locked: LockedRun) -> None:
    with pytest.raises(NotFoundError, match="No git remote") as caught:
        push_run(locked)
    assert "git remote add origin URL" in caught.value.hint


def test_without_a_dvc_remote_the_remedy_is_named(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    with pytest.raises(NotFoundError, match="No DVC remote is set up") as caught:
        push_run(locked)
    assert f"`dvc remote add -d NAME URL` in {locked.project.root}" in caught.value.hint
    assert office.tip() is None


def test_a_wrong_name_is_corrected(locked: LockedRun, office: Office) -> None:
    with pytest.raises(NotFoundError, match="no git remote 'orign'") as caught:
        push_run(locked, git_remote="orign")
    assert caught.value.hint == "Did you mean origin?"
    with pytest.raises(NotFoundError, match="no DVC remote 'stor'") as caught:
        push_run(locked, remote="stor")
    assert "There is store." in caught.value.hint
    with pytest.raises(NotFoundError, match="no DVC remote 'origin'") as caught:
        push_run(locked, remote="origin")
    assert "origin is a git remote: name it with --git-remote" in caught.value.hint


def test_of_several_git_remotes_origin_or_the_followed_one_is_meant(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
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


def test_another_dvc_remote_is_named(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    with (locked.project.root / ".dvc" / "config").open("a") as file:
        file.write(f"['remote \"archive\"']\n    url = {tmp_path / 'archive'}\n")
    result = push_run(locked, remote="archive")
    assert (result.remote, result.inherited, result.media.sent) == ("archive", True, 7)
    assert FolderStorage(tmp_path / "archive").names() == office.store.names()
    assert "remote = store" in (locked.folder / ".dvc" / "config").read_text()


def test_a_plain_git_push_and_pull_in_the_folder_go_the_same_way_from_then_on(
    locked: LockedRun, office: Office
) -> None:
    push_run(locked)
    approve(locked.project, locked.run, select(image="3"))
    locked.git("push", "--quiet")
    assert office.tip() == locked.head()


# Other things


def test_a_closed_run_is_pushed_from_its_branch(locked: LockedRun, office: Office) -> None:
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    close_run(locked.project, locked.run)
    result = push_run(locked)
    assert office.tip() == result.commit
    assert len(office.store.names()) == 7


def test_a_dry_run_changes_nothing(locked: LockedRun, office: Office) -> None:
    before = locked.head()
    result = push_run(locked, dry_run=True)
    assert (result.pushed, result.inherited, result.media.sent) == (True, True, 7)
    assert (office.tip(), office.store.names(), locked.head()) == (None, set(), before)


def test_json_has_stable_keys(locked: LockedRun, office: Office) -> None:
    done = run_cli(locked.project.root, "push", "ep1", "--json")
    told = json.loads(done.stdout)
    assert set(told) == {
        "schema", "command", "run_id", "git_remote", "remote", "url", "commit", "pushed", "media", "inherited",
        "main_missing", "dry_run",
    }  # fmt: skip
    assert set(told["media"]) == {
        "sent", "sent_bytes", "there", "unhashed", "replaced", "absent", "incomplete",
    }  # fmt: skip


def test_a_project_that_nobody_could_clone_is_noticed(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.project.root, office.store)
    assert push_run(locked).main_missing == "main"
    git(locked.project.root, "push", "--quiet", "origin", "main")
    assert push_run(locked).main_missing is None


# What the branch says of the remote


def test_a_remote_that_is_named_but_not_committed_is_not_enough(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.folder, office.store)
    with pytest.raises(ConflictError, match="is not committed") as caught:
        push_run(locked)
    assert f"git -C {locked.folder} commit .dvc/config" in caught.value.hint
    assert office.tip() is None


def test_a_remote_that_only_the_runs_own_branch_names_is_used(locked: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    git(locked.project.root, "remote", "add", "origin", str(office.server))
    write_dvc_config(locked.folder, office.store)
    commit_by_hand(locked.folder)
    result = push_run(locked)
    assert (result.url, result.inherited) == (office.store.url, False)
    assert pull_run(locked).fetched.complete


def test_what_the_project_says_more_of_the_same_place_counts(locked: LockedRun, office: Office) -> None:
    """Such as an endpoint that was set after the run had inherited the remote."""
    push_run(locked)
    with (locked.project.root / ".dvc" / "config").open("a") as file:
        file.write("    verify = true\n")
    found = RemoteSource(locked.project, locked.run).find()
    assert found is not None
    assert found.settings.options == {"url": office.store.url, "verify": "true"}
