"""Media by hash: only what the run names, with ranges, under the type of its bytes; previews and playable copies."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from gitassets.actions.preview import find_playable, make_proxy, prune_previews
from gitassets.actions.replace import replace_asset
from gitassets.actions.track import track
from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, find_ffmpeg
from gitassets.adapters.media.preview import is_playable, read_peaks, write_thumbnail
from gitassets.errors import CorruptError
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from tests.actions.checks import ignore_progress, lose_blobs, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun
from tests.media import write_picture
from tests.web.serving import Visitor


def make(path: Path, *arguments: str) -> Path:
    """Make a clip or sound with ffmpeg."""
    with Ffmpeg(find_ffmpeg()) as ffmpeg:
        ffmpeg.run([*arguments, str(path)], "a test file")
    return path


PICTURE = ("-f", "lavfi", "-i", "testsrc=size=64x36:rate=5:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1")


def test_bytes_are_served_with_ranges_and_kept_forever(locked: LockedRun, visitor: Visitor) -> None:
    md5, data = locked.asset(IMAGE_1).md5, locked.locked_file.read_bytes()
    whole = visitor.get(f"/media/ep1/{md5}.png")
    assert (whole.content, whole.headers["content-type"], whole.headers["etag"]) == (data, "image/png", f'"{md5}"')
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert visitor.get(f"/media/ep1/{md5}", headers={"if-none-match": f'"{md5}"'}).status_code == 304
    part = visitor.get(f"/media/ep1/{md5}", headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, data[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(data)}"
    assert visitor.get(f"/media/ep1/{md5}", headers={"range": "bytes=-3"}).content == data[-3:]
    assert visitor.get(f"/media/ep1/{md5}", headers={"range": f"bytes={len(data)}-"}).status_code == 416


def test_bytes_of_another_run_or_of_nothing_are_not_served(locked: LockedRun, visitor: Visitor) -> None:
    project = locked.project
    write_picture(project.runs_dir / "ep2" / "images" / "scene_000.png", seed=40)
    track(project, project.runs_dir / "ep2", on_progress=ignore_progress)
    other = read_manifest(project, find_run(project, "ep2")).asset(IMAGE_1)
    assert other is not None
    listing = next(md5 for md5, _ in project.blobs.iter_files() if md5.endswith(".dir"))
    assert visitor.get(f"/media/ep2/{other.md5}").status_code == 200
    for md5 in (other.md5, "0" * 32, listing, listing.removesuffix(".dir"), other.md5.upper(), other.md5[:8]):
        for room in ("media", "play", "thumb", "peaks"):
            assert visitor.get(f"/{room}/ep1/{md5}").status_code == 404, md5


def test_earlier_take_is_served_from_the_history(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    before = locked.asset(IMAGE_3).md5
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=9))
    assert locked.asset(IMAGE_3).md5 != before
    assert visitor.get(f"/media/ep1/{before}").status_code == 200


def test_bytes_that_are_not_cached_are_served_from_the_run_and_missing_ones_explained(
    locked: LockedRun, visitor: Visitor
) -> None:
    md5 = locked.asset(IMAGE_3).md5
    lose_blobs(locked.project)
    assert visitor.get(f"/media/ep1/{md5}").status_code == 200
    (locked.folder / "images" / "scene_002.png").unlink()
    told = visitor.get(f"/media/ep1/{md5}").json()["error"]
    assert told["kind"] == "missing"
    assert told["hint"]


def test_thumbnail_is_small_upright_and_made_once(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    picture = Image.new("RGB", (1600, 800), "red")
    turned = picture.getexif()
    turned[0x0112] = 6
    picture.save(tmp_path / "new.jpg", exif=turned)
    replace_asset(locked.project, locked.run, select(image="3"), tmp_path / "new.jpg")
    md5 = locked.asset(IMAGE_3).md5
    for wanted, width in ((320, 320), (100, 320), (960, 800), (99999, 800)):
        answer = visitor.get(f"/thumb/ep1/{md5}?w={wanted}")
        assert answer.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.content)).size == (width, width * 2)
    assert visitor.get(f"/thumb/ep1/{md5}?w=x").status_code == 400
    made = list((locked.project.state_dir / "previews" / "files").glob("*/*"))
    assert len(made) == 2


def test_waveform_has_peaks_and_loudness(locked: LockedRun, visitor: Visitor) -> None:
    audio = visitor.read("/api/runs/ep1")["rows"][0]["assets"]["audio"]
    found = visitor.read(audio["peaks"])
    assert found["rate"] == 100
    assert len(found["peaks"]) == pytest.approx(2 * found["rate"] * audio["duration_sec"], abs=4)
    assert found["loudness_lufs"] < 0
    assert visitor.get(audio["media"]).headers["content-type"] == "audio/wav"


def test_peaks_show_where_the_sound_is_loud(tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", *SOUND, "-af", "volume='if(gt(t,0.5),1,0)':eval=frame")
    peaks = read_peaks(path).peaks
    assert max(peaks[: len(peaks) // 3]) == 0
    assert max(peaks[-20:]) > 5


def test_clip_without_sound_has_a_flat_waveform(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    replace_asset(locked.project, locked.run, select(video="1"), make(tmp_path / "clip.mp4", *CLIPS["h264.mp4"]))
    found = visitor.read(visitor.read("/api/runs/ep1")["rows"][0]["assets"]["video"]["peaks"])
    assert found["peaks"] == []
    assert found["loudness_lufs"] is None


CLIPS = {
    "h264.mp4": (*PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv420p"),
    "vp9.webm": (*PICTURE, "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p"),
    "pcm.wav": (*SOUND, "-c:a", "pcm_s16le"),
    "mp3.mp3": (*SOUND, "-c:a", "libmp3lame"),
    "aac.m4a": (*SOUND, "-c:a", "aac"),
}
ODD_CLIPS = {
    "444.mp4": (*PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv444p"),
    "prores.mov": (*PICTURE, *SOUND, "-c:v", "prores_ks", "-c:a", "pcm_s16be"),
    "mpeg4.mkv": (*PICTURE, "-c:v", "mpeg4"),
    "alac.m4a": (*SOUND, "-c:a", "alac"),
    "s32.wav": (*SOUND, "-c:a", "pcm_s32le"),
}


@pytest.mark.parametrize("name", CLIPS)
def test_file_that_browsers_play_is_served_as_it_is(locked: LockedRun, tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, *CLIPS[name])
    assert is_playable(path)
    assert find_playable(locked.project, path, hash_file(path)) == path


@pytest.mark.parametrize("name", ODD_CLIPS)
def test_file_that_browsers_do_not_play_gets_a_copy_once(locked: LockedRun, tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, *ODD_CLIPS[name])
    md5 = hash_file(path)
    assert find_playable(locked.project, path, md5) is None
    proxy = make_proxy(locked.project, path, md5)
    assert is_playable(proxy)
    assert find_playable(locked.project, path, md5) == proxy
    prune_previews(locked.project)
    assert proxy.is_file()


def test_clip_has_a_thumbnail_and_its_copy_is_served(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    path = make(tmp_path / "x.mov", *ODD_CLIPS["prores.mov"])
    replace_asset(locked.project, locked.run, select(video="3"), path)
    clip = visitor.read("/api/runs/ep1")["rows"][2]["assets"]["video"]
    answer = visitor.get(clip["media"], headers={"range": "bytes=0-99"})
    assert (answer.status_code, answer.headers["content-type"]) == (206, "video/mp4")
    assert visitor.get(clip["thumb"]).status_code == 200
    assert visitor.get(clip["peaks"]).status_code == 200


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(50), b"ID3" + bytes(50), b"RIFF\0\0\0\0WAVE"]
)
def test_broken_bytes_are_an_error_and_no_bug(locked: LockedRun, visitor: Visitor, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CorruptError):
        write_thumbnail(tmp_path / "x", 320, tmp_path / "y")
    blob = locked.project.blobs.path(locked.asset(IMAGE_3).md5)
    blob.chmod(0o644)
    blob.write_bytes(data)
    rooms = ("thumb", "peaks") if data.startswith(b"\x89PNG") else ("thumb", "peaks", "play")
    for room in rooms:
        answer = visitor.get(f"/{room}/ep1/{locked.asset(IMAGE_3).md5}")
        assert answer.status_code == 500, room
        assert answer.json()["error"]["kind"] == "corrupt", room


def test_silence_has_no_loudness(locked: LockedRun, visitor: Visitor, tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", "-f", "lavfi", "-i", "anullsrc=duration=1")
    replace_asset(locked.project, locked.run, select(audio="2"), path)
    audio = visitor.read("/api/runs/ep1")["rows"][1]["assets"]["audio"]
    assert visitor.read(audio["peaks"])["loudness_lufs"] is None
