"""`list`, `show` and `summary` notice altered files by their size and times, and hash nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.list import list_assets
from gitassets.actions.summary import summarize
from gitassets.adapters.state import stat_index
from gitassets.runs import altered_files
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, find_project
from tests.actions.checks import run_cli
from tests.actions.locked_run import LockedRun, copy_tree
from tests.actions.sharing import dvc, join, make_office, push_run

NAME = "images/scene_000.png"


@pytest.fixture
def settled(locked: LockedRun) -> LockedRun:
    """The index knows every file, as after the next command that hashes them."""
    index = locked.project.stat_index(locked.run)
    for _, asset in locked.manifest().assets():
        index.note(asset.path, asset.md5)
    index.save()
    return locked


def find_marked(project: Project) -> list[str]:
    return [row.asset.path for row in list_assets(project, find_run(project, "ep1")).rows if row.altered]


def write_over(path: Path, data: bytes) -> None:
    """Write as other programs do: in place."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(data)


def move_over(path: Path, data: bytes) -> None:
    """Write as editors do: beside it, then by rename."""
    other = path.with_name("new")
    other.write_bytes(data)
    other.replace(path)


def change_a_byte(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    return bytes(data)


@pytest.mark.parametrize("write", [write_over, move_over])
def test_list_marks_a_file_of_another_size(settled: LockedRun, write: Callable[[Path, bytes], None]) -> None:
    write(settled.locked_file, settled.locked_file.read_bytes() + b"x")
    assert find_marked(settled.project) == [NAME]


@pytest.mark.parametrize("write", [write_over, move_over])
def test_list_marks_a_file_with_a_new_time_and_other_bytes(
    settled: LockedRun, write: Callable[[Path, bytes], None]
) -> None:
    write(settled.locked_file, change_a_byte(settled.locked_file))
    assert find_marked(settled.project) == [NAME]


def test_list_marks_a_link_in_place_of_a_file(settled: LockedRun, tmp_path: Path) -> None:
    shutil.move(settled.locked_file, tmp_path / "moved.png")
    settled.locked_file.symlink_to(tmp_path / "moved.png")
    assert find_marked(settled.project) == [NAME]


def test_list_marks_a_file_whose_other_bytes_were_hashed_already(settled: LockedRun) -> None:
    write_over(settled.locked_file, change_a_byte(settled.locked_file))
    os.utime(settled.locked_file, ns=(1, 1))
    index = settled.project.stat_index(settled.run)
    index.hash(NAME)
    index.save()
    assert find_marked(settled.project) == [NAME]


def touch(locked: LockedRun) -> None:
    for _, asset in locked.manifest().assets():
        (locked.folder / asset.path).touch()


def check_out_again(locked: LockedRun) -> None:
    for name in ("audio", "images"):
        shutil.rmtree(locked.folder / name)
    dvc(locked.folder, "checkout", "--quiet", "--force")


def change_modes(locked: LockedRun) -> None:
    for _, asset in locked.manifest().assets():
        (locked.folder / asset.path).chmod(0o600)


def restore_by_command(locked: LockedRun) -> None:
    write_over(locked.locked_file, change_a_byte(locked.locked_file))
    assert run_cli(locked.project.root, "restore", "ep1", "--segment", "all").returncode == 0


def close_and_open(locked: LockedRun) -> None:
    for command in ("close", "open"):
        assert run_cli(locked.project.root, command, "ep1").returncode == 0


def lose_the_index(locked: LockedRun) -> None:
    shutil.rmtree(locked.project.state_dir / "stat-index")


@pytest.mark.parametrize(
    "happen", [touch, check_out_again, change_modes, restore_by_command, close_and_open, lose_the_index]
)
def test_list_marks_nothing_whose_bytes_are_as_recorded(
    settled: LockedRun, happen: Callable[[LockedRun], None]
) -> None:
    happen(settled)
    assert find_marked(settled.project) == []
    assert all(row.present for row in list_assets(settled.project, settled.run).rows)


def test_list_marks_nothing_in_a_copied_project(settled: LockedRun, tmp_path: Path) -> None:
    copy_tree(settled.project.root, tmp_path / "copy")
    for path in (tmp_path / "copy" / "runs").rglob("*.*"):
        path.touch()
    assert find_marked(find_project(tmp_path / "copy")) == []


def test_list_marks_nothing_in_a_run_that_was_pulled(settled: LockedRun, tmp_path: Path) -> None:
    office = make_office(tmp_path)
    office.equip(settled.project.root)
    push_run(settled)
    assert find_marked(join(office, tmp_path / "bea").project) == []


def test_list_hashes_nothing_and_asks_for_each_file_once(settled: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    write_over(settled.locked_file, change_a_byte(settled.locked_file))
    asked: list[str] = []
    lstat = os.lstat
    monkeypatch.setattr(stat_index, "hash_file", lambda path: pytest.fail(f"{path} is hashed"))
    monkeypatch.setattr(os, "lstat", lambda path, **options: (asked.append(str(path)), lstat(path, **options))[1])
    rows = list_assets(settled.project, settled.run).rows
    files = [one for one in asked if "/ep1/" in one]
    assert sorted(files) == sorted({f"{settled.folder}/{row.asset.path}" for row in rows})


def test_list_compares_only_so_many_touched_files(settled: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(settled)
    write_over(settled.locked_file, change_a_byte(settled.locked_file))
    compared: list[bool] = []
    monkeypatch.setattr(altered_files, "find_difference", lambda *_, whole: compared.append(whole))
    monkeypatch.setattr(altered_files, "_MOST_COMPARED", 3)
    monkeypatch.setattr(altered_files, "_WHOLE_BYTES", settled.manifest().segments[1].audio.size)  # type: ignore[union-attr]
    find_marked(settled.project)
    assert compared == [True, False, False]


def test_commands_name_altered_files(settled: LockedRun) -> None:
    write_over(settled.locked_file, change_a_byte(settled.locked_file))
    root = settled.project.root
    text = run_cli(root, "list", "ep1").stdout
    assert "1 file altered: image 1. The manifest records other bytes." in text
    assert "`gitassets restore ep1 --image 1`" in text
    assert "altered" in run_cli(root, "show", "ep1", "1").stdout
    assert "1 altered" in run_cli(root, "summary").stdout
    assert "1 altered" in run_cli(root, "runs").stdout
    found = json.loads(run_cli(root, "list", "ep1", "--json").stdout)["assets"]
    assert [(row["segment"], row["kind"]) for row in found if row["altered"]] == [(1, "image")]
    assert summarize(settled.project)[0].altered == 1
