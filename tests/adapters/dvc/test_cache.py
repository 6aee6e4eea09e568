from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.adapters.dvc import cache as adapter
from gitassets.adapters.dvc.cache import (
    BlobStore,
    create_dvc_project,
    find_cache_dir,
    find_risky_settings,
    format_run_config,
    write_local_config,
)
from gitassets.adapters.files import hash_bytes, hash_file
from gitassets.domain.dvc_file import folder_listing, imply_dvc_files
from gitassets.domain.dvc_settings import CACHE_TYPES
from gitassets.errors import ConflictError, CorruptError, NotFoundError
from tests.adapters.repositories import git, make_repository
from tests.domain.builders import a_manifest, a_segment, image


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "cache")


def a_file(path: Path, data: bytes = b"take one") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


MD5 = hash_bytes(b"take one")


# Blobs


def test_move_in_stores_read_only_blob_at_dvc_cache_path(blobs: BlobStore, tmp_path: Path) -> None:
    file = a_file(tmp_path / "new.png")
    blobs.move_in(file, MD5)
    assert not file.exists()
    assert blobs.path(MD5) == tmp_path / "cache" / "files" / "md5" / MD5[:2] / MD5[2:]
    assert blobs.path(MD5).read_bytes() == b"take one"
    assert blobs.path(MD5).stat().st_mode & 0o777 == 0o444


def test_copy_in_keeps_the_source_file(blobs: BlobStore, tmp_path: Path) -> None:
    file = a_file(tmp_path / "new.png")
    for _ in range(2):
        blobs.copy_in(file, MD5)
    assert file.read_bytes() == b"take one"
    assert hash_file(blobs.require(MD5, "x")) == MD5
    assert [one.name for one in blobs.cache_dir.iterdir()] == ["files"]


def test_blob_is_unchanged_by_writes_to_source_and_placed_file(blobs: BlobStore, tmp_path: Path) -> None:
    file = a_file(tmp_path / "new.png")
    blobs.copy_in(file, MD5)
    blobs.place(MD5, tmp_path / "run" / "images" / "a.png", locked=False)
    for path in (file, tmp_path / "run" / "images" / "a.png"):
        with path.open("r+b") as opened:
            opened.write(b"TAKE TWO")
    assert hash_file(blobs.path(MD5)) == MD5


def test_copy_in_refuses_file_that_changed_since_it_was_hashed(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"new\.png changed while it was read"):
        blobs.copy_in(a_file(tmp_path / "new.png", b"other bytes"), MD5)
    assert not blobs.has(MD5)
    assert list(blobs.cache_dir.iterdir()) == []


def test_copy_in_replaces_truncated_blob(blobs: BlobStore, tmp_path: Path) -> None:
    a_file(blobs.path(MD5), b"take")
    blobs.copy_in(a_file(tmp_path / "new.png"), MD5)
    assert hash_file(blobs.path(MD5)) == MD5


@pytest.mark.parametrize("spoil", [lambda blob: blob.unlink(), lambda blob: replace_file(blob, b"other")])
def test_copy_in_notices_what_became_of_a_blob_that_it_copied_before(
    blobs: BlobStore, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    file = a_file(tmp_path / "new.png")
    blobs.copy_in(file, MD5)
    spoil(blobs.path(MD5))
    blobs.copy_in(file, MD5)
    assert hash_file(blobs.path(MD5)) == MD5


def replace_file(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize(("locked", "writable"), [(True, False), (False, True)])
def test_place_makes_file_read_only_when_locked(blobs: BlobStore, tmp_path: Path, locked: bool, writable: bool) -> None:
    blobs.move_in(a_file(tmp_path / "new.png"), MD5)
    target = a_file(tmp_path / "run" / "images" / "a.png", b"what was there")
    blobs.place(MD5, target, locked=locked)
    assert target.read_bytes() == b"take one"
    assert bool(target.stat().st_mode & 0o200) == writable
    assert [one.name for one in target.parent.iterdir()] == ["a.png"]


def test_place_replaces_symlink_and_keeps_its_target(blobs: BlobStore, tmp_path: Path) -> None:
    blobs.move_in(a_file(tmp_path / "new.png"), MD5)
    outside = a_file(tmp_path / "outside.png", b"precious")
    target = tmp_path / "run" / "a.png"
    target.parent.mkdir()
    target.symlink_to(outside)
    blobs.place(MD5, target, locked=False)
    assert outside.read_bytes() == b"precious"
    assert not target.is_symlink()


def test_require_names_the_asset_whose_blob_is_missing(blobs: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=rf"bytes of image 3 \({MD5}\)") as caught:
        blobs.require(MD5, "image 3")
    assert "gitassets doctor" in caught.value.hint
    with pytest.raises(NotFoundError, match=r"a\.png"):
        blobs.place(MD5, tmp_path / "a.png", locked=False)
    assert not (tmp_path / "a.png").exists()


def test_place_leaves_target_unchanged_when_copy_fails(
    blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.move_in(a_file(tmp_path / "new.png"), MD5)
    target = a_file(tmp_path / "run" / "a.png", b"what was there")

    def fail(source: Path, copy: Path) -> None:
        copy.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adapter, "clone_file", fail)
    with pytest.raises(OSError, match="No space left"):
        blobs.place(MD5, target, locked=False)
    assert {one.name: one.read_bytes() for one in target.parent.iterdir()} == {"a.png": b"what was there"}


# Folder lists


def test_add_listing_writes_same_listing_as_dvc_add(tmp_path: Path) -> None:
    """The .dvc file, the folder listing in the cache and its name are equal."""
    from dvc.repo import Repo

    root = make_repository(tmp_path / "repo")
    create_dvc_project(root, tmp_path / "site")
    names = ["scene_000.png", "scene_001.png", "Über größe.png", "Z.png", "a b.png", "deep/x.png"]
    images = []
    for number, name in enumerate(names, start=1):
        file = a_file(root / "images" / name, f"picture {number}".encode())
        images.append(image(number, path=f"images/{name}", md5=hash_file(file), size=file.stat().st_size))
    folder = imply_dvc_files(a_manifest({n: a_segment(image=one) for n, one in enumerate(images, start=1)}))["images"]
    with Repo(str(root)) as repo:
        repo.add(str(root / "images"))
    assert (root / "images.dvc").read_text() == folder.text
    theirs = BlobStore(root / ".dvc" / "cache").path(folder.md5)
    ours = BlobStore(tmp_path / "ours")
    ours.add_listing(folder.listing, folder.md5)
    assert ours.path(folder.md5).read_bytes() == theirs.read_bytes()
    assert json.loads(theirs.read_bytes()) == json.loads(folder.listing)


def test_add_listing_refuses_wrong_name(blobs: BlobStore) -> None:
    with pytest.raises(CorruptError, match="DVC names this folder list"):
        blobs.add_listing(folder_listing([("a.png", MD5)]), f"{'0' * 32}.dir")


# Configuration


def read_config(root: Path, level: str = "config") -> str:
    return (root / ".dvc" / level).read_text()


def test_create_dvc_project_writes_settings_and_hides_local_ones_from_git(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    assert create_dvc_project(root, tmp_path / "site")
    assert "autostage = false" in read_config(root)
    assert CACHE_TYPES == "reflink,copy"
    assert 'type = "reflink,copy"' in " ".join(read_config(root).split())
    assert f"site_cache_dir = {tmp_path / 'site'}" in read_config(root, "config.local")
    assert git(root, "status", "--porcelain", "--untracked-files=all").splitlines() == [
        "?? .dvc/.gitignore", "?? .dvc/config"
    ]  # fmt: skip
    assert not create_dvc_project(root, tmp_path / "site")


def test_create_dvc_project_makes_project_that_dvc_opens(tmp_path: Path) -> None:
    from dvc.repo import Repo

    root = make_repository(tmp_path / "repo")
    create_dvc_project(root, tmp_path / "site")
    with Repo(str(root)) as repo:
        assert repo.config["core"]["autostage"] is False
        assert repo.config["cache"]["type"] == ["reflink", "copy"]
        assert repo.config["core"]["site_cache_dir"] == str(tmp_path / "site")


@pytest.mark.parametrize("agreed", [True, False])
def test_create_dvc_project_keeps_user_settings_and_replaces_risky_ones_only_on_request(
    tmp_path: Path, agreed: bool
) -> None:
    root = make_repository(tmp_path / "repo")
    a_file(
        root / ".dvc" / "config",
        b"[core]\n    remote = store\n[cache]\n    type = hardlink\n['remote \"store\"']\n    url = /srv\n",
    )
    a_file(root / ".dvc" / ".gitignore", b"/mine\n")
    a_file(root / ".dvcignore", b"*.tmp\n")
    assert find_risky_settings(root) == {"cache.type": "hardlink"}
    assert create_dvc_project(root, tmp_path / "site", replace=agreed)
    config = " ".join(read_config(root).split())
    assert "remote = store" in config
    assert "url = /srv" in config
    assert ('type = "reflink,copy"' in config) == agreed
    assert ("type = hardlink" in config) != agreed
    assert "autostage = false" in config
    assert (root / ".dvc" / ".gitignore").read_bytes() == b"/mine\n"
    assert (root / ".dvcignore").read_bytes() == b"*.tmp\n"


@pytest.mark.parametrize(
    ("text", "risky"),
    [
        ("[cache]\ntype = copy\n", {}),
        ('[cache]\ntype = "reflink,copy"\n[core]\nautostage = false\n', {}),
        ('[cache]\ntype = "reflink,symlink"\n', {"cache.type": "reflink,symlink"}),
        ("[core]\nautostage = true\n", {"core.autostage": "true"}),
    ],
)
def test_find_risky_settings_reports_only_linked_cache_types_and_autostage(
    tmp_path: Path, text: str, risky: dict[str, str]
) -> None:
    a_file(tmp_path / ".dvc" / "config", text.encode())
    assert find_risky_settings(tmp_path) == risky
    create_dvc_project(tmp_path, tmp_path / "site")
    assert find_risky_settings(tmp_path) == risky


def test_create_dvc_project_restores_local_config_in_a_clone(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    create_dvc_project(root, tmp_path / "site")
    (root / ".dvc" / "config.local").unlink()
    assert create_dvc_project(root, tmp_path / "site")
    assert "site_cache_dir" in read_config(root, "config.local")


@pytest.mark.parametrize(
    ("url", "inherited"),
    [
        ("s3://bucket/path", "s3://bucket/path"),
        ("/srv/store", "/srv/store"),
        ("../../store", "{parent}/store"),
        ("https://example.com/x", "https://example.com/x"),
    ],
)
def test_format_run_config_inherits_remotes_with_resolved_urls(tmp_path: Path, url: str, inherited: str) -> None:
    root = tmp_path / "repo"
    a_file(root / ".dvc" / "config", f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n".encode())
    config = format_run_config(root).decode()
    assert f"url = {inherited.format(parent=tmp_path)}\n" in config
    assert "remote = store\n" in config
    assert "autostage = false\n" in config
    assert 'type = "reflink,copy"\n' in config


def test_format_run_config_works_without_a_dvc_project(tmp_path: Path) -> None:
    assert b"autostage = false" in format_run_config(tmp_path)


def test_format_run_config_omits_credentials_of_remotes(tmp_path: Path) -> None:
    """DVC stores credentials in config.local, which is not inherited."""
    a_file(tmp_path / ".dvc" / "config", b"['remote \"store\"']\n    url = s3://bucket\n")
    a_file(tmp_path / ".dvc" / "config.local", b"['remote \"store\"']\n    secret_access_key = hush\n")
    assert b"hush" not in format_run_config(tmp_path)


def test_format_run_config_names_unreadable_config(tmp_path: Path) -> None:
    a_file(tmp_path / ".dvc" / "config", b"[core\n")
    with pytest.raises(CorruptError, match=str(tmp_path / ".dvc" / "config")):
        format_run_config(tmp_path)


@pytest.mark.parametrize(
    ("config", "local", "expected"),
    [
        (b"", b"", ".dvc/cache"),
        (b"", b"[cache]\n    dir = ../../shared\n", ".dvc/../../shared"),
        (b"[cache]\n    dir = /srv/cache\n", b"", ".dvc/cache"),  # A branch of somebody else's has no say.
        (b"[cache]\n    dir = /srv/cache\n", b"[cache]\n    dir = /mine\n", "/mine"),
    ],
)
def test_find_cache_dir_reads_local_config_and_ignores_committed_one(
    tmp_path: Path, config: bytes, local: bytes, expected: str
) -> None:
    a_file(tmp_path / ".dvc" / "config", config)
    a_file(tmp_path / ".dvc" / "config.local", local)
    assert find_cache_dir(tmp_path) == tmp_path / expected


def test_write_local_config_keeps_other_settings(tmp_path: Path) -> None:
    path = a_file(tmp_path / ".dvc" / "config.local", b"# mine\n['remote \"store\"']\n    secret_access_key = hush\n")
    write_local_config(tmp_path, tmp_path / "cache", tmp_path / "site")
    assert path.read_text().startswith("# mine\n")
    assert "secret_access_key = hush" in path.read_text()
    assert f"dir = {tmp_path / 'cache'}\n" in path.read_text()


def test_write_local_config_rewrites_only_on_change(tmp_path: Path) -> None:
    cache, site = tmp_path / "my cache", tmp_path / "site"
    write_local_config(tmp_path, cache, site)
    path = tmp_path / ".dvc" / "config.local"
    before = path.stat().st_ino
    write_local_config(tmp_path, cache, site)
    assert path.stat().st_ino == before
    write_local_config(tmp_path, tmp_path / "other", site)
    assert f"dir = {tmp_path / 'other'}" in path.read_text()


@pytest.mark.parametrize("name", ["with space", "größe", "ha#sh", "com,ma", "semi;colon", "per%(x)cent", "quo'te"])
def test_dvc_finds_cache_in_folder_with_special_characters(tmp_path: Path, name: str) -> None:
    from dvc.repo import Repo

    root = make_repository(tmp_path / name / "repo")
    create_dvc_project(root, tmp_path / name / "site")
    write_local_config(root, tmp_path / name / "cache", tmp_path / name / "site")
    a_file(root / "images" / "a.png")
    with Repo(str(root)) as repo:
        repo.add(str(root / "images"))
    assert BlobStore(tmp_path / name / "cache").has(MD5)


@pytest.mark.parametrize(("above", "wanted"), [(0o755, 0o700), (0o775, 0o2770), (0o700, 0o700), (0o2775, 0o2770)])
def test_create_dvc_project_closes_site_folder_to_other_users(tmp_path: Path, above: int, wanted: int) -> None:
    from dvc.repo import Repo

    root = make_repository(tmp_path / "repo")
    site = tmp_path / "state" / "site"
    site.mkdir(parents=True)
    site.chmod(0o777)  # As DVC made it for an earlier version.
    site.parent.chmod(above)
    create_dvc_project(root, site)
    assert site.stat().st_mode & 0o7777 == wanted
    with Repo(str(root)):
        assert any(site.iterdir())
    assert site.stat().st_mode & 0o7777 == wanted


def test_dvc_leaves_nothing_in_its_world_writable_default_folder(tmp_path: Path) -> None:
    from dvc.repo import Repo

    root = make_repository(tmp_path / "repo")
    create_dvc_project(root, tmp_path / "site")
    a_file(root / "images" / "a.png")
    before = set(os.listdir("/var/tmp/dvc/repo")) if Path("/var/tmp/dvc/repo").exists() else set()
    with Repo(str(root)) as repo:
        repo.add(str(root / "images"))
    after = set(os.listdir("/var/tmp/dvc/repo")) if Path("/var/tmp/dvc/repo").exists() else set()
    assert after == before
    assert any((tmp_path / "site").iterdir())
    shutil.rmtree(tmp_path / "site")
