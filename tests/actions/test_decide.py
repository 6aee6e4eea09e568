from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.close import close_run
from gitassets.actions.decide import TransitionResult
from gitassets.actions.open import open_run
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.review import move_to_review
from gitassets.adapters.files import hash_file
from gitassets.adapters.state.journal import MadeLog, MadeTake
from gitassets.domain.commit_message import parse_message
from gitassets.domain.manifest_format import raw_asset
from gitassets.domain.selection import AssetSelection
from gitassets.domain.status import Status
from gitassets.errors import (
    ConflictError,
    CorruptError,
    GitAssetsError,
    LockedError,
    NoMatchError,
    NotFoundError,
    UsageError,
)
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    addresses,
    assert_clean,
    asset,
    git,
    run_cli,
    select,
    snapshot,
    statuses,
    subjects,
)
from tests.media import write_picture


def message(run: Run) -> str:
    return git(run.require_folder(), "log", "-1", "--format=%B").rstrip("\n")


def transitions(result: TransitionResult) -> list[str]:
    return [f"{one.address} {one.before} -> {one.after}" for one in result.transitions]


# What each does


def test_approve_records_the_hash_and_makes_the_file_read_only(project: Project, run: Run) -> None:
    result = approve(project, run, select(audio="1-2"))
    assert transitions(result) == ["audio 1 draft -> approved", "audio 2 draft -> approved"]
    for number, mode in ((1, 0o444), (2, 0o444), (3, 0o644)):
        found = asset(project, run, "audio", number)
        assert (run.require_folder() / found.path).stat().st_mode & 0o777 == mode
        assert found.approved == (number != 3)
    assert message(run) == (
        "assets(ep1): approve audio 1-2\n\nAssets-Run: ep1\nAssets-Action: approve\n"
        "Assets-Transition: audio 1-2 draft -> approved"
    )
    assert result.commit == git(run.require_folder(), "rev-parse", "HEAD").strip()
    assert_clean(project, run)


def test_reject_stores_the_reason_in_manifest_and_message(project: Project, run: Run) -> None:
    result = reject(project, run, select(image="1,3"), reason="wrong style\nAssets-Action: approve")
    assert len(result.transitions) == 2
    assert asset(project, run, "image", 1).reason == "wrong style\nAssets-Action: approve"
    parsed = parse_message(message(run))
    assert parsed is not None
    assert (parsed.action, parsed.words) == ("reject", "wrong style\n> Assets-Action: approve")
    assert_clean(project, run)


def test_reject_accepts_no_reason(project: Project, run: Run) -> None:
    reject(project, run, select(image="1"))
    assert asset(project, run, "image", 1).reason is None
    assert message(run).splitlines()[0] == "assets(ep1): reject image 1"
    assert_clean(project, run)


def test_reopen_unlocks_the_file_and_records_the_reason(project: Project, run: Run) -> None:
    approve(project, run, select(audio="all"))
    reopen_assets(project, run, select(audio="2"), reason=" the name is wrong ")
    found = asset(project, run, "audio", 2)
    assert (found.status, found.approved_md5) == ("review", None)
    assert found.reopened == {"md5": found.md5, "reason": "the name is wrong"}
    assert (run.require_folder() / found.path).stat().st_mode & 0o200
    assert "the name is wrong" in message(run)
    assert_clean(project, run)


def test_asset_passes_review_approve_reopen_and_reject_repeatedly(project: Project, run: Run) -> None:
    move_to_review(project, run, select(segment="all"))
    approve(project, run, select(segment="all"))
    reopen_assets(project, run, select(image="3"), reason="too dark")
    reject(project, run, select(image="3"), reason="too dark")
    reopen_assets(project, run, select(image="3"), reason="no, fine")
    approve(project, run, select(image="3"))
    reopen_assets(project, run, select(image="3"), reason="a second time")
    assert asset(project, run, "image", 3).reopened == {
        "md5": asset(project, run, "image", 3).md5, "reason": "a second time", "times": "2"
    }  # fmt: skip
    assert [one.split()[0] for one in subjects(run)] == [
        "reopen", "approve", "reopen", "reject", "reopen", "approve", "review", "track", "create"
    ]  # fmt: skip
    assert_clean(project, run)


def test_review_moves_drafts_and_leaves_decided_assets(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    reject(project, run, select(image="1"))
    result = move_to_review(project, run, select(segment="all"))
    assert transitions(result) == ["audio 2 draft -> review", "audio 3 draft -> review", "image 3 draft -> review"]
    assert statuses(project, run)["image 1"] == "rejected"
    again = move_to_review(project, run, select(segment="all"))
    assert (again.transitions, again.commit) == ((), None)
    assert_clean(project, run)


def test_approval_restored_by_reverting_a_reopen_stays_locked(project: Project, run: Run) -> None:
    """What `git revert` brings back unlocks nothing for good: the next approval is a fresh one."""
    approve(project, run, select(audio="1"))
    reopen_assets(project, run, select(audio="1"), reason="first")
    git(run.require_folder(), "revert", "--no-edit", "HEAD")
    assert statuses(project, run)["audio 1"] == "approved"
    with pytest.raises(LockedError):
        reject(project, run, select(audio="1"))


# All and explicit numbers


def test_selection_all_skips_assets_that_cannot_change_and_names_them(project: Project, run: Run) -> None:
    approve(project, run, select(audio="2"))
    result = reject(project, run, select(audio="all"), reason="too quiet")
    assert transitions(result) == ["audio 1 draft -> rejected", "audio 3 draft -> rejected"]
    assert [(str(one.address), one.why) for one in result.skipped] == [("audio 2", "is approved, and so locked")]
    again = approve(project, run, select(segment="all"))
    assert sorted(addresses(again.skipped)) == ["audio 1", "audio 3"]
    assert sorted(addresses(again.transitions)) == ["image 1", "image 3"]
    assert addresses(again.unchanged) == ["audio 2"]
    assert_clean(project, run)


@pytest.mark.parametrize(
    ("selection", "error", "said"),
    [
        (select(audio="1-2"), LockedError, "Cannot reject audio 2 of ep1: it is approved, and so locked"),
        (select(audio="1,9"), NoMatchError, "no segment 9"),
        (select(audio="1-999999999"), NoMatchError, "no segment 4"),
        (select(image="2"), NoMatchError, "Segment 2 of ep1 has no image"),
        (select(video="all"), NoMatchError, "has no video at all"),
        (select(video="1"), NoMatchError, "Segment 1 of ep1 has no video"),
        (select(segment="9"), NoMatchError, "no segment 9"),
        (AssetSelection({}), UsageError, "Say which assets to reject"),
    ],
)
def test_reject_with_an_impossible_number_fails_and_changes_nothing(
    project: Project, run: Run, selection: AssetSelection, error: type[GitAssetsError], said: str
) -> None:
    approve(project, run, select(audio="2"))
    before = snapshot(run)
    with pytest.raises(error, match=said):
        reject(project, run, selection, reason="no")
    assert snapshot(run) == before


@pytest.mark.parametrize("text", ["7-3", "5-", "x", "", "0", "1;2", "-1", "all,1", "1,,2", "１"])
def test_approve_with_an_invalid_selection_is_a_usage_error(project: Project, run: Run, text: str) -> None:
    before = snapshot(run)
    done = run_cli(project.root, "approve", "ep1", f"--audio={text}")
    assert done.returncode == 2
    assert text in done.stderr
    assert snapshot(run) == before


def test_approve_combines_segments_and_kinds(project: Project, run: Run) -> None:
    result = approve(project, run, select(image="1", segment="2-3"))
    assert addresses(result.transitions) == ["image 1", "audio 2", "audio 3", "image 3"]


def test_approve_reports_approved_assets_as_unchanged_without_a_commit(project: Project, run: Run) -> None:
    approve(project, run, select(audio="1"))
    before = snapshot(run)
    result = approve(project, run, select(audio="1"))
    assert (addresses(result.unchanged), result.transitions, result.commit) == (["audio 1"], (), None)
    assert snapshot(run) == before
    mixed = approve(project, run, select(audio="1-2"))
    assert (addresses(mixed.unchanged), addresses(mixed.transitions)) == (["audio 1"], ["audio 2"])
    assert message(run).splitlines()[0] == "assets(ep1): approve audio 2"


def test_dry_run_lists_transitions_and_changes_nothing(project: Project, run: Run) -> None:
    before = snapshot(run)
    for act in (approve, reject, move_to_review):
        result = act(project, run, select(audio="all"), dry_run=True)
        assert (len(result.transitions), result.commit, result.dry_run) == (3, None, True)
    approve(project, run, select(audio="1"))
    before = snapshot(run)
    assert reopen_assets(project, run, select(audio="1"), reason="x", dry_run=True).transitions
    with pytest.raises(LockedError):
        reject(project, run, select(audio="1"), dry_run=True)
    assert snapshot(run) == before


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_reopen_requires_a_reason(project: Project, run: Run, reason: str) -> None:
    approve(project, run, select(audio="1"))
    before = snapshot(run)
    with pytest.raises(UsageError, match="needs a reason"):
        reopen_assets(project, run, select(audio="1"), reason=reason)
    assert snapshot(run) == before


@pytest.mark.parametrize("reason", ["\u200b", "\x00\x07", "\u202e"])
def test_reopen_refuses_a_reason_of_invisible_characters(project: Project, run: Run, reason: str) -> None:
    approve(project, run, select(audio="1"))
    with pytest.raises(UsageError, match="needs a reason"):
        reopen_assets(project, run, select(audio="1"), reason=reason)


# Bytes before decisions


def overwrite(path: Path) -> None:
    write_picture(path, seed=99)


def overwrite_unseen(path: Path) -> None:
    """The same size, and the time put back."""
    before, data = path.stat(), bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replace_by_another(path: Path) -> None:
    other = write_picture(path.with_name("other.png"), seed=98)
    other.replace(path)


@pytest.mark.parametrize("disturb", [overwrite, overwrite_unseen, replace_by_another])
def test_approve_refuses_bytes_that_changed(project: Project, run: Run, disturb: Callable[[Path], None]) -> None:
    path = run.require_folder() / "images" / "scene_000.png"
    disturb(path)
    before = snapshot(run)
    with pytest.raises(ConflictError, match=r"scene_000\.png has other bytes .* for image 1") as caught:
        approve(project, run, select(image="all"))
    assert "gitassets replace ep1 --image 1" in caught.value.hint
    assert snapshot(run) == before


def test_approve_succeeds_after_the_remedy_of_the_error_message(project: Project, run: Run) -> None:
    path = run.require_folder() / "images" / "scene_000.png"
    good = path.read_bytes()
    overwrite(path)
    path.rename(project.root.parent / "aside.png")
    open_run(project, "ep1")
    assert path.read_bytes() == good
    approve(project, run, select(image="1"))
    assert_clean(project, run)


def test_reject_accepts_bytes_that_changed(project: Project, run: Run) -> None:
    overwrite(run.require_folder() / "images" / "scene_000.png")
    reject(project, run, select(image="1"))
    assert statuses(project, run)["image 1"] == "rejected"


def test_approve_of_an_absent_file_uses_its_blob(project: Project, run: Run) -> None:
    (run.require_folder() / "images" / "scene_000.png").unlink()
    approve(project, run, select(image="1"))
    assert asset(project, run, "image", 1).approved


def test_approve_without_file_and_blob_fails(project: Project, run: Run) -> None:
    found = asset(project, run, "image", 1)
    (run.require_folder() / found.path).unlink()
    project.blobs.remove(found.md5)
    with pytest.raises(NotFoundError, match="bytes of image 1 of ep1") as caught:
        approve(project, run, select(image="1"))
    assert "No DVC remote is set up" in caught.value.hint


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    path.chmod(0o444)


def test_approve_of_an_absent_file_refuses_a_damaged_blob(project: Project, run: Run) -> None:
    found = asset(project, run, "image", 1)
    (run.require_folder() / found.path).unlink()
    damage(project.blobs.path(found.md5))
    with pytest.raises(CorruptError, match="image 1 of ep1 are damaged"):
        approve(project, run, select(image="1"))
    assert statuses(project, run)["image 1"] == "draft"


def test_open_and_approve_refuse_a_damaged_blob(project: Project, run: Run) -> None:
    """Such a blob may come from a remote: DVC does not hash what it pulls."""
    found = asset(project, run, "image", 1)
    close_run(project, run)
    damage(project.blobs.path(found.md5))
    with pytest.raises(CorruptError, match="are damaged"):
        open_run(project, "ep1")
    assert not (run.require_folder() / found.path).exists()
    with pytest.raises(CorruptError, match="are damaged"):
        approve(project, find_run(project, "ep1"), select(image="1"))


# As git shows it


def test_commit_subject_shortens_numbers_to_ranges(project: Project, run: Run) -> None:
    approve(project, run, select(segment="all"))
    assert message(run).splitlines()[0] == "assets(ep1): approve audio 1-3, image 1,3"
    assert git(run.require_folder(), "log", "-1", "--format=%(trailers:key=Assets-Transition,valueonly)").split("\n")[
        :2
    ] == ["audio 1-3 draft -> approved", "image 1,3 draft -> approved"]


def test_commit_diff_touches_only_the_lines_of_the_decision(project: Project, run: Run) -> None:
    move_to_review(project, run, select(segment="all"))
    approve(project, run, select(audio="1"))
    lines = git(
        run.require_folder(), "show", "--no-textconv", "--format=", "-U0", "HEAD", "--", "asset_manifest.json"
    ).splitlines()
    changed = [line[0] + line[1:].strip() for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]
    md5 = asset(project, run, "audio", 1).md5
    assert changed == ['-"status": "review",', '+"status": "approved",', f'+"approved_md5": "{md5}",']


def test_approve_preserves_unknown_manifest_keys(project: Project, run: Run) -> None:
    folder = run.require_folder()
    path = folder / "asset_manifest.json"
    path.write_text(path.read_text().replace('"take": 1', '"take": 1,\n        "mood": {"ü": [1, null]}'))
    git(folder, "commit", "--quiet", "-am", "moods")
    approve(project, run, select(audio="1"))
    assert asset(project, run, "audio", 1).extra == {"mood": {"ü": [1, None]}}
    assert read_manifest(project, run).segments[2].audio is not None
    assert_clean(project, run)


# The command line


def test_transition_commands_print_what_they_changed(project: Project, run: Run) -> None:
    approved = run_cli(project.root, "approve", "ep1", "--audio", "1-2")
    assert (approved.returncode, approved.stdout) == (
        0, "Approved audio 1-2 in ep1\n  audio 1-2: draft → approved\n"
    )  # fmt: skip
    rejected = run_cli(project.root, "reject", "ep1", "--audio", "all", "--reason", "too quiet", stdin="x")
    assert rejected.returncode == 0
    assert "left out: audio 1-2 is approved, and so locked" in rejected.stdout
    refused = run_cli(project.root, "reject", "ep1", "--audio", "1")
    assert refused.returncode == 1
    assert "gitassets reopen ep1 --audio 1 --reason" in refused.stderr
    reopened = run_cli(project.root, "reopen", "ep1", "--audio", "1", "--reason", "mispronounced")
    assert "audio 1: approved → review" in reopened.stdout
    assert_clean(project, run)


@pytest.mark.parametrize("decide", [approve, reject])
def test_decision_on_a_take_recovered_by_the_same_command_is_refused(
    project: Project, run: Run, decide: Callable[..., TransitionResult]
) -> None:
    """A killed regen leaves takes that nobody has looked at; the command that records them must not approve them."""
    current = read_manifest(project, run).segments[1].image
    assert current is not None
    new = write_picture(project.state_dir / "new.png", seed=99)
    md5 = hash_file(new)
    project.blobs.copy_in(new, md5)
    later = replace(current, md5=md5, size=new.stat().st_size, take=2)
    MadeLog(project.state_dir, run.run_id).add(MadeTake(1, "image", current.md5, "regen", raw_asset(later)))
    with pytest.raises(ConflictError, match="never looked at") as caught:
        decide(project, run, select(image="1"))
    assert "gitassets review" in caught.value.hint
    recovered = read_manifest(project, run).segments[1].image
    assert recovered is not None
    assert (recovered.md5, recovered.status) == (md5, Status.DRAFT)
    assert len(decide(project, run, select(image="1")).transitions) == 1
