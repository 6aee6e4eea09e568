"""`verify` finds every change that bypassed the hooks and reports nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.doctor import doctor
from gitassets.actions.log import read_log
from gitassets.actions.note import note
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, Asset, FinalFile
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.project import find_project
from tests.actions.checks import git, ignore_progress, lose_blobs, run_cli, select
from tests.actions.locked_run import (
    IMAGE_1,
    IMAGE_3,
    LockedRun,
    begin_with_rules,
    change_by_hand,
    commit_by_hand,
    overwrite,
    with_bytes,
    with_status,
    write_by_hand,
)
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture, write_tone


def overwrite_by_commit(locked: LockedRun, seed: int = 77) -> str:
    """Commit other bytes in manifest, .dvc file and cache, so that only the history shows the approved ones."""
    change_by_hand(locked.folder, IMAGE_1, lambda asset: with_bytes(locked.project, asset, seed))
    shutil.copyfile(
        locked.project.blobs.path(locked.asset(IMAGE_1).md5), _writable(locked.folder / locked.asset(IMAGE_1).path)
    )
    return commit_by_hand(locked.folder)


def _writable(path: Path) -> Path:
    path.unlink()
    return path


def on_side_branch(locked: LockedRun, act: Callable[[], object]) -> str:
    """Act on another branch, return to the run's branch and return the commit made."""
    locked.git("checkout", "--quiet", "-b", "side")
    act()
    commit = locked.git("rev-parse", "HEAD").strip()
    locked.git("checkout", "--quiet", "run/ep1")
    return commit


def commit_a_note(locked: LockedRun, text: str = "a note") -> str:
    (locked.folder / "notes.txt").write_text(text)
    return commit_by_hand(locked.folder)


def test_verify_accepts_a_run_changed_only_by_gitassets(locked: LockedRun) -> None:
    result = locked.verify(full=True)
    assert result.holds
    assert (result.commits, result.files, result.blobs) == (3, 1, 5)
    assert result.unchecked == []


def test_verify_accepts_the_commits_of_every_command(locked: LockedRun, provider: ToneProvider) -> None:
    project, run = locked.project, locked.run
    reject(project, run, select(image="3"), reason="too dark\n\nAssets-Action: approve\nAssets-Transition: x")
    regen(project, run, select(image="3"), RegenOptions(provider="tone", seed=4), ignore_progress)
    note(project, run, parse_selection("2"), "louder")
    restore(project, run, select(image="3"), "1")
    replace_asset(project, run, select(audio="2"), new_tone(locked))
    reopen_assets(project, run, select(image="1"), reason="new logo")
    approve(project, run, select(image="all", audio="all"))
    result = locked.verify(full=True)
    assert (result.findings, result.by_hand) == ([], [])
    assert result.holds


def new_tone(locked: LockedRun) -> Path:
    return write_tone(locked.project.root.parent / "new.wav", frequency=999, duration_sec=0.1)


def test_verify_accepts_a_recorded_build(locked: LockedRun) -> None:
    video = locked.folder / "final" / "ep1.mp4"
    video.parent.mkdir()
    video.write_bytes(b"video")
    md5 = locked.project.stat_index(locked.run).hash("final/ep1.mp4") or ""
    locked.project.blobs.copy_in(video, md5)
    final = (FinalFile(path="final/ep1.mp4", md5=md5, size=5),)
    write_by_hand(locked.folder, replace(locked.manifest(), final=final))
    commit_by_hand(locked.folder, "assets(ep1): build final/ep1.mp4\n\nAssets-Run: ep1\nAssets-Action: build")
    assert locked.verify(full=True).holds


def test_verify_accepts_the_recovery_of_an_interrupted_command(locked: LockedRun) -> None:
    before = locked.asset(IMAGE_3)
    made = MadeTake(3, "image", before.md5, "regen", raw_asset(with_bytes(locked.project, before)))
    MadeLog(locked.project.state_dir, "ep1").add(made)
    note(locked.project, locked.run, parse_selection("1"), "next")
    assert "Assets-Action: recover" in locked.git("log", "-2", "--format=%B")
    assert locked.asset(IMAGE_3).take == 2
    assert locked.verify(full=True).holds


def test_verify_finds_approved_bytes_overwritten_past_the_hooks(locked: LockedRun) -> None:
    git(locked.folder, "config", "user.name", "Mal")
    commit = overwrite_by_commit(locked)
    (finding,) = [one for one in locked.verify().findings if one.code == "locked-md5-changed"]
    assert (finding.commit, finding.subject, finding.author) == (commit, "image 1", "Mal <ann@example.com>")
    assert finding.date.startswith("20")
    assert "its md5 changed from" in finding.message
    assert "take it out of the branch" in finding.hint
    assert "gitassets reopen ep1 --image 1" in finding.hint


def test_verify_finds_an_overwrite_that_was_reverted(locked: LockedRun) -> None:
    overwrite_by_commit(locked)
    locked.git("revert", "--no-edit", "HEAD")
    findings = [one for one in locked.verify().findings if one.code == "locked-md5-changed"]
    assert len(findings) == 2


def by_cherry_pick(locked: LockedRun) -> None:
    commit = on_side_branch(locked, lambda: overwrite_by_commit(locked))
    locked.git("cherry-pick", commit)


def by_rebase(locked: LockedRun) -> None:
    on_side_branch(locked, lambda: (commit_a_note(locked, "theirs\n"), overwrite_by_commit(locked)))
    commit_a_note(locked, "ours\n")
    locked.git("rebase", "run/ep1", "side", check=False)
    (locked.folder / "notes.txt").write_text("both\n")
    locked.git("add", "notes.txt")
    locked.git("-c", "core.editor=true", "rebase", "--continue")
    locked.git("branch", "--force", "run/ep1", "side")
    locked.git("checkout", "--quiet", "run/ep1")


def by_am(locked: LockedRun) -> None:
    commit = on_side_branch(locked, lambda: overwrite_by_commit(locked))
    patch = locked.project.root.parent / "patch"
    patch.write_text(locked.git("format-patch", "--stdout", f"{commit}~1..{commit}"))
    locked.git("am", str(patch))


def by_revert(locked: LockedRun) -> None:
    """Revert what followed a reopen, so that approved bytes change back without a reopen."""
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    replaced = locked.head()
    file = write_picture(locked.project.root.parent / "new.png", seed=8)
    replace_asset(locked.project, locked.run, select(image="1"), file)
    approve(locked.project, locked.run, select(image="1"))
    assert locked.verify().holds
    locked.git("revert", "--no-edit", "--no-commit", f"{replaced}..HEAD")
    locked.git("commit", "--quiet", "--no-verify", "-m", "Back")


@pytest.mark.parametrize("act", [by_cherry_pick, by_rebase, by_am])
def test_verify_finds_an_overwrite_by_cherry_pick_rebase_or_am(
    locked: LockedRun, act: Callable[[LockedRun], None]
) -> None:
    act(locked)
    assert "locked-md5-changed" in locked.codes()


def test_verify_finds_a_revert_that_undoes_an_approval(locked: LockedRun) -> None:
    by_revert(locked)
    assert "lock-left" in locked.codes()


def test_verify_finds_a_revert_of_the_approval_commit(locked: LockedRun) -> None:
    locked.git("revert", "--no-edit", "HEAD")
    assert "lock-left" in locked.codes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (with_status(Status.REVIEW), "lock-left"),
        (with_status(Status.REJECTED), "lock-left"),
        (lambda asset: replace(asset, md5="0" * 32), "approval-mismatch"),
        (lambda asset: replace(asset, md5="0" * 32, approved_md5="0" * 32), "locked-md5-changed"),
        (lambda asset: replace(asset, size=1), "locked-size-changed"),
        (lambda asset: replace(asset, path="images/other.png"), "locked-path-changed"),
        (lambda asset: replace(asset, path="images/Scene_000.png"), "locked-path-changed"),
        (lambda _: None, "locked-removed"),
        (
            lambda asset: replace(asset, reopened={"md5": "0" * 32, "reason": "x"}, approved_md5=None),
            "approval-mismatch",
        ),
    ],
    ids=["status", "rejected", "md5", "md5 twice", "size", "rename", "case", "delete", "forged reopen"],
)
def test_verify_finds_a_manifest_edited_by_hand(
    locked: LockedRun, change: Callable[[Asset], Asset | None], code: str
) -> None:
    change_by_hand(locked.folder, IMAGE_1, change)
    commit_by_hand(locked.folder)
    assert code in locked.codes()


def test_verify_finds_an_illegal_transition(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.REVISED))
    commit_by_hand(locked.folder)
    assert locked.verify().holds
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.DRAFT))
    commit_by_hand(locked.folder)
    assert locked.codes() == {"illegal-transition"}


def test_verify_finds_a_dvc_file_edited_by_hand(locked: LockedRun) -> None:
    path = locked.folder / "images.dvc"
    path.write_text(path.read_text().replace("size: ", "size: 1"))
    commit_by_hand(locked.folder)
    assert locked.codes() == {"dvc-not-implied"}
    locked.git("revert", "--no-edit", "HEAD")
    assert locked.codes() == {"dvc-not-implied"}


def test_doctor_repairs_an_outdated_dvc_file_for_verify(locked: LockedRun) -> None:
    changed = with_bytes(locked.project, locked.asset(IMAGE_3))
    before = (locked.folder / "images.dvc").read_text()
    write_by_hand(locked.folder, locked.manifest().with_asset(IMAGE_3, changed))
    (locked.folder / "images.dvc").write_text(before)
    commit = commit_by_hand(locked.folder)
    assert locked.codes() == {"dvc-not-implied"}
    assert doctor(locked.project).mended
    result = locked.verify()
    assert result.holds
    assert [(one.commit, one.subject) for one in result.mended] == [(commit, "images.dvc")]


def test_verify_finds_media_committed_to_git(locked: LockedRun) -> None:
    locked.git("add", "--force", "images/scene_000.png")
    commit_by_hand(locked.folder)
    assert locked.codes() == {"media-in-git"}


def test_verify_finds_a_locked_file_replaced_by_a_symbolic_link(locked: LockedRun) -> None:
    target = locked.project.root.parent / "copy.png"
    locked.locked_file.rename(target)
    locked.locked_file.symlink_to(target)
    assert locked.codes() == {"locked-file-missing"}
    locked.git("add", "--force", "images/scene_000.png")
    commit_by_hand(locked.folder)
    assert locked.codes() == {"locked-file-missing", "symlink-in-git"}


def test_verify_finds_a_folder_replaced_by_a_symbolic_link(locked: LockedRun) -> None:
    images = locked.locked_file.parent
    images.rename(locked.project.root.parent / "images")
    images.symlink_to(locked.project.root.parent / "images")
    assert locked.codes() == {"folder-is-link"}


@pytest.mark.parametrize("name", [None, "Scene_000.png", "renamed.png"])
def test_verify_finds_a_locked_file_deleted_or_renamed(locked: LockedRun, name: str | None) -> None:
    if name is None:
        locked.locked_file.unlink()
    else:
        locked.locked_file.rename(locked.locked_file.with_name(name))
    (finding,) = locked.verify().findings
    assert (finding.code, finding.subject, finding.commit) == ("locked-file-missing", "image 1", "")


def test_verify_finds_a_locked_file_overwritten_in_the_work_tree(locked: LockedRun) -> None:
    assert locked.verify().holds
    overwrite(locked.locked_file)
    assert locked.codes() == {"locked-bytes-changed"}


def damage(path: Path) -> None:
    """Change a byte and keep what `stat` reports, except the change time, which nobody can set."""
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(0o444)


def test_verify_finds_a_damaged_blob_of_a_locked_asset(locked: LockedRun) -> None:
    assert locked.verify().holds
    damage(locked.project.blobs.path(locked.asset(IMAGE_1).md5))
    assert locked.codes() == {"blob-damaged"}


def test_verify_full_checks_blobs_of_unlocked_assets(locked: LockedRun) -> None:
    blobs = locked.project.blobs
    damage(blobs.path(locked.asset(IMAGE_3).md5))
    assert locked.verify().holds
    assert "use --full" in locked.verify().unchecked[0]
    assert locked.codes(full=True) == {"blob-damaged"}
    blobs.remove(locked.asset(IMAGE_1).md5)
    assert locked.codes() == {"blob-missing"}


def test_verify_finds_a_damaged_folder_list(locked: LockedRun) -> None:
    listing = locked.project.blobs.path(imply_dvc_files(locked.manifest())["images"].md5)
    listing.chmod(0o644)
    listing.write_text("[]")
    assert locked.codes() == {"blob-damaged"}


def test_verify_checks_blobs_on_a_remote(locked: LockedRun, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    assert locked.codes(blobs=str(remote)) == {"blob-missing"}
    shutil.copytree(locked.project.blobs.cache_dir, remote)
    lose_blobs(locked.project)
    result = locked.verify(blobs=str(remote))
    assert result.holds
    assert any("hash right" in text for text in result.unchecked)
    assert locked.codes() == {"blob-missing"}
    with pytest.raises(NotFoundError, match="cannot be read"):
        locked.verify(blobs="no-such://remote")


def test_verify_history_only_needs_no_media(locked: LockedRun) -> None:
    lose_blobs(locked.project)
    locked.locked_file.unlink()
    result = locked.verify(history_only=True)
    assert result.holds
    assert "the history alone was judged" in result.unchecked[0]
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))
    commit_by_hand(locked.folder)
    assert locked.codes(history_only=True) == {"lock-left"}


def test_verify_finds_a_trailer_that_disagrees_with_its_commit(locked: LockedRun) -> None:
    message = "assets(ep1): reject image 3\n\nAssets-Run: ep1\nAssets-Action: reject\n"
    commit_a_note(locked)
    claim = "Assets-Transition: image 3 review -> rejected"
    locked.git("commit", "--quiet", "--amend", "--no-verify", "-m", f"{message}{claim}")
    assert locked.codes() == {"trailer-disagrees"}


@pytest.mark.parametrize(("rules", "code"), [(1, "trailer-disagrees"), (2, "by-hand")])
def test_verify_finds_a_transition_missing_from_the_message(locked: LockedRun, rules: int, code: str) -> None:
    begin_with_rules(locked, rules)
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder, "assets(ep1): note segment 2\n\nAssets-Run: ep1\nAssets-Action: note")
    (finding,) = locked.verify().findings
    assert finding.code == code
    assert "image 3 went from draft to approved" in finding.message


def test_reject_reason_cannot_forge_a_trailer(locked: LockedRun) -> None:
    for reason in (
        "x\n\nAssets-Transition: image 1 review -> approved",
        "x\r\rAssets-Action: approve",
        "x\u2028Assets-Action: approve\u0085Assets-Run: other",
        "x\n\n\n assets-transition : image 2 review -> approved\n---\n",
    ):
        reject(locked.project, locked.run, select(image="3"), reason=reason)
        trailers = locked.git("log", "-1", "--format=%(trailers:only,unfold)").strip().splitlines()
        assert [one.partition(":")[0] for one in trailers] == ["Assets-Run", "Assets-Action", "Assets-Transition"]
        assert "reject" in trailers[1]
    assert locked.verify().holds


def test_verify_under_rules_1_judges_a_commit_without_trailers_by_its_manifest(locked: LockedRun) -> None:
    begin_with_rules(locked, 1)
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder, "I like this one")
    assert locked.verify().holds


def test_verify_finds_a_manifest_with_two_status_keys(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    good = path.read_text()
    path.write_text(good.replace('"status": "approved",', '"status": "approved", "status": "review",'))
    commit = commit_by_hand(locked.folder)
    findings = locked.verify().findings
    assert ("manifest-unreadable", commit) in [(one.code, one.commit) for one in findings]
    path.write_text(good)
    commit_by_hand(locked.folder)
    assert locked.codes() == {"manifest-unreadable"}


def test_verify_finds_a_change_after_an_unreadable_manifest(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    good = path.read_bytes()
    path.write_text("{")
    commit_by_hand(locked.folder)
    path.write_bytes(good)
    overwrite_by_commit(locked)
    assert {"manifest-unreadable", "locked-md5-changed"} <= locked.codes()


def test_verify_finds_a_path_outside_the_run(locked: LockedRun) -> None:
    path = locked.folder / MANIFEST_NAME
    path.write_text(path.read_text().replace("images/scene_002.png", "images/../../../evil.png"))
    commit_by_hand(locked.folder)
    assert "manifest-unreadable" in locked.codes()


def test_verify_ignores_git_replace_references(locked: LockedRun) -> None:
    good = locked.head()
    bad = overwrite_by_commit(locked)
    locked.git("replace", bad, good)
    assert locked.git("rev-parse", "HEAD^{tree}") == locked.git("rev-parse", f"{good}^{{tree}}")
    assert ("locked-md5-changed", bad) in [(one.code, one.commit) for one in locked.verify().findings]


def test_verify_ignores_git_grafts(locked: LockedRun) -> None:
    good = locked.head()
    overwrite_by_commit(locked)
    tip = commit_a_note(locked)
    (locked.project.git_dir / "info" / "grafts").write_text(f"{tip} {good}\n")
    assert locked.git("rev-list", "--count", "HEAD").strip() == "4"
    result = locked.verify()
    assert result.commits == 5
    assert any(one.code == "locked-md5-changed" and one.commit for one in result.findings)


def test_verify_ignores_a_mailmap(locked: LockedRun) -> None:
    (locked.folder / ".mailmap").write_text("Somebody Else <else@example.com> <ann@example.com>\n")
    overwrite_by_commit(locked)
    assert {one.author for one in locked.verify().findings if one.commit} == {"Ann Lee <ann@example.com>"}


def test_verify_finds_an_edit_marked_skip_worktree(locked: LockedRun) -> None:
    locked.git("update-index", "--skip-worktree", MANIFEST_NAME)
    change_by_hand(locked.folder, IMAGE_1, with_status(Status.REVIEW))
    assert locked.git("status", "--porcelain") == ""
    result = locked.verify()
    assert {one.code for one in result.findings} == {"lock-left"}
    assert any(MANIFEST_NAME in text for text in result.unchecked)


def test_verify_reports_a_legal_uncommitted_edit_as_unchecked(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.REVIEW))
    result = locked.verify()
    assert result.holds
    assert any(f"{MANIFEST_NAME} has changes that are not committed" in text for text in result.unchecked)


def test_verify_reports_an_unfinished_rebase_as_incomplete(locked: LockedRun) -> None:
    commit_a_note(locked)
    locked.git("-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-i", "HEAD~1")
    result = locked.verify()
    assert not result.holds
    assert "a rebase is not finished" in result.incomplete[0]
    done = run_cli(locked.project.root, "verify")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("Incomplete: everything here holds")


def test_verify_reports_a_shallow_clone_as_incomplete(locked: LockedRun, tmp_path: Path) -> None:
    url = f"file://{locked.project.root}"
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "run/ep1", url, "shallow")
    project = find_project(tmp_path / "shallow")
    result = verify(project, [find_run(project, "ep1")], VerifyOptions(history_only=True))
    assert not result.holds
    assert result.findings == []
    assert "shallow" in result.incomplete[0]
    done = run_cli(tmp_path / "shallow", "verify", "--history-only")
    assert done.returncode == 1
    assert "Incomplete" in done.stdout


def test_verify_accepts_a_complete_run_in_a_clone_with_other_shallow_branches(
    locked: LockedRun, tmp_path: Path
) -> None:
    """The clone has every commit of the run, but only the last commit of the project's own branch."""
    git(locked.project.root, "commit", "--quiet", "--allow-empty", "-m", "More of the project")
    url = f"file://{locked.project.root}"
    git(tmp_path, "clone", "--quiet", "--depth", "1", url, "shallow")
    clone = tmp_path / "shallow"
    git(clone, "fetch", "--quiet", "origin", "refs/heads/run/*:refs/remotes/origin/run/*")
    assert (clone / ".git" / "shallow").is_file()
    done = run_cli(clone, "verify", "--all", "--history-only")
    assert done.returncode == 0, done.stdout
    assert "All holds: 1 run, 3 commits" in done.stdout
    assert read_log(find_project(clone), find_run(find_project(clone), "ep1"))[-1].summary == "create segments 1-3"


def test_verify_since_finds_rewritten_history(locked: LockedRun) -> None:
    seen = commit_a_note(locked)
    assert locked.verify(since=seen).holds
    assert locked.verify(since="HEAD~2").holds
    locked.git("reset", "--hard", "--quiet", "HEAD~1")
    commit_a_note(locked, "another")
    assert locked.codes(since=seen) == {"history-rewritten"}
    assert locked.codes(since="0" * 40) == {"history-rewritten"}


def test_verify_range_checks_only_its_commits(locked: LockedRun) -> None:
    bad = overwrite_by_commit(locked)
    commit_a_note(locked)
    after = locked.verify(span=f"{bad}..HEAD")
    assert after.holds
    assert after.commits == 1
    assert "locked-md5-changed" in locked.codes(span=f"{bad}~1..{bad}")
    assert "locked-md5-changed" in locked.codes(span="HEAD~2..HEAD")
    assert locked.verify(span="HEAD..").commits == 0
    for wrong in ("HEAD", "..HEAD", "a...b"):
        with pytest.raises(UsageError):
            locked.verify(span=wrong)
    with pytest.raises(NotFoundError):
        locked.verify(span="nowhere..HEAD")


def test_verify_finds_a_run_on_the_branch_of_another_run(locked: LockedRun) -> None:
    locked.git("branch", "run/ep2", "run/ep1")
    project = locked.project
    result = verify(project, [find_run(project, "ep2")], VerifyOptions(history_only=True))
    assert [one.code for one in result.findings] == ["run-id-changed"]


def test_verify_checks_a_remote_branch_without_a_run_folder(locked: LockedRun, tmp_path: Path) -> None:
    overwrite_by_commit(locked)
    git(tmp_path, "clone", "--quiet", f"file://{locked.project.root}", "clone")
    done = run_cli(tmp_path / "clone", "verify", "--all", "--history-only", "--json")
    assert done.returncode == 1
    assert "locked-md5-changed" in done.stdout


def test_verify_finds_an_octopus_merge(locked: LockedRun) -> None:
    for name in ("one", "two"):
        locked.git("checkout", "--quiet", "-b", name, "run/ep1")
        (locked.folder / f"{name}.txt").write_text(name)
        commit_by_hand(locked.folder)
    locked.git("checkout", "--quiet", "run/ep1")
    (locked.folder / "own.txt").write_text("own")
    commit_by_hand(locked.folder)
    locked.git("merge", "--quiet", "--no-verify", "one", "two")
    assert locked.codes() == {"merge-of-many"}


def test_verify_names_a_missing_git_object(locked: LockedRun) -> None:
    oid = locked.git("rev-parse", f"HEAD~1:{MANIFEST_NAME}").strip()
    (locked.project.git_dir / "objects" / oid[:2] / oid[2:]).unlink()
    done = run_cli(locked.project.root, "verify")
    assert done.returncode == 1
    assert f"The object {oid} of the history is missing" in done.stderr


def test_verify_command_prints_author_commit_and_asset_of_each_finding(locked: LockedRun) -> None:
    done = run_cli(locked.project.root, "verify")
    assert done.returncode == 0
    assert "All holds: 1 run, 3 commits" in done.stdout
    commit = overwrite_by_commit(locked)
    done = run_cli(locked.project.root, "verify", "ep1", "runs/ep1")
    assert done.returncode == 1
    assert f"commit {commit[:10]}" in done.stdout
    assert "by Ann Lee <ann@example.com>" in done.stdout
    assert "image 1 is approved and locked, but its md5 changed" in done.stdout
    assert "Failed: 1 finding in 1 run, 4 commits, " in done.stdout
    found = json.loads(run_cli(locked.project.root, "verify", "--json").stdout)
    assert found["holds"] is False
    assert {"schema", "command", "runs", "commits", "files", "blobs", "incomplete", "mended", "unchecked"} < set(found)
    assert set(found["findings"][0]) == {
        "run_id", "commit", "author", "date", "code", "subject", "message", "hint",
    }  # fmt: skip
    assert found["by_hand"] == []
    assert run_cli(locked.project.root, "verify", "--range", "HEAD~1..HEAD").returncode == 2
    assert run_cli(locked.project.root, "verify", "ep1", "--range", "HEAD~1..HEAD", "--all").returncode == 2
    assert "no run 'ep9'" in run_cli(locked.project.root, "verify", "--all", "ep1", "ep9").stderr
    assert run_cli(locked.project.root, "verify", "--history-only", "--full").returncode == 2
