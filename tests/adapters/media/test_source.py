from pathlib import Path

import pytest

from gitassets.adapters.media.probe import probe_media
from gitassets.adapters.media.source import probe_sources
from gitassets.errors import CorruptError
from tests.adapters.media_files import make_clip, make_picture, make_tone


def test_probe_sources_reads_cached_result_without_the_file(tmp_path: Path) -> None:
    files = {
        "a" * 32: make_tone(tmp_path / "a.mp3"),
        "b" * 32: make_clip(tmp_path / "b.mp4"),
        "c" * 32: make_picture(tmp_path / "c.png"),
    }
    truth = {md5: probe_media(path) for md5, path in files.items()}
    assert {md5: one.info for md5, one in probe_sources(files, tmp_path / "cache", 2).items()} == truth
    for path in files.values():
        path.unlink()
    again = probe_sources(files, tmp_path / "cache", 2)
    assert {md5: (one.info, one.path) for md5, one in again.items()} == {md5: (truth[md5], files[md5]) for md5 in files}


@pytest.mark.parametrize("record", ["", "[]", '{"form": 0}', '{"form": 1, "kind": "sound"}', '{"form": 1, "other": 2}'])
def test_probe_sources_replaces_unreadable_cache_record(tmp_path: Path, record: str) -> None:
    files = {"a" * 32: make_tone(tmp_path / "a.wav")}
    probe_sources(files, tmp_path / "cache", 1)
    (path,) = (tmp_path / "cache").rglob("*.json")
    path.write_text(record)
    assert probe_sources(files, tmp_path / "cache", 1)["a" * 32].info.duration_sec == 1.0


def test_probe_sources_names_broken_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(CorruptError, match=r"x\.png"):
        probe_sources({"a" * 32: tmp_path / "x.png"}, tmp_path / "cache", 1)
