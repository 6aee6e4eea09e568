from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gitassets.adapters.dvc import remote as dvc_remote
from gitassets.adapters.dvc.remote import Remote, open_remote
from gitassets.adapters.files import hash_bytes
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.errors import ConflictError, RemoteError
from tests.storage import FolderStorage, S3Storage, Storage, make_bucket, serve_s3

TAKES = {hash_bytes(data): data for data in (b"take one", b"take two", b"a third")}
SIZES = {name: len(data) for name, data in TAKES.items()}
ONE, TWO, THREE = TAKES


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with serve_s3() as client:
        yield client


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "store")
    return make_bucket(request.getfixturevalue("client"))


@pytest.fixture
def remote(storage: Storage, tmp_path: Path) -> Remote:
    return reopen(storage, tmp_path)


def reopen(storage: Storage, tmp_path: Path) -> Remote:
    return open_remote(storage.settings(), tmp_path / "seen.json")


def files(tmp_path: Path, *names: str) -> dict[str, Path]:
    (tmp_path / "files").mkdir(exist_ok=True)
    for name in names:
        (tmp_path / "files" / name).write_bytes(TAKES[name])
    return {name: tmp_path / "files" / name for name in names}


def ignore(_: str) -> None:
    pass


def test_look_finds_nothing_in_empty_remote(remote: Remote) -> None:
    seen = remote.check_blobs(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == (frozenset(), frozenset(), frozenset())


def test_upload_stores_blobs_at_dvc_paths(remote: Remote, storage: Storage, tmp_path: Path) -> None:
    done: list[str] = []
    remote.upload(files(tmp_path, ONE, TWO), done.append)
    assert sorted(done) == sorted([ONE, TWO])
    assert storage.names() == {ONE, TWO}
    assert storage.read(TWO) == b"take two"
    seen = remote.check_blobs(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == ({ONE, TWO}, frozenset(), frozenset())


def test_download_writes_existing_blobs_and_skips_missing_ones(
    remote: Remote, storage: Storage, tmp_path: Path
) -> None:
    storage.write(ONE, TAKES[ONE])
    storage.write(TWO, TAKES[TWO])
    target = tmp_path / "came"
    target.mkdir()
    done: list[str] = []
    remote.download([ONE, TWO, THREE], target, done.append)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {ONE: TAKES[ONE], TWO: TAKES[TWO]}
    assert sorted(done) == sorted([ONE, TWO])
    remote.download([THREE], target, ignore)
    assert not (target / THREE).exists()


@pytest.mark.parametrize("other", [b"shorter", b"TAKE ONE"])
def test_upload_replaces_blob_with_wrong_bytes(remote: Remote, storage: Storage, tmp_path: Path, other: bytes) -> None:
    storage.write(ONE, other)
    assert remote.check_blobs(SIZES).wrong == {ONE}
    remote.upload(files(tmp_path, ONE), ignore)
    assert remote.check_blobs(SIZES).right == {ONE}
    assert storage.read(ONE) == b"take one"


def test_look_of_next_command_finds_bytes_replaced_since(remote: Remote, storage: Storage, tmp_path: Path) -> None:
    remote.upload(files(tmp_path, ONE), ignore)
    assert remote.check_blobs(SIZES).right == {ONE}
    storage.write(ONE, b"TAKE ONE")
    assert reopen(storage, tmp_path).check_blobs(SIZES).wrong == {ONE}
    storage.remove(ONE)
    assert reopen(storage, tmp_path).check_blobs(SIZES).wrong == frozenset()


def test_upload_handles_folder_listing_like_a_blob(remote: Remote, storage: Storage, tmp_path: Path) -> None:
    listing = json.dumps([{"md5": ONE, "relpath": "a.png"}]).encode()
    name = f"{hash_bytes(listing)}.dir"
    (tmp_path / "list").write_bytes(listing)
    remote.upload({name: tmp_path / "list"}, ignore)
    assert storage.read(name) == listing
    assert remote.check_blobs({name: len(listing)}).right == {name}


def test_look_finds_many_blobs_by_single_queries_or_by_listing(
    remote: Remote, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {hash_bytes(str(number).encode()): str(number).encode() for number in range(60)}
    for name, data in many.items():
        storage.write(name, data)
    sizes = {name: len(data) for name, data in many.items()} | {ONE: 8}
    assert remote.check_blobs(sizes).right == set(many)
    monkeypatch.setattr(dvc_remote, "_CALLS_AT_ONCE", 10**9)
    assert remote.check_blobs(sizes).right == set(many)


def test_upload_to_folder_leaves_no_file_when_copy_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "store")}), tmp_path / "seen.json")

    def fail(source: Path, target: Path) -> None:
        target.write_bytes(b"ta")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gitassets.adapters.dvc.cache.clone_file", fail)
    with pytest.raises(RemoteError, match="No space left"):
        remote.upload(files(tmp_path, ONE), ignore)
    assert FolderStorage(tmp_path / "store").names() == set()
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_upload_to_folder_refuses_file_with_wrong_hash(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "store")}), tmp_path / "seen.json")
    with pytest.raises(ConflictError, match="changed while it was read"):
        remote.upload({ONE: files(tmp_path, TWO)[TWO]}, ignore)
    assert FolderStorage(tmp_path / "store").names() == set()


def test_download_from_missing_folder_names_it(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "gone")}), tmp_path / "seen.json")
    with pytest.raises(RemoteError, match=r"store \(.*there is no folder .*gone"):
        remote.download([ONE], tmp_path, ignore)


def test_upload_to_shared_folder_makes_group_writable_folders(tmp_path: Path) -> None:
    settings = RemoteSettings("store", {"url": str(tmp_path / "store"), "shared": "group"})
    open_remote(settings, tmp_path / "seen.json").upload(files(tmp_path, ONE), ignore)
    for folder in ("", "files", "files/md5", f"files/md5/{ONE[:2]}"):
        assert (tmp_path / "store" / folder).stat().st_mode & 0o7777 == 0o2775


def test_look_names_remote_whose_server_does_not_answer(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    settings = make_bucket(client).settings()
    gone = RemoteSettings("store", {**settings.options, "endpointurl": "http://127.0.0.1:9"})
    remote = open_remote(gone, tmp_path / "seen.json")
    with pytest.raises(RemoteError, match=r"The DVC remote store \(s3://.*\) failed"):
        remote.check_blobs(SIZES)


def test_download_works_from_plain_web_server(tmp_path: Path) -> None:
    store = FolderStorage(tmp_path / "www")
    store.write(ONE, TAKES[ONE])
    store.write(TWO, b"shorter")
    handler = partial(QuietHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            settings = RemoteSettings("web", {"url": f"http://127.0.0.1:{server.server_address[1]}"})
            remote = open_remote(settings, tmp_path / "seen.json")
            seen = remote.check_blobs(SIZES)
            assert (seen.right, seen.wrong, seen.unhashed) == ({ONE}, {TWO}, {ONE})
            (tmp_path / "came").mkdir()
            remote.download([ONE, THREE], tmp_path / "came", ignore)
        finally:
            server.shutdown()
    assert {path.name: path.read_bytes() for path in (tmp_path / "came").iterdir()} == {ONE: TAKES[ONE]}


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
        del format, args


def test_look_prefers_checksum_over_size_in_manifest(client: Any, tmp_path: Path) -> None:
    storage = make_bucket(client)
    storage.write(ONE, TAKES[ONE])
    assert reopen(storage, tmp_path).check_blobs({ONE: 999}).right == {ONE}


def test_look_names_missing_package_of_remote_type(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("far", {"url": "oss://bucket/x"}), tmp_path / "seen.json")
    with pytest.raises(RemoteError, match="needs the package dvc-oss") as caught:
        remote.check_blobs(SIZES)
    assert "pip install dvc-oss" in caught.value.hint


@pytest.mark.parametrize("option", ["worktree", "version_aware"])
def test_open_remote_refuses_worktree_and_version_aware_remotes(tmp_path: Path, option: str) -> None:
    with pytest.raises(RemoteError, match=f"far is set to {option}"):
        open_remote(RemoteSettings("far", {"url": "s3://x/y", option: "true"}), tmp_path / "seen.json")


def test_look_does_not_download_own_upload_without_md5_checksum(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With server-side encryption the checksum is not the MD5 of the bytes."""
    storage = make_bucket(client)
    remote = reopen(storage, tmp_path)
    monkeypatch.setattr(dvc_remote, "_etag", lambda _: "0" * 32)
    remote.upload(files(tmp_path, ONE), ignore)
    monkeypatch.setattr(type(remote), "download", None)
    seen = remote.check_blobs(SIZES)
    assert (seen.right, seen.unhashed) == ({ONE}, {ONE})
    assert reopen(storage, tmp_path).check_blobs(SIZES).unhashed == {ONE}


def test_look_downloads_foreign_blob_without_md5_checksum_only_once(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage: S3Storage = make_bucket(client)
    storage.write(ONE, TAKES[ONE])
    storage.write(TWO, b"TAKE TWO")
    monkeypatch.setattr(dvc_remote, "_etag", lambda _: "0" * 32)
    seen = reopen(storage, tmp_path).check_blobs(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == ({ONE}, {TWO}, frozenset())
    again = reopen(storage, tmp_path)
    monkeypatch.setattr(type(again), "download", None)
    assert again.check_blobs(SIZES) == seen
