"""Blobs that DVC removes from its cache are kept."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gitassets.adapters.dvc import kept_blobs as adapter
from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.dvc.kept_blobs import KeptBlobs
from gitassets.adapters.files import INCOMING, hash_bytes
from gitassets.errors import CorruptError

DATA = b"take one"
MD5 = hash_bytes(DATA)


@pytest.fixture
def kept(tmp_path: Path) -> KeptBlobs:
    return KeptBlobs(tmp_path / "kept")


@pytest.fixture
def blobs(tmp_path: Path, kept: KeptBlobs) -> BlobStore:
    return BlobStore(tmp_path / "cache", kept)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable hard links and clones, as on FAT."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr("dvc_objects.fs.system.reflink", refuse)


def a_file(path: Path, data: bytes = DATA) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def cached(blobs: BlobStore, md5: str = MD5) -> Path:
    return blobs.cache_dir / "files" / "md5" / md5[:2] / md5[2:]


def by_dvc(blobs: BlobStore, number: int) -> str:
    """Add a blob as if DVC had downloaded it to its cache some time ago."""
    md5 = hash_bytes(f"take {number}".encode())
    a_file(cached(blobs, md5), f"take {number}".encode())
    os.utime(cached(blobs, md5).parent, (1_000_000_000 + number, 1_000_000_000 + number))
    return md5


def test_kept_blob_is_a_hard_link_to_the_cached_one(blobs: BlobStore, kept: KeptBlobs, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    assert kept.path(MD5).samefile(cached(blobs))
    blobs.copy_in(a_file(tmp_path / "same"), MD5)
    assert cached(blobs).stat().st_nlink == 2


def test_blob_removed_by_dvc_is_restored_on_access(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    for ask in (blobs.has, blobs.path, lambda md5: blobs.require(md5, "x"), blobs.is_whole, blobs.keep):
        cached(blobs).unlink()
        ask(MD5)
        assert cached(blobs).read_bytes() == DATA
    cached(blobs).unlink()
    blobs.place(MD5, tmp_path / "run" / "a.png", locked=True)
    assert (tmp_path / "run" / "a.png").read_bytes() == DATA


def test_blob_is_found_when_cache_cannot_be_written(blobs: BlobStore, kept: KeptBlobs, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    cached(blobs).unlink()
    cached(blobs).parent.rmdir()
    a_file(cached(blobs).parent)
    assert blobs.has(MD5)
    assert blobs.path(MD5) == kept.path(MD5)
    assert blobs.cache_dir / blobs.relative(MD5) == blobs.cache_dir / ".." / "kept" / MD5[:2] / MD5[2:]


def test_damaged_cached_blob_is_replaced_by_kept_one(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    for act in (blobs.is_whole, lambda md5: blobs.place(md5, tmp_path / "a.png", locked=False)):
        cached(blobs).unlink()
        a_file(cached(blobs), b"damaged")
        act(MD5)
        assert cached(blobs).read_bytes() == DATA
    assert (tmp_path / "a.png").read_bytes() == DATA


def test_blob_damaged_in_both_places_is_refused(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    cached(blobs).chmod(0o644)
    cached(blobs).write_bytes(b"damaged")
    assert not blobs.is_whole(MD5)
    with pytest.raises(CorruptError, match="damaged"):
        blobs.place(MD5, tmp_path / "a.png", locked=False)
    blobs.copy_in(a_file(tmp_path / "again"), MD5)
    cached(blobs).unlink()
    assert blobs.is_whole(MD5)


def test_take_in_keeps_blobs_that_dvc_downloaded(blobs: BlobStore, kept: KeptBlobs) -> None:
    md5s = [by_dvc(blobs, number) for number in range(20)]
    listing = a_file(cached(blobs, f"{MD5}.dir"), b"[]")
    unfinished = a_file(cached(blobs).with_name(".partial.tmp"))
    blobs.keep_new()
    assert {md5 for md5, _ in kept.iter_files()} == set(md5s)
    assert listing.stat().st_nlink == unfinished.stat().st_nlink == 1


def test_take_in_skips_unchanged_folders(blobs: BlobStore, kept: KeptBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    md5s = {by_dvc(blobs, number) for number in range(20)}
    blobs.keep_new()
    more = by_dvc(blobs, 100)
    read: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: read.append(Path(path).name) or scan(path))
    blobs.keep_new()
    assert set(read) == {"md5", more[:2]}
    assert {md5 for md5, _ in kept.iter_files()} == {*md5s, more}


def test_take_in_rereads_folder_that_changed_just_now(blobs: BlobStore, kept: KeptBlobs) -> None:
    """Otherwise a blob added within the same clock tick would be missed."""
    md5 = by_dvc(blobs, 1)
    os.utime(cached(blobs, md5).parent)
    blobs.keep_new()
    assert kept.path(md5).parent.stat().st_mtime_ns != cached(blobs, md5).parent.stat().st_mtime_ns


def test_take_in_continues_after_a_kill(blobs: BlobStore, kept: KeptBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    md5s = [by_dvc(blobs, number) for number in range(20)]
    link, left = adapter.link_file, [7]

    def dies(source: Path, target: Path, *, copy: bool = False) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return link(source, target, copy=copy)

    for _ in range(len(md5s)):
        left[0] = 2
        monkeypatch.setattr(adapter, "link_file", dies)
        try:
            blobs.keep_new()
        except KeyboardInterrupt:
            continue
        break
    assert {md5 for md5, _ in kept.iter_files()} == set(md5s)


def test_take_in_replaces_damaged_kept_blob_by_intact_cached_one(
    blobs: BlobStore, kept: KeptBlobs, tmp_path: Path
) -> None:
    a_file(kept.path(MD5), b"damaged")
    os.utime(kept.path(MD5), (1, 1))
    a_file(cached(blobs))
    blobs.keep_new()
    assert kept.path(MD5).samefile(cached(blobs))
    cached(blobs).unlink()
    a_file(cached(blobs), b"damaged later")
    blobs.keep_new()
    assert kept.path(MD5).read_bytes() == DATA


@pytest.mark.usefixtures("no_links")
def test_keep_copies_only_requested_blobs_without_hard_links(blobs: BlobStore, kept: KeptBlobs, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    blobs.keep_new()
    assert not kept.has(MD5)
    assert blobs.keep(MD5)
    assert kept.path(MD5).stat().st_mode == cached(blobs).stat().st_mode
    cached(blobs).unlink()
    assert blobs.path(MD5).read_bytes() == DATA


@pytest.mark.usefixtures("no_links")
def test_keep_fails_on_full_disk_without_hard_links(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(adapter.shutil, "copyfile", full)
    a_file(cached(blobs))
    with pytest.raises(OSError, match="No space left"):
        blobs.keep(MD5)
    assert not any((tmp_path / "kept").rglob(f"{INCOMING}*"))


def test_keep_returns_false_for_missing_blob(blobs: BlobStore) -> None:
    assert not blobs.keep(MD5)
    assert not blobs.has(MD5)
    assert not blobs.is_whole(MD5)


def test_remove_deletes_blob_in_both_places(blobs: BlobStore, kept: KeptBlobs, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new"), MD5)
    assert {path for _, path in blobs.iter_files()} == {kept.path(MD5), cached(blobs)}
    left = a_file(kept.path(MD5).with_name(f"{INCOMING}x"))
    blobs.remove(MD5)
    blobs.remove_incoming()
    assert not blobs.has(MD5)
    assert not left.exists()
