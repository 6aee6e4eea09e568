from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.dvc.settings_file import add_remote, parse_settings, read_settings, read_user_settings
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.errors import CorruptError

CONFIG = b"""\
[core]
    remote = Store
    autostage = false
[Cache]
    Type = "reflink,copy"
['remote "Store"']
    URL = ../../store
    verify = true
['remote "far"']
    url = s3://bucket/path
    credentialpath = keys/aws
['remote "home"']
    url = ~/store
['machine "x"']
    cloud = aws
"""


def test_read_settings_reads_config_as_dvc_does(tmp_path: Path) -> None:
    from dvc.config import Config

    dvc_dir = tmp_path / "project" / ".dvc"
    dvc_dir.mkdir(parents=True)
    (dvc_dir / "config").write_bytes(CONFIG)
    theirs = Config(str(dvc_dir), validate=False)
    ours = read_settings(dvc_dir / "config")
    assert ours.default == theirs["core"]["remote"].lower()
    assert {name: {key: str(value) for key, value in one.items()} for name, one in theirs["remote"].items()} == {
        name: dict(one.options) for name, one in ours.remotes.items()
    }
    assert ours.others == {"core.autostage": "false", "cache.type": "reflink,copy", 'machine "x".cloud': "aws"}


def test_parse_settings_resolves_paths_relative_to_the_config_folder(tmp_path: Path) -> None:
    found = parse_settings(CONFIG, tmp_path / "runs" / "x" / ".dvc", "a commit")
    assert found.remotes["store"].url == str(tmp_path / "runs" / "store")
    assert found.remotes["far"].url == "s3://bucket/path"
    assert found.remotes["far"].options["credentialpath"] == str(tmp_path / "runs" / "x" / ".dvc" / "keys" / "aws")
    assert found.remotes["home"].url == str(Path.home() / "store")


def test_read_settings_without_file_is_empty(tmp_path: Path) -> None:
    found = read_settings(tmp_path / ".dvc" / "config")
    assert (found.default, found.remotes, found.others) == (None, {}, {})


@pytest.mark.parametrize("data", [b"[core\n", b"\xff\xfe", b"[core]\n[core]\n"])
def test_parse_settings_names_unreadable_config(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CorruptError, match=r"abc:\.dvc/config cannot be read"):
        parse_settings(data, tmp_path, "abc:.dvc/config")


def test_read_user_settings_merges_system_and_global_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (
        ("SYSTEM", "[core]\n    remote = a\n    analytics = false\n"),
        ("GLOBAL", "[core]\n    remote = b\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config").write_text(text)
        monkeypatch.setenv(f"DVC_{name}_CONFIG_DIR", str(tmp_path / name))
    found = read_user_settings()
    assert (found.default, found.others) == ("b", {"core.analytics": "false"})


@pytest.mark.parametrize("default", [True, False])
def test_add_remote_keeps_everything_else(tmp_path: Path, default: bool) -> None:
    before = b'# mine\n[core]\n    autostage = false\n[cache]\n    type = "reflink,copy"\n'
    new = RemoteSettings("größe", {"url": "/srv/a, b#c", "verify": "true"})
    data = add_remote(before, new, default=default)
    assert data.startswith(b"# mine\n[core]\n    autostage = false\n")
    found = parse_settings(data, tmp_path, "x")
    assert found.default == ("größe" if default else None)
    assert found.remotes["größe"].options == new.options
    assert found.others == {"core.autostage": "false", "cache.type": "reflink,copy"}
