"""Commands download missing bytes that they need and report on standard error what they cannot download."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.close import close_run
from gitassets.actions.replace import replace_asset
from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Address, Kind, Manifest, Segment
from gitassets.domain.timeline import Policy
from gitassets.runs.create import create_run
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from tests.actions.checks import asset, ignore_progress, run_cli, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun
from tests.actions.sharing import Office, make_office, media_of, pull_run, push_run
from tests.media import write_picture


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    (locked.project.root / "gitassets.yaml").write_text("build:\n  size: 160x90\n  fps: 10\n")
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    approve(locked.project, locked.run, select(audio="all"))
    push_run(locked)
    return office


@pytest.fixture
def half(office: Office, tmp_path: Path) -> LockedRun:
    """Clone the project for a colleague who has the media of the first segment only."""
    project = office.clone(tmp_path / "half")
    pull_run(project, segments="1")
    return LockedRun(project, find_run(project, "ep1"))


def gone(office: Office) -> None:
    shutil.move(office.store.url, f"{office.store.url}-away")


def test_review_downloads_missing_files_and_lists_them(half: LockedRun) -> None:
    done = run_cli(half.project.root, "review", "ep1", "--image", "all", "--start")
    assert done.returncode == 0, done.stderr
    assert "Fetched 1 blob" in done.stderr
    assert str((half.folder / "images" / "scene_002.png").relative_to(half.project.root)) in done.stdout
    assert hash_file(half.folder / "images" / "scene_002.png") == half.asset(IMAGE_3).md5
    assert not (half.folder / "audio" / "audio_001.wav").exists()


def test_produce_and_regen_download_the_approved_image_of_a_clip(office: Office, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "elsewhere")
    pull_run(project, segments="2")
    run = find_run(project, "ep1")
    settings = "build:\n  size: 160x90\n  fps: 10\nproviders:\n  video: kenburns\n"
    (project.root / "gitassets.yaml").write_text(settings)
    image = asset(project, run, "image", 1)
    assert not project.blobs.has(image.md5)
    done = run_cli(project.root, "produce", "--resume", "ep1", "--no-audio", "--no-images")
    assert done.returncode == 0, done.stderr
    assert "Fetched 1 blob" in done.stderr
    assert asset(project, run, "video", 1).extra["made_from"]["image"] == image.md5
    project.blobs.remove(image.md5)
    assert "Fetched 1 blob" in run_cli(project.root, "regen", "ep1", "--video", "1").stderr


def test_review_continues_without_the_remote(half: LockedRun, office: Office) -> None:
    gone(office)
    done = run_cli(half.project.root, "review", "ep1", "--image", "all", "--start")
    assert done.returncode == 0, done.stderr
    assert "1 file that is needed is not here. The DVC remote store" in done.stderr
    assert "image 3\treview" in done.stdout


def test_review_keeps_a_file_changed_locally(half: LockedRun) -> None:
    path = half.folder / half.asset(IMAGE_3).path
    write_picture(path, seed=77)
    mine = path.read_bytes()
    run_cli(half.project.root, "review", "ep1", "--image", "3")
    assert path.read_bytes() == mine


def test_build_downloads_only_what_it_uses(half: LockedRun) -> None:
    done = run_cli(half.project.root, "build", "ep1", "--only", "approved", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["segments"] == 3
    assert "Fetched 2 blobs" in done.stderr
    assert not half.project.blobs.has(half.asset(IMAGE_3).md5)


def test_build_reports_what_it_cannot_download(half: LockedRun, office: Office) -> None:
    gone(office)
    done = run_cli(half.project.root, "build", "ep1", "--only", "approved")
    assert done.returncode == 1
    assert "2 files that are needed are not here. The DVC remote store" in done.stderr
    assert "there is no folder" in done.stderr
    assert not (half.folder / "final").exists()


def test_restore_downloads_missing_files(half: LockedRun) -> None:
    done = run_cli(half.project.root, "restore", "ep1", "--segment", "3")
    assert done.returncode == 0, done.stderr
    assert "Fetched 2 blobs" in done.stderr
    assert set(media_of(half.project, half.run)) >= {"audio/audio_002.wav", "images/scene_002.png"}


def test_restore_downloads_an_older_take(locked: LockedRun, office: Office, half: LockedRun, tmp_path: Path) -> None:
    first = locked.asset(IMAGE_3).md5
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=42))
    push_run(locked)
    pull_run(half, segments="1")
    done = run_cli(half.project.root, "restore", "ep1", "--image", "3", "--take", "1")
    assert done.returncode == 0, done.stderr
    assert half.asset(IMAGE_3).md5 == first
    assert hash_file(half.folder / half.asset(IMAGE_3).path) == first


def test_restore_names_files_missing_from_the_remote(half: LockedRun, office: Office) -> None:
    office.store.remove(half.asset(IMAGE_3).md5)
    done = run_cli(half.project.root, "restore", "ep1", "--image", "3")
    assert done.returncode == 1
    assert "not on the DVC remote store: images/scene_002.png" in done.stderr
    assert "The bytes of images/scene_002.png" in done.stderr


def test_open_downloads_missing_files(half: LockedRun) -> None:
    close_run(half.project, half.run)
    done = run_cli(half.project.root, "open", "ep1")
    assert done.returncode == 0, done.stderr
    assert "Restored 5 files." in done.stdout
    assert len(media_of(half.project, find_run(half.project, "ep1"))) == 5


def test_open_of_a_server_run_downloads_its_media(office: Office, locked: LockedRun, tmp_path: Path) -> None:
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "open", "ep1")
    assert done.returncode == 0, done.stderr
    assert media_of(project, find_run(project, "ep1")) == media_of(locked.project, locked.run)


def test_open_without_the_remote_restores_what_is_cached(half: LockedRun, office: Office) -> None:
    close_run(half.project, half.run)
    gone(office)
    done = run_cli(half.project.root, "open", "ep1")
    assert done.returncode == 0
    assert "3 files that are needed are not here. The DVC remote store" in done.stderr
    assert "3 files are not here.\n  → `gitassets pull ep1` gets them if the DVC remote store has them" in done.stderr
    assert set(media_of(half.project, find_run(half.project, "ep1"))) == {"audio/audio_000.wav", "images/scene_000.png"}


def test_copy_downloads_from_the_remote_of_the_source(locked: LockedRun, office: Office, half: LockedRun) -> None:
    close_run(half.project, half.run)
    target = make_target(half.project)
    done = run_cli(half.project.root, "copy", "ep1", "ep2", "--audio", "approved")
    assert done.returncode == 0, done.stderr
    assert "Fetched 2 blobs" in done.stderr
    assert asset(half.project, target, "audio", 3).md5 == asset(half.project, half.run, "audio", 3).md5


def make_target(project: Project) -> Run:
    texts = {number: Segment(paragraph_text="") for number in (1, 2, 3)}
    return create_run(project, Manifest(run_id="ep2", segments=texts), project.runs_dir / "ep2")


def test_move_downloads_the_missing_asset(half: LockedRun) -> None:
    done = run_cli(half.project.root, "move", "ep1", "--image", "3", "--to", "2")
    assert done.returncode == 0, done.stderr
    assert half.project.blobs.has(half.asset(Address(2, Kind.IMAGE)).md5)


def test_commands_with_all_bytes_present_never_query_the_remote(locked: LockedRun, office: Office) -> None:
    gone(office)
    build(locked.project, locked.run, BuildOptions(policy=Policy.ONLY_APPROVED), ignore_progress)
    for command in (
        ("review", "ep1", "--start"),
        ("restore", "ep1", "--image", "1"),
        ("build", "ep1", "--only", "approved"),
    ):
        done = run_cli(locked.project.root, *command)
        assert (done.returncode, done.stderr) == (0, ""), command


@pytest.mark.parametrize("options", [("--start", "--dry-run"), ("--dry-run",), ()])
def test_review_that_only_reads_downloads_nothing(half: LockedRun, options: tuple[str, ...]) -> None:
    assert run_cli(half.project.root, "review", "ep1", *options).returncode == 0
    assert not half.project.blobs.has(half.asset(IMAGE_3).md5)
    assert half.project.blobs.has(half.asset(IMAGE_1).md5)
