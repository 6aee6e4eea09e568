from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.media.file_end import is_cut_off
from tests.adapters.media_files import run_ffmpeg


def _speech(path: Path, *options: str) -> bytes:
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", *options, str(path))
    return path.read_bytes()


@pytest.mark.parametrize("rate", ["44100", "24000", "11025"])
@pytest.mark.parametrize("quality", [("-b:a", "64k"), ("-q:a", "4")])
def test_is_cut_off_detects_mp3_truncated_within_a_frame(tmp_path: Path, rate: str, quality: tuple[str, str]) -> None:
    whole = _speech(tmp_path / "a.mp3", "-ar", rate, "-write_xing", "0", "-id3v2_version", "0", *quality)
    assert not is_cut_off(tmp_path / "a.mp3", "mp3")
    found = []
    for missing in range(1, 20):
        (tmp_path / "cut.mp3").write_bytes(whole[:-missing])
        found.append(is_cut_off(tmp_path / "cut.mp3", "mp3"))
    assert all(found)


@pytest.mark.parametrize("tail", [b"TAG" + bytes(125), bytes(500), b"APETAGEX" + bytes(60)])
def test_is_cut_off_accepts_mp3_with_trailing_tag(tmp_path: Path, tail: bytes) -> None:
    whole = _speech(tmp_path / "a.mp3", "-id3v2_version", "3", "-metadata", "title=x")
    (tmp_path / "tagged.mp3").write_bytes(whole + tail)
    assert not is_cut_off(tmp_path / "tagged.mp3", "mp3")


@pytest.mark.parametrize("layout", ["0", "+faststart"])
def test_is_cut_off_detects_truncated_mp4(tmp_path: Path, layout: str) -> None:
    source = "testsrc=duration=1:size=64x36"
    run_ffmpeg("-f", "lavfi", "-i", source, "-movflags", layout, str(tmp_path / "a.mp4"))
    whole = (tmp_path / "a.mp4").read_bytes()
    assert not is_cut_off(tmp_path / "a.mp4", "mp4")
    for kept in (20, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.mp4").write_bytes(whole[:kept])
        assert is_cut_off(tmp_path / "cut.mp4", "mp4")


def test_is_cut_off_accepts_mp4_with_open_ended_and_64_bit_boxes(tmp_path: Path) -> None:
    box = (24).to_bytes(4, "big") + b"free" + bytes(16)
    long = (1).to_bytes(4, "big") + b"mdat" + (20).to_bytes(8, "big") + b"data"
    (tmp_path / "a.mp4").write_bytes(box + long + (0).to_bytes(4, "big") + b"free" + bytes(5))
    assert not is_cut_off(tmp_path / "a.mp4", "mp4")


def test_is_cut_off_ignores_other_formats(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    assert not is_cut_off(tmp_path / "a.png", "png")
