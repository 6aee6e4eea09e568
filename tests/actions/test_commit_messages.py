"""The commit-msg hook under real git commands: it refuses unnamed decisions and offers a message that names them."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.adapters.git.setup import set_config
from gitassets.adapters.git.unfinished import is_amending
from gitassets.domain.manifest import MANIFEST_NAME, Asset
from gitassets.domain.reopened import reopen_record
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from tests.actions.checks import git, select, write_hook
from tests.actions.locked_run import (
    IMAGE_1,
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

SILENT = "which the message does not say"


def run_git(locked: LockedRun, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("git", *args), cwd=locked.folder, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


def refuse(locked: LockedRun, *args: str, because: str = SILENT, **env: str) -> str:
    """Expect git to refuse the command and leave HEAD alone; return the command that the hook offers."""
    before = locked.head()
    done = run_git(locked, *args, **env)
    assert done.returncode != 0, done.stdout
    assert because in done.stderr
    assert locked.head() == before
    (offer,) = [line for line in done.stderr.splitlines() if "With a message that does: " in line]
    return offer.partition("does: ")[2]


def take(locked: LockedRun, offer: str) -> str:
    """Run the offered command, expect verify to accept its commit, and return the commit message."""
    done = run_git(locked, *shlex.split(offer)[1:])
    assert done.returncode == 0, done.stderr
    result = locked.verify()
    assert (result.findings, result.by_hand) == ([], [])
    return locked.git("log", "-1", "--format=%B").strip()


def approve_in_the_file(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))


def reopen_in_the_file(locked: LockedRun) -> None:
    def change(asset: Asset) -> Asset:
        return replace(with_status(Status.REVIEW)(asset), reopened=reopen_record(asset, "typo"))

    change_by_hand(locked.folder, IMAGE_1, change)


APPROVED = "Assets-Run: ep1\nAssets-Transition: image 3 draft -> approved"


@pytest.mark.parametrize(
    "arguments",
    [
        ("commit", "-a", "-m", "typo"),
        ("commit", "-m", "typo", "--only", MANIFEST_NAME),
        ("commit", "-m", "typo", MANIFEST_NAME),
        ("commit", "-m", "typo", "-i", MANIFEST_NAME),
        ("commit", "-m", "typo", "--allow-empty"),
    ],
    ids=lambda one: " ".join((one[1], *one[3:])),
)
def test_commit_msg_hook_refuses_an_unnamed_decision_and_offers_a_message(
    locked: LockedRun, arguments: tuple[str, ...]
) -> None:
    approve_in_the_file(locked)
    if arguments[-1] == "--allow-empty":
        locked.git("add", MANIFEST_NAME)
    (locked.folder / "notes.txt").write_text("not to be committed")
    offer = refuse(locked, *arguments)
    assert take(locked, offer) == f"typo\n\n{APPROVED}"
    assert locked.git("show", "--name-only", "--format=", "HEAD").split() == [MANIFEST_NAME]


def test_offered_command_works_from_a_subfolder(locked: LockedRun) -> None:
    approve_in_the_file(locked)
    offer = refuse(locked, "commit", "-m", "typo", MANIFEST_NAME)
    subprocess.run(shlex.split(offer), cwd=locked.folder / "images", check=True, capture_output=True)
    assert locked.verify().holds


def test_commit_msg_hook_accepts_a_message_that_names_the_decision(locked: LockedRun) -> None:
    approve_in_the_file(locked)
    locked.git("commit", "--quiet", "-am", f"Looks good\n\n{APPROVED}")
    reopen_in_the_file(locked)
    locked.git("commit", "--quiet", "-am", "Again\n\nAssets-Transition: image 1 approved -> review")
    assert locked.verify().holds


def test_commit_msg_hook_refuses_a_message_that_names_another_decision(locked: LockedRun) -> None:
    approve_in_the_file(locked)
    wrong = "Looks good\n\nAssets-Transition: image 3 review -> approved\nSigned-off-by: Ann <a@b>"
    offer = refuse(locked, "commit", "-am", wrong, because="The message says that image 3 went from review to approved")
    assert take(locked, offer) == f"Looks good\n\n{APPROVED}\nSigned-off-by: Ann <a@b>"


def test_commit_msg_hook_accepts_commits_without_a_decision(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.REVIEW))
    locked.git("commit", "--quiet", "-am", "Look at this")
    (locked.folder / "notes.txt").write_text("a note")
    locked.git("add", "notes.txt")
    locked.git("commit", "--quiet", "-m", "A note")
    locked.git("commit", "--quiet", "--amend", "-m", "A better word")
    assert locked.verify().holds


def test_commit_msg_hook_with_allow_by_hand_accepts_unnamed_but_not_wrong_decisions(locked: LockedRun) -> None:
    set_config(locked.project.root, {"gitassets.allowByHand": "true"})
    approve_in_the_file(locked)
    locked.git("commit", "--quiet", "-am", "typo")
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.PUBLISHED))
    wrong = "x\n\nAssets-Transition: image 1 review -> published"
    refuse(locked, "commit", "-am", wrong, because="The message says that image 1")


def test_commit_msg_hook_accepts_unnamed_decisions_under_rules_1(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    approve_in_the_file(locked)
    locked.git("commit", "--quiet", "-am", "typo")
    assert locked.verify().holds


def write_editor(folder: Path, words: str) -> Path:
    """Write an editor script that inserts the words before git's own text."""
    (folder / "words").write_text(words)
    editor = folder / "editor"
    editor.write_text(f'#!/bin/sh\ncat {folder}/words "$1" >"$1.new"\nmv "$1.new" "$1"\n')
    editor.chmod(0o755)
    return editor


def test_commit_msg_hook_ignores_git_comments_from_the_editor(locked: LockedRun, tmp_path: Path) -> None:
    approve_in_the_file(locked)
    editor = write_editor(tmp_path, "from an editor\n\nwith words\n")
    for mark in ("#", ";"):
        git(locked.folder, "config", "core.commentChar", mark)
        offer = refuse(locked, "commit", "-a", "-v", GIT_EDITOR=str(editor))
        offered = Path(shlex.split(offer)[-1]).read_text()
        assert offered == f"from an editor\n\nwith words\n\n{APPROVED}\n"
    named = write_editor(tmp_path, f"good\n\n{APPROVED}\n")
    done = run_git(locked, "commit", "-a", "-v", GIT_EDITOR=str(named))
    assert done.returncode == 0, done.stderr
    assert locked.verify().holds


def test_commit_msg_hook_compares_an_amended_commit_with_its_parent(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    offer = refuse(locked, "commit", "--amend", "-m", "x")
    assert take(locked, offer) == f"x\n\n{APPROVED}"
    locked.git("commit", "--quiet", "--amend", "--no-edit")
    locked.git("commit", "--quiet", "--allow-empty", "-m", "Nothing was done here")
    locked.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "Nor here")
    assert locked.verify().holds


def test_commit_msg_hook_names_old_and_amended_decisions_together(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.PUBLISHED))
    offer = refuse(locked, "commit", "--amend", "-a", "--no-edit", because="The message says that image 3")
    assert take(locked, offer).endswith("Assets-Transition: image 3 draft -> published")


def test_commit_msg_hook_detects_amend_through_an_alias_or_abbreviation(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    for arguments in (("-c", "alias.again=commit --amend", "again", "-m", "x"), ("commit", "--amen", "-m", "x")):
        assert " --amend " in refuse(locked, *arguments)


def test_commit_msg_hook_accepts_amended_or_new_when_amending_is_unknown(
    locked: LockedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitassets.githooks import check_message as checking
    from gitassets.githooks.check_commit import find_staged

    monkeypatch.setattr(checking, "is_amending", lambda: None)
    approve(locked.project, locked.run, select(image="3"))
    message = locked.project.root.parent / "message"

    def passes(text: str) -> bool:
        message.write_text(text)
        staged = find_staged(locked.folder, {})
        assert staged is not None
        return checking.check_message(staged, message, {}) is None

    assert passes(f"amended\n\n{APPROVED}")
    assert passes("nothing was done")
    assert not passes("wrong\n\nAssets-Transition: image 3 review -> approved")
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.PUBLISHED))
    locked.git("add", MANIFEST_NAME)
    published = "Assets-Transition: image 1 approved -> published"
    assert passes(f"one more\n\n{published}")
    assert passes(f"amended\n\n{APPROVED}\n{published}")
    assert not passes("typo")


def test_is_amending_outside_a_commit_is_not_true() -> None:
    assert is_amending() in (None, False)


def test_commit_msg_hook_offers_a_squash_merge_all_its_trailers(locked: LockedRun) -> None:
    base = locked.head()
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    approve(locked.project, locked.run, select(image="1"))
    locked.git("branch", "other")
    locked.git("reset", "--quiet", "--hard", base)
    locked.git("merge", "--quiet", "--squash", "other")
    offer = refuse(locked, "commit", "-m", "All of it")
    assert take(locked, offer).split("\n\n")[-1].splitlines()[1:] == [
        "Assets-Transition: image 1 approved -> review",
        "Assets-Transition: image 1 review -> approved",
        "Assets-Transition: image 3 draft -> rejected",
    ]


def test_commit_msg_hook_checks_reworded_commits_of_a_rebase(locked: LockedRun, tmp_path: Path) -> None:
    approve(locked.project, locked.run, select(image="3"))
    editors = {"GIT_SEQUENCE_EDITOR": "sed -i s/^pick/reword/", "GIT_EDITOR": "sh -c 'echo typo >\"$0\"'"}
    done = run_git(locked, "rebase", "-i", "HEAD~1", **editors)
    assert done.returncode != 0
    assert SILENT in done.stderr
    (offer,) = [line.partition("does: ")[2] for line in done.stderr.splitlines() if "does: git" in line]
    assert run_git(locked, *shlex.split(offer)[1:]).returncode == 0
    assert run_git(locked, "rebase", "--continue", GIT_EDITOR="true").returncode == 0
    assert locked.verify().holds
    kept = {**editors, "GIT_EDITOR": "sed -i '1s/.*/Better words/'"}
    assert run_git(locked, "rebase", "-i", "HEAD~1", **kept).returncode == 0
    assert locked.verify().holds


def test_commit_msg_hook_offers_all_trailers_when_amending_a_rebase_squash(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reopen_assets(locked.project, locked.run, select(image="3"), reason="logo")
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    editors = {"GIT_SEQUENCE_EDITOR": "sed -i '2,$s/^pick/squash/'", "GIT_EDITOR": "true"}
    assert run_git(locked, "rebase", "-i", "HEAD~3", **editors).returncode == 0
    assert locked.codes() == {"trailer-disagrees"}  # Git runs no hook for these.
    offer = refuse(locked, "commit", "--amend", "--no-edit", because="The message says that image 3")
    message = take(locked, offer)
    assert "logo" in message
    assert message.splitlines()[-4:] == [
        "Assets-Action: reject",
        "Assets-Transition: image 3 draft -> approved",
        "Assets-Transition: image 3 approved -> review",
        "Assets-Transition: image 3 review -> rejected",
    ]


def test_commit_msg_hook_checks_a_continued_cherry_pick(locked: LockedRun) -> None:
    base = locked.head()
    approve(locked.project, locked.run, select(image="3"))
    (locked.folder / "notes.txt").write_text("one\n")
    locked.git("add", "notes.txt")
    locked.git("commit", "--quiet", "--amend", "--no-edit")
    picked = locked.head()
    locked.git("reset", "--hard", "--quiet", base)
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.REVIEW))
    (locked.folder / "notes.txt").write_text("two\n")
    commit_by_hand(locked.folder, "Other\n\nAssets-Transition: image 3 draft -> review")
    assert run_git(locked, "cherry-pick", picked).returncode != 0
    write_by_hand(locked.folder, locked.manifest())
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    locked.git("add", "notes.txt", MANIFEST_NAME)
    wrong = "The message says that image 3 went from draft to approved"
    offer = refuse(locked, "cherry-pick", "--continue", because=wrong, GIT_EDITOR="true")
    assert "image 3 review -> approved" in take(locked, offer)


def test_commit_msg_hook_accepts_a_merge_without_decisions_of_its_own(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "-b", "other")
    approve_in_the_file(locked)
    locked.git("commit", "--quiet", "-am", f"Looks good\n\n{APPROVED}")
    locked.git("checkout", "--quiet", "run/ep1")
    (locked.folder / "notes.txt").write_text("a note")
    locked.git("add", "notes.txt")
    locked.git("commit", "--quiet", "-m", "A note")
    base = locked.head()
    locked.git("merge", "--quiet", "--no-edit", "other")
    locked.git("commit", "--quiet", "--amend", "-m", "Merged")
    assert locked.verify().holds
    locked.git("reset", "--quiet", "--hard", base)
    locked.git("merge", "--quiet", "--no-commit", "other")
    locked.git("commit", "--quiet", "-m", "Merged")
    assert locked.verify().holds


def test_commit_msg_hook_refuses_an_unnamed_approval_in_a_root_commit(locked: LockedRun) -> None:
    locked.git("checkout", "--quiet", "--orphan", "run/fresh")
    write_by_hand(locked.folder, replace(locked.manifest(), run_id="fresh"))
    locked.git("add", "--all")
    done = run_git(locked, "commit", "-m", "Begin")
    assert done.returncode != 0
    assert "image 1 went from none to approved" in done.stderr


def started(trace: Path) -> list[str]:
    """Return the names of the hooks that started Python."""
    return trace.read_text().split() if trace.exists() else []


@pytest.fixture
def trace(locked: LockedRun, tmp_path: Path) -> Path:
    """A file that records each hook that starts Python."""
    real = git(locked.folder, "config", "gitassets.python").strip()
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\necho "$4" >>{tmp_path / "trace"}\nexec {shlex.quote(real)} "$@"\n')
    wrapper.chmod(0o755)
    set_config(locked.project.root, {"gitassets.python": str(wrapper)})
    return tmp_path / "trace"


def test_hooks_start_no_python_for_own_commits_or_outside_runs(locked: LockedRun, trace: Path) -> None:
    approve(locked.project, locked.run, select(image="3"))
    reject(locked.project, locked.run, select(audio="1"), reason="too fast:\n\n# really\n\n%s `x` $HOME \"'")
    (locked.project.root / "script.md").write_text("Words.")
    git(locked.project.root, "add", "script.md")
    git(locked.project.root, "commit", "--quiet", "-m", "x")
    assert started(trace) == []
    locked.git("commit", "--quiet", "--allow-empty", "-m", "x")
    assert started(trace) == ["pre-commit", "commit-msg"]


def test_commit_msg_hook_checks_an_amend_made_by_a_post_commit_hook(locked: LockedRun) -> None:
    write_hook(locked.project, "post-commit", "git commit --quiet --amend -m hidden 2>>said || true")
    approve(locked.project, locked.run, select(image="3"))
    assert locked.git("log", "-1", "--format=%s").strip() == "assets(ep1): approve image 3"
    assert SILENT in (locked.folder / "said").read_text()


def test_commit_msg_hook_accepts_a_trailer_added_by_a_user_hook(locked: LockedRun, trace: Path) -> None:
    hook = write_hook(locked.project, "commit-msg", 'echo "Change-Id: I1" >>"$1"')
    assert hook.exists()
    approve(locked.project, locked.run, select(image="3"))
    assert "Change-Id: I1" in locked.git("log", "-1", "--format=%B")
    assert started(trace) == ["commit-msg"]
    assert locked.verify().holds


def test_commit_msg_hook_accepts_a_reason_longer_than_an_environment_variable(locked: LockedRun) -> None:
    reject(locked.project, locked.run, select(image="3"), reason="words " * 40_000)
    assert locked.verify().holds
    assert len(locked.git("log", "-1", "--format=%B")) > 200_000


def test_commit_msg_hook_guards_a_copied_project(locked: LockedRun, tmp_path: Path) -> None:
    project = copy_project(locked.project.root, tmp_path / "copy")
    copy = LockedRun(project, find_run(project, "ep1"))
    approve_in_the_file(copy)
    offer = refuse(copy, "commit", "-am", "typo")
    assert str(tmp_path / "copy") in offer
