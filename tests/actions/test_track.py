from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.track import TrackResult, track
from gitassets.adapters.files import hash_file
from gitassets.adapters.process import CommandError
from gitassets.errors import ConflictError, GitAssetsError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import (
    assert_clean,
    asset,
    files_below,
    git,
    ignore_progress,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
    write_hook,
)
from tests.adapters.media_files import make_clip, make_tone
from tests.media import write_picture, write_tone

MakeFolder = Callable[..., Path]


@pytest.fixture
def folder(project: Project) -> Path:
    made = project.runs_dir / "ep1"
    made.mkdir(parents=True)
    return made


def take(project: Project, folder: Path, **options: object) -> TrackResult:
    return track(project, folder, on_progress=ignore_progress, **options)  # type: ignore[arg-type]


def tracked(result: TrackResult) -> dict[str, str]:
    return {str(one.address): one.path for one in result.tracked}


def left_out(result: TrackResult) -> dict[str, str]:
    return {one.path: one.why for one in result.left_out}


def the_run(project: Project) -> Run:
    return find_run(project, "ep1")


# Tracked files


def test_track_turns_a_folder_into_a_run_in_place(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    before = {path: (folder / path).stat() for path in files_below(folder)}
    result = take(project, folder)
    run = the_run(project)
    assert (result.run_id, result.folder, run.folder) == ("ep1", folder, folder)
    assert tracked(result) == {
        "audio 1": "audio/audio_000.wav", "audio 2": "audio/audio_001.wav", "audio 3": "audio/audio_002.wav",
        "image 1": "images/scene_000.png", "image 3": "images/scene_002.png",
    }  # fmt: skip
    assert left_out(result) == {}
    assert subjects(run) == ["track audio 1-3, image 1,3", "create segments 1-3"]
    for path, stat in before.items():
        now = (folder / path).stat()
        assert (now.st_ino, now.st_mtime_ns, now.st_mode) == (stat.st_ino, stat.st_mtime_ns, stat.st_mode)
    assert_clean(project, run)


def test_track_records_hash_size_and_dimensions_of_an_asset(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    take(project, folder)
    audio, image = (asset(project, the_run(project), kind, 1) for kind in ("audio", "image"))
    assert (audio.md5, audio.size) == (hash_file(folder / audio.path), (folder / audio.path).stat().st_size)
    assert (audio.duration_sec, audio.source, audio.take, audio.status.value) == (1.0, "manual", 1, "draft")
    assert (image.width, image.height, image.duration_sec) == (64, 36, None)


def test_track_writes_the_same_dvc_files_as_dvc_add(project: Project, media_folder: MakeFolder) -> None:
    from dvc.repo import Repo

    take(project, media_folder("ep1"))
    run = the_run(project)
    folder = run.require_folder()
    before = {name: (folder / name).read_bytes() for name in ("audio.dvc", "images.dvc")}
    with Repo(str(folder)) as repo:
        repo.add([str(folder / "audio"), str(folder / "images")])
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert_clean(project, run)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "flac", "ogg", "oga", "opus", "MP3"])
def test_track_accepts_every_audio_type(project: Project, folder: Path, suffix: str) -> None:
    (folder / "audio").mkdir()
    make_tone(folder / "audio" / f"audio_000.{suffix}")
    assert tracked(take(project, folder)) == {"audio 1": f"audio/audio_000.{suffix}"}
    assert asset(project, the_run(project), "audio", 1).duration_sec == pytest.approx(1.0, abs=0.1)
    assert_clean(project, the_run(project))


@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "webp", "PNG"])
def test_track_accepts_every_image_type(project: Project, folder: Path, suffix: str) -> None:
    write_picture(folder / "images" / f"scene_000.{suffix}")
    assert tracked(take(project, folder)) == {"image 1": f"images/scene_000.{suffix}"}
    assert "format" not in asset(project, the_run(project), "image", 1).extra


@pytest.mark.parametrize("suffix", ["mp4", "m4v", "mov", "webm", "mkv", "MKV"])
def test_track_accepts_every_video_type(project: Project, folder: Path, suffix: str) -> None:
    (folder / "video").mkdir()
    make_clip(folder / "video" / f"scene_000.{suffix}")
    assert tracked(take(project, folder)) == {"video 1": f"video/scene_000.{suffix}"}
    clip = asset(project, the_run(project), "video", 1)
    assert (clip.width, clip.height) == (64, 36)
    assert clip.duration_sec == pytest.approx(1.0, abs=0.1)
    assert_clean(project, the_run(project))


def test_track_records_the_true_format_of_a_jpeg_named_png(project: Project, folder: Path) -> None:
    write_picture(folder / "images" / "scene_000.png", picture_format="JPEG")
    assert tracked(take(project, folder)) == {"image 1": "images/scene_000.png"}
    assert asset(project, the_run(project), "image", 1).extra == {"format": "jpg"}


def test_track_reports_progress_for_each_file(project: Project, media_folder: MakeFolder) -> None:
    seen: list[Progress] = []
    track(project, media_folder("ep1", audio=2, images=()), on_progress=seen.append)
    assert [(one.done, one.total, one.what) for one in seen] == [
        (1, 2, "audio/audio_000.wav"), (2, 2, "audio/audio_001.wav")
    ]  # fmt: skip


# Numbers


@pytest.mark.parametrize(
    ("names", "segments"),
    [
        (["scene_000.png", "scene_001.png"], [1, 2]),
        (["scene_001.png", "scene_004.png"], [2, 5]),
        (["1.png", "2.png", "10.png"], [1, 2, 10]),
        (["0.png", "1.png"], [1, 2]),
        (["shot-01 final.png", "shot-02 final.png"], [1, 2]),
        (["ep3_part1.png", "ep3_part2.png"], [1, 2]),
        (["scene_0001.png"], [2]),
    ],
)
def test_track_derives_the_segment_from_the_number_in_the_name(
    project: Project, folder: Path, names: list[str], segments: list[int]
) -> None:
    for number, name in enumerate(names):
        write_picture(folder / "images" / name, seed=number)
    result = take(project, folder)
    assert {one.path: one.address.segment for one in result.tracked} == {
        f"images/{name}": segment for name, segment in zip(names, segments, strict=True)
    }
    assert list(read_manifest(project, the_run(project)).segments) == sorted(segments)


def test_track_numbers_each_folder_separately(project: Project, folder: Path) -> None:
    write_tone(folder / "audio" / "audio_000.wav")
    write_picture(folder / "images" / "1.png")
    assert tracked(take(project, folder)) == {"audio 1": "audio/audio_000.wav", "image 1": "images/1.png"}


def test_track_accepts_unicode_names(project: Project, folder: Path) -> None:
    names = ["Größe 1.png", "日本 2.png", "دو 3.png"]
    for number, name in enumerate(names):
        write_picture(folder / "images" / name, seed=number)
    result = take(project, folder)
    assert sorted(tracked(result).values()) == sorted(f"images/{name}" for name in names)
    assert_clean(project, the_run(project))


RECORDINGS = ["2026-11-27 10-00-01.mkv", "2026-11-27 10-03-40.mkv", "2026-12-01 09-15-00.mkv"]


@pytest.mark.parametrize(
    "names",
    [
        RECORDINGS,
        ["20261127_100001.mkv", "20261127_100340.mkv", "20261201_091500.mkv"],
        ["VID_20261127_100001.mkv", "VID_20261127_100340123.mkv", "VID_20261201_091500.mkv"],
        ["Recording 2026-11-27 at 10.00.01.mkv", "Recording 2026-11-27 at 10.03.40.mkv", "Recording 2026-12-01.mkv"],
    ],
)
def test_track_orders_recordings_by_date_and_time_in_the_name(project: Project, folder: Path, names: list[str]) -> None:
    write_tone(folder / "audio" / "audio_000.wav")
    (folder / "video").mkdir()
    for name in names[:2]:
        make_clip(folder / "video" / name)
    assert tracked(take(project, folder)) == {
        "audio 1": "audio/audio_000.wav", "video 1": f"video/{names[0]}", "video 2": f"video/{names[1]}"
    }  # fmt: skip
    make_clip(folder / "video" / names[2])
    assert tracked(take(project, folder)) == {"video 3": f"video/{names[2]}"}
    assert_clean(project, the_run(project))


def test_track_gives_a_broken_recording_no_segment(project: Project, folder: Path) -> None:
    (folder / "video").mkdir()
    (folder / "video" / RECORDINGS[0]).write_bytes(b"\x1aE\xdf\xa3\x42\x82\x88matroska")
    make_clip(folder / "video" / RECORDINGS[1])
    result = take(project, folder)
    assert tracked(result) == {"video 1": f"video/{RECORDINGS[1]}"}
    assert "is broken or cut off" in left_out(result)[f"video/{RECORDINGS[0]}"]


def test_track_prefers_a_number_after_the_date_as_segment(project: Project, folder: Path) -> None:
    (folder / "video").mkdir()
    make_clip(folder / "video" / "2026-11-27 10-00-01 shot 4.mkv")
    make_clip(folder / "video" / "2026-11-27 10-00-09.mkv")
    result = take(project, folder)
    assert tracked(result) == {"video 4": "video/2026-11-27 10-00-01 shot 4.mkv"}
    assert "is named by date and time, and others by number" in left_out(result)["video/2026-11-27 10-00-09.mkv"]


def test_track_takes_the_pictures_of_a_camera_in_their_order(project: Project, folder: Path) -> None:
    for name in ("IMG_4711.png", "IMG_4720.png", "DSC01234.png"):
        write_picture(folder / "images" / name, seed=len(name))
    result = take(project, folder)
    assert tracked(result) == {
        "image 1": "images/DSC01234.png", "image 2": "images/IMG_4711.png", "image 3": "images/IMG_4720.png",
    }  # fmt: skip
    assert result.skipped == ()


def test_track_leaves_a_camera_picture_among_numbered_ones_out(project: Project, folder: Path) -> None:
    for name in ("IMG_4711.png", "scene_000.png"):
        write_picture(folder / "images" / name)
    result = take(project, folder)
    assert tracked(result) == {"image 1": "images/scene_000.png"}
    assert "has a camera's number" in left_out(result)["images/IMG_4711.png"]


def test_track_tells_which_numbers_no_segment_has(project: Project, folder: Path) -> None:
    for name in ("IMG_0003.png", "IMG_0007.png", "IMG_0008.png"):
        write_picture(folder / "images" / name)
    result = take(project, folder)
    assert list(tracked(result)) == ["image 3", "image 7", "image 8"]
    assert result.skipped == ((1, 2), (4, 6))
    write_picture(folder / "images" / "photo_4711.png")
    assert take(project, folder).skipped == ((9, 4710),)


def test_track_uses_the_intact_file_when_another_for_the_segment_is_broken(project: Project, folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "scene_000.jpg").write_bytes(b"")
    write_picture(folder / "images" / "scene_000.png")
    result = take(project, folder)
    assert tracked(result) == {"image 1": "images/scene_000.png"}
    assert left_out(result) == {"images/scene_000.jpg": "is empty"}


# Files left out


def hostile(folder: Path) -> dict[str, str]:
    """Write files that must be left out and return the expected reason for each path."""
    write_picture(folder / "images" / "scene_000.png", seed=1)
    (folder / "images" / "scene_001.png").write_bytes(b"")
    whole = write_picture(folder / "cut", size=(300, 300), picture_format="PNG").read_bytes()
    (folder / "cut").unlink()
    (folder / "images" / "scene_002.png").write_bytes(whole[: len(whole) // 2])
    (folder / "images" / "scene_003.png").symlink_to("scene_000.png")
    write_picture(folder / "images" / "cover.png", seed=2)
    write_picture(folder / "images" / "take2_scene_000.png", seed=3)
    (folder / "images" / "scene_004.txt").write_text("words")
    (folder / "images" / "scene_005.gif").write_bytes(b"GIF89a")
    (folder / "images" / "scene_006.png").write_text("words")
    write_tone(folder / "audio" / "audio_000.wav").rename(folder / "images" / "scene_007.png")
    write_picture(folder / "images" / (unicodedata.normalize("NFD", "é") + " 8.png"), seed=4)
    write_picture(folder / "images" / "line\n9.png", seed=5)
    write_picture(folder / "images" / "-10.png", seed=6)
    write_picture(folder / "images" / "scene_011.png ", seed=7, picture_format="PNG")
    os.mkfifo(folder / "images" / "scene_012.png")
    return {
        "images/scene_001.png": "is empty",
        "images/scene_002.png": "is a broken png",
        "images/scene_003.png": "is a symbolic link",
        "images/cover.png": "has no number",
        "images/take2_scene_000.png": "is for segment 1, which has images/scene_000.png already",
        "images/scene_004.txt": "is no image file (png, jpg, webp, tiff, bmp, avif, heic, gif)",
        "images/scene_005.gif": "is a broken gif",
        "images/scene_006.png": "is of no accepted type",
        "images/scene_007.png": "holds audio, not image",
        f"images/{unicodedata.normalize('NFD', 'é')} 8.png": "composed form (NFC)",
        "images/line\n9.png": "holds a character",
        "images/-10.png": "begins with a dash",
        "images/scene_011.png ": "ends with a space",
        "images/scene_012.png": "is not a regular file",
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot hold such names")
def test_track_leaves_out_unusable_files_and_names_the_reason(project: Project, folder: Path) -> None:
    expected = hostile(folder)
    (folder / "images" / ".DS_Store").write_text("")
    (folder / "images" / "deep").mkdir()
    result = take(project, folder)
    assert tracked(result) == {"image 1": "images/scene_000.png"}
    said = left_out(result)
    assert said.keys() == expected.keys()
    for path, why in expected.items():
        assert why in said[path], path
        assert str(folder) not in said[path]
    assert list(read_manifest(project, the_run(project)).segments) >= [1]
    assert git(folder, "status", "--porcelain") == ""


def beside(folder: Path) -> dict[str, str]:
    """Write files outside the media folders and return the expected reason for each path."""
    write_picture(folder / "images" / ".hidden_1.png", seed=3)
    write_picture(folder / "images" / "older" / "scene_004.png", seed=4)
    write_tone(folder / "images" / "audio_001.wav")
    write_picture(folder / "scene_009.png", seed=5)
    write_picture(folder / "pictures" / "scene_001.png", seed=6)
    (folder / "script.md").write_text("Words.")
    (folder / "notes" / "more").mkdir(parents=True)
    for litter in ("images/.DS_Store", "images/._scene_001.png", "images/Thumbs.db", ".DS_Store"):
        (folder / litter).write_bytes(b"\0")
    return {
        "images/.hidden_1.png": "is a hidden file",
        "images/older": "is a subfolder; move its files up into images",
        "images/audio_001.wav": "is no image file (png, jpg, webp, tiff, bmp, avif, heic, gif); move it to audio",
        "scene_009.png": "lies beside the folders audio, images and video; move it to images",
        "pictures": "is none of the folders audio, images and video, and holds a media file",
    }


def test_track_names_files_outside_the_media_folders(project: Project, folder: Path) -> None:
    write_picture(folder / "images" / "scene_000.png", seed=1)
    expected = beside(folder)
    result = take(project, folder)
    assert tracked(result) == {"image 1": "images/scene_000.png"}
    said = left_out(result)
    assert said.keys() == expected.keys()
    assert all(why in said[path] for path, why in expected.items()), said


OTHERS = {
    "raw": b"\0\0\0\x18ftypcrx \0\0\0\0crx isom" + bytes(50),
    "Photoshop": b"8BPS" + bytes(50),
    "JPEG XL": b"\xff\x0a" + bytes(50),
    "CAF": b"caff\0\1" + bytes(50),
    "AVI": b"RIFF\x50\0\0\0AVI LIST" + bytes(50),
    "transport stream": (b"G" + bytes(187)) * 3,
    "web page": b"<!doctype html>404",
}


@pytest.mark.parametrize("kind", OTHERS)
def test_track_names_the_type_of_an_unaccepted_file(project: Project, folder: Path, kind: str) -> None:
    """The file has the suffix of an accepted type."""
    (folder / "video").mkdir()
    (folder / "video" / "clip_1.mp4").write_bytes(OTHERS[kind])
    make_clip(folder / "video" / "clip_2.mp4")
    said = left_out(take(project, folder))
    assert said["video/clip_1.mp4"].startswith("is of no accepted type: it is ")
    assert kind in said["video/clip_1.mp4"]


def test_track_accepts_one_of_two_files_for_one_segment(project: Project, folder: Path) -> None:
    for name in ("scene_000.png", "scene_000.jpg"):
        write_picture(folder / "images" / name)
    result = take(project, folder)
    assert (len(result.tracked), len(result.left_out)) == (1, 1)


# Repeated tracking


def test_track_again_adds_only_new_files(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1", audio=1, images=(1,))
    take(project, folder)
    approve(project, the_run(project), select(audio="1"))
    write_tone(folder / "audio" / "audio_003.wav")
    write_picture(folder / "images" / "scene_000.jpg")
    result = take(project, folder)
    assert tracked(result) == {"audio 4": "audio/audio_003.wav"}
    assert left_out(result) == {"images/scene_000.jpg": "is for segment 1, which has images/scene_000.png already"}
    assert statuses(project, the_run(project))["audio 1"] == "approved"
    assert list(read_manifest(project, the_run(project)).segments) == [1, 4]
    (folder / "images" / "scene_000.jpg").unlink()
    assert_clean(project, the_run(project))


def test_track_again_without_new_files_commits_nothing(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    take(project, folder)
    before = snapshot(the_run(project))
    result = take(project, folder)
    assert (result.tracked, result.left_out, result.commit) == ((), (), None)
    assert snapshot(the_run(project)) == before


def test_track_again_numbers_files_as_the_first_time(project: Project, folder: Path) -> None:
    for name in ("0.png", "1.png"):
        write_picture(folder / "images" / name, seed=int(name[0]))
    take(project, folder)
    (folder / "images" / "0.png").unlink()
    write_picture(folder / "images" / "2.png", seed=2)
    assert tracked(take(project, folder)) == {"image 3": "images/2.png"}


def test_track_again_ignores_changed_bytes_of_a_tracked_file(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    take(project, folder)
    before = asset(project, the_run(project), "image", 1)
    write_picture(folder / "images" / "scene_000.png", seed=99)
    assert take(project, folder).commit is None
    assert asset(project, the_run(project), "image", 1) == before


# Ids, texts, places


def test_track_accepts_another_run_id_than_the_folder_name(project: Project, media_folder: MakeFolder) -> None:
    result = take(project, media_folder("old takes!"), run_id="ep2")
    assert result.run_id == "ep2"
    assert find_run(project, "ep2").folder == project.runs_dir / "old takes!"
    assert_clean(project, find_run(project, "ep2"))


def test_track_requires_a_run_id_when_the_folder_name_is_invalid(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("old takes!")
    before = files_below(folder)
    with pytest.raises(UsageError, match="'old takes!' cannot be a run id"):
        take(project, folder)
    assert files_below(folder) == before


def test_track_stores_the_paragraphs_of_a_script(project: Project, media_folder: MakeFolder) -> None:
    take(project, media_folder("ep1", audio=2, images=()), paragraphs=["One.", "Two.", "Three."])
    segments = read_manifest(project, the_run(project)).segments
    assert {number: one.paragraph_text for number, one in segments.items()} == {1: "One.", 2: "Two.", 3: "Three."}


@pytest.mark.parametrize("name", ["episode", "old [takes] *1", "größe", "!important", "#hash"])
def test_track_accepts_a_folder_elsewhere_in_the_project(project: Project, media_folder: MakeFolder, name: str) -> None:
    folder = media_folder("ep1").rename(project.root / name)
    exclude = project.git_dir / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("*.bak")
    take(project, folder, run_id="ep1")
    assert_clean(project, the_run(project))
    (project.root / "x.bak").write_text("")
    assert git(project.root, "status", "--porcelain") == ""


def test_track_accepts_a_folder_in_the_runs_folder_of_claude_studio(project: Project, media_folder: MakeFolder) -> None:
    target = project.root / "artifacts" / "video_production" / "20260207_101747"
    target.parent.mkdir(parents=True)
    media_folder("x").rename(target)
    take(project, target)
    assert_clean(project, find_run(project, "20260207_101747"))


# Refused


def refused(project: Project, folder: Path, error: type[GitAssetsError], said: str) -> GitAssetsError:
    before = files_below(folder) if folder.is_dir() else {}
    runs = find_runs(project)
    with pytest.raises(error, match=said) as caught:
        take(project, folder)
    assert (files_below(folder) if folder.is_dir() else {}) == before
    assert find_runs(project) == runs
    return caught.value


def test_track_refuses_a_folder_committed_in_the_project(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    git(project.root, "add", "-f", "runs/ep1/images")
    git(project.root, "commit", "--quiet", "-m", "pictures")
    error = refused(project, folder, ConflictError, "is committed in the project itself")
    command = error.hint.split("`")[1].split()
    git(project.root, *command[1:])
    git(project.root, "commit", "--quiet", "-m", "pictures out")
    take(project, folder)
    assert_clean(project, the_run(project))


def test_track_refuses_an_absent_folder(project: Project) -> None:
    refused(project, project.runs_dir / "none", NotFoundError, "There is no folder .*none")


def test_track_refuses_a_folder_without_numbered_media(project: Project, folder: Path) -> None:
    write_picture(folder / "images" / "cover.png")
    error = refused(project, folder, NoMatchError, "no media files that can be used, with a number")
    assert "audio_000" in error.hint


def test_track_refuses_a_folder_without_usable_media_and_names_every_reason(project: Project, folder: Path) -> None:
    for name in ("audio", "video", "images"):
        (folder / name).mkdir()
    tone = make_tone(folder / "audio" / "audio_001.ogg", 2)
    tone.write_bytes(tone.read_bytes()[:2000])
    (folder / "video" / "clip_1.m4v").write_bytes(b"no clip")
    (folder / "images" / "line\n1.png").write_bytes(b"no picture")
    error = refused(project, folder, NoMatchError, "no media files that can be used, with a number in their name:")
    lines = error.message.splitlines()[1:]
    assert [line.split(" is ")[0].split(" has ")[0] for line in lines] == [
        "  images/line\\n1.png", "  audio/audio_001.ogg", "  video/clip_1.m4v"
    ]  # fmt: skip
    assert "broken or cut off" in lines[1]
    assert "is of no accepted type" in lines[2]
    (folder / "video" / "clip_1.m4v").unlink()
    make_clip(folder / "video" / "clip_1.m4v")
    assert tracked(take(project, folder)) == {"video 1": "video/clip_1.m4v"}


def test_track_refuses_a_folder_outside_the_project(project: Project, tmp_path: Path) -> None:
    write_picture(tmp_path / "elsewhere" / "images" / "1.png")
    refused(project, tmp_path / "elsewhere", ConflictError, "does not lie inside the project")
    refused(project, project.root, ConflictError, "does not lie inside the project")


def test_track_refuses_the_folder_that_holds_all_runs(project: Project, run: Run) -> None:
    write_picture(project.runs_dir / "images" / "1.png")
    before = snapshot(run)
    with pytest.raises(ConflictError, match="holds runs already"):
        take(project, project.runs_dir)
    assert snapshot(run) == before


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".dvcignore", ".dvc/config", "images.dvc", ".git/x"])
def test_track_refuses_a_folder_with_files_that_a_run_reserves(project: Project, folder: Path, name: str) -> None:
    write_picture(folder / "images" / "1.png")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    error = refused(project, folder, ConflictError, f"has a {name.split('/')[0]} already")
    assert "Move that away" in error.hint


def test_track_refuses_a_media_folder_that_is_a_symbolic_link(project: Project, folder: Path, tmp_path: Path) -> None:
    write_picture(tmp_path / "elsewhere" / "1.png")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    write_tone(folder / "audio" / "1.wav")
    refused(project, folder, ConflictError, "images is a symbolic link")


def test_track_refuses_a_run_id_in_use(project: Project, run: Run, media_folder: MakeFolder) -> None:
    folder = media_folder("ep2")
    with pytest.raises(ConflictError, match="There is a run ep1 already"):
        take(project, folder, run_id="EP1")
    assert not (folder / ".git").exists()


def test_track_refuses_a_project_that_is_not_set_up(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    write_picture(tmp_path / "repo" / "x" / "images" / "1.png")
    with pytest.raises(NotFoundError, match="not set up"):
        take(find_project(tmp_path / "repo"), tmp_path / "repo" / "x")


def test_track_refused_by_a_hook_loses_no_file(project: Project, media_folder: MakeFolder) -> None:
    folder = media_folder("ep1")
    before = files_below(folder)
    hook = write_hook(project, "pre-commit", "exit 1")
    with pytest.raises(CommandError):
        take(project, folder)
    after = files_below(folder)
    assert {path: after[path] for path in before} == before
    hook.unlink()
    assert len(take(project, folder).tracked) == 5
    assert_clean(project, the_run(project))


def test_track_command_prints_tracked_and_left_out_files(project: Project, media_folder: MakeFolder) -> None:
    media_folder("ep1")
    (project.runs_dir / "ep1" / "images" / "scene_005.png").write_bytes(b"")
    done = run_cli(project.root, "track", "runs/ep1")
    assert done.returncode == 1, done.stderr
    assert "Run ep1: tracked audio 1-3, image 1,3" in done.stdout
    assert "left out: images/scene_005.png is empty" in done.stderr
    again = run_cli(project.root, "track", "runs/ep1", "--json")
    assert again.returncode == 1
    assert json.loads(again.stdout)["left_out"] == [{"path": "images/scene_005.png", "why": "is empty"}]
    (project.runs_dir / "ep1" / "images" / "scene_005.png").unlink()
    assert run_cli(project.root, "track", "runs/ep1").returncode == 0


def test_track_orders_recordings_by_date_with_any_prefix(project: Project, folder: Path) -> None:
    (folder / "video").mkdir()
    names = (
        "Replay 2026-11-27 10-05-09",
        "2026-11-27 10-00-01",
        "PXL_20261127_120509123",
        "Screencast from 2026-11-27 11-05-09",
    )
    for name in names:
        make_clip(folder / "video" / f"{name}.mp4")
    found = tracked(take(project, folder))
    order = [found[f"video {number}"] for number in range(1, 5)]
    assert order == [f"video/{names[at]}.mp4" for at in (1, 0, 3, 2)]
