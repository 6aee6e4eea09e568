from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import pytest

from gitassets.adapters.files import OPEN_MODE, hash_bytes, hash_file
from gitassets.adapters.state import stat_index
from gitassets.adapters.state.stat_index import MAPPED_NS, RACY_NS, StatIndex

LONG_AGO_NS = 1_700_000_000_000_000_000


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record the files that are actually read."""
    found: list[Path] = []

    def count(path: Path) -> str:
        found.append(path)
        return hash_file(path)

    monkeypatch.setattr(stat_index, "hash_file", count)
    return found


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Advance the clock, so that every file seems to be written some time ago."""
    now = time.time_ns
    monkeypatch.setattr(stat_index.time, "time_ns", lambda: now() + MAPPED_NS + 10 * RACY_NS)


@pytest.fixture
def index(tmp_path: Path) -> StatIndex:
    (tmp_path / "run").mkdir()
    return StatIndex(tmp_path / "run", tmp_path / "store.json")


def write(index: StatIndex, data: bytes, name: str = "x") -> Path:
    path = index._root / name
    path.write_bytes(data)
    return path


def reload(index: StatIndex) -> StatIndex:
    index.save()
    return StatIndex(index._root, index._store)


@pytest.mark.usefixtures("settled")
def test_unchanged_file_is_hashed_once(index: StatIndex, hashed: list[Path]) -> None:
    write(index, b"one")
    assert {index.hash("x"), index.hash("x"), reload(index).hash("x")} == {hash_bytes(b"one")}
    assert len(hashed) == 1


@pytest.mark.usefixtures("settled")
def test_overwrite_with_same_size_and_restored_time_is_detected(index: StatIndex) -> None:
    path = write(index, b"one")
    index.hash("x")
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert index.hash("x") == hash_bytes(b"two")


@pytest.mark.usefixtures("settled")
def test_replaced_file_with_same_time_is_detected(index: StatIndex) -> None:
    path = write(index, b"one")
    other = write(index, b"two", "y")
    index.hash("x")
    before = path.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert index.hash("x") == hash_bytes(b"two")


def test_file_modified_just_now_is_hashed_again(index: StatIndex, hashed: list[Path]) -> None:
    write(index, b"one")
    index.hash("x")
    index.hash("x")
    assert len(hashed) == 2


def test_file_that_may_be_memory_mapped_is_trusted_within_one_command_only(
    index: StatIndex, hashed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns
    monkeypatch.setattr(stat_index.time, "time_ns", lambda: now() + 10 * RACY_NS)
    path = write(index, b"one")
    index.hash("x")
    index.set_locked("x", hash_bytes(b"one"), locked=True)
    index.hash("x")
    assert len(hashed) == 1
    again = reload(index)
    path.chmod(0o644)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:1] = b"o"
        again.hash("x")
        before = path.stat()
        mapped[0:1] = b"O"
        assert path.stat() == before, "the system tells of it at once: then there is nothing to test"
        assert reload(again).hash("x") == hash_bytes(b"One")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o755])
def test_set_locked_adds_no_permissions(index: StatIndex, hashed: list[Path], mode: int) -> None:
    path = write(index, b"one")
    path.chmod(mode)
    index.set_locked("x", hash_bytes(b"one"), locked=True)
    assert path.stat().st_mode & 0o777 == mode & 0o555
    index.set_locked("x", hash_bytes(b"one"), locked=False)
    assert path.stat().st_mode & 0o777 == mode & ~0o022 | OPEN_MODE & 0o022 & mode >> 1 & 0o022
    assert reload(index).hash("x") == hash_bytes(b"one")
    assert len(hashed) == 1


@pytest.mark.usefixtures("settled")
def test_file_that_changes_while_hashed_is_not_remembered(index: StatIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(index, b"one")

    def hash_while_somebody_writes(file: Path) -> str:
        digest = hash_file(file)
        path.write_bytes(b"longer")
        return digest

    monkeypatch.setattr(stat_index, "hash_file", hash_while_somebody_writes)
    index.hash("x")
    monkeypatch.setattr(stat_index, "hash_file", hash_file)
    assert index.hash("x") == hash_bytes(b"longer")


def test_noted_hash_is_used_until_the_file_changes(index: StatIndex, hashed: list[Path]) -> None:
    path = write(index, b"one")
    index.note("x", hash_bytes(b"one"))
    assert reload(index).hash("x") == hash_bytes(b"one")
    assert hashed == []
    path.write_bytes(b"three")
    assert index.hash("x") == hash_bytes(b"three")


def test_path_that_is_no_regular_file_has_no_hash(index: StatIndex, tmp_path: Path) -> None:
    write(index, b"one", "real")
    (index._root / "link").symlink_to("real")
    (index._root / "folder").mkdir()
    for name in ("gone", "link", "folder", "real/below"):
        assert index.hash(name) is None
        index.note(name, "0" * 32)
        assert index.hash(name) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": [1]}', b'{"x": "y"}', b"\xff"])
def test_unreadable_store_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store").write_bytes(content)
    (tmp_path / "x").write_bytes(b"one")
    assert StatIndex(tmp_path, tmp_path / "store").hash("x") == hash_bytes(b"one")


def test_save_writes_nothing_without_new_hashes(index: StatIndex) -> None:
    index.save()
    assert not index._store.exists()
