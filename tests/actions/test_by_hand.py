"""Verify, the server, log and blame derive what a commit did from its manifests, not from its message."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.blame import blame
from gitassets.actions.log import read_log
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.adapters.git.hook_files import shipped_hooks_dir
from gitassets.adapters.git.run_hooks import INTERPRETER, describe_settings
from gitassets.adapters.git.setup import set_config
from gitassets.domain.manifest import MANIFEST_NAME, Asset
from gitassets.domain.reopened import reopen_record
from gitassets.domain.rules import KNOWN_RULES
from gitassets.domain.status import Status
from gitassets.runs import deviations as comparing
from tests.actions.checks import git, run_cli, select
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    begin_with_rules,
    change_by_hand,
    commit_by_hand,
    with_bytes,
    with_status,
    write_by_hand,
)

pytestmark = pytest.mark.usefixtures("quick_hooks")

ByHand = Callable[[LockedRun], object]


def replace_reopened(locked: LockedRun) -> str:
    """Commit other bytes as approved, with a forged record of a reopen."""

    def change(asset: Asset) -> Asset:
        return replace(with_bytes(locked.project, asset), reopened=reopen_record(asset, "typo"))

    change_by_hand(locked.folder, IMAGE_1, change)
    path = locked.folder / locked.asset(IMAGE_1).path
    path.unlink()
    shutil.copyfile(locked.project.blobs.path(locked.asset(IMAGE_1).md5), path)
    return commit_by_hand(locked.folder, "typo")


def reopen_and_approve(locked: LockedRun) -> str:
    change_by_hand(locked.folder, IMAGE_1, lambda one: replace(one, reopened=reopen_record(one, "typo")))
    return commit_by_hand(locked.folder, "typo")


def reopen_by_hand(locked: LockedRun) -> str:
    change_by_hand(
        locked.folder, IMAGE_1, lambda one: replace(with_status(Status.REVIEW)(one), reopened=reopen_record(one, "x"))
    )
    return commit_by_hand(locked.folder, "typo")


def approve_by_hand(locked: LockedRun) -> str:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    return commit_by_hand(locked.folder, "typo")


def publish_by_hand(locked: LockedRun) -> str:
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.PUBLISHED))
    return commit_by_hand(locked.folder, "typo")


def amend_an_approval(locked: LockedRun) -> str:
    approve(locked.project, locked.run, select(image="3"))
    locked.git("commit", "--quiet", "--amend", "--no-verify", "-m", "x")
    return locked.head()


def squash_past_the_hooks(locked: LockedRun) -> str:
    locked.git("checkout", "--quiet", "-b", "other")
    approve_named(locked)
    locked.git("checkout", "--quiet", "run/ep1")
    locked.git("merge", "--quiet", "--squash", "other")
    locked.git("commit", "--quiet", "--no-verify", "-m", "Squashed")
    return locked.head()


def approve_named(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder, "Good\n\nAssets-Transition: image 3 draft -> approved")


DECISIONS: dict[str, tuple[ByHand, list[str]]] = {
    "other bytes": (replace_reopened, ["image 1: approved → review", "image 1: review → approved"]),
    "reopened and approved": (reopen_and_approve, ["image 1: approved → review", "image 1: review → approved"]),
    "reopened": (reopen_by_hand, ["image 1: approved → review"]),
    "approved": (approve_by_hand, ["image 3: draft → approved"]),
    "published": (publish_by_hand, ["image 1: approved → published"]),
    "amended": (amend_an_approval, ["image 3: draft → approved"]),
    "squashed": (squash_past_the_hooks, ["image 3: draft → approved"]),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_verify_and_log_report_a_decision_missing_from_the_message(locked: LockedRun, name: str) -> None:
    act, lines = DECISIONS[name]
    commit = act(locked)
    (finding,) = locked.verify().findings
    assert (finding.code, finding.commit) == ("by-hand", commit)
    assert "which the message does not say" in finding.message
    assert "verify --allow-by-hand" in finding.hint
    entry = read_log(locked.project, locked.run)[0]
    assert list(entry.describe()) == [f"by hand: {line}" for line in lines]
    assert entry.by_hand == entry.transitions
    assert [one.by_hand for one in blame(locked.project, locked.run) if one.commit == commit] in ([True], [])


@pytest.mark.parametrize("name", DECISIONS)
def test_verify_allow_by_hand_lists_unnamed_decisions_without_failing(locked: LockedRun, name: str) -> None:
    DECISIONS[name][0](locked)
    for options, config in (({"allow_by_hand": True}, "false"), ({}, "true")):
        set_config(locked.project.root, {"gitassets.allowByHand": config})
        result = locked.verify(**options)
        assert result.holds
        assert [one.code for one in result.by_hand] == ["by-hand"]


@pytest.mark.parametrize(
    "change",
    [
        with_status(Status.REVIEW),
        with_status(Status.REJECTED),
        lambda _: None,
    ],
    ids=["review", "reject", "remove"],
)
def test_verify_lists_an_unnamed_change_of_an_unlocked_asset_without_failing(
    locked: LockedRun, change: Callable[[Asset], Asset | None]
) -> None:
    change_by_hand(locked.folder, IMAGE_3, change)
    commit = commit_by_hand(locked.folder)
    result = locked.verify()
    assert result.holds
    assert [(one.code, one.commit, one.subject) for one in result.by_hand] == [("unnamed", commit, "image 3")]
    assert [line[:16] for line in read_log(locked.project, locked.run)[0].describe()] == ["by hand: image 3"]


def test_verify_reports_a_broken_lock_once(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))
    commit_by_hand(locked.folder)
    assert [one.code for one in locked.verify().findings if one.commit] == ["lock-left"]


def test_verify_reports_a_wrong_trailer_despite_allow_by_hand(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder, "Good\n\nAssets-Transition: image 3 review -> approved")
    assert locked.codes(allow_by_hand=True) == {"trailer-disagrees"}
    entry = read_log(locked.project, locked.run)[0]
    assert list(entry.describe()) == ["by hand: image 3: draft → approved"]


def test_log_omits_a_transition_that_only_the_message_claims(locked: LockedRun) -> None:
    locked.git(
        "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "assets(ep1): approve image 3\n\n"
        "Assets-Run: ep1\nAssets-Action: approve\nAssets-Transition: image 3 draft -> approved",
    )  # fmt: skip
    assert locked.codes() == {"trailer-disagrees"}
    assert read_log(locked.project, locked.run)[0].transitions == ()


def test_verify_accepts_a_manual_commit_that_names_its_decision(locked: LockedRun) -> None:
    approve_named(locked)
    result = locked.verify()
    assert (result.findings, result.by_hand) == ([], [])
    entry = read_log(locked.project, locked.run)[0]
    assert (entry.summary, entry.words, list(entry.describe())) == ("Good", "", ["image 3: draft → approved"])
    assert not any(one.by_hand for one in blame(locked.project, locked.run))


def test_verify_accepts_a_rules_1_history_and_new_commits_follow_the_newest(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    for act in (approve_by_hand, reopen_and_approve, replace_reopened):
        act(locked)
    assert locked.verify().holds
    assert [len(one.by_hand) for one in read_log(locked.project, locked.run)] == [2, 2, 1, 0]
    reject(locked.project, locked.run, select(audio="1"), reason="too fast")
    assert locked.manifest().rules == KNOWN_RULES
    assert locked.verify().holds
    publish_by_hand(locked)
    assert locked.codes() == {"by-hand"}


def test_rules_version_cannot_be_lowered(locked: LockedRun) -> None:
    write_by_hand(locked.folder, replace(locked.manifest(), rules=1))
    done = run_git(locked, "commit", "-qam", "Older rules")
    assert f"followed rules {KNOWN_RULES} and follows rules 1 now" in done
    commit = commit_by_hand(locked.folder)
    assert [(one.code, one.commit) for one in locked.verify().findings] == [("rules-lowered", commit)]


def run_git(locked: LockedRun, *args: str) -> str:
    import subprocess

    done = subprocess.run(("git", *args), cwd=locked.folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr


def test_merge_follows_the_higher_rules_version_of_its_parents(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    locked.git("checkout", "--quiet", "-b", "other")
    (locked.folder / "notes.txt").write_text("by the first rules")
    commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    approve(locked.project, locked.run, select(image="3"))
    locked.git("merge", "--quiet", "--no-edit", "other")
    assert locked.manifest().rules == KNOWN_RULES
    assert locked.verify().holds
    write_by_hand(locked.folder, replace(locked.manifest(), rules=1))
    locked.git("add", "--all")
    locked.git("commit", "--quiet", "--amend", "--no-verify", "--no-edit")
    assert "rules-lowered" in locked.codes()


def test_verify_reports_a_rules_version_that_is_not_a_number(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    path.write_text(path.read_text().replace(f'"rules": {KNOWN_RULES}', '"rules": "2"'))
    commit_by_hand(locked.folder)
    assert "manifest-unreadable" in locked.codes()


def test_verify_reports_an_unknown_rules_version_once_and_nothing_else(locked: LockedRun) -> None:
    write_by_hand(locked.folder, replace(locked.manifest(), rules=7))
    first = commit_by_hand(locked.folder)
    change_by_hand(locked.folder, IMAGE_1, lambda _: None)
    commit_by_hand(locked.folder)
    (finding,) = locked.verify().findings
    assert (finding.code, finding.commit) == ("rules-unknown", first)
    assert f"follows rules 7; this gitassets knows rules up to {KNOWN_RULES}" in finding.message
    assert "Upgrade" in finding.hint


@pytest.fixture
def server(locked: LockedRun, tmp_path: Path) -> Path:
    path = tmp_path / "server.git"
    git(tmp_path, "init", "--quiet", "--bare", str(path))
    git(locked.folder, "push", "--quiet", str(path), "run/ep1")
    shutil.copy(shipped_hooks_dir() / "pre-receive", path / "hooks" / "pre-receive")
    set_config(path, {INTERPRETER: describe_settings()[INTERPRETER]})
    return path


@pytest.mark.parametrize("name", DECISIONS)
def test_server_refuses_unnamed_decisions_unless_allow_by_hand_is_set(
    locked: LockedRun, server: Path, name: str
) -> None:
    DECISIONS[name][0](locked)
    assert "which the message does not say" in run_git(locked, "push", str(server), "run/ep1")
    set_config(server, {"gitassets.allowByHand": "true"})
    git(locked.folder, "push", "--quiet", str(server), "run/ep1")


def test_server_refuses_an_unknown_rules_version(locked: LockedRun, server: Path) -> None:
    write_by_hand(locked.folder, replace(locked.manifest(), rules=7))
    commit_by_hand(locked.folder)
    said = run_git(locked, "push", str(server), "run/ep1")
    assert f"follows rules 7; this gitassets knows rules up to {KNOWN_RULES}" in said


@pytest.fixture(autouse=True)
def _keeps_every_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "_WORTH_KEEPING", 1)


def record_of(locked: LockedRun) -> Path:
    return locked.project.state_dir / "deviations" / "ep1.jsonl"


def told(locked: LockedRun) -> list[list[str]]:
    return [list(entry.describe()) for entry in read_log(locked.project, locked.run)]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of the commits compared since the test began."""
    found: list[str] = []
    real = comparing.compare_commit
    monkeypatch.setattr(comparing, "compare_commit", lambda *args: (found.append(args[2]), real(*args))[1])
    return found


def test_log_compares_each_commit_once(locked: LockedRun, compared: list[str]) -> None:
    approve_by_hand(locked)
    before = told(locked)
    assert len(compared) == 4
    assert told(locked) == before
    reject(locked.project, locked.run, select(audio="1"), reason="too fast")
    assert told(locked) == [["audio 1: draft → rejected"], *before]
    assert len(compared) == 5
    assert len(record_of(locked).read_text().splitlines()) == 2


def spoil(text: bytes) -> ByHand:
    return lambda locked: record_of(locked).write_bytes(text)


def cut(locked: LockedRun) -> None:
    record_of(locked).write_text(record_of(locked).read_text().splitlines()[0])


def of_another(locked: LockedRun) -> None:
    record_of(locked).write_text(record_of(locked).read_text().replace(locked.head(), "1" * 40))


def of_another_version(locked: LockedRun) -> None:
    record_of(locked).write_text(record_of(locked).read_text().replace('"version": 2', '"version": 1'))


@pytest.mark.parametrize(
    "harm",
    [spoil(b""), spoil(b"{"), spoil(b"[]\n"), spoil(b"\xff\n"), cut, of_another, of_another_version],
    ids=["empty", "no json", "a list", "no text", "cut", "another tip", "another version"],
)
def test_log_rebuilds_a_corrupt_or_foreign_deviation_record(
    locked: LockedRun, harm: ByHand, compared: list[str]
) -> None:
    approve_by_hand(locked)
    before = told(locked)
    good = record_of(locked).read_bytes()
    harm(locked)
    compared.clear()
    assert told(locked) == before
    assert len(compared) == 4
    assert record_of(locked).read_bytes() == good


def test_log_shows_a_rewritten_branch_as_it_is_now(locked: LockedRun) -> None:
    base = locked.head()
    approve_by_hand(locked)
    assert told(locked)[0] == ["by hand: image 3: draft → approved"]
    locked.git("reset", "--quiet", "--hard", base)
    reopen_by_hand(locked)
    assert told(locked)[0] == ["by hand: image 1: approved → review"]
    assert len(record_of(locked).read_text().splitlines()) == 2
    locked.git("reset", "--quiet", "--hard", base)
    assert told(locked) == [["image 1: draft → approved"], ["audio 1-3, image 1,3: none → draft"], []]


def test_log_works_when_the_deviation_record_cannot_be_written(locked: LockedRun) -> None:
    approve_by_hand(locked)
    record_of(locked).parent.write_text("a file in the way")
    assert told(locked)[0] == ["by hand: image 3: draft → approved"]


def test_log_of_a_shallow_clone_compares_the_rest_after_unshallow(locked: LockedRun, tmp_path: Path) -> None:
    approve_by_hand(locked)
    reject(locked.project, locked.run, select(audio="1"), reason="too fast")
    whole = told(locked)
    git(tmp_path, "clone", "--quiet", "--depth", "1", "-b", "run/ep1", f"file://{locked.project.root}", "clone")
    shown = run_cli(tmp_path / "clone", "log", "ep1").stdout
    assert "audio 1: draft → rejected" in shown
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")
    entries = json.loads(run_cli(tmp_path / "clone", "log", "ep1", "--json").stdout)["entries"]
    assert [len(one["by_hand"]) for one in entries] == [
        sum(line.startswith("by hand") for line in one) for one in whole
    ]


def test_log_blame_and_verify_mark_decisions_made_by_hand(locked: LockedRun) -> None:
    approve_by_hand(locked)
    root = locked.project.root
    assert "  by hand: image 3: draft → approved" in run_cli(root, "log", "ep1").stdout
    entry = json.loads(run_cli(root, "log", "ep1", "--json").stdout)["entries"][0]
    assert entry["by_hand"] == entry["transitions"] != []
    assert "approved by hand" in run_cli(root, "blame", "ep1").stdout
    approvals = json.loads(run_cli(root, "blame", "ep1", "--json").stdout)["assets"]
    assert [one["by_hand"] for one in approvals] == [False, True]
    done = run_cli(root, "verify")
    assert done.returncode == 1
    assert "image 3 went from draft to approved, which the message does not say" in done.stdout
    done = run_cli(root, "verify", "--allow-by-hand")
    assert done.returncode == 0
    assert "By hand: image 3 went from draft to approved" in done.stdout
    assert "All holds" in done.stdout


def test_blame_names_the_commit_that_reopened_and_approved_at_once(locked: LockedRun) -> None:
    first = blame(locked.project, locked.run)[0].commit
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    approve(locked.project, locked.run, select(image="1"))
    locked.git("reset", "--quiet", "--soft", first)
    locked.git(
        "commit", "--quiet", "-m", "Look again\n\n"
        "Assets-Transition: image 1 approved -> review\nAssets-Transition: image 1 review -> approved",
    )  # fmt: skip
    (approval,) = blame(locked.project, locked.run)
    assert (approval.commit, approval.by_hand) == (locked.head(), False)
    assert locked.verify().holds
