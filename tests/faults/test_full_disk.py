"""On a disk that fills up at any moment, a command succeeds or reports it and changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.actions.track import track
from gitassets.adapters.process import CommandError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import asset, ignore_progress, run_cli, snapshot
from tests.faults.whole import assert_whole
from tests.media import write_picture, write_tone
from tests.runs.test_transaction import (
    Act,
    approve_audio_2,
    next_command,
    regen_image_3,
    replace_image_3,
    track_new_image,
)

BLOCK = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    os.chdir("/")
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


@pytest.fixture
def project(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    init(disk / "project")
    monkeypatch.chdir(disk / "project")
    return find_project(disk / "project")


@pytest.fixture
def run(project: Project) -> Run:
    folder = project.runs_dir / "ep1"
    for number in range(3):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 50 * number, duration_sec=0.1)
    write_picture(folder / "images" / "scene_002.png", seed=3)
    track(project, folder, on_progress=ignore_progress)
    return find_run(project, "ep1")


def fill(disk: Path, free: int) -> Path:
    """Fill all but `free` blocks of the disk with a file and return it."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    with ballast.open("wb") as file:
        file.write(b"x" * max(0, room.f_bavail * room.f_frsize - free * BLOCK))
    return ballast


@pytest.mark.parametrize("act", [approve_audio_2, replace_image_3, track_new_image])
def test_command_on_a_full_disk_changes_nothing(disk: Path, project: Project, run: Run, act: Act) -> None:
    if act is track_new_image:
        write_picture(run.require_folder() / "images" / "scene_001.png", seed=79)
    write_picture(disk / "by-hand.jpg", seed=78)
    before = snapshot(run)
    for free in range(100):
        ballast = fill(disk, free)
        failed = fails_for_want_of_room(lambda: act(project, run))
        ballast.unlink()
        if not failed:
            break
        assert snapshot(run) == before
    assert free > 3
    next_command(project, run)
    assert_whole(project, run)


@pytest.mark.usefixtures("provider")
def test_regen_on_a_full_disk_keeps_results_for_the_next_command(disk: Path, project: Project, run: Run) -> None:
    for free in range(100):
        before = asset(project, run, "image", 3)
        ballast = fill(disk, free)
        failed = fails_for_want_of_room(lambda: regen_image_3(project, run))
        ballast.unlink()
        if not failed:
            break
        next_command(project, run)
        now = asset(project, run, "image", 3)
        assert (now.take == before.take) == (now.md5 == before.md5)
        assert_whole(project, run, quick=True)
    assert free > 3
    assert now.take > 1
    assert_whole(project, run)


def fails_for_want_of_room(act: Callable[[], object]) -> bool:
    said = []
    try:
        said = [one.message for one in getattr(act(), "failed", ())]
    except (OSError, CommandError) as error:
        said = [str(error)]
    assert [one for one in said if not re.search(r"No space left|Out of diskspace|couldn't write", one)] == []
    return bool(said)


def test_command_on_a_full_disk_reports_it(disk: Path, project: Project, run: Run) -> None:
    fill(disk, 0)
    done = run_cli(project.root, "approve", "ep1", "--audio", "2")
    assert done.returncode == 1
    assert "The disk is full" in done.stderr
