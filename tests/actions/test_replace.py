from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.actions.replace import replace_asset
from gitassets.actions.review import move_to_review
from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import AssetSelection
from gitassets.errors import (
    CorruptError,
    GitAssetsError,
    LockedError,
    NoMatchError,
    NotFoundError,
    ProviderError,
    UsageError,
)
from gitassets.making.plan import check_file
from gitassets.providers.base import Generated
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    files_below,
    git,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
)
from tests.adapters.media_files import make_clip, make_tone
from tests.media import write_picture, write_tone


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "my diagram.png", seed=77, size=(80, 20))


def test_replace_records_a_file_as_a_new_take(project: Project, run: Run, mine: Path) -> None:
    before = asset(project, run, "image", 3)
    data = mine.read_bytes()
    result = replace_asset(project, run, select(image="3"), mine)
    now = asset(project, run, "image", 3)
    assert addresses(result.replaced) == ["image 3"]
    assert (now.md5, now.size) == (hash_file(mine), len(data))
    assert (now.take, now.source, now.status, now.path) == (2, "manual", "draft", before.path)
    assert (now.width, now.height) == (80, 20)
    assert now.generated_at is not None
    assert mine.read_bytes() == data
    assert project.blobs.has(before.md5)
    assert subjects(run)[0] == "replace image 3"
    assert "my diagram.png" in git(run.require_folder(), "log", "-1", "--format=%B")
    assert_clean(project, run)


def test_replace_renames_the_asset_for_another_file_type(project: Project, run: Run, tmp_path: Path) -> None:
    replace_asset(project, run, select(image="3"), write_picture(tmp_path / "x.jpg", seed=5))
    assert asset(project, run, "image", 3).path == "images/scene_002.jpg"
    assert sorted(path for path in files_below(run.require_folder()) if path.startswith("images/")) == [
        "images/scene_000.png", "images/scene_002.jpg"
    ]  # fmt: skip
    assert_clean(project, run)


def test_replace_avoids_a_file_name_that_is_in_use(project: Project, run: Run, tmp_path: Path) -> None:
    stranger = run.require_folder() / "images" / "scene_002.jpg"
    write_picture(stranger, seed=1)
    replace_asset(project, run, select(image="3"), write_picture(tmp_path / "x.jpg", seed=5))
    assert asset(project, run, "image", 3).path == "images/scene_002_2.jpg"
    assert stranger.exists()
    stranger.unlink()
    assert_clean(project, run)


def test_replace_derives_the_suffix_from_the_bytes(project: Project, run: Run, tmp_path: Path) -> None:
    lying = write_picture(tmp_path / "x.png", seed=5, picture_format="JPEG")
    replace_asset(project, run, select(image="3"), lying)
    assert asset(project, run, "image", 3).path == "images/scene_002.jpg"


def test_replace_adds_the_first_take_to_a_segment_without_one(
    project: Project, run: Run, mine: Path, tmp_path: Path
) -> None:
    replace_asset(project, run, select(image="2"), mine)
    now = asset(project, run, "image", 2)
    assert (now.take, now.path, now.status) == (1, "images/scene_001.png", "draft")
    replace_asset(project, run, select(video="2"), make_clip(tmp_path / "x.webm"))
    assert asset(project, run, "video", 2).path == "video/scene_001.webm"
    assert "Assets-Transition: video 2 none -> draft" in git(run.require_folder(), "log", "-1", "--format=%B")
    assert_clean(project, run)


def test_replace_accepts_audio_of_another_type(project: Project, run: Run, tmp_path: Path) -> None:
    replace_asset(project, run, select(audio="2"), make_tone(tmp_path / "x.mp3", seconds=2))
    now = asset(project, run, "audio", 2)
    assert now.path == "audio/audio_001.mp3"
    assert now.duration_sec == pytest.approx(2.0, abs=0.1)
    assert_clean(project, run)


@pytest.mark.parametrize(("before", "after"), [("rejected", "revised"), ("review", "review"), ("draft", "draft")])
def test_replace_maps_each_status_to_its_next(project: Project, run: Run, mine: Path, before: str, after: str) -> None:
    if before == "rejected":
        reject(project, run, select(image="3"), reason="too dark")
    elif before == "review":
        move_to_review(project, run, select(image="3"))
    replace_asset(project, run, select(image="3"), mine)
    assert statuses(project, run)["image 3"] == after
    assert_clean(project, run)


# Bytes changed in place


def test_replace_without_file_records_bytes_changed_in_place(project: Project, run: Run) -> None:
    folder = run.require_folder()
    for number in (1, 3):
        write_picture(folder / "images" / f"scene_{number - 1:03d}.png", seed=50 + number)
    result = replace_asset(project, run, select(image="1,3"), None)
    assert addresses(result.replaced) == ["image 1", "image 3"]
    assert asset(project, run, "image", 1).md5 == hash_file(folder / "images" / "scene_000.png")
    assert subjects(run)[0] == "replace image 1,3"
    assert_clean(project, run)


def test_replace_without_file_keeps_the_name_for_another_type(project: Project, run: Run) -> None:
    path = write_picture(run.require_folder() / "images" / "scene_000.png", seed=50, picture_format="JPEG")
    replace_asset(project, run, select(image="1"), None)
    now = asset(project, run, "image", 1)
    assert (now.path, now.md5) == ("images/scene_000.png", hash_file(path))
    assert_clean(project, run)


def test_replace_accepts_the_path_of_the_file_in_place(project: Project, run: Run) -> None:
    path = write_picture(run.require_folder() / "images" / "scene_000.png", seed=50)
    replace_asset(project, run, select(image="1"), path)
    assert asset(project, run, "image", 1).path == "images/scene_000.png"
    assert_clean(project, run)


def test_replace_with_unchanged_bytes_records_no_take(project: Project, run: Run) -> None:
    before = snapshot(run)
    result = replace_asset(project, run, select(image="1"), None)
    assert (result.replaced, addresses(result.unchanged), result.commit) == ((), ["image 1"], None)
    same = run.require_folder() / "images" / "scene_000.png"
    assert addresses(replace_asset(project, run, select(image="1"), same).unchanged) == ["image 1"]
    assert snapshot(run) == before


def test_replace_without_file_names_an_absent_file(project: Project, run: Run) -> None:
    (run.require_folder() / "images" / "scene_000.png").unlink()
    with pytest.raises(NotFoundError, match=r"scene_000\.png is not there"):
        replace_asset(project, run, select(image="1"), None)


# Refused


def test_replace_refuses_a_locked_asset(project: Project, run: Run, mine: Path) -> None:
    approve(project, run, select(image="3"))
    before = snapshot(run)
    with pytest.raises(LockedError, match="Cannot replace image 3 of ep1: it is approved") as caught:
        replace_asset(project, run, select(image="3"), mine)
    assert "gitassets reopen ep1 --image 3" in caught.value.hint
    assert snapshot(run) == before


def test_replace_without_file_refuses_a_locked_asset_and_keeps_the_bytes(project: Project, run: Run) -> None:
    approve(project, run, select(image="3"))
    path = run.require_folder() / "images" / "scene_002.png"
    path.chmod(0o644)
    write_picture(path, seed=50)
    before = snapshot(run)
    with pytest.raises(LockedError):
        replace_asset(project, run, select(image="3"), None)
    assert snapshot(run) == before


def a_text(path: Path) -> Path:
    path.write_text("words")
    return path


def nothing(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def half(path: Path) -> Path:
    data = write_picture(path, size=(300, 300), picture_format="PNG").read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def a_sound(path: Path) -> Path:
    return write_tone(path)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (a_text, CorruptError, "is of no accepted type"),
        (nothing, CorruptError, "is empty"),
        (half, CorruptError, "is a broken png"),
        (a_sound, UsageError, "holds audio, not image"),
        (lambda path: path, NotFoundError, "There is no file"),
        (lambda path: path.parent, UsageError, "is a folder"),
    ],
)
def test_replace_refuses_an_unusable_file_and_names_it(
    project: Project, run: Run, tmp_path: Path, make: object, error: type[GitAssetsError], said: str
) -> None:
    file = make(tmp_path / "mine.png")  # type: ignore[operator]
    before = snapshot(run)
    with pytest.raises(error, match=said) as caught:
        replace_asset(project, run, select(image="3"), file)
    assert str(file) in caught.value.message
    assert ".git/gitassets" not in caught.value.message
    assert snapshot(run) == before


@pytest.mark.parametrize(
    ("selection", "error", "said"),
    [
        (select(), UsageError, "Say which asset"),
        (select(audio="1", image="1"), UsageError, "Say which asset"),
        (select(segment="1"), UsageError, "Say which asset"),
        (select(image="1,3"), UsageError, "One file cannot be the image of 2 segments"),
        (select(image="all"), UsageError, "not 'all'"),
        (select(image="9"), NoMatchError, "no segment 9"),
    ],
)
def test_replace_refuses_a_selection_of_other_than_one_asset(
    project: Project, run: Run, mine: Path, selection: AssetSelection, error: type[GitAssetsError], said: str
) -> None:
    before = snapshot(run)
    with pytest.raises(error, match=said):
        replace_asset(project, run, selection, mine)
    assert snapshot(run) == before


def test_replace_without_file_refuses_an_asset_that_does_not_exist(project: Project, run: Run) -> None:
    with pytest.raises(NoMatchError, match="Segment 2 of ep1 has no image yet"):
        replace_asset(project, run, select(image="2"), None)


def test_replace_command_prints_replaced_and_unchanged_assets(project: Project, run: Run, mine: Path) -> None:
    done = run_cli(project.root, "replace", "ep1", "--image", "3", str(mine))
    assert (done.returncode, done.stdout) == (0, "Replaced image 3 in ep1\n"), done.stderr
    again = run_cli(project.root, "replace", "ep1", "--image", "3", str(mine))
    assert again.stdout == "Unchanged, same bytes: image 3\n"
    assert_clean(project, run)


@pytest.mark.parametrize(
    ("kind", "make", "suffix"),
    [
        ("video", lambda folder: make_clip(folder / "mine.m4v"), "mp4"),
        ("video", lambda folder: make_clip(folder / "2026-11-27 10-00-01.mkv"), "mkv"),
        ("audio", lambda folder: make_tone(folder / "opus.ogg"), "ogg"),
    ],
)
def test_replace_accepts_every_file_type_that_track_accepts(
    project: Project, run: Run, tmp_path: Path, kind: str, make: Callable[[Path], Path], suffix: str
) -> None:
    replace_asset(project, run, select(**{kind: "2"}), make(tmp_path))
    assert asset(project, run, kind, 2).path.endswith(f".{suffix}")


@pytest.mark.parametrize("name", ["picture.psd", "-i.png", "http:x.png", "two\nlines.png"])
def test_replace_names_the_type_of_an_unaccepted_file_as_track_does(
    project: Project, run: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"8BPS" + bytes(50))
    with pytest.raises(CorruptError) as caught:
        replace_asset(project, run, select(image="3"), tmp_path / name)
    reason = "is of no accepted type: it is a Photoshop picture; save it as png or jpg"
    assert caught.value.message == f"{tmp_path / name} {reason}"


def test_check_file_names_the_type_of_an_unaccepted_file_from_a_provider(tmp_path: Path) -> None:
    (tmp_path / "made.png").write_bytes(b"8BPS" + bytes(50))
    with pytest.raises(ProviderError, match=r"gave a broken file for image 3: .* it is a Photoshop picture"):
        check_file(Generated(path=tmp_path / "made.png", source="x"), "0" * 32, Address(3, Kind.IMAGE), "x")
