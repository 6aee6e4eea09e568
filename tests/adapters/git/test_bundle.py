from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.git import bundle as git_bundle
from gitassets.adapters.git.bundle import copy_objects, make_bundle, read_bundle
from gitassets.adapters.git.repository import Git
from gitassets.errors import CorruptError
from tests.actions.checks import git

REF = "refs/heads/run/x"
COMMITS = 12


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Git:
    """Create twelve commits of a manifest with small changes."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "run/x", f"--object-format={request.param}")
    for number in range(COMMITS):
        lines = [f'"segment_{one}": "{"approved" if one < number else "draft"}"' for one in range(100)]
        (folder / "asset_manifest.json").write_text("\n".join(lines))
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", f"{number}")
    return Git(folder)


def bundle_of(repository: Git) -> bytes:
    return make_bundle(repository, repository.line("rev-parse", "HEAD"), REF)


def test_bundle_of_same_history_has_same_bytes_for_any_git_storage(repository: Git, tmp_path: Path) -> None:
    loose = bundle_of(repository)
    git(repository.folder, "gc", "-q")
    packed = bundle_of(repository)
    git(repository.folder, "repack", "-adfq", "--window=50", "--depth=200")
    git(repository.folder, "config", "pack.window", "0")
    git(repository.folder, "config", "pack.compression", "0")
    git(repository.folder, "config", "core.bigFileThreshold", "1")
    otherwise = bundle_of(repository)
    git(tmp_path, "clone", "-q", "-b", "run/x", str(repository.folder), "clone")
    assert loose == packed == otherwise == bundle_of(Git(tmp_path / "clone"))
    assert len(loose) < 6_000  # As deltas: twelve manifests of 2.5 kB do not take 30 kB.


def test_bundle_is_readable_by_git(repository: Git, tmp_path: Path) -> None:
    bundle = tmp_path / "x.bundle"
    bundle.write_bytes(bundle_of(repository))
    git(repository.folder, "bundle", "verify", str(bundle))
    git(tmp_path, "clone", "-q", "-b", "run/x", str(bundle), "clone")
    assert git(tmp_path / "clone", "rev-list", "--count", "HEAD").strip() == str(COMMITS)


def test_read_bundle_and_take_over_transfer_the_history(repository: Git, tmp_path: Path) -> None:
    bundle = tmp_path / "x.bundle"
    bundle.write_bytes(bundle_of(repository))
    bare, tip = read_bundle(bundle, tmp_path / "bare", REF, "x.zip")
    assert tip == repository.line("rev-parse", "HEAD")
    assert bare.list_refs() == {REF: tip}
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", f"--object-format={'sha1' if len(tip) == 40 else 'sha256'}")
    git(other, "config", "protocol.file.allow", "never")
    copy_objects(Git(other), tmp_path / "bare", REF)
    assert git(other, "rev-list", "--count", tip).strip() == str(COMMITS)
    assert Git(other).list_refs() == {}
    assert not (other / ".git" / "FETCH_HEAD").exists()


def refused(tmp_path: Path, data: bytes, match: str) -> None:
    bundle = tmp_path / "bad.bundle"
    bundle.write_bytes(data)
    with pytest.raises(CorruptError, match=match) as caught:
        read_bundle(bundle, tmp_path / "bare", REF, "x.zip")
    assert "x.zip" in caught.value.message
    assert "--no-history" in caught.value.hint


@pytest.mark.parametrize("repository", ["sha1"], indirect=True)
def test_read_bundle_refuses_bundles_with_other_content(repository: Git, tmp_path: Path) -> None:
    data = bundle_of(repository)
    head, rest = data.split(b"\n\n", 1)
    for line in (
        head.replace(b"run/x", b"run/y"),
        head + b"\n" + head.splitlines()[1].replace(b"run/x", b"run/y"),
        b"# v2 git bundle",
        b"# v2 git bundle\n--upload-pack=x refs/heads/run/x",
        head.replace(b"\n", b"\n-" + b"0" * 40 + b" \n"),
        b"",
        b"x" * 10_000,
    ):
        refused(tmp_path, line + b"\n\n" + rest, "is not the whole one")


@pytest.mark.parametrize("repository", ["sha1"], indirect=True)
def test_read_bundle_refuses_damaged_and_incomplete_bundles(repository: Git, tmp_path: Path) -> None:
    data = bundle_of(repository)
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    oids = git(repository.folder, "rev-list", "HEAD").split()
    thin = repository.call("pack-objects", "--stdout", "--revs", "-q", stdin=f"{oids[0]}\n^{oids[5]}\n".encode())
    for number, one in enumerate((data[:-30], bytes(damaged), data.split(b"\n\n")[0] + b"\n\n" + thin)):
        (tmp_path / str(number)).mkdir()
        refused(tmp_path / str(number), one, "is damaged")


@pytest.mark.parametrize("repository", ["sha1"], indirect=True)
def test_read_bundle_refuses_oversized_file(repository: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_bundle, "MAX_MANIFEST_BYTES", 1000)
    refused(tmp_path, bundle_of(repository), "larger than any manifest")


@pytest.mark.parametrize("repository", ["sha1"], indirect=True)
def test_read_bundle_refuses_objects_that_git_rejects(repository: Git, tmp_path: Path) -> None:
    """A tree with an entry named .git, with which a checkout would overwrite the repository's own files."""
    blob = repository.line("rev-parse", "HEAD:asset_manifest.json")
    tree = repository.call("mktree", stdin=f"100644 blob {blob}\t.git\n".encode()).decode().strip()
    commit = repository.line("commit-tree", tree, "-m", "evil")
    refused(tmp_path, make_bundle(repository, commit, REF), "is damaged")
