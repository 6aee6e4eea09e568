from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.git.repository import Git, IdentityError
from gitassets.adapters.git.setup import create_repository
from gitassets.adapters.git.unfinished import find_unfinished
from gitassets.adapters.git.work_trees import (
    exclude_locally,
    find_place,
    iter_linked_worktrees,
    link_worktree,
    read_branch,
    read_gitfile,
    remove_worktree,
)
from gitassets.adapters.process import CommandError
from tests.adapters.repositories import commit_files, git, make_repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo", {"a.txt": "a\n", "b.txt": "b\n"})


@pytest.fixture
def linked(repo: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "side", str(folder))
    return folder


# Where we are


def test_find_place_of_folder_in_repository(repo: Path) -> None:
    (repo / "deep").mkdir()
    place = find_place(repo / "deep")
    assert place is not None
    assert (place.top, place.git_dir, place.linked) == (repo, repo / ".git", False)


def test_find_place_of_linked_work_tree(repo: Path, linked: Path) -> None:
    place = find_place(linked)
    assert place is not None
    assert (place.top, place.common_dir, place.linked) == (linked, repo / ".git", True)
    assert place.git_dir == repo / ".git" / "worktrees" / "linked"


def test_find_place_returns_none_outside_repository_and_in_bare_one(tmp_path: Path) -> None:
    assert find_place(tmp_path) is None
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    assert find_place(tmp_path / "bare.git") is None


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX"])
def test_clean_environment_drops_git_variables_of_hooks(repo: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "/nowhere")
    assert name not in clean_environment()
    assert Git(repo).list_tracked() == ["a.txt", "b.txt"]


def test_clean_environment_keeps_user_identity_and_extra_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Bea")
    assert clean_environment({"EXTRA": "1"})["GIT_AUTHOR_NAME"] == "Bea"
    assert clean_environment({"EXTRA": "1"})["EXTRA"] == "1"


def test_create_repository_starts_on_main(tmp_path: Path) -> None:
    create_repository(tmp_path / "new" / "deep")
    state = Git(tmp_path / "new" / "deep").read_state()
    assert (state.head, state.branch, state.changed) == (None, "main", frozenset())


def test_read_gitfile_and_read_branch_work_without_a_process(repo: Path, linked: Path, tmp_path: Path) -> None:
    assert read_gitfile(linked) == repo / ".git" / "worktrees" / "linked"
    assert read_gitfile(repo) is None
    assert read_gitfile(tmp_path) is None
    assert read_branch(repo / ".git") == "main"
    git(linked, "switch", "--quiet", "--detach")
    assert read_branch(repo / ".git" / "worktrees" / "linked") is None
    assert read_branch(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"something else"])
def test_read_gitfile_ignores_other_file_named_git(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)
    assert read_gitfile(tmp_path) is None


# Identity


def test_check_identity_and_commit_fail_without_user_identity(repo: Path) -> None:
    Git(repo).check_identity()
    git(repo, "config", "--global", "--remove-section", "user")
    git(repo, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError) as caught:
        Git(repo).check_identity()
    assert "user.name" in caught.value.hint
    (repo / "a.txt").write_text("changed")
    with pytest.raises(IdentityError):
        Git(repo).commit_paths(["a.txt"], "x\n")
    assert git(repo, "rev-list", "--count", "HEAD").strip() == "1"


# Reading


def test_resolve_returns_commit_or_none(repo: Path) -> None:
    assert Git(repo).resolve("HEAD") == git(repo, "rev-parse", "HEAD").strip()
    assert Git(repo).resolve("nothing") is None
    assert Git(repo).resolve("HEAD:a.txt") is None
    assert Git(repo).resolve("--all") is None


def test_read_blobs_returns_bytes_or_none(repo: Path) -> None:
    reader = Git(repo)
    assert reader.read_blob("HEAD", "a.txt") == b"a\n"
    assert reader.read_blob("HEAD", "none.txt") is None
    assert reader.read_blobs([]) == {}
    (repo / "c.bin").write_bytes(b"\n\0 missing\n")
    git(repo, "add", "c.bin")
    names = ["HEAD:a.txt", "HEAD:none.txt", ":c.bin", "HEAD:b.txt"]
    assert reader.read_blobs(names) == {
        "HEAD:a.txt": b"a\n", "HEAD:none.txt": None, ":c.bin": b"\n\0 missing\n", "HEAD:b.txt": b"b\n"
    }  # fmt: skip


def test_read_blob_ignores_replace_refs(repo: Path) -> None:
    original = git(repo, "rev-parse", "HEAD:a.txt").strip()
    forged = git(repo, "hash-object", "-w", "--stdin", stdin="forged\n").strip()
    git(repo, "replace", original, forged)
    assert git(repo, "show", "HEAD:a.txt") == "forged\n"
    assert Git(repo).read_blob("HEAD", "a.txt") == b"a\n"


def test_list_refs_returns_refs_by_pattern(repo: Path) -> None:
    git(repo, "branch", "run/x")
    head = git(repo, "rev-parse", "HEAD").strip()
    assert Git(repo).list_refs("refs/heads/run/*", "refs/remotes/*/run/*") == {"refs/heads/run/x": head}
    assert Git(repo).list_refs("refs/nothing/") == {}


def test_list_tree_returns_paths_and_modes(repo: Path) -> None:
    (repo / "link").symlink_to("a.txt")
    (repo / "tool.sh").write_text("")
    (repo / "tool.sh").chmod(0o755)
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "more")
    assert Git(repo).list_tree("HEAD") == [
        ("a.txt", "100644"), ("b.txt", "100644"), ("link", "120000"), ("tool.sh", "100755")
    ]  # fmt: skip


def test_iter_log_returns_commits_as_written(repo: Path) -> None:
    message = 'subject\n\nbody with "quotes"\n\nKey: value'
    git(repo, "commit", "--quiet", "--allow-empty", "-m", message, "--date", "2026-02-07T10:00:00+01:00")
    (repo / ".mailmap").write_text("Somebody Else <else@example.com> <ann@example.com>\n")
    newest, oldest = Git(repo).iter_log("HEAD")
    assert (newest.author, newest.email) == ("Ann Lee", "ann@example.com")
    assert newest.date == "2026-02-07T10:00:00+01:00"
    assert newest.message == message
    assert (newest.parents, oldest.parents) == ((oldest.oid,), ())


def test_iter_log_filters_by_path(repo: Path) -> None:
    commit_files(repo, {"b.txt": "other\n"}, "b")
    commit_files(repo, {"a.txt": "other\n"}, "a")
    assert [one.message for one in Git(repo).iter_log("HEAD", "b.txt")] == ["b", "first"]


def test_iter_log_is_utf8_under_any_user_settings(repo: Path) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "größer 日本")
    git(repo, "config", "i18n.logOutputEncoding", "latin1")
    git(repo, "config", "log.showSignature", "true")
    assert next(iter(Git(repo).iter_log("HEAD"))).message == "größer 日本"


def stage(repo: Path) -> None:
    (repo / "a.txt").write_text("new")
    git(repo, "add", "a.txt")


def stage_and_take_back(repo: Path) -> None:
    stage(repo)
    (repo / "a.txt").write_text("a\n")


def change(repo: Path) -> None:
    (repo / "a.txt").write_text("new")


def delete(repo: Path) -> None:
    (repo / "a.txt").unlink()


def rename(repo: Path) -> None:
    git(repo, "mv", "a.txt", "1 b c.txt")


def conflict(repo: Path) -> None:
    git(repo, "switch", "--quiet", "-c", "other")
    commit_files(repo, {"a.txt": "theirs\n"}, "theirs")
    git(repo, "switch", "--quiet", "main")
    commit_files(repo, {"a.txt": "ours\n"}, "ours")
    Git(repo).success("merge", "--quiet", "other")


@pytest.mark.parametrize(
    ("disturb", "changed"),
    [
        (stage, {"a.txt"}),
        (stage_and_take_back, {"a.txt"}),
        (change, {"a.txt"}),
        (delete, {"a.txt"}),
        (rename, {"a.txt", "1 b c.txt"}),
        (conflict, {"a.txt"}),
    ],
)
def test_read_state_lists_changed_paths(repo: Path, disturb: Callable[[Path], None], changed: set[str]) -> None:
    disturb(repo)
    (repo / "untracked.txt").write_text("")
    state = Git(repo).read_state()
    assert state.changed == changed
    assert state.branch == "main"


def test_read_state_of_detached_head_has_no_branch(repo: Path) -> None:
    git(repo, "switch", "--quiet", "--detach")
    state = Git(repo).read_state()
    assert (state.head, state.branch) == (git(repo, "rev-parse", "HEAD").strip(), None)


def test_read_state_and_list_tracked_accept_names_in_any_encoding(repo: Path) -> None:
    names = [os.fsdecode(b"caf\xe9.txt"), "größe ä.txt"]
    commit_files(repo, dict.fromkeys(names, "x"), "names")
    for name in names:
        (repo / name).write_text("y")
    assert set(names) <= set(Git(repo).list_tracked())
    assert Git(repo).read_state().changed == set(names)


def test_check_ignored_follows_gitignore(repo: Path) -> None:
    (repo / ".gitignore").write_text("/runs/\n")
    (repo / "runs").mkdir()
    assert Git(repo).check_ignored("runs")
    assert not Git(repo).check_ignored("a.txt")


# Writing


def test_commit_paths_keeps_other_staged_changes(repo: Path) -> None:
    for name in ("a.txt", "b.txt", "new.txt", "mine.txt"):
        (repo / name).write_text(f"changed {name}")
    git(repo, "add", "b.txt", "mine.txt")
    oid = Git(repo).commit_paths(["a.txt", "new.txt"], "mine alone\n\n# no comment\n", new_paths=["new.txt"])
    assert git(repo, "rev-parse", "HEAD").strip() == oid
    assert git(repo, "show", "--name-only", "--format=", "HEAD").split() == ["a.txt", "new.txt"]
    assert git(repo, "diff", "--cached", "--name-only").split() == ["b.txt", "mine.txt"]
    assert git(repo, "log", "-1", "--format=%B").strip() == "mine alone\n\n# no comment"


def test_commit_paths_makes_first_commit(tmp_path: Path) -> None:
    create_repository(tmp_path / "new")
    for name in ("a.txt", "staged.txt"):
        (tmp_path / "new" / name).write_text(name)
    git(tmp_path / "new", "add", "staged.txt")
    Git(tmp_path / "new").commit_paths(["a.txt"], "first\n", new_paths=["a.txt"])
    assert git(tmp_path / "new", "ls-tree", "--name-only", "HEAD").split() == ["a.txt"]
    assert git(tmp_path / "new", "status", "--porcelain") == "A  staged.txt\n"


def test_commit_paths_commits_deleted_path(repo: Path) -> None:
    (repo / "a.txt").unlink()
    Git(repo).commit_paths(["a.txt"], "gone\n")
    assert Git(repo).list_tracked() == ["b.txt"]


def test_commit_paths_commits_ignored_path(repo: Path) -> None:
    (repo / ".git" / "info" / "exclude").write_text("*.json\n")
    (repo / "x.json").write_text("{}")
    Git(repo).commit_paths(["x.json"], "x\n", new_paths=["x.json"])
    assert "x.json" in Git(repo).list_tracked()


def test_unstage_resets_named_paths_only(repo: Path) -> None:
    (repo / "a.txt").write_text("x")
    (repo / "b.txt").write_text("x")
    (repo / "new.txt").write_text("x")
    git(repo, "add", ".")
    Git(repo).unstage(["a.txt", "new.txt", "never-seen.txt"])
    assert git(repo, "status", "--porcelain").splitlines() == [" M a.txt", "M  b.txt", "?? new.txt"]


def test_write_root_commit_contains_exactly_its_files(repo: Path, tmp_path: Path) -> None:
    (repo / "a.txt").write_text("staged")
    git(repo, "add", "a.txt")
    git(repo, "config", "core.autocrlf", "true")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    files = {".gitattributes": b"* text eol=lf\n", "deep/x.json": b"{}\n", ".gitignore": b"*\n"}
    oid = Git(repo).write_root_commit(files, "root\n\nKey: value\n", scratch)
    assert Git(repo).list_tree(oid) == [(name, "100644") for name in (".gitattributes", ".gitignore", "deep/x.json")]
    assert {name: Git(repo).read_blob(oid, name) for name in files} == files
    assert git(repo, "rev-list", "--count", oid).strip() == "1"
    assert git(repo, "status", "--porcelain") == "M  a.txt\n"


def test_write_root_commit_is_signed_if_user_signs_commits(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "commit.gpgSign", "true")
    git(repo, "config", "gpg.program", "false")
    with pytest.raises(CommandError, match=r"^`git commit-tree .*gpg failed to sign"):
        Git(repo).write_root_commit({"a": b"a"}, "root\n", tmp_path)


def test_create_branch_refuses_existing_branch(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD").strip()
    Git(repo).create_branch("run/x", head)
    assert Git(repo).resolve("refs/heads/run/x") == head
    with pytest.raises(CommandError):
        Git(repo).create_branch("run/x", head)


# Linked work trees


def test_iter_linked_worktrees_finds_work_trees_by_their_files(repo: Path, linked: Path) -> None:
    (tree,) = iter_linked_worktrees(repo / ".git")
    assert (tree.folder, tree.branch, tree.intact) == (linked, "side", True)
    assert list(iter_linked_worktrees(linked)) == []


def test_link_worktree_repairs_moved_work_tree(repo: Path, linked: Path, tmp_path: Path) -> None:
    moved = linked.rename(tmp_path / "moved")
    (tree,) = iter_linked_worktrees(repo / ".git")
    assert not tree.intact
    link_worktree(tree.admin_dir, moved)
    (tree,) = iter_linked_worktrees(repo / ".git")
    assert (tree.folder, tree.intact) == (moved, True)
    assert git(moved, "status", "--porcelain") == ""


def test_fill_index_makes_work_tree_of_existing_files(repo: Path, tmp_path: Path) -> None:
    folder, temporary, scratch = tmp_path / "folder", tmp_path / "temporary", tmp_path / "scratch"
    for one in (folder, scratch):
        one.mkdir()
    (folder / "movie.mp4").write_text("movie")
    (folder / "a.txt").write_bytes((repo / "a.txt").read_bytes())
    (folder / "b.txt").write_text("another")
    before = (folder / "a.txt").stat()
    git(repo, "branch", "run/x")
    Git(repo).add_worktree(temporary, "run/x")
    admin_dir = read_gitfile(temporary)
    assert admin_dir is not None
    assert not (admin_dir / "index").exists()
    link_worktree(admin_dir, folder)
    Git(folder).fill_index(scratch)
    assert sorted(one.name for one in folder.iterdir()) == [".git", "a.txt", "b.txt", "movie.mp4"]
    assert git(folder, "status", "--porcelain") == "?? movie.mp4\n"
    # A correct file is not rewritten: a kill would leave it empty.
    assert (folder / "a.txt").stat() == before


def test_remove_worktree_removes_folder_and_record(repo: Path, linked: Path) -> None:
    (linked / "loose.txt").write_text("x")
    remove_worktree(Git(repo), linked)
    assert not linked.exists()
    assert list(iter_linked_worktrees(repo / ".git")) == []


def test_exclude_locally_treats_path_literally(repo: Path) -> None:
    exclude_locally(repo / ".git", "/a[b]*?\\ c/")
    for name in ("a[b]*?\\ c", "ab c"):
        commit = repo / name / "x.txt"
        commit.parent.mkdir()
        commit.write_text("")
    assert git(repo, "status", "--porcelain").split("\n") == ['?? "ab c/"', ""]


@pytest.mark.parametrize("before", ["", "# mine\n*.tmp\n", "*.tmp"])
def test_exclude_locally_adds_path_once(repo: Path, before: str) -> None:
    path = repo / ".git" / "info" / "exclude"
    path.write_text(before)
    for _ in range(2):
        exclude_locally(repo / ".git", "/media/x/")
    assert path.read_text().splitlines() == [*before.splitlines(), "/media/x/"]
    assert path.read_text().endswith("\n")


def test_find_unfinished_names_interrupted_merge(repo: Path) -> None:
    assert find_unfinished(repo / ".git") is None
    conflict(repo)
    assert find_unfinished(repo / ".git") == "a merge"
