from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gitassets.adapters.files import OPEN_MODE, hash_bytes, hash_file, remove_incoming, sync_file, write_atomic


def test_write_atomic_creates_folders_and_replaces_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [one.name for one in path.parent.iterdir()] == ["x.json"]
    assert path.stat().st_mode & 0o777 == OPEN_MODE


def test_write_atomic_failure_keeps_old_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


def test_write_atomic_error_names_the_target_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *rest: int) -> int:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="Read-only") as caught:
        write_atomic(tmp_path / "x.json", b"new")
    assert caught.value.filename == str(tmp_path / "x.json")


def test_remove_incoming_removes_only_leftover_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in (".incoming-abc", "deep/.incoming-abc", ".asset_manifest.json.swp", "incoming-x"):
        (tmp_path / name).write_text("")
    remove_incoming(tmp_path)
    remove_incoming(tmp_path / "not there")
    assert sorted(one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()) == [
        ".asset_manifest.json.swp", "deep/.incoming-abc", "incoming-x"
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"x" * 3_000_000])
def test_hash_file_and_hash_bytes_return_md5(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert hash_file(path) == hash_bytes(data) == hashlib.md5(data).hexdigest()
    sync_file(path)
