"""`doctor` repairs what it safely can and lists what needs a decision."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.doctor import doctor
from gitassets.actions.hooks import show_hooks, uninstall
from gitassets.actions.init import init
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.manifest_format import format_manifest
from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions.checks import assert_clean, dvc_status, git, run_cli, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, commit_by_hand, overwrite


def test_doctor_repeated_repairs_nothing(locked: LockedRun) -> None:
    doctor(locked.project)
    before = locked.head()
    result = doctor(locked.project)
    assert (result.mended, result.left) == ((), ())
    assert locked.head() == before


def test_doctor_reinstalls_hooks_and_merge_driver(locked: LockedRun) -> None:
    uninstall(locked.project)
    assert doctor(locked.project).mended == ("Installed the hooks and the merge driver",)
    assert show_hooks(locked.project).complete


@pytest.mark.parametrize("wrong", ["size", "absent", "extra"])
def test_doctor_rebuilds_wrong_dvc_files_from_the_manifest(locked: LockedRun, wrong: str) -> None:
    path = locked.folder / "images.dvc"
    if wrong == "size":
        path.write_text(path.read_text().replace("size: ", "size: 1"))
    elif wrong == "absent":
        path.unlink()
    else:
        path.with_name("video.dvc").write_text(path.read_text().replace("images", "video"))
    commit_by_hand(locked.folder)
    assert doctor(locked.project).mended == ("ep1: rebuilt the .dvc files from the manifest",)
    assert subjects(locked.run)[0] == "doctor rebuild the .dvc files"
    assert dvc_status(locked.folder) == {}
    assert locked.git("status", "--porcelain") == ""
    assert doctor(locked.project).mended == ()


def test_doctor_recomputes_derived_manifest_fields(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    path.write_bytes(format_manifest(replace(locked.manifest(), production_state="published")))
    commit_by_hand(locked.folder)
    assert doctor(locked.project).mended
    assert locked.manifest().production_state == "review"
    assert locked.verify().holds


def test_doctor_keeps_an_uncommitted_edit_of_a_dvc_file(locked: LockedRun) -> None:
    path = locked.folder / "images.dvc"
    path.write_text("edited")
    result = doctor(locked.project)
    assert result.mended == ()
    assert "was changed by hand" in result.left[0]
    assert path.read_text() == "edited"


def test_doctor_keeps_uncommitted_and_staged_edits(locked: LockedRun) -> None:
    """Edited settings, staged changes, and .dvc files beside an edited manifest stay as they are."""
    config = locked.folder / ".dvc" / "config"
    config.write_text(config.read_text() + "['remote \"mine\"']\n    url = /mnt/mine")
    (locked.folder / ".dvcignore").write_text("*.tmp\n")
    locked.git("rm", "--quiet", ".gitattributes")
    (locked.folder / ".gitignore").write_text("/final/\n/more/\n")
    locked.git("add", ".gitignore")
    (locked.folder / ".gitignore").unlink()
    assert doctor(locked.project).mended == ("ep1: took .gitignore back from git, since it was lost or cut off",)
    assert (locked.folder / ".gitignore").read_text() == "/final/\n/more/\n"
    assert "mine" in config.read_text()
    assert (locked.folder / ".dvcignore").read_text() == "*.tmp\n"
    assert not (locked.folder / ".gitattributes").exists()
    manifest, dvc_file = locked.folder / MANIFEST_NAME, locked.folder / "images.dvc"
    edited = manifest.read_text().replace('"notes": ""', '"notes": "Softer light"')
    manifest.write_text(edited + "\n")
    dvc_file.unlink()
    assert "were changed by hand" in doctor(locked.project).left[0]
    assert manifest.read_text() == edited + "\n"
    assert not dvc_file.exists()


def test_doctor_reports_new_staged_files_with_a_working_remedy(locked: LockedRun) -> None:
    (locked.folder / "video.dvc").write_text("outs:\n")
    locked.git("add", "video.dvc")
    (left,) = doctor(locked.project).left
    (remedy,) = re.findall("`git ([^`]+)`", left)
    assert "move away what is new (video.dvc)" in left.lower()
    (locked.folder / "video.dvc").unlink()
    locked.git(*remedy.split())
    assert doctor(locked.project).left == ()


def test_doctor_and_init_restore_the_dvc_remotes_of_a_project(locked: LockedRun) -> None:
    root = locked.project.root
    config = root / ".dvc" / "config"
    config.write_text(config.read_text() + "['remote \"store\"']\n    url = /mnt/store\n")
    git(root, "commit", "--quiet", "--all", "--message", "Where the media are")
    for command in (doctor, lambda project: init(project.root)):
        shutil.rmtree(root / ".dvc")
        command(locked.project)
        assert "/mnt/store" in config.read_text()
        assert (root / ".dvc" / "config.local").is_file()
        assert git(root, "status", "--porcelain") == ""


def test_doctor_moves_unreadable_dvc_settings_aside_privately(locked: LockedRun) -> None:
    local = locked.folder / ".dvc" / "config.local"
    local.write_text("['remote \"store\"']\n    password = secret\n[cut")
    assert "config.local, since it cannot be read" in "".join(doctor(locked.project).mended)
    aside = locked.project.state_dir / "damaged" / "ep1-config.local"
    assert "secret" in aside.read_text()
    assert aside.stat().st_mode & 0o077 == 0
    assert str(locked.project.blobs.cache_dir) in local.read_text()


def test_doctor_restores_missing_and_corrupt_cache_entries_from_the_run_folder(locked: LockedRun) -> None:
    blobs = locked.project.blobs
    one, three = (locked.asset(address) for address in (IMAGE_1, IMAGE_3))
    blobs.remove(three.md5)
    blobs.path(one.md5).chmod(0o644)
    blobs.path(one.md5).write_bytes(b"damaged")
    listing = blobs.path(imply_dvc_files(locked.manifest())["audio"].md5)
    listing.chmod(0o644)
    listing.write_text("[]")
    assert locked.codes() == {"blob-damaged"}
    mended = doctor(locked.project).mended
    assert len(mended) == 3
    assert locked.verify(full=True).holds
    assert_clean(locked.project, locked.run)


def test_doctor_restores_files_missing_after_a_killed_command(locked: LockedRun) -> None:
    draft = locked.folder / locked.asset(IMAGE_3).path
    draft.unlink()
    (draft.parent / ".incoming-abc").write_text("half")
    assert doctor(locked.project).mended == (f"ep1: put back {locked.asset(IMAGE_3).path}",)
    assert_clean(locked.project, locked.run)


def test_doctor_lists_what_it_cannot_repair_and_exits_1(locked: LockedRun) -> None:
    one, three = (locked.asset(address) for address in (IMAGE_1, IMAGE_3))
    overwrite(locked.locked_file)
    locked.project.blobs.remove(three.md5)
    (locked.folder / three.path).unlink()
    locked.project.blobs.remove(one.md5)
    locked.project.blobs.path(one.md5).write_bytes(b"damaged")
    result = doctor(locked.project)
    left = "\n".join(result.left)
    aside = locked.project.state_dir / "damaged" / one.md5
    assert f"ep1: moved the damaged bytes of {one.path} out of the cache, to {aside}" in result.mended
    assert aside.read_bytes() == b"damaged"
    assert "image 1 is locked, but images/scene_000.png was overwritten: `gitassets restore ep1 --image 1`" in left
    for path in (one.path, three.path):
        assert f"the bytes of {path} are not here. No DVC remote is set up" in left
    done = run_cli(locked.project.root, "doctor")
    assert done.returncode == 1
    assert "Left for you: ep1: image 1 is locked" in done.stderr


def test_doctor_relinks_the_runs_of_a_copied_project(locked: LockedRun, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(locked.project.root, copy, symlinks=True)
    project = find_project(copy)
    assert "Tied run ep1 to this copy of the project" in doctor(project).mended
    assert find_run(project, "ep1").folder == copy / "runs" / "ep1"
    assert git(copy / "runs" / "ep1", "rev-parse", "--git-common-dir").strip() == str(copy / ".git")


def test_doctor_command_prints_text_and_json(locked: LockedRun) -> None:
    root = locked.project.root
    run_cli(root, "doctor")
    assert run_cli(root, "doctor").stdout == "Nothing to repair.\n"
    assert {"mended", "left"} < set(json.loads(run_cli(root, "doctor", "--json").stdout))
