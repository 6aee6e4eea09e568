"""`gc` removes only blobs that no history references."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.gc import gc
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.manifest import MANIFEST_NAME, Asset
from gitassets.domain.manifest_format import format_manifest, raw_asset
from gitassets.domain.status import Status
from gitassets.errors import BusyError, ConflictError, CorruptError
from gitassets.making.record import hold_making
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, find_project
from tests.actions.checks import git, run_cli, select
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    commit_by_hand,
    overwrite,
    with_bytes,
    write_by_hand,
)
from tests.media import write_picture


def put_blob(locked: LockedRun, seed: int = 123) -> str:
    """Add an unreferenced blob and return its md5."""
    return with_bytes(locked.project, locked.asset(IMAGE_3), seed).md5


def take_new(locked: LockedRun, number: str, seed: int) -> None:
    file = write_picture(locked.project.root.parent / f"{seed}.png", seed=seed)
    replace_asset(locked.project, locked.run, select(image=number), file)


def test_gc_dry_run_lists_and_gc_removes_unreferenced_blobs(locked: LockedRun) -> None:
    md5 = put_blob(locked)
    shown = gc(locked.project, KeepPolicy.HISTORY, dry_run=True)
    assert shown.unnamed == (md5,)
    assert shown.freed_bytes == locked.project.blobs.path(md5).stat().st_size
    assert locked.project.blobs.has(md5)
    assert gc(locked.project, KeepPolicy.HISTORY, dry_run=False).unnamed == (md5,)
    assert not locked.project.blobs.has(md5)
    assert gc(locked.project, KeepPolicy.HISTORY, dry_run=False).unnamed == ()
    assert locked.verify(full=True).holds


def test_gc_keep_history_keeps_every_earlier_take(locked: LockedRun) -> None:
    first = locked.asset(IMAGE_3).md5
    take_new(locked, "3", 50)
    take_new(locked, "3", 51)
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    restore(locked.project, locked.run, select(image="3"), "1")
    assert locked.asset(IMAGE_3).md5 == first
    assert locked.verify(full=True).holds


@pytest.mark.parametrize("kind", ["branch", "tag", "stash", "remote", "detached"])
def test_gc_keeps_blobs_referenced_only_by_another_ref(locked: LockedRun, kind: str) -> None:
    base = locked.head()
    changed = with_bytes(locked.project, locked.asset(IMAGE_3))
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, changed))
    if kind == "stash":
        locked.git("stash", "--quiet")
    elif kind == "detached":
        locked.git("checkout", "--quiet", "--detach")
        commit_by_hand(locked.folder)
    else:
        commit = commit_by_hand(locked.folder)
        name = {"branch": "refs/heads/idea", "tag": "refs/tags/idea", "remote": "refs/remotes/bea/run/ep1"}[kind]
        locked.git("update-ref", name, commit)
        locked.git("reset", "--hard", "--quiet", base)
        (locked.project.git_dir / "worktrees" / "ep1" / "ORIG_HEAD").unlink()
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(changed.md5)


def test_gc_keep_locked_removes_takes_that_were_never_approved(locked: LockedRun) -> None:
    approved, draft = locked.asset(IMAGE_1).md5, locked.asset(IMAGE_3).md5
    take_new(locked, "3", 50)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    take_new(locked, "1", 51)
    current = {locked.asset(IMAGE_1).md5, locked.asset(IMAGE_3).md5}
    result = gc(locked.project, KeepPolicy.LOCKED, dry_run=False)
    assert draft in result.unnamed
    assert not locked.project.blobs.has(draft)
    assert all(map(locked.project.blobs.has, {approved, *current}))
    assert locked.verify().holds


def test_gc_killed_halfway_is_completed_by_the_next_gc(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob has two hard links; as long as one is left, the next gc finds and removes it."""
    md5s = [put_blob(locked, seed) for seed in (123, 124)]
    unlink, left = Path.unlink, [0]

    def dies(path: Path, missing_ok: bool = False) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dies)
    for _ in range(3):
        left[0] = 1
        with pytest.raises(KeyboardInterrupt):
            gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
        assert any(map(locked.project.blobs.has, md5s))
    monkeypatch.undo()
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert not any(map(locked.project.blobs.has, md5s))
    assert locked.verify(full=True).holds


def test_gc_keeps_blobs_of_takes_not_yet_committed(locked: LockedRun) -> None:
    asset = with_bytes(locked.project, locked.asset(IMAGE_3))
    MadeLog(locked.project.state_dir, "ep1").add(MadeTake(3, "image", None, "regen", raw_asset(asset)))
    assert gc(locked.project, KeepPolicy.LOCKED, dry_run=True).unnamed.count(asset.md5) == 0


def test_gc_is_refused_while_assets_are_being_made(locked: LockedRun) -> None:
    with hold_making(locked.project, locked.run), pytest.raises(BusyError, match="making assets"):
        gc(locked.project, KeepPolicy.HISTORY, dry_run=False)


def test_gc_refuses_an_unreadable_or_shallow_history(locked: LockedRun, tmp_path: Path) -> None:
    md5 = put_blob(locked)
    (locked.folder / MANIFEST_NAME).write_text("{")
    commit_by_hand(locked.folder)
    with pytest.raises(CorruptError, match="cannot be read"):
        gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(md5)
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{locked.project.root}", "shallow")
    with pytest.raises(ConflictError, match="shallow"):
        gc(find_project(tmp_path / "shallow"), KeepPolicy.HISTORY, dry_run=False)


def test_gc_refuses_a_cache_outside_the_project(locked: LockedRun, tmp_path: Path) -> None:
    project = clone_run(locked, tmp_path / "clone", cache=tmp_path / "shared")
    own, other = locked.asset(IMAGE_1), with_bytes(locked.project, locked.asset(IMAGE_3))
    shutil.copytree(locked.project.blobs.cache_dir, tmp_path / "shared")
    approve(project, find_run(project, "ep1"), select(image="3"))
    kept = {md5 for md5, path in project.blobs.iter_files() if path.is_relative_to(project.state_dir)}
    assert own.md5 in kept
    assert other.md5 not in kept
    with pytest.raises(ConflictError, match="outside of this project"):
        gc(project, KeepPolicy.HISTORY, dry_run=False)
    assert (tmp_path / "shared" / "files" / "md5" / other.md5[:2] / other.md5[2:]).is_file()


def clone_run(locked: LockedRun, folder: Path, cache: Path) -> Project:
    """Clone only the run's branch, with `cache` as its DVC cache."""
    git(
        folder.parent,
        "clone",
        "--quiet",
        "--single-branch",
        "--branch",
        "run/ep1",
        str(locked.project.root),
        folder.name,
    )
    (folder / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {cache}\n")
    return find_project(folder)


def break_by_hand(locked: LockedRun) -> tuple[str, str]:
    """Commit an unreadable manifest; return the commit and the hash of a blob that only it names."""
    changed = with_bytes(locked.project, locked.asset(IMAGE_3))
    text = format_manifest(locked.manifest().with_asset(IMAGE_3, changed)).decode()
    (locked.folder / MANIFEST_NAME).write_text(text.rstrip().removesuffix("}"))
    return commit_by_hand(locked.folder), changed.md5


@pytest.mark.parametrize("way", ["reset", "revert", "mended"])
def test_gc_keeps_blobs_mentioned_in_an_unreadable_earlier_manifest(locked: LockedRun, way: str) -> None:
    good, text = locked.head(), (locked.folder / MANIFEST_NAME).read_text()
    unnamed = put_blob(locked, 124)
    bad, md5 = break_by_hand(locked)
    if way == "mended":
        (locked.folder / MANIFEST_NAME).write_text(text)
        commit_by_hand(locked.folder)
    else:
        # `git reset` leaves ORIG_HEAD and the reflog behind.
        locked.git(*(("reset", "--quiet", "--hard", good) if way == "reset" else ("revert", "--no-edit", bad)))
    assert gc(locked.project, KeepPolicy.HISTORY, dry_run=False).unnamed == (unnamed,)
    assert locked.project.blobs.has(md5)


def test_gc_keeps_blobs_of_a_folder_list_beside_an_unreadable_manifest(locked: LockedRun) -> None:
    changed = with_bytes(locked.project, locked.asset(IMAGE_3))
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, changed))
    for folder in imply_dvc_files(locked.manifest()).values():
        locked.project.blobs.add_listing(folder.listing, folder.md5)
    (locked.folder / MANIFEST_NAME).write_text("{")
    commit_by_hand(locked.folder)
    locked.git("reset", "--quiet", "--hard", "HEAD~")
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(changed.md5)


@pytest.mark.parametrize("ref", ["open", "closed", "refs/tags/idea", "refs/remotes/bea/run/ep1", "detached"])
def test_gc_error_about_an_unreadable_manifest_gives_a_working_git_command(locked: LockedRun, ref: str) -> None:
    good = locked.head()
    if ref == "detached":
        locked.git("checkout", "--quiet", "--detach")
    bad, md5 = break_by_hand(locked)
    if ref.startswith("refs/"):
        locked.git("update-ref", ref, bad)
        locked.git("reset", "--quiet", "--hard", good)
    elif ref == "closed":
        git(locked.project.root, "worktree", "remove", "--force", str(locked.folder))
    with pytest.raises(CorruptError, match=f"at {bad[:10]}, whose manifest cannot be read") as caught:
        gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(md5)
    (remedy,) = re.findall("`git ([^`]+)`", caught.value.hint)
    git(locked.project.root, *remedy.split())
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(md5) is (ref in ("open", "detached", "refs/tags/idea", "refs/remotes/bea/run/ep1"))


def test_gc_keeps_blobs_of_an_unsettled_conflict(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    other = with_bytes(locked.project, locked.asset(IMAGE_3))
    stopped = locked.asset(IMAGE_3)
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, _in_conflict(stopped, stopped, other)))
    commit_by_hand(locked.folder)
    gc(locked.project, KeepPolicy.HISTORY, dry_run=False)
    assert locked.project.blobs.has(other.md5)


def _in_conflict(asset: Asset, *sides: Asset) -> Asset:
    record = [raw_asset(one) for one in sides]
    return replace(asset, status=Status.REVIEW, approved_md5=None, extra={"conflict": record})


def test_gc_command_removes_only_with_yes(locked: LockedRun) -> None:
    root = locked.project.root
    md5 = put_blob(locked)
    done = run_cli(root, "gc")
    assert "Would remove 1 files" in done.stdout
    assert md5 in done.stdout
    assert locked.project.blobs.has(md5)
    found = json.loads(run_cli(root, "gc", "--json").stdout)
    assert {"kept", "unnamed", "freed_bytes", "dry_run"} < set(found)
    assert found["dry_run"] is True
    assert "Removed 1 files" in run_cli(root, "gc", "--yes").stdout
    assert not locked.project.blobs.has(md5)
    overwrite(locked.folder / "images" / "scene_002.png")
    assert run_cli(root, "gc", "--keep", "everything").returncode == 2
