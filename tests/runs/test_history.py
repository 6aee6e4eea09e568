"""Reading commits and trees from raw git objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.adapters.git.repository import Git
from gitassets.domain.guard import RunState
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.status import Status
from gitassets.domain.tree_rules import TreeEntry
from gitassets.errors import CorruptError, NotFoundError
from gitassets.runs.history import (
    CommonStates,
    HistoryReader,
    name_in_run,
    parse_commit,
    parse_tree,
    resolve_in_run,
)
from tests.actions.checks import git
from tests.actions.locked_run import IMAGE_1, LockedRun, change_by_hand, commit_by_hand, with_status


def reader(locked: LockedRun) -> HistoryReader:
    return HistoryReader(Git(locked.folder))


def test_parse_commit_reads_tree_parents_author_and_message() -> None:
    data = b"tree t\nparent a\nparent b\nauthor Ann <a@b> 1700000000 +0100\ncommitter X <x> 1 +0\n\nSubject\n\nBody\n"
    commit = parse_commit("c", data)
    assert (commit.tree, commit.parents) == ("t", ("a", "b"))
    assert (commit.author, commit.time) == ("Ann <a@b>", 1_700_000_000)
    assert commit.message == "Subject\n\nBody\n"


@pytest.mark.parametrize(
    ("author", "found"),
    [("Ann <a@b> 99", ("Ann <a@b>", 99)), ("nobody", ("nobody", 0)), ("A> <b> x +0", ("A> <b>", 0)), ("", ("", 0))],
)
def test_parse_commit_accepts_malformed_author_lines(author: str, found: tuple[str, int]) -> None:
    commit = parse_commit("c", f"tree t\nauthor {author}\n\nx".encode())
    assert (commit.author, commit.time) == found


def test_parse_commit_skips_a_signature_header() -> None:
    commit = parse_commit("c", b"tree t\nauthor A <a> 1 +0\ngpgsig -----BEGIN\n \n parent x\n -----END\n\nSubject\n")
    assert commit.parents == ()
    assert commit.message == "Subject\n"


def test_parse_tree_reads_entries_and_refuses_duplicates() -> None:
    data = b"100644 a\0" + b"\1" * 20 + b"40000 dir\0" + b"\2" * 20 + b"120000 l\xff\0" + b"\3" * 20
    assert parse_tree(data, 20) == {
        "a": ("100644", "01" * 20),
        "dir": ("40000", "02" * 20),
        "l\udcff": ("120000", "03" * 20),
    }
    with pytest.raises(CorruptError, match="twice"):
        parse_tree(b"100644 a\0" + b"\1" * 20 + b"100755 a\0" + b"\2" * 20, 20)


def test_iter_states_yields_manifest_dvc_files_and_every_path(locked: LockedRun) -> None:
    nested = locked.folder / "notes" / "old" / "a.txt"
    nested.parent.mkdir(parents=True)
    nested.write_text("x")
    commit_by_hand(locked.folder)
    oids = reader(locked).list_commits([locked.run.ref])
    assert oids == locked.git("rev-list", "--reverse", "--topo-order", "HEAD").split()
    *_, (commit, state) = reader(locked).iter_states(oids)
    assert commit.author == "Ann Lee <ann@example.com>"
    assert state.manifest == locked.manifest()
    assert state.dvc_files["images.dvc"] == (locked.folder / "images.dvc").read_bytes()
    names = {line.split("\t")[1]: line.split(" ")[0] for line in locked.git("ls-tree", "-r", "HEAD").splitlines()}
    assert {one.path: one.mode for one in state.tree} == names
    assert TreeEntry("notes/old/a.txt", "100644") in state.tree


def test_iter_states_of_many_commits_starts_few_processes(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (locked.folder / "notes.txt").write_text(str(number))
        commit_by_hand(locked.folder)
    calls: list[str] = []
    call = Git.call
    monkeypatch.setattr(Git, "call", lambda self, *args, **rest: (calls.append(args[0]), call(self, *args, **rest))[1])
    one = reader(locked)
    assert len(list(one.iter_states(one.list_commits([locked.run.ref])))) == 33
    assert len(calls) < 10


def test_read_state_distinguishes_an_unreadable_from_a_missing_manifest(locked: LockedRun) -> None:
    (locked.folder / MANIFEST_NAME).write_text("{")
    broken = reader(locked).read_state(commit_by_hand(locked.folder))
    assert broken.manifest is None
    assert broken.unreadable is not None
    assert MANIFEST_NAME in broken.unreadable.message
    locked.git("rm", "--quiet", MANIFEST_NAME)
    without = reader(locked).read_state(commit_by_hand(locked.folder))
    assert (without.manifest, without.unreadable) == (None, None)


def test_read_state_reports_a_submodule_as_unreadable_manifest(locked: LockedRun) -> None:
    locked.git("update-index", "--cacheinfo", f"160000,{'1' * 40},{MANIFEST_NAME}")
    locked.git("commit", "--quiet", "--no-verify", "-m", "x")
    assert reader(locked).read_state("HEAD").unreadable is not None
    assert {"manifest-unreadable", "submodule-in-git"} <= locked.codes()


def test_read_state_refuses_deeply_nested_folders(locked: LockedRun) -> None:
    deep = locked.folder.joinpath(*["d"] * 120)
    deep.mkdir(parents=True)
    (deep / "a").write_text("")
    commit_by_hand(locked.folder)
    with pytest.raises(CorruptError, match="nested more than"):
        reader(locked).read_state("HEAD")


def test_resolve_in_run_resolves_head_to_the_run_branch(locked: LockedRun) -> None:
    root, run = locked.project, locked.run
    assert git(root.root, "rev-parse", "HEAD").strip() != locked.head()
    for name in ("HEAD", "@", "HEAD~0", "@~0", "run/ep1", locked.head()[:8]):
        assert resolve_in_run(root, run, name) == locked.head()
    assert name_in_run(run, "HEADS") == "HEADS"
    assert resolve_in_run(root, run, "HEAD~1") == locked.git("rev-parse", "HEAD~1").strip()
    for wrong in ("nowhere", "--all", "HEAD~99"):
        with pytest.raises(NotFoundError, match="no commit"):
            resolve_in_run(root, run, wrong)


def test_common_states_reads_the_merge_base_of_two_commits(locked: LockedRun) -> None:
    base = locked.head()
    tips = []
    for name in ("one", "two"):
        locked.git("checkout", "--quiet", "-b", name, base)
        (locked.folder / f"{name}.txt").write_text(name)
        tips.append(commit_by_hand(locked.folder))
    common = CommonStates(reader(locked))
    assert common.find(*tips) == [base]
    state = common.read(*tips)
    assert state is not None
    assert state.manifest == locked.manifest()
    known = RunState()
    assert CommonStates(reader(locked), {base: known}).read(*tips) is known
    orphan = git(locked.folder, "commit-tree", "HEAD^{tree}", "-m", "x").strip()
    assert common.read(tips[0], orphan) is None


def test_common_states_merges_several_merge_bases(locked: LockedRun, tmp_path: Path) -> None:
    locked.git("checkout", "--quiet", "-b", "two")
    (locked.folder / "two.txt").write_text("two")
    two = commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.PUBLISHED))
    one = commit_by_hand(locked.folder)
    locked.git("merge", "--quiet", "--no-edit", two)
    locked.git("checkout", "--quiet", "two")
    locked.git("merge", "--quiet", "--no-edit", one)
    tips = [locked.git("rev-parse", name).strip() for name in ("run/ep1", "two")]
    common = CommonStates(reader(locked))
    assert set(common.find(*tips)) == {one, two}
    state = common.read(*tips)
    assert state is not None
    assert state.manifest is not None
    assert state.manifest.asset(IMAGE_1) == locked.asset(IMAGE_1)


def test_read_state_names_an_object_that_is_no_commit(locked: LockedRun) -> None:
    """A server may receive one, since git checks objects only after the hook."""
    locked.git("tag", "--annotate", "--message", "a tag", "v1")
    tag = locked.git("rev-parse", "v1").strip()
    with pytest.raises(CorruptError, match=f"The object {tag} is no commit"):
        reader(locked).read_state(tag)
