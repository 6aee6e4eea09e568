from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gitassets.adapters.tasks.inputs import InputStore, name_place, open_own_remote
from gitassets.adapters.tasks.order import Place
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.errors import NotFoundError, RemoteError


def store(root: Path, data: bytes, wrong: bytes | None = None) -> str:
    """Put the bytes, or wrong ones in their place, into a remote folder. Return their hash."""
    md5 = hashlib.md5(data).hexdigest()
    path = root / "files" / "md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if wrong is None else wrong)
    return md5


def set_up(text: str) -> None:
    config = Path(os.environ["DVC_GLOBAL_CONFIG_DIR"]) / "config"
    config.parent.mkdir(exist_ok=True)
    config.write_text(text)


def open_remote(root: Path) -> object:
    set_up(f'[remote "storage"]\nurl = {root}\n')
    return open_own_remote(Place("storage", str(root)), root / "remote.json")


def test_place_of_a_remote_has_no_login_or_option() -> None:
    options = {"url": "https://ann:secret@example.org/blobs", "password": "secret", "keyfile": "/home/ann/key"}
    place = name_place(RemoteSettings("storage", options))
    assert place == Place("storage", "https://example.org/blobs")
    assert name_place(RemoteSettings("s", {"url": "/mnt/a@b"})).url == "/mnt/a@b"


def test_worker_connects_only_where_its_own_settings_lead(tmp_path: Path) -> None:
    """The url decides, then the name. What the order says of the place is never used itself."""
    set_up(
        f'[remote "storage"]\nurl = {tmp_path / "mine"}\n'
        '[remote "other"]\nurl = https://me:mine@example.org/blobs\npassword = mine\n'
    )
    by_url = open_own_remote(Place("storage", "https://example.org/blobs"), tmp_path / "r.json")
    assert (by_url.settings.name, by_url.settings.options["password"]) == ("other", "mine")
    assert open_own_remote(Place("Storage", "/elsewhere"), tmp_path / "r.json").settings.url == str(tmp_path / "mine")
    with pytest.raises(NotFoundError, match="no remote 'third' or with the url s3://evil/blobs") as caught:
        open_own_remote(Place("third", "s3://evil/blobs"), tmp_path / "r.json")
    assert "dvc remote add --global third URL" in caught.value.hint


def test_inputs_are_checked_and_brought_once(tmp_path: Path) -> None:
    remote, folder = tmp_path / "remote", tmp_path / "task"
    folder.mkdir()
    first, second = store(remote, b"first"), store(remote, b"second")
    inputs = InputStore(tmp_path / "store")
    paths = inputs.bring({first: 5, second: 6}, open_remote(remote), folder)
    assert {md5: path.read_bytes() for md5, path in paths.items()} == {first: b"first", second: b"second"}
    store(remote, b"first", wrong=b"later")
    (tmp_path / "again").mkdir()
    assert inputs.bring({first: 5}, open_remote(remote), tmp_path / "again")[first].read_bytes() == b"first"


@pytest.mark.parametrize("wrong", [None, b"wrong"])
def test_inputs_that_the_remote_lacks_or_holds_otherwise_are_named(tmp_path: Path, wrong: bytes | None) -> None:
    remote = tmp_path / "remote"
    right = store(remote, b"right")
    other = store(remote, b"other", wrong) if wrong else hashlib.md5(b"absent").hexdigest()
    inputs = InputStore(tmp_path / "store")
    with pytest.raises(
        RemoteError, match=f"remote storage {'has other bytes for' if wrong else 'has no file'} {other}"
    ):
        inputs.bring({right: 5, other: 5}, open_remote(remote), tmp_path)
    assert [path.name for path in (tmp_path / "store" / "inputs").iterdir()] == [right]


def test_inputs_of_a_task_stay_when_the_store_drops_them(tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    names = [store(remote, bytes([n]) * 10) for n in range(4)]
    inputs = InputStore(tmp_path / "store", limit_bytes=20)
    for n, md5 in enumerate(names):
        (tmp_path / str(n)).mkdir()
        path = inputs.bring({md5: 10}, open_remote(remote), tmp_path / str(n))[md5]
        assert path.read_bytes() == bytes([n]) * 10
    assert len(list((tmp_path / "store" / "inputs").iterdir())) == 2
    assert (tmp_path / "0" / names[0]).read_bytes() == bytes(10)
