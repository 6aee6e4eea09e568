import random
import wave
from pathlib import Path

import pytest
from PIL import Image

from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, NotFoundError
from tests.adapters.media_files import make_clip, make_picture, make_tone, run_ffmpeg

SOUNDS = ["a.wav", "a.mp3", "a.m4a", "a.flac", "a.ogg", "opus.ogg"]
CLIPS = ["v.mp4", "v.mov", "v.webm"]
PICTURES = ["p.png", "p.jpg", "p.webp"]


def make(folder: Path, name: str) -> Path:
    path = folder / name
    if name in SOUNDS:
        return make_tone(path, seconds=2)
    if name == "fast.mp4":
        return make_clip(path, "-movflags", "+faststart")
    return make_clip(path) if name in CLIPS else make_picture(path)


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_duration_is_measured_by_decoding(tmp_path: Path, name: str) -> None:
    info = probe_media(make(tmp_path, name))
    assert (info.kind, info.format, info.suffix) == (Kind.AUDIO, name[-4:].strip("."), f".{name.split('.')[1]}")
    assert info.duration_sec == pytest.approx(2.0, abs=1e-6)
    assert info.size_bytes == (tmp_path / name).stat().st_size


@pytest.mark.parametrize("name", CLIPS)
def test_clip_has_duration_and_size(tmp_path: Path, name: str) -> None:
    info = probe_media(make(tmp_path, name))
    assert (info.kind, info.suffix, info.width, info.height) == (Kind.VIDEO, f".{name.split('.')[1]}", 64, 36)
    assert info.duration_sec == pytest.approx(1.0, abs=2e-3)
    assert not info.has_sound
    assert not info.hdr


@pytest.mark.parametrize("name", PICTURES)
def test_picture_has_size_and_no_duration(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    expected = MediaInfo(
        kind=Kind.IMAGE, format=name.split(".")[1], size_bytes=path.stat().st_size, width=64, height=36
    )
    assert probe_media(path) == expected


@pytest.mark.parametrize("name", [*SOUNDS, *CLIPS, *PICTURES])
def test_probe_ignores_the_file_name(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    truth = probe_media(path)
    liar = path.rename(tmp_path / "http:--x%03d.mp3")
    assert probe_media(liar) == truth


@pytest.mark.parametrize("name", [*SOUNDS, *CLIPS, *PICTURES, "fast.mp4"])
def test_truncated_file_is_refused_at_any_length(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    data = path.read_bytes()
    draw = random.Random(name)
    for share in (0.02, 0.5, 0.8, draw.uniform(0.1, 0.85), draw.uniform(0.1, 0.85)):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(CorruptError, match=name):
            probe_media(path)


@pytest.mark.parametrize("name", ["v.webm", "a.wav", "a.ogg", "fast.mp4", "p.png", "p.jpg"])
def test_file_that_lacks_its_last_bytes_is_refused(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptError):
        probe_media(path)


def test_png_with_flipped_byte_is_refused(tmp_path: Path) -> None:
    path = make_picture(tmp_path / "p.png", size=(200, 200))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(CorruptError, match="broken png"):
        probe_media(path)


@pytest.mark.parametrize(
    "data",
    [
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/x.ts\n",
        b"ffconcat version 1.0\nfile 'a.wav'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\n",
        b"<html>404</html>",
        b"\0" * 5000,
        "Grüße".encode("utf-16"),
        b"%PDF-1.7",
    ],
)
def test_file_of_other_type_is_refused(tmp_path: Path, data: bytes) -> None:
    make_tone(tmp_path / "a.wav")
    path = tmp_path / "scene.mp4"
    path.write_bytes(data)
    with pytest.raises(CorruptError, match=r"scene\.mp4 is of no accepted type") as caught:
        probe_media(path)
    assert "wav, mp3" in caught.value.hint


@pytest.mark.parametrize(
    "head",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"fLaC",
        b"OggS",
        b"ID3",
        b"\0\0\0\x18ftypisom",
        b"RIFF\x99\0\0\0WEBP",
        b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska",
    ],
)
def test_file_with_valid_header_only_is_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(head + b"nothing of the kind follows" * 40)
    with pytest.raises(CorruptError):
        probe_media(path)


def test_empty_file_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(CorruptError, match=r"empty\.png is empty"):
        probe_media(tmp_path / "empty.png")
    with pytest.raises(NotFoundError, match=r"none\.png"):
        probe_media(tmp_path / "none.png")
    with pytest.raises(CorruptError, match="not a regular file"):
        probe_media(tmp_path)


def test_vbr_mp3_without_xing_header_is_measured_by_decoding(tmp_path: Path) -> None:
    path = tmp_path / "vbr.mp3"
    source = "anoisesrc=duration=1:sample_rate=44100,volume=0.3,apad=pad_dur=3"
    run_ffmpeg("-f", "lavfi", "-i", source, "-q:a", "5", "-write_xing", "0", str(path))
    info = probe_media(path)
    assert info.duration_sec == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("tail", [b"TAG" + b"x" * 125, b"\0" * 5000, b"more of the same"])
def test_mp3_with_trailing_data_keeps_its_duration(tmp_path: Path, tail: bytes) -> None:
    path = make_tone(tmp_path / "a.mp3", seconds=2)
    data = path.read_bytes()
    path.write_bytes(data + tail)
    assert probe_media(path).duration_sec == pytest.approx(2.0, abs=0.06)


def test_concatenated_mp3_files_are_one_sound(tmp_path: Path) -> None:
    path = make_tone(tmp_path / "a.mp3", seconds=2)
    path.write_bytes(path.read_bytes() * 2)
    assert probe_media(path).duration_sec == pytest.approx(4.0, abs=0.1)


def test_mp3_with_overwritten_middle_is_refused(tmp_path: Path) -> None:
    path = make_tone(tmp_path / "a.mp3", seconds=4)
    data = path.read_bytes()
    data = data[:2000] + random.Random(1).randbytes(len(data) - 4000) + data[-2000:]
    path.write_bytes(data)
    with pytest.raises(CorruptError, match=r"a\.mp3"):
        probe_media(path)


def test_mp3_with_cover_is_a_sound(tmp_path: Path) -> None:
    cover = make_picture(tmp_path / "c.png", size=(300, 300))
    tone = make_tone(tmp_path / "t.wav")
    path = tmp_path / "covered.mp3"
    run_ffmpeg("-i", str(tone), "-i", str(cover), "-map", "0", "-map", "1", "-disposition:v", "attached_pic", str(path))
    info = probe_media(path)
    assert (info.kind, info.duration_sec, info.width) == (Kind.AUDIO, pytest.approx(1.0), None)


def test_wav_of_unknown_length_from_a_pipe_is_measured(tmp_path: Path) -> None:
    path = make_tone(tmp_path / "a.wav", seconds=2)
    data = path.read_bytes()
    at = data.index(b"data") + 4
    unknown = b"\xff" * 4
    path.write_bytes(data[:4] + unknown + data[8:at] + unknown + data[at + 4 :])
    assert probe_media(path).duration_sec == pytest.approx(2.0)


def test_wav_without_a_sample_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "none.wav"), "wb") as file:
        file.setparams((1, 2, 24000, 0, "NONE", "not compressed"))
    with pytest.raises(CorruptError, match=r"none\.wav"):
        probe_media(tmp_path / "none.wav")


def test_mp4_is_clip_with_sound_or_sound_only(tmp_path: Path) -> None:
    tone = make_tone(tmp_path / "t.wav")
    clip = make_clip(tmp_path / "v.mp4", "-i", str(tone))
    assert probe_media(clip).has_sound
    run_ffmpeg("-i", str(clip), "-vn", str(tmp_path / "only_sound.mp4"))
    assert probe_media(tmp_path / "only_sound.mp4").suffix == ".m4a"


def test_webm_without_video_is_sound(tmp_path: Path) -> None:
    make_tone(tmp_path / "a.ogg")
    run_ffmpeg("-i", str(tmp_path / "a.ogg"), "-c", "copy", str(tmp_path / "a.webm"))
    info = probe_media(tmp_path / "a.webm")
    assert (info.kind, info.has_sound) == (Kind.AUDIO, True)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"GIF89a" + b"\0" * 50, "is a broken gif"), (b"\xff\xf1\x50\x80" + b"\0" * 400, "holds no sound")],
)
def test_file_that_only_begins_like_one_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "scene.mp4"
    path.write_bytes(data)
    with pytest.raises(CorruptError) as caught:
        probe_media(path)
    assert said in caught.value.message
    assert caught.value.message.count(str(path)) == 1


def test_rotated_clip_has_displayed_size(tmp_path: Path) -> None:
    upright = make_clip(tmp_path / "v.mp4")
    run_ffmpeg("-display_rotation", "90", "-i", str(upright), "-c", "copy", str(tmp_path / "turned.mp4"))
    info = probe_media(tmp_path / "turned.mp4")
    assert (info.width, info.height) == (36, 64)


def test_hdr_clip_is_recognised(tmp_path: Path) -> None:
    tags = ("-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
    clip = make_clip(tmp_path / "v.mp4", "-vf", "setparams=color_trc=smpte2084", *tags)
    assert probe_media(clip).hdr == "smpte2084"


def test_variable_rate_clip_ends_with_its_last_frame(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "v.mp4", "-vf", "select='not(between(n,5,18))'", "-fps_mode", "vfr", "-video_track_timescale", "600"
    )
    assert probe_media(clip).duration_sec == pytest.approx(1.0, abs=0.01)


def test_exif_orientation_swaps_width_and_height(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    info = probe_media(make_picture(tmp_path / "p.jpg", exif=exif))
    assert (info.width, info.height) == (36, 64)


def test_oversized_picture_is_refused(tmp_path: Path) -> None:
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    with pytest.raises(CorruptError, match=r"bomb\.png .*pixels|too large"):
        probe_media(tmp_path / "bomb.png")


@pytest.mark.parametrize("color", [(1, 2, 3, 0), (1, 2, 3)])
def test_single_pixel_picture_with_or_without_alpha_is_accepted(tmp_path: Path, color: tuple[int, ...]) -> None:
    info = probe_media(make_picture(tmp_path / "dot.png", color, size=(1, 1)))
    assert (info.width, info.height) == (1, 1)
