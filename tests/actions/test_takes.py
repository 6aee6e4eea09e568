"""`history` lists every take, `blame` names who approved which bytes, `restore` brings takes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.blame import blame
from gitassets.actions.doctor import doctor
from gitassets.actions.log import read_log
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.adapters.files import hash_file
from gitassets.domain.commit_message import Transition
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, CorruptError, LockedError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.take_history import read_takes
from tests.actions.checks import assert_clean, ignore_progress, run_cli, select, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, copy_project, overwrite
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture, write_tone


def make_takes(locked: LockedRun, count: int) -> list[Asset]:
    """Give image 3 this many takes, reject all but the last and return them in order."""
    found = [locked.asset(IMAGE_3)]
    for seed in range(1, count):
        reject(locked.project, locked.run, select(image="3"), reason=f"no {seed}")
        regen(locked.project, locked.run, select(image="3"), RegenOptions(provider="tone", seed=seed), ignore_progress)
        found.append(locked.asset(IMAGE_3))
    return found


def test_history_lists_every_take_with_its_last_status(locked: LockedRun, provider: ToneProvider) -> None:
    assets = make_takes(locked, 3)
    (result,) = read_takes(locked.project, locked.run, select(image="3"))
    assert result.address == IMAGE_3
    assert [one.asset.md5 for one in result.takes] == [one.md5 for one in assets]
    assert [one.asset.take for one in result.takes] == [1, 2, 3]
    assert [one.asset.status for one in result.takes] == [Status.REJECTED, Status.REJECTED, Status.REVISED]
    assert [one.asset.reason for one in result.takes] == ["no 1", "no 2", "no 2"]
    assert [one.asset.cost_usd for one in result.takes] == [None, 0.25, 0.25]
    assert [one.current for one in result.takes] == [False, False, True]
    assert [one.author for one in result.takes] == ["Ann Lee <ann@example.com>"] * 3
    made = locked.git("log", "--format=%H %s", "--reverse").splitlines()
    brought = [next(line for line in made if line.startswith(one.commit)) for one in result.takes]
    assert ["regen" in line for line in brought] == [False, True, True]


def test_history_covers_the_assets_of_a_segment_and_refuses_a_missing_one(locked: LockedRun) -> None:
    both = read_takes(locked.project, locked.run, select(segment="1"))
    assert [str(one.address) for one in both] == ["audio 1", "image 1"]
    with pytest.raises(NoMatchError):
        read_takes(locked.project, locked.run, select(image="2"))


def test_blame_names_author_commit_and_bytes_of_each_approval(locked: LockedRun) -> None:
    locked.git("config", "user.name", "Bea")
    approve(locked.project, locked.run, select(audio="2"))
    first, second = blame(locked.project, locked.run)
    assert (str(first.address), str(second.address)) == ("image 1", "audio 2")
    assert (first.author, second.author) == ("Ann Lee <ann@example.com>", "Bea <ann@example.com>")
    assert (second.commit, second.md5) == (locked.head(), locked.asset(Address(2, Kind.AUDIO)).md5)
    assert first.commit == locked.git("rev-parse", "HEAD~1").strip()
    assert first.status is Status.APPROVED
    assert [str(one.address) for one in blame(locked.project, locked.run, Kind.AUDIO)] == ["audio 2"]


def test_blame_names_the_latest_approval_after_a_reopen(locked: LockedRun) -> None:
    first = blame(locked.project, locked.run)[0].commit
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    assert blame(locked.project, locked.run) == ()
    approve(locked.project, locked.run, select(image="1"))
    assert blame(locked.project, locked.run)[0].commit == locked.head() != first


def copy_for_bea(locked: LockedRun, tmp_path: Path) -> LockedRun:
    """Copy the project for a colleague who commits under another name."""
    other = copy_project(locked.project.root, tmp_path / "bea")
    bea = LockedRun(other, find_run(other, "ep1"))
    bea.git("config", "user.name", "Bea")
    return bea


def merge(locked: LockedRun, other: LockedRun) -> None:
    locked.git("fetch", "--quiet", str(other.project.root), "run/ep1")
    locked.git("merge", "--no-edit", "FETCH_HEAD", check=False)


def test_blame_after_a_merge_keeps_the_author_of_each_approval(locked: LockedRun, tmp_path: Path) -> None:
    bea = copy_for_bea(locked, tmp_path)
    approve(locked.project, locked.run, select(audio="1"))
    approve(bea.project, bea.run, select(audio="2"))
    commits = {"audio 1": locked.head(), "image 1": locked.git("rev-parse", "HEAD~1").strip(), "audio 2": bea.head()}
    merge(locked, bea)
    found = blame(locked.project, locked.run)
    assert {str(one.address): one.commit for one in found} == commits
    assert [one.author.split(" <")[0] for one in found] == ["Ann Lee", "Ann Lee", "Bea"]


def test_blame_names_the_author_who_settled_a_conflict(locked: LockedRun, tmp_path: Path) -> None:
    bea = copy_for_bea(locked, tmp_path)
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    approve(bea.project, bea.run, select(image="3"))
    merge(locked, bea)
    approve(locked.project, locked.run, select(image="3"))
    approval = blame(locked.project, locked.run)[-1]
    assert (approval.address, approval.commit) == (IMAGE_3, locked.head())
    told = read_log(locked.project, locked.run, kind=Kind.IMAGE)[0]
    assert (told.commit, told.transitions) == (locked.head(), (Transition(IMAGE_3, "review", "approved"),))
    assert approval.author == "Ann Lee <ann@example.com>"


def test_history_ignores_the_status_on_a_branch_that_left_the_take_unchanged(
    locked: LockedRun, provider: ToneProvider, tmp_path: Path
) -> None:
    bea = copy_for_bea(locked, tmp_path)
    make_takes(locked, 2)
    approve(bea.project, bea.run, select(audio="2"))
    merge(locked, bea)
    (result,) = read_takes(locked.project, locked.run, select(image="3"))
    assert [(one.asset.status, one.asset.reason) for one in result.takes] == [
        (Status.REJECTED, "no 1"),
        (Status.REVISED, "no 1"),
    ]
    assert [one.current for one in result.takes] == [False, True]


def test_restore_recovers_overwritten_and_deleted_files_and_locks_them(locked: LockedRun) -> None:
    good = locked.locked_file.read_bytes()
    unknown = overwrite(locked.locked_file)
    result = restore(locked.project, locked.run, select(image="1"))
    assert result.restored == ("images/scene_000.png",)
    assert result.commit is None
    assert locked.locked_file.read_bytes() == good
    assert locked.locked_file.stat().st_mode & 0o222 == 0
    assert locked.project.blobs.has(unknown)
    locked.locked_file.unlink()
    restore(locked.project, locked.run, select(segment="1"))
    assert locked.locked_file.read_bytes() == good
    assert restore(locked.project, locked.run, select(image="all")).restored == ()
    assert_clean(locked.project, locked.run)


def test_restore_replaces_a_symbolic_link_with_the_file(locked: LockedRun, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.png"
    locked.locked_file.rename(target)
    locked.locked_file.symlink_to(target)
    restore(locked.project, locked.run, select(image="1"))
    assert locked.locked_file.is_file()
    assert not locked.locked_file.is_symlink()
    assert locked.verify().holds


def test_restore_refuses_a_folder_in_the_place_of_a_file(locked: LockedRun) -> None:
    locked.locked_file.unlink()
    locked.locked_file.mkdir()
    with pytest.raises(ConflictError, match=r"scene_000\.png is a folder"):
        restore(locked.project, locked.run, select(image="1"))
    assert locked.locked_file.is_dir()
    result = doctor(locked.project)
    assert result.mended == ()
    assert "a folder lies where the file of image 1 belongs" in result.left[0]
    locked.locked_file.rmdir()
    locked.locked_file.symlink_to(locked.project.root, target_is_directory=True)
    assert restore(locked.project, locked.run, select(image="1")).restored == ("images/scene_000.png",)
    assert hash_file(locked.locked_file) == locked.asset(IMAGE_1).md5
    assert not locked.locked_file.is_symlink()


def test_restore_refuses_a_damaged_blob(locked: LockedRun) -> None:
    blob = locked.project.blobs.path(locked.asset(IMAGE_1).md5)
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    found = overwrite(locked.locked_file)
    with pytest.raises(CorruptError, match="are damaged"):
        restore(locked.project, locked.run, select(image="1"))
    assert locked.project.stat_index(locked.run).hash("images/scene_000.png") == found
    assert [path.name for path in locked.locked_file.parent.iterdir() if path.name.startswith(".")] == []


def test_restore_refuses_bytes_that_are_absent_from_the_cache(locked: LockedRun) -> None:
    locked.project.blobs.remove(locked.asset(IMAGE_1).md5)
    locked.locked_file.unlink()
    with pytest.raises(NotFoundError, match="are not here") as error:
        restore(locked.project, locked.run, select(image="1"))
    assert "No DVC remote is set up" in error.value.hint


def test_restore_of_an_older_take_makes_it_current_and_in_review(locked: LockedRun, provider: ToneProvider) -> None:
    first, second, third = make_takes(locked, 3)
    result = restore(locked.project, locked.run, select(image="3"), "1")
    assert (result.take, result.restored, result.commit) == (1, (first.path,), locked.head())
    now = locked.asset(IMAGE_3)
    assert (now.md5, now.take, now.status) == (first.md5, 1, Status.REVIEW)
    assert subjects(locked.run)[0] == "restore take 1 of image 3"
    assert (locked.folder / now.path).read_bytes() == locked.project.blobs.path(first.md5).read_bytes()
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds
    assert restore(locked.project, locked.run, select(image="3"), "1").commit is None
    assert locked.project.blobs.has(third.md5)
    assert locked.project.blobs.has(second.md5)


def test_take_after_a_restored_one_gets_a_new_number(locked: LockedRun, provider: ToneProvider) -> None:
    make_takes(locked, 3)
    restore(locked.project, locked.run, select(image="3"), "2")
    regen(locked.project, locked.run, select(image="3"), RegenOptions(provider="tone", seed=70), ignore_progress)
    assert locked.asset(IMAGE_3).take == 4
    restore(locked.project, locked.run, select(image="3"), "1")
    file = write_picture(locked.project.root.parent / "new.png", seed=71)
    replace_asset(locked.project, locked.run, select(image="3"), file)
    assert locked.asset(IMAGE_3).take == 5
    (result,) = read_takes(locked.project, locked.run, select(image="3"))
    assert [one.asset.take for one in result.takes] == [1, 2, 3, 4, 5]
    assert [one.current for one in result.takes].index(True) == 4
    assert locked.verify(full=True).holds


def test_restore_of_a_take_of_another_type_uses_its_suffix(locked: LockedRun) -> None:
    path = Path(locked.asset(IMAGE_3).path)
    file = write_picture(locked.project.root.parent / "new.jpg", seed=5, picture_format="JPEG")
    replace_asset(locked.project, locked.run, select(image="3"), file)
    assert Path(locked.asset(IMAGE_3).path).suffix == ".jpg"
    replace_asset(locked.project, locked.run, select(image="2"), write_picture(file.with_suffix(".png"), seed=6))
    restore(locked.project, locked.run, select(image="3"), "1")
    assert Path(locked.asset(IMAGE_3).path).suffix == path.suffix
    assert_clean(locked.project, locked.run)


def test_restore_of_an_older_take_refuses_a_locked_asset(locked: LockedRun) -> None:
    with pytest.raises(LockedError, match="locked") as error:
        restore(locked.project, locked.run, select(image="1"), "1")
    assert "gitassets reopen ep1 --image 1" in error.value.hint


def test_restore_refuses_an_unknown_take_and_several_assets(locked: LockedRun) -> None:
    with pytest.raises(NotFoundError, match="no take 7") as error:
        restore(locked.project, locked.run, select(image="3"), "7")
    assert "Its takes are 1 (" in error.value.hint
    with pytest.raises(UsageError, match="one asset"):
        restore(locked.project, locked.run, select(image="all"), "1")
    with pytest.raises(UsageError, match="Say which asset"):
        restore(locked.project, locked.run, select())


def test_restore_selects_takes_with_the_same_number_by_md5(locked: LockedRun, tmp_path: Path) -> None:
    other = copy_project(locked.project.root, tmp_path / "other")
    bea = LockedRun(other, find_run(other, "ep1"))
    for seed, one in ((60, locked), (61, bea)):
        file = write_tone(tmp_path / f"{seed}.wav", frequency=5 * seed, duration_sec=0.1)
        replace_asset(one.project, one.run, select(audio="2"), file)
    address = Address(2, Kind.AUDIO)
    theirs = bea.asset(address).md5
    shutil.copytree(other.blobs.cache_dir, locked.project.blobs.cache_dir, dirs_exist_ok=True)
    locked.git("fetch", "--quiet", str(other.root), "run/ep1")
    locked.git("merge", "--no-edit", "FETCH_HEAD", check=False)
    approve_either(locked)
    with pytest.raises(UsageError, match="several takes 2") as error:
        restore(locked.project, locked.run, select(audio="2"), "2")
    assert theirs[:12] in error.value.hint
    restore(locked.project, locked.run, select(audio="2"), theirs[:7])
    assert locked.asset(address).md5 == theirs


def approve_either(locked: LockedRun) -> None:
    restore(locked.project, locked.run, select(audio="2"))
    reject(locked.project, locked.run, select(audio="2"), reason="both")
    assert locked.verify().holds


def test_history_blame_and_restore_commands_print_tables_and_json(locked: LockedRun) -> None:
    root = locked.project.root
    assert "→ 1  current, approved" in run_cli(root, "history", "ep1", "--image", "1").stdout
    found = json.loads(run_cli(root, "history", "ep1", "--image", "1", "--json").stdout)
    (take,) = found["assets"][0]["takes"]
    assert {"take", "md5", "status", "commit", "author", "date", "current"} <= set(take)
    assert run_cli(root, "history", "ep1").returncode == 2
    table = run_cli(root, "blame", "ep1").stdout
    assert "image 1" in table
    assert "Ann Lee <ann@example.com>" in table
    (approval,) = json.loads(run_cli(root, "blame", "ep1", "--json").stdout)["assets"]
    assert {"segment", "kind", "status", "md5", "path", "commit", "author", "date", "by_hand", "settled"} == set(
        approval
    )
    assert "Nothing to restore" in run_cli(root, "restore", "ep1", "--image", "1").stdout
    locked.locked_file.unlink()
    assert "Restored images/scene_000.png" in run_cli(root, "restore", "ep1", "--image", "1").stdout
    assert run_cli(root, "restore", "ep1", "--image", "1", "--take", "1").returncode == 1
