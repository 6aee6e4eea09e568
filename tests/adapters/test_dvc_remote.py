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


def test_nothing_is_there_at_first(remote: Remote) -> None:
    seen = remote.look(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == (frozenset(), frozenset(), frozenset())


def test_what_is_sent_is_there_where_dvc_looks_for_it(remote: Remote, storage: Storage, tmp_path: Path) -> None:
    done: list[str] = []
    remote.upload(files(tmp_path, ONE, TWO), done.append)
    assert sorted(done) == sorted([ONE, TWO])
    assert storage.names() == {ONE, TWO}
    assert storage.read(TWO) == b"take two"
    seen = remote.look(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == ({ONE, TWO}, frozenset(), frozenset())


def test_what_is_fetched_lies_in_the_folder_and_what_is_not_there_does_not(
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
def test_other_bytes_are_found_and_replaced(remote: Remote, storage: Storage, tmp_path: Path, other: bytes) -> None:
    storage.write(ONE, other)
    assert remote.look(SIZES).wrong == {ONE}
    remote.upload(files(tmp_path, ONE), ignore)
    assert remote.look(SIZES).right == {ONE}
    assert storage.read(ONE) == b"take one"


def test_bytes_that_are_exchanged_later_are_found_by_another_command(
    remote: Remote, storage: Storage, tmp_path: Path
) -> None:
    remote.upload(files(tmp_path, ONE), ignore)
    assert remote.look(SIZES).right == {ONE}
    storage.write(ONE, b"TAKE ONE")
    assert reopen(storage, tmp_path).look(SIZES).wrong == {ONE}
    storage.remove(ONE)
    assert reopen(storage, tmp_path).look(SIZES).wrong == frozenset()


def test_a_listing_is_a_blob_like_others(remote: Remote, storage: Storage, tmp_path: Path) -> None:
    listing = json.dumps([{"md5": ONE, "relpath": "a.png"}]).encode()
    name = f"{hash_bytes(listing)}.dir"
    (tmp_path / "list").write_bytes(listing)
    remote.upload({name: tmp_path / "list"}, ignore)
    assert storage.read(name) == listing
    assert remote.look({name: len(listing)}).right == {name}


def test_a_large_number_is_asked_for_at_once_or_listed(
    remote: Remote, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {hash_bytes(str(number).encode()): str(number).encode() for number in range(60)}
    for name, data in many.items():
        storage.write(name, data)
    sizes = {name: len(data) for name, data in many.items()} | {ONE: 8}
    assert remote.look(sizes).right == set(many)
    monkeypatch.setattr(dvc_remote, "_CALLS_AT_ONCE", 10**9)
    assert remote.look(sizes).right == set(many)


def test_a_copy_cut_short_never_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "store")}), tmp_path / "seen.json")

    def fail(source: Path, target: Path) -> None:
        target.write_bytes(b"ta")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gitassets.adapters.dvc.cache.clone_file", fail)
    with pytest.raises(RemoteError, match="No space left"):
        remote.upload(files(tmp_path, ONE), ignore)
    assert FolderStorage(tmp_path / "store").names() == set()
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_file_that_is_not_what_its_name_says_is_not_sent_to_a_folder(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "store")}), tmp_path / "seen.json")
    with pytest.raises(ConflictError, match="changed while it was read"):
        remote.upload({ONE: files(tmp_path, TWO)[TWO]}, ignore)
    assert FolderStorage(tmp_path / "store").names() == set()


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("store", {"url": str(tmp_path / "gone")}), tmp_path / "seen.json")
    with pytest.raises(RemoteError, match=r"store \(.*there is no folder .*gone"):
        remote.download([ONE], tmp_path, ignore)


def test_a_folder_for_a_group_can_be_written_by_it(tmp_path: Path) -> None:
    settings = RemoteSettings("store", {"url": str(tmp_path / "store"), "shared": "group"})
    open_remote(settings, tmp_path / "seen.json").upload(files(tmp_path, ONE), ignore)
    for folder in ("", "files", "files/md5", f"files/md5/{ONE[:2]}"):
        assert (tmp_path / "store" / folder).stat().st_mode & 0o7777 == 0o2775


def test_a_server_that_does_not_answer_is_said(tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    settings = make_bucket(client).settings()
    gone = RemoteSettings("store", {**settings.options, "endpointurl": "http://127.0.0.1:9"})
    remote = open_remote(gone, tmp_path / "seen.json")
    with pytest.raises(RemoteError, match=r"The DVC remote store \(s3://.*\) failed"):
        remote.look(SIZES)


def test_a_plain_web_server_is_read_from(tmp_path: Path) -> None:
    store = FolderStorage(tmp_path / "www")
    store.write(ONE, TAKES[ONE])
    store.write(TWO, b"shorter")
    handler = partial(QuietHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        settings = RemoteSettings("web", {"url": f"http://127.0.0.1:{server.server_address[1]}"})
        remote = open_remote(settings, tmp_path / "seen.json")
        seen = remote.look(SIZES)
        assert (seen.right, seen.wrong, seen.unhashed) == ({ONE}, {TWO}, {ONE})
        (tmp_path / "came").mkdir()
        remote.download([ONE, THREE], tmp_path / "came", ignore)
        server.shutdown()
    assert {path.name: path.read_bytes() for path in (tmp_path / "came").iterdir()} == {ONE: TAKES[ONE]}


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base class)
        del format, args


def test_the_size_in_the_manifest_is_not_believed_before_the_checksum(client: Any, tmp_path: Path) -> None:
    storage = make_bucket(client)
    storage.write(ONE, TAKES[ONE])
    assert reopen(storage, tmp_path).look({ONE: 999}).right == {ONE}


def test_a_kind_of_remote_whose_package_is_missing_names_it(tmp_path: Path) -> None:
    remote = open_remote(RemoteSettings("far", {"url": "oss://bucket/x"}), tmp_path / "seen.json")
    with pytest.raises(RemoteError, match="needs the package dvc-oss") as caught:
        remote.look(SIZES)
    assert "pip install dvc-oss" in caught.value.hint


@pytest.mark.parametrize("option", ["worktree", "version_aware"])
def test_a_remote_in_another_form_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(RemoteError, match=f"far is set to {option}"):
        open_remote(RemoteSettings("far", {"url": "s3://x/y", option: "true"}), tmp_path / "seen.json")


def test_what_has_no_md5_as_its_checksum_is_not_fetched_again_after_it_was_sent(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with encryption by a key of the user's: the checksum is one of other bytes."""
    storage = make_bucket(client)
    remote = reopen(storage, tmp_path)
    monkeypatch.setattr(dvc_remote, "_etag", lambda _: "0" * 32)
    remote.upload(files(tmp_path, ONE), ignore)
    monkeypatch.setattr(type(remote), "download", None)
    seen = remote.look(SIZES)
    assert (seen.right, seen.unhashed) == ({ONE}, {ONE})
    assert reopen(storage, tmp_path).look(SIZES).unhashed == {ONE}


def test_what_somebody_else_sent_so_is_fetched_once_to_be_hashed(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage: S3Storage = make_bucket(client)
    storage.write(ONE, TAKES[ONE])
    storage.write(TWO, b"TAKE TWO")
    monkeypatch.setattr(dvc_remote, "_etag", lambda _: "0" * 32)
    seen = reopen(storage, tmp_path).look(SIZES)
    assert (seen.right, seen.wrong, seen.unhashed) == ({ONE}, {TWO}, frozenset())
    again = reopen(storage, tmp_path)
    monkeypatch.setattr(type(again), "download", None)
    assert again.look(SIZES) == seen
