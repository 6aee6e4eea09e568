"""The message of a manual merge must name every decision that neither side had made; otherwise verify reports it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.blame import blame
from gitassets.actions.log import read_log
from gitassets.adapters.git.hook_files import shipped_hooks_dir
from gitassets.adapters.git.run_hooks import INTERPRETER, describe_settings
from gitassets.adapters.git.setup import set_config
from gitassets.domain.conflict import settle
from gitassets.domain.manifest import MANIFEST_NAME, Asset, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.reopened import reopen_record
from gitassets.domain.status import Status
from tests.actions.checks import git, run_cli
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

Change = Callable[[Asset], Asset]


def decide(status: Status) -> Change:
    """Return a change that settles the asset's merge conflict, if any, and sets the status."""
    return lambda asset: with_status(status)(settle(asset))


def reopen_and(status: Status) -> Change:
    return lambda asset: replace(with_status(status)(asset), reopened=reopen_record(asset, "typo"))


def named(before: str, after: str, number: int = 3) -> str:
    return f"Assets-Transition: image {number} {before} -> {after}"


class Apart:
    """Two branches of a run: one rejects image 3 in a commit that names it, the other commits new bytes."""

    def __init__(self, locked: LockedRun, *, approved: bool = False) -> None:
        self.locked = locked
        base = locked.manifest()
        locked.git("branch", "other")
        change_by_hand(locked.folder, IMAGE_3, with_status(Status.REJECTED))
        self.ours = commit_by_hand(locked.folder, f"Dull\n\n{named('draft', 'rejected')}")
        mine = locked.manifest()
        locked.git("checkout", "--quiet", "other")
        change_by_hand(locked.folder, IMAGE_3, lambda one: with_bytes(locked.project, one))
        words = named("draft", "draft")
        if approved:
            change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
            words = named("draft", "approved")
        self.theirs = commit_by_hand(locked.folder, f"New\n\n{words}")
        theirs = locked.manifest()
        locked.git("checkout", "--quiet", "run/ep1")
        self.merged: Manifest = merge_manifests(base, mine, theirs).manifest

    def merge(self, changes: dict[object, Change], message: str, *, turned: bool = False) -> str:
        """Make the merge commit without running hooks and return its hash."""
        manifest = self.merged
        for address, change in changes.items():
            asset = manifest.asset(address)  # type: ignore[arg-type]
            assert asset is not None
            manifest = manifest.with_asset(address, change(asset))  # type: ignore[arg-type]
        write_by_hand(self.locked.folder, manifest)
        self.locked.git("add", "--all")
        tree = self.locked.git("write-tree").strip()
        sides = [self.theirs, self.ours] if turned else [self.ours, self.theirs]
        parents = [word for side in sides for word in ("-p", side)]
        commit = self.locked.git("commit-tree", tree, *parents, "-m", message).strip()
        self.locked.git("reset", "--quiet", "--hard", commit)
        return commit


@pytest.fixture
def apart(locked: LockedRun) -> Apart:
    return Apart(locked)


APPROVE: dict[object, Change] = {IMAGE_3: decide(Status.APPROVED)}
REJECT: dict[object, Change] = {IMAGE_3: decide(Status.REJECTED)}
LAUNDERED: dict[str, tuple[dict[object, Change], str]] = {
    "approve": (APPROVE, ""),
    "approve, and say that another was": (APPROVE, named("review", "rejected", 1)),
    "approve, and say reject": (APPROVE, named("review", "rejected")),
    "publish": ({IMAGE_3: decide(Status.PUBLISHED)}, ""),
    "publish, and say so": ({IMAGE_3: decide(Status.PUBLISHED)}, named("review", "published")),
    "publish what both approved": (REJECT | {IMAGE_1: with_status(Status.PUBLISHED)}, ""),
    "the same, and say so": (
        REJECT | {IMAGE_1: with_status(Status.PUBLISHED)}, named("approved", "published", 1),
    ),
    "reopen and approve again": (REJECT | {IMAGE_1: reopen_and(Status.APPROVED)}, ""),
    "reopen": (REJECT | {IMAGE_1: reopen_and(Status.REVIEW)}, ""),
    "reopen, and say so": (REJECT | {IMAGE_1: reopen_and(Status.REVIEW)}, named("approved", "review", 1)),
    "claim what nobody did": (REJECT, f"{named('review', 'rejected')}\n{named('approved', 'published', 1)}"),
}  # fmt: skip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", LAUNDERED)
def test_merge_with_an_unnamed_or_false_decision_fails_verify_and_push(
    apart: Apart, name: str, turned: bool, tmp_path: Path
) -> None:
    changes, trailers = LAUNDERED[name]
    server = make_server(apart.locked, tmp_path)
    commit = apart.merge(changes, f"Merge\n\n{trailers}", turned=turned)
    findings = apart.locked.verify(history_only=True).findings
    assert {one.commit for one in findings} == {commit}
    assert {one.code for one in findings} <= {
        "by-hand", "trailer-disagrees", "merge-conflict-unsettled", "merge-differs",
    }  # fmt: skip
    done = push(apart.locked, server)
    assert done.returncode != 0
    assert commit[:10] in done.stderr


def make_server(locked: LockedRun, folder: Path) -> Path:
    path = folder / "server.git"
    git(folder, "init", "--quiet", "--bare", str(path))
    shutil.copy(shipped_hooks_dir() / "pre-receive", path / "hooks" / "pre-receive")
    set_config(path, {INTERPRETER: describe_settings()[INTERPRETER]})
    return path


def push(locked: LockedRun, server: Path) -> subprocess.CompletedProcess[str]:
    argv = ("git", "push", str(server), "run/ep1")
    return subprocess.run(argv, cwd=locked.folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("changes", "trailers", "told"),
    [
        (APPROVE, [named("review", "approved")], "image 3: review → approved"),
        # The same decision, as seen from either parent.
        (APPROVE, [named("rejected", "approved")], "image 3: review → approved"),
        (APPROVE, [named("draft", "approved")], "image 3: review → approved"),
        (REJECT, [named("review", "rejected")], "image 3: review → rejected"),
        (
            REJECT | {IMAGE_1: reopen_and(Status.APPROVED)},
            [named("review", "rejected"), named("approved", "review", 1), named("review", "approved", 1)],
            "image 1: approved → review",
        ),
    ],
)
def test_merge_that_names_its_decisions_passes_verify_and_push_and_shows_in_log(
    apart: Apart, changes: dict[object, Change], trailers: list[str], told: str, turned: bool, tmp_path: Path
) -> None:
    server = make_server(apart.locked, tmp_path)
    apart.merge(changes, "\n\n".join(["Merge", "dull", "\n".join(trailers)]), turned=turned)
    result = apart.locked.verify(history_only=True)
    assert (result.findings, result.by_hand) == ([], [])
    assert push(apart.locked, server).returncode == 0
    entry = read_log(apart.locked.project, apart.locked.run)[0]
    assert told in list(entry.describe())
    assert (entry.summary, entry.words, entry.by_hand) == ("Merge", "dull", ())


def test_merge_that_confirms_the_approval_of_one_side_needs_no_trailer(locked: LockedRun) -> None:
    apart = Apart(locked, approved=True)
    apart.merge(APPROVE, "Merge")
    result = locked.verify(history_only=True)
    assert result.findings == []
    assert [(one.code, one.subject) for one in result.by_hand] == [("unnamed", "image 3")]
    (approval,) = [one for one in blame(locked.project, locked.run) if one.address == IMAGE_3]
    assert approval.by_hand
    assert sorted(one.split(",")[0] for one in approval.settled) == ["approved", "rejected"]


def test_blame_shows_an_approval_made_in_a_merge(apart: Apart) -> None:
    commit = apart.merge(APPROVE, f"Merge\n\n{named('review', 'approved')}")
    (approval,) = [one for one in blame(apart.locked.project, apart.locked.run) if one.address == IMAGE_3]
    assert (approval.commit, approval.by_hand) == (commit, False)
    said = run_cli(apart.locked.project.root, "blame", "ep1").stdout
    assert "image 3 was decided between two branches: " in said
    raw = json.loads(run_cli(apart.locked.project.root, "blame", "ep1", "--json").stdout)["assets"]
    assert [len(one["settled"]) for one in raw] == [0, 2]


def test_merge_message_that_repeats_trailers_of_merged_commits_passes_verify(locked: LockedRun) -> None:
    """Some servers copy the messages of a branch into its merge commit."""
    locked.git("checkout", "--quiet", "-b", "other")
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder, f"Good\n\n{named('draft', 'approved')}")
    locked.git("checkout", "--quiet", "run/ep1")
    (locked.folder / "notes.txt").write_text("a note")
    commit_by_hand(locked.folder)
    locked.git("merge", "--quiet", "-m", f"Merge\n\n{named('draft', 'approved')}", "other")
    assert locked.verify(history_only=True).findings == []
    assert read_log(locked.project, locked.run)[0].transitions == ()


def test_merge_with_an_unnamed_decision_passes_verify_allow_by_hand(apart: Apart) -> None:
    apart.merge(APPROVE, "Merge")
    result = apart.locked.verify(allow_by_hand=True, history_only=True)
    assert [one.code for one in result.by_hand] == ["by-hand"]
    assert result.holds


def test_merge_under_rules_1_passes_verify_and_is_not_marked_by_hand(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    apart = Apart(locked)
    apart.merge(APPROVE, "Merge")
    assert locked.manifest().rules == 1
    result = locked.verify(history_only=True)
    assert (result.findings, result.by_hand) == ([], [])
    entry = read_log(locked.project, locked.run)[0]
    assert (list(entry.describe()), entry.by_hand) == (["image 3: review → approved"], ())


def begin_merge(apart: Apart, changes: dict[object, Change]) -> None:
    locked = apart.locked
    git(locked.folder, "merge", "--no-commit", "--no-ff", "other", check=False)
    for address, change in changes.items():
        change_by_hand(locked.folder, address, change)  # type: ignore[arg-type]
    locked.git("add", MANIFEST_NAME)


def commit(locked: LockedRun, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("git", *words), cwd=locked.folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("words", [("commit", "--no-edit"), ("commit", "-m", "Merged")])
def test_commit_msg_hook_refuses_an_unnamed_merge_decision_and_offers_a_message(
    apart: Apart, words: tuple[str, ...]
) -> None:
    locked = apart.locked
    begin_merge(apart, APPROVE)
    before = locked.head()
    done = commit(locked, *words)
    assert done.returncode != 0
    assert "image 3 went from review to approved, which the message does not say" in done.stderr
    assert locked.head() == before
    (offer,) = [line.partition("does: git ")[2] for line in done.stderr.splitlines() if "does: git" in line]
    assert commit(locked, *offer.split()).returncode == 0
    assert locked.git("log", "-1", "--format=%(trailers:key=Assets-Transition,valueonly)").split("\n")[0] == (
        "image 3 review -> approved"
    )
    assert locked.verify(history_only=True).findings == []
    # An amended merge is still a merge.
    amended = commit(locked, "commit", "--amend", "-m", "Nothing to see")
    assert amended.returncode != 0
    assert "which the message does not say" in amended.stderr
    assert commit(locked, "commit", "--amend", "-m", f"Better\n\n{named('review', 'approved')}").returncode == 0


def test_commit_msg_hook_accepts_a_merge_that_names_its_decision(apart: Apart) -> None:
    begin_merge(apart, APPROVE)
    done = commit(apart.locked, "commit", "-m", f"Merged\n\n{named('review', 'approved')}")
    assert done.returncode == 0, done.stderr
    assert apart.locked.verify(history_only=True).findings == []


def test_verify_reports_an_octopus_merge_whatever_its_message_names(apart: Apart) -> None:
    locked = apart.locked
    locked.git("branch", "third", f"{apart.ours}~1")
    locked.git("checkout", "--quiet", "third")
    (locked.folder / "notes.txt").write_text("a note")
    third = commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    write_by_hand(locked.folder, apart.merged.with_asset(IMAGE_3, decide(Status.APPROVED)(asset_3(apart))))
    locked.git("add", "--all")
    parents = [word for one in (apart.ours, apart.theirs, third) for word in ("-p", one)]
    message = f"Merge\n\n{named('review', 'approved')}"
    tree = locked.git("write-tree").strip()
    locked.git("reset", "--quiet", "--hard", locked.git("commit-tree", tree, *parents, "-m", message).strip())
    assert "merge-of-many" in locked.codes(history_only=True)
    assert parse_manifest((locked.folder / MANIFEST_NAME).read_bytes()) == locked.manifest()
    read_log(locked.project, locked.run)
    blame(locked.project, locked.run)


def asset_3(apart: Apart) -> Asset:
    asset = apart.merged.asset(IMAGE_3)
    assert asset is not None
    return asset
