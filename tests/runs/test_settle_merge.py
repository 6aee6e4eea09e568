"""The last decision in a conflicted merge concludes it; the commit message lists all decisions with their reasons."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.blame import blame
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.log import read_log
from gitassets.actions.reject import reject
from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.manifest import MANIFEST_NAME, Address, Kind
from gitassets.domain.rules import KNOWN_RULES
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.runs import disputes
from gitassets.runs.disputes import find_disputes
from gitassets.runs.lookup import find_run
from tests.actions.checks import git, run_cli, select, write_hook
from tests.actions.crashes import dies_before_effect, dies_in
from tests.actions.locked_run import (
    IMAGE_3,
    LockedRun,
    begin_with_rules,
    change_by_hand,
    commit_by_hand,
    copy_project,
    with_status,
    write_by_hand,
)

pytestmark = pytest.mark.usefixtures("quick_hooks")

AUDIO_2 = Address(2, Kind.AUDIO)


def say(locked: LockedRun, text: str) -> None:
    manifest = locked.manifest()
    segment = replace(manifest.segments[1], paragraph_text=text)
    write_by_hand(locked.folder, manifest.with_segments({1: segment}))
    commit_by_hand(locked.folder, f"Say {text}")


@pytest.fixture
def torn(locked: LockedRun) -> LockedRun:
    """Stop a merge with conflicts in image 3, audio 2, the text of segment 1 and a file of the user."""
    stop_at(locked, text=True, note=True)
    return locked


def stop_at(locked: LockedRun, *, text: bool = False, note: bool = False) -> None:
    locked.git("branch", "other")
    for branch, status, words in (("other", Status.REJECTED, "Theirs."), ("run/ep1", Status.APPROVED, "Ours.")):
        locked.git("checkout", "--quiet", branch)
        for address in (IMAGE_3, AUDIO_2):
            change_by_hand(locked.folder, address, with_status(status))
        commit_by_hand(locked.folder, f"Decide\n\n{named(IMAGE_3, status)}\n{named(AUDIO_2, status)}")
        if text:
            say(locked, words)
        if note:
            (locked.folder / "notes.txt").write_text(words)
            commit_by_hand(locked.folder, "A note")
    assert "CONFLICT" in locked.git("merge", "--no-edit", "other", check=False)


def named(address: Address, status: Status) -> str:
    return f"Assets-Transition: {address} draft -> {status.value}"


def git_file(locked: LockedRun, name: str) -> Path:
    return Path(locked.git("rev-parse", "--absolute-git-dir").strip()) / name


def reject_image(locked: LockedRun) -> object:
    return reject(locked.project, locked.run, select(image="3"), reason="too dark\n\n# really\nAssets-Run: x")


def approve_audio(locked: LockedRun) -> object:
    return approve(locked.project, locked.run, select(audio="2"))


def commit(locked: LockedRun, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("git", "commit", *words),
        cwd=locked.folder, capture_output=True, text=True, check=False, env={**os.environ, **env},
    )  # fmt: skip


def test_last_decision_concludes_the_merge_with_all_reasons(locked: LockedRun) -> None:
    stop_at(locked, text=True)
    before = locked.head()
    first = reject(locked.project, locked.run, select(image="3"), reason="too dark\n\n# really\nAssets-Run: x")
    assert first.merge is not None
    assert (first.commit, first.merge.commit) == (None, None)
    assert first.merge.left == ("audio 2", "the text of segment 1")
    for words in (("--no-edit",), ("-m", "x"), ()):
        assert "unmerged files" in commit(locked, *words).stderr
    second = edit(locked.project, locked.run, parse_selection("1"), EditOptions(text="Both."))
    assert second.merge is not None
    assert (second.commit, second.merge.left) == (None, ("audio 2",))
    assert locked.head() == before
    third = approve(locked.project, locked.run, select(audio="all"))
    assert third.commit == locked.head() != before
    assert locked.git("log", "-1", "--format=%B").strip() == (
        "Merge branch 'other' into run/ep1\n\nimage 3: too dark\n  \n  # really\n  > Assets-Run: x\n\n"
        "Assets-Run: ep1\nAssets-Segments: 1\n"
        "Assets-Transition: image 3 review -> rejected\nAssets-Transition: audio 2 review -> approved"
    ).replace("dark\n  \n", "dark\n\n")
    assert_whole(locked)
    entry = read_log(locked.project, locked.run)[0]
    assert entry.summary == "Merge branch 'other' into run/ep1"
    assert "too dark" in entry.words
    assert list(entry.describe()) == ["image 3: review → rejected", "audio 2: review → approved"]
    assert (entry.by_hand, entry.segments) == ((), (1,))
    (approval,) = [one for one in blame(locked.project, locked.run) if one.address == AUDIO_2]
    assert (approval.commit, approval.by_hand) == (locked.head(), False)


def assert_whole(locked: LockedRun) -> None:
    assert locked.git("status", "--porcelain") == ""
    result = locked.verify(full=True)
    assert (result.findings, result.by_hand) == ([], [])
    assert len(locked.git("rev-list", "--parents", "-1", "HEAD").split()) == 3
    assert [one for one in ("MERGE_HEAD", "MERGE_MSG") if git_file(locked, one).exists()] == []
    assert not (locked.project.state_dir / "journal" / "ep1.json").exists()
    for address, asset in locked.manifest().assets():
        mode = (locked.folder / asset.path).stat().st_mode
        assert bool(mode & 0o200) != asset.locked, address


def test_plain_git_commit_concludes_a_settled_merge_with_all_reasons(torn: LockedRun) -> None:
    """A file of the user is still in conflict after the last decision."""
    reject_image(torn)
    edit(torn.project, torn.run, parse_selection("1"), EditOptions(text="Both."))
    last = approve(torn.project, torn.run, select(audio="2"))
    assert last.merge is not None
    assert (last.commit, last.merge.left) == (None, ("notes.txt",))
    assert "unmerged files" in commit(torn, "--no-edit").stderr
    said = run_cli(torn.project.root, "note", "ep1", "x", "--segment", "1")
    assert f"Conclude it with `git -C {torn.folder.relative_to(torn.project.root)} commit`" in said.stderr
    (torn.folder / "notes.txt").write_text("Both.")
    torn.git("add", "notes.txt")
    done = commit(torn, GIT_EDITOR="true")
    assert done.returncode == 0, done.stderr
    assert read_log(torn.project, torn.run)[0].by_hand == ()
    assert "image 3: too dark" in torn.git("log", "-1", "--format=%B")
    assert_whole(torn)


def test_aborted_merge_leaves_no_decision_to_the_next_merge(locked: LockedRun) -> None:
    stop_at(locked)
    reject_image(locked)
    locked.git("merge", "--abort")
    assert locked.git("status", "--porcelain") == ""
    assert not git_file(locked, "MERGE_MSG").exists()
    locked.git("merge", "--no-edit", "other", check=False)
    for act in (approve_audio, lambda one: approve(one.project, one.run, select(image="3"))):
        act(locked)
    assert "too dark" not in locked.git("log", "-1", "--format=%B")
    assert_whole(locked)


def test_manifest_merged_anew_drops_earlier_decisions(locked: LockedRun) -> None:
    stop_at(locked)
    reject_image(locked)
    locked.git("checkout", "--merge", "--", MANIFEST_NAME)
    approve_audio(locked)
    approve(locked.project, locked.run, select(image="3"))
    assert [str(one.address) for one in read_log(locked.project, locked.run)[0].transitions] == ["audio 2", "image 3"]
    assert_whole(locked)


def test_last_decision_refused_by_a_hook_leaves_the_merge_unchanged(locked: LockedRun) -> None:
    stop_at(locked)
    reject_image(locked)
    before = look(locked)
    hook = write_hook(locked.project, "pre-commit", "echo no >&2; exit 1")
    with pytest.raises(CommandError, match="no"):
        approve_audio(locked)
    assert look(locked) == before
    assert CONFLICT in locked.asset(AUDIO_2).extra
    hook.unlink()
    approve_audio(locked)
    assert_whole(locked)


def look(locked: LockedRun) -> list[object]:
    names = (locked.folder / MANIFEST_NAME, git_file(locked, "MERGE_MSG"), git_file(locked, "MERGE_HEAD"))
    return [locked.head(), locked.git("ls-files", "--stage"), *(one.read_bytes() for one in names)]


def test_last_decision_concludes_a_merge_half_settled_by_0_1_0(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    stop_at(locked)
    locked.git("add", MANIFEST_NAME)
    reject_image(locked)
    approve_audio(locked)
    assert locked.manifest().rules == KNOWN_RULES
    assert_whole(locked)


@pytest.mark.parametrize("acts", [(reject_image, approve_audio)])
def test_decision_killed_before_any_effect_loses_nothing(
    locked: LockedRun, tmp_path: Path, acts: tuple[Callable[[LockedRun], object], ...]
) -> None:
    stop_at(locked)
    first, last = acts
    for act, prepare in ((first, ()), (last, (first,))):
        number, died = 0, True
        while died:
            root = tmp_path / f"{act.__name__}-{number}"
            project = copy_project(locked.project.root, root)
            copy = LockedRun(project, find_run(project, "ep1"))
            for one in prepare:
                one(copy)
            died = dies_before_effect(number, lambda copy=copy, act=act: act(copy))
            for one in acts:
                one(copy)
            message = copy.git("log", "-1", "--format=%B")
            assert message.count("too dark") == message.count("image 3 review -> rejected") == 1
            assert "audio 2 review -> approved" in message
            assert_whole(copy)
            number += 3
        assert number > 15


def test_decision_killed_and_aborted_is_not_completed_in_the_next_merge(locked: LockedRun) -> None:
    stop_at(locked)
    dies_in(Git, "call", lambda: (reject_image(locked), approve_audio(locked)), given="commit")
    locked.git("merge", "--abort")
    git(locked.folder, "merge", "--no-edit", "other", check=False)
    approve(locked.project, locked.run, select(image="3"))
    assert CONFLICT in locked.asset(AUDIO_2).extra
    approve_audio(locked)
    assert "too dark" not in locked.git("log", "-1", "--format=%B")
    assert_whole(locked)


def test_list_and_show_name_the_author_of_each_side(torn: LockedRun) -> None:
    torn.git("config", "user.name", "Ann Lee")
    said = run_cli(torn.project.root, "show", "ep1", "3").stdout
    for line in ("approved, take 1", "rejected, take 1", "by Ann Lee <ann@example.com>"):
        assert line in " ".join(said.split())
    texts = run_cli(torn.project.root, "show", "ep1", "1").stdout
    assert "  Ours., by Ann Lee <ann@example.com>\n  Theirs., by Ann Lee <ann@example.com>\n" in texts
    listed = json.loads(run_cli(torn.project.root, "list", "ep1", "--json").stdout)["assets"]
    named = [line for row in listed for line in row["conflict"]]
    assert len(named) == 4
    assert all(line.endswith("by Ann Lee <ann@example.com>") for line in named)


def test_find_disputes_names_author_and_commit_of_each_side(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    locked.git("branch", "other")
    tips = {}
    for branch, author, act in (
        ("other", "Bea Ott", lambda: reject(locked.project, locked.run, select(image="3"), reason="too dark")),
        ("run/ep1", "Ann Lee", lambda: approve(locked.project, locked.run, select(image="3"))),
    ):
        monkeypatch.setenv("GIT_AUTHOR_NAME", author)
        base = locked.head()
        act()
        tips[author] = locked.head()
        (locked.folder / f"{author}.txt").write_text("a note")
        commit_by_hand(locked.folder, "A note that has nothing to do with it")
        if branch == "other":
            locked.git("branch", "--force", "other", "HEAD")
            locked.git("reset", "--quiet", "--hard", base)
    locked.git("merge", "--no-edit", "other", check=False)
    (dispute,) = find_disputes(locked.project, find_run(locked.project, "ep1"), locked.manifest())
    assert str(dispute) == "image 3"
    assert [(one.where, one.author.split(" <")[0], one.commit) for one in dispute.sides] == [
        ("here", "Ann Lee", tips["Ann Lee"]), ("there", "Bea Ott", tips["Bea Ott"])
    ]  # fmt: skip
    assert "(too dark), by Bea Ott" in dispute.sides[1].describe()


def test_find_disputes_without_conflict_reads_no_history(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disputes, "HistoryReader", None)
    assert find_disputes(locked.project, locked.run, locked.manifest()) == ()
