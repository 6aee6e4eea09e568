"""Commits and trees that git accepts but never writes are parsed exactly as git parses them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.hooks import install_on_server
from gitassets.domain.commit_message import parse_claims
from gitassets.domain.lines import split_lines
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.tree_rules import TreeEntry, iter_program_problems
from gitassets.errors import CorruptError
from gitassets.runs.history import parse_commit, parse_tree
from tests.actions.checks import git
from tests.actions.locked_run import IMAGE_1, LockedRun, change_by_hand, overwrite, with_bytes, write_by_hand

BREAKS = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c")
"""Line ends in Python, but not in git."""


def hash_object(locked: LockedRun, kind: str, data: bytes) -> str:
    argv = ("git", "hash-object", "-t", kind, "-w", "--stdin", "--literally")
    return subprocess.run(argv, cwd=locked.folder, input=data, capture_output=True, check=True).stdout.decode().strip()


def swap_image_1(locked: LockedRun) -> str:
    """Write a tree in which a locked asset has other bytes and every field agrees."""
    change_by_hand(locked.folder, IMAGE_1, lambda one: with_bytes(locked.project, one))
    overwrite(locked.folder / "images/scene_000.png")
    locked.git("add", "--all", ".")
    return locked.git("write-tree").strip()


def write_commit(locked: LockedRun, header: list[str]) -> str:
    return hash_object(locked, "commit", ("\n".join(header) + "\n\ntypo\n").encode())


WHO = "Ann Lee <ann@example.com> 1795000000 +0000"


@pytest.mark.parametrize("sign", BREAKS)
def test_parent_line_within_an_author_name_is_ignored(locked: LockedRun, sign: str) -> None:
    tree, head = swap_image_1(locked), locked.head()
    hidden = locked.git("commit-tree", tree, "-p", head, "-m", "hidden").strip()
    author = f"author Eve{sign}parent {hidden}{sign}x <eve@example.com> 1795000000 +0000"
    forged = write_commit(locked, [f"tree {tree}", f"parent {head}", author, f"committer {WHO}"])
    locked.git("update-ref", "refs/heads/run/ep1", forged)
    assert "locked-md5-changed" in locked.codes()


def test_parent_line_after_the_committer_is_ignored(locked: LockedRun) -> None:
    tree, head = swap_image_1(locked), locked.head()
    hidden = locked.git("commit-tree", tree, "-p", head, "-m", "hidden").strip()
    header = [f"tree {tree}", f"parent {head}", f"author {WHO}", f"committer {WHO}", f"parent {hidden}"]
    locked.git("update-ref", "refs/heads/run/ep1", write_commit(locked, header))
    assert "locked-md5-changed" in locked.codes()


@pytest.mark.parametrize("extra", ["", *(f"author Eve{one}parent {'b' * 40}{one}x <e@x> 1 +0000" for one in BREAKS)])
def test_parse_commit_reads_the_same_parents_as_git(locked: LockedRun, extra: str) -> None:
    header = [f"tree {locked.git('rev-parse', 'HEAD^{tree}').strip()}", f"parent {locked.head()}"]
    oid = write_commit(locked, [*header, *([extra] if extra else []), f"author {WHO}", f"committer {WHO}"])
    raw = subprocess.run(("git", "cat-file", "commit", oid), cwd=locked.folder, capture_output=True, check=True).stdout
    by_git = locked.git("rev-list", "--parents", "--max-count=1", oid).split()[1:]
    assert list(parse_commit(oid, raw).parents) == by_git == [locked.head()]


def test_parse_commit_refuses_other_data() -> None:
    for data in (b"", b"\n\n", b"parent x\ntree y\n\n", b"object x\ntype commit\ntag v1\n\n"):
        with pytest.raises(CorruptError, match="is no commit"):
            parse_commit("0" * 40, data)


@pytest.mark.parametrize("mode", ["120777", "0120000", "0040000", "100600", "000000", "755", ""])
def test_verify_refuses_tree_modes_that_git_never_writes(locked: LockedRun, mode: str) -> None:
    blob = hash_object(locked, "blob", b"/elsewhere")
    raw = subprocess.run(("git", "cat-file", "tree", "HEAD^{tree}"), cwd=locked.folder, capture_output=True, check=True)
    tree = hash_object(locked, "tree", raw.stdout + f"{mode} zz\0".encode() + bytes.fromhex(blob))
    forged = locked.git("commit-tree", tree, "-p", "HEAD", "-m", "x").strip()
    locked.git("update-ref", "refs/heads/run/ep1", forged)
    with pytest.raises(CorruptError, match=r"the mode|holds"):
        locked.verify(history_only=True)


def test_parse_tree_reads_every_mode_that_git_writes() -> None:
    data = b"".join(f"{mode} f{mode}\0".encode() + bytes(20) for mode in ("100644", "100755", "120000", "160000"))
    found = parse_tree(data + b"40000 sub\0" + bytes(20), 20)
    assert [mode for mode, _ in found.values()] == ["100644", "100755", "120000", "160000", "40000"]


@pytest.mark.parametrize("sign", BREAKS)
def test_parse_claims_ignores_a_trailer_within_a_line(sign: str) -> None:
    text = f"typo\n\nSee: wiki{sign}Assets-Transition: image 1 review -> approved\n"
    assert parse_claims(text) == ()


@pytest.mark.parametrize("sign", BREAKS)
def test_gitattributes_filter_is_found_behind_any_line_break_character(sign: str) -> None:
    for line in (f"[!{sign}#]* filter=evil", f"{sign}# filter=evil", f"*{sign}# filter=evil"):
        entry = TreeEntry(".gitattributes", "100644")
        assert [*iter_program_problems([entry], {".gitattributes": f"{line}\n".encode()})], line
    assert not [*iter_program_problems([entry], {".gitattributes": b" \t# filter=evil\n"})]


def test_split_lines_splits_only_at_newlines() -> None:
    assert split_lines("") == []
    assert split_lines("a\r\nb\n\nc") == ["a", "b", "", "c"]
    for sign in BREAKS:
        assert split_lines(f"a{sign}b\n") == [f"a{sign}b"]


# A second root commit


def merge_in_another_root(locked: LockedRun) -> None:
    """Merge a branch with a forged root commit under the rules of 0.1.0."""
    before = locked.manifest()
    write_by_hand(locked.folder, replace(before, rules=1))
    locked.git("add", "--all", ".")
    root = locked.git("commit-tree", locked.git("write-tree").strip(), "-m", "old root").strip()
    ours = locked.git("rev-parse", "HEAD").strip()
    other = parse_manifest(locked.git("show", f"{root}:asset_manifest.json").encode())
    write_by_hand(locked.folder, merge_manifests(None, before, other).manifest)
    assert locked.manifest().rules == before.rules > other.rules
    locked.git("add", "--all", ".")
    tree = locked.git("write-tree").strip()
    merged = locked.git("commit-tree", tree, "-p", ours, "-p", root, "-m", "Merge old").strip()
    locked.git("update-ref", "refs/heads/run/ep1", merged)


def test_verify_finds_a_merge_of_an_unrelated_history(locked: LockedRun) -> None:
    merge_in_another_root(locked)
    assert "merge-unrelated" in locked.codes()


def test_server_and_hook_refuse_a_merge_of_an_unrelated_history(locked: LockedRun, tmp_path: Path) -> None:
    before = locked.head()
    server = tmp_path / "server.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(locked.project.root), str(server))
    install_on_server(server)
    merge_in_another_root(locked)
    forged = locked.head()
    done = push(locked, server)
    assert done.returncode != 0
    assert "nothing in common" in done.stderr
    locked.git("update-ref", "refs/heads/run/ep1", before)
    locked.git("checkout", "--quiet", "--force", "HEAD", "--", ".")
    done = run(locked, "git", "merge", "--quiet", "--allow-unrelated-histories", "--no-edit", f"{forged}^2")
    assert done.returncode != 0
    assert "nothing in common" in done.stderr


def push(locked: LockedRun, server: Path) -> subprocess.CompletedProcess[str]:
    return run(locked, "git", "push", str(server), "run/ep1")


def run(locked: LockedRun, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=locked.folder, capture_output=True, text=True, check=False)
