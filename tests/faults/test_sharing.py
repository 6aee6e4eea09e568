"""Pushes and pulls that are killed, lose the remote or run in parallel lose nothing and leave no partial state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitassets.actions import push as pushing
from gitassets.actions.approve import approve
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.adapters.dvc import remote as dvc_remote
from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.files import hash_bytes, hash_file
from gitassets.adapters.git.repository import Git
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.selection import parse_selection
from gitassets.errors import ConflictError, RemoteError
from gitassets.runs import work_tree
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from tests.actions.checks import assert_clean, cli_environment, git, run_cli, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun
from tests.actions.sharing import Office, dvc, join, make_office, media_of, named, pull_run, push_run
from tests.faults.points import Point, dies_at
from tests.faults.whole import assert_whole
from tests.media import write_picture

FOLDER = dvc_remote._FolderRemote
PUSHING = {
    "the remote is named in the branch": Point(Git, "commit_paths"),
    "a blob is there": Point(BlobStore, "overwrite"),
    "the blobs are sent": Point(FOLDER, "upload"),
    "the remote was asked": Point(FOLDER, "check_blobs"),
    "git has pushed": Point(Git, "call", "push"),
}
PULLING = {
    "the branch is fetched": Point(Git, "call", "fetch"),
    "bytes have come": Point(FOLDER, "download"),
    "a blob is moved in": Point(BlobStore, "move_in"),
}
OPENING = {
    "the branch is made": Point(Git, "create_branch"),
    "the work tree is made": Point(Git, "add_worktree"),
    "the work tree is tied to the folder": Point(work_tree, "link_worktree"),
    "the files of the branch are there": Point(Git, "fill_index"),
    "a media file is placed": Point(BlobStore, "place"),
}
MERGING = {"git has merged": Point(Git, "call", "merge")}


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    return office


def assert_promise(office: Office) -> None:
    """Check that the remote holds every approved blob of the server's branch and every file of a listing."""
    if office.tip() is not None:
        manifest = parse_manifest(git(office.server, "show", "run/ep1:asset_manifest.json").encode())
        for _, asset in manifest.assets():
            assert not asset.locked or hash_bytes(office.store.read(asset.md5)) == asset.md5
    names = office.store.names()
    for name in [one for one in names if one.endswith(".dir")]:
        assert set(_list(office.store.read(name))) <= names


def _list(listing: bytes) -> list[str]:
    return [str(row["md5"]) for row in json.loads(listing)]


@pytest.mark.parametrize("point", PUSHING)
def test_push_killed_at_any_point_is_completed_by_the_next(
    locked: LockedRun, office: Office, tmp_path: Path, point: str
) -> None:
    dies_at(PUSHING[point], lambda: push_run(locked))
    assert_promise(office)
    push_run(locked)
    assert_promise(office)
    assert office.tip() == locked.head()
    assert set(named(locked.manifest()).values()) <= office.store.names()
    assert_whole(locked.project, locked.run)
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", "--single-branch", str(office.server), "plain")
    dvc(tmp_path / "plain", "pull", "--quiet")


@pytest.mark.parametrize("point", [*PULLING, *OPENING])
def test_first_pull_killed_at_any_point_is_completed_by_the_next(
    locked: LockedRun, office: Office, tmp_path: Path, point: str
) -> None:
    push_run(locked)
    project = office.clone(tmp_path / "bea")
    dies_at({**PULLING, **OPENING}[point], lambda: pull_run(project))
    for left in project.blobs.cache_dir.glob("incoming-*"):
        os.utime(left, (0, 0))  # Two days later.
    pull_run(project)
    run = find_run(project, "ep1")
    assert media_of(project, run) == media_of(locked.project, locked.run)
    assert_whole(project, run)
    assert list(project.blobs.cache_dir.glob("incoming-*")) == []


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("point", [*PULLING, *MERGING])
def test_pull_into_an_open_run_killed_at_any_point_is_completed_by_the_next(
    locked: LockedRun, office: Office, tmp_path: Path, point: str, apart: bool
) -> None:
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=42))
    push_run(locked)
    if apart:
        reject(bea.project, bea.run, select(audio="2"), reason="too fast")
    dies_at({**PULLING, **MERGING}[point], lambda: pull_run(bea))
    pull_run(bea)
    assert bea.asset(IMAGE_3) == locked.asset(IMAGE_3)
    assert bea.git("status", "--porcelain") == ""
    assert hash_file(bea.folder / bea.asset(IMAGE_3).path) == bea.asset(IMAGE_3).md5
    assert bea.verify().holds
    assert (locked.head() == bea.head()) == (not apart)


def breaks_after(monkeypatch: pytest.MonkeyPatch, method: str, count: int) -> None:
    """Let the remote fail after `count` blobs."""
    original = getattr(BlobStore, method)
    done: list[object] = []

    def broken(self: BlobStore, *args: object) -> object:
        if len(done) >= count:
            raise OSError(5, "Input/output error")
        done.append(args)
        return original(self, *args)

    monkeypatch.setattr(BlobStore, method, broken)


def test_push_that_loses_the_remote_keeps_its_uploads_and_the_branch(
    locked: LockedRun, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        breaks_after(patch, "overwrite", 3)
        with pytest.raises(RemoteError, match=r"store \(.*\) failed: .*Input/output error") as caught:
            push_run(locked)
    assert "What was done is kept" in caught.value.hint
    assert office.tip() is None
    assert 0 < len(office.store.names()) < 7
    assert_promise(office)
    result = push_run(locked)
    assert result.media.there > 0
    assert office.tip() == locked.head()
    assert_clean(locked.project, locked.run)


def test_pull_that_loses_the_remote_opens_no_run(
    locked: LockedRun, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_run(locked)
    project = office.clone(tmp_path / "bea")
    copy = dvc_remote.clone_file
    done: list[Path] = []

    def broken(source: Path, target: Path) -> None:
        if len(done) >= 2:
            raise OSError(5, "Input/output error")
        done.append(source)
        copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(dvc_remote, "clone_file", broken)
        with pytest.raises(RemoteError, match="Input/output error"):
            pull_run(project)
    assert not (project.runs_dir / "ep1").exists()
    assert git(project.root, "branch", "--list", "run/*") == ""
    assert pull_run(project).fetched.complete
    assert_clean(project, find_run(project, "ep1"))


def test_pull_after_a_lost_remote_downloads_only_the_rest(
    locked: LockedRun, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_run(locked)
    project = office.clone(tmp_path / "bea")
    monkeypatch.setattr("gitassets.runs.fetch._AT_ONCE", 2)
    download = FOLDER.download
    parts: list[int] = []

    def broken(self: object, names: list[str], *args: object) -> None:
        if len(parts) == 2:
            raise RemoteError("gone")
        parts.append(len(names))
        download(self, names, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(FOLDER, "download", broken)
        with pytest.raises(RemoteError):
            pull_run(project)
    assert pull_run(project).fetched.blobs == 1


def test_push_keeps_the_branch_local_when_uploaded_blobs_vanish(
    locked: LockedRun, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = FOLDER.upload

    def lossy(self: object, files: dict[str, Path], on_blob: object) -> None:
        upload(self, files, on_blob)  # type: ignore[arg-type]
        if locked.asset(IMAGE_1).md5 in files:
            office.store.remove(locked.asset(IMAGE_1).md5)

    monkeypatch.setattr(FOLDER, "upload", lossy)
    with pytest.raises(RemoteError, match=r"1 of 5 blobs were sent .* but it does not hold them"):
        push_run(locked)
    assert office.tip() is None
    assert not any(name.endswith(".dir") for name in office.store.names())


# Two users


def test_parallel_pushes_of_two_users_accept_one_and_lose_nothing(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "ann.png", seed=42))
    approve(bea.project, bea.run, select(audio="all"))
    processes = [
        subprocess.Popen(
            (sys.executable, "-m", "gitassets", "push", "ep1"),
            cwd=root, env=cli_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for root in (locked.project.root, bea.project.root)
    ]  # fmt: skip
    said = [process.communicate() for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], said
    assert sum("origin is ahead" in err for _, err in said) == 1
    assert_promise(office)
    loser = (locked, bea)[processes[0].returncode == 0]
    winner = (bea, locked)[processes[0].returncode == 0]
    assert office.tip() == winner.head()
    assert pull_run(loser).merged
    push_run(loser)
    assert pull_run(winner).commit == office.tip()
    assert media_of(locked.project, locked.run) == media_of(bea.project, bea.run)
    assert_promise(office)
    assert winner.verify().holds


def test_push_is_refused_when_another_pushed_after_its_upload(
    locked: LockedRun, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    approve(locked.project, locked.run, select(image="3"))
    reject(bea.project, bea.run, select(audio="2"), reason="too fast")
    upload = pushing.upload

    def slow(*args: object, **options: object) -> object:
        done = upload(*args, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(pushing, "upload", upload)
        push_run(bea)
        return done

    monkeypatch.setattr(pushing, "upload", slow)
    with pytest.raises(ConflictError, match="origin is ahead") as caught:
        push_run(locked)
    assert "gitassets pull ep1" in caught.value.hint
    assert office.tip() == bea.head()
    pull_run(locked)
    push_run(locked)
    assert office.tip() == locked.head()
    assert locked.verify().holds


def test_push_excludes_commits_made_after_verification(
    locked: LockedRun, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = pushing.upload

    def slow(*args: object, **options: object) -> object:
        done = upload(*args, **options)  # type: ignore[arg-type]
        note(locked.project, locked.run, parse_selection("1"), "written meanwhile")
        return done

    monkeypatch.setattr(pushing, "upload", slow)
    result = push_run(locked)
    assert office.tip() == result.commit == locked.git("rev-parse", "HEAD~1").strip()


def test_push_includes_commits_made_before_it_records_the_remote(
    locked: LockedRun, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = pushing._verify

    def slow(*args: object) -> None:
        verify(*args)  # type: ignore[arg-type]
        replace_asset(locked.project, locked.run, select(image="2"), write_picture(tmp_path / "new.png", seed=42))
        approve(locked.project, locked.run, select(image="2"))

    monkeypatch.setattr(pushing, "_verify", slow)
    assert push_run(locked).inherited
    assert office.tip() == locked.head()
    assert_promise(office)


def test_push_stopped_by_ctrl_c_is_completed_by_the_next(
    locked: LockedRun, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FOLDER, "check_blobs", stop)
        with pytest.raises(KeyboardInterrupt):
            push_run(locked)
    assert office.tip() is None
    push_run(locked)
    assert_clean(locked.project, locked.run)


def test_pull_on_a_full_disk_changes_nothing(
    locked: LockedRun, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_run(locked)
    project = office.clone(tmp_path / "bea")

    def full(self: BlobStore, file: Path, md5: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlobStore, "move_in", full)
        with pytest.raises(OSError, match="No space left"):
            pull_run(project)
    assert not (project.runs_dir / "ep1").exists()
    assert list(project.blobs.cache_dir.glob("incoming-*")) == []
    assert pull_run(project).fetched.complete


def test_approve_works_without_the_server_and_push_names_it(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    push_run(locked)
    bea = join(office, tmp_path / "bea")
    shutil.rmtree(office.server)
    approve(bea.project, bea.run, select(image="3"))
    done = run_cli(bea.project.root, "push", "ep1")
    assert done.returncode == 1
    assert f"The git remote origin ({office.server}) failed" in done.stderr
    assert read_manifest(bea.project, find_runs(bea.project)["ep1"]).asset(IMAGE_3) == bea.asset(IMAGE_3)
    assert_clean(bea.project, bea.run)
