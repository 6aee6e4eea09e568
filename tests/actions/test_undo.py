"""Undo: each command that can be undone leads back to the state before it, and the others are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose, drop_candidates
from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.edit import EditOptions, edit
from gitassets.actions.move import move
from gitassets.actions.note import note
from gitassets.actions.publish import publish
from gitassets.actions.push import PushOptions
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.review import move_to_review
from gitassets.actions.track import track
from gitassets.actions.undo import undo
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, GitAssetsError, LockedError, NoMatchError, NotFoundError
from gitassets.runs.lookup import find_run
from tests.actions.candidates import add_candidates
from tests.actions.checks import assert_clean, ignore_progress, run_cli, select, snapshot, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, commit_by_hand, with_status
from tests.actions.sharing import make_office
from tests.media import write_picture, write_tone
from tests.whole_app import app

AUDIO_1 = Address(1, Kind.AUDIO)
BUILD = ["build", "ep1", "--size", "64x36", "--fps", "5"]
Act = Callable[[LockedRun, Path], object]


def a_picture(tmp_path: Path, seed: int = 99) -> Path:
    return write_picture(tmp_path / f"picture{seed}.png", seed=seed)


def prepare(locked: LockedRun, tmp_path: Path) -> None:
    """Give image 3 words, two takes and a candidate, and reject it; put audio 1 in review."""
    edit(locked.project, locked.run, parse_selection("3"), EditOptions(text="How tides work."))
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path, 50))
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    move_to_review(locked.project, locked.run, select(audio="1"))
    note(locked.project, locked.run, parse_selection("1"), "check")


def copy_from_another(locked: LockedRun, tmp_path: Path) -> object:
    write_picture(locked.project.runs_dir / "ep2" / "images" / "scene_001.png", seed=70)
    write_tone(locked.project.runs_dir / "ep2" / "audio" / "audio_001.wav", frequency=700)
    track(locked.project, locked.project.runs_dir / "ep2", on_progress=ignore_progress)
    source = find_run(locked.project, "ep2")
    return copy_assets(locked.project, source, locked.run, select(image="2"), CopyOptions())


# Each is undone completely: afterwards the manifest is as before, except for take numbers that are not used again.
WHOLLY: dict[str, Act] = {
    "reject, from review": lambda one, _: reject(one.project, one.run, select(audio="1"), reason="hiss"),
    "reject, with another reason": lambda one, _: reject(one.project, one.run, select(image="3"), reason="no"),
    "reopen a rejected": lambda one, _: reopen_assets(one.project, one.run, select(image="3"), reason="x"),
    "choose": lambda one, _: choose(one.project, one.run, select(image="3"), "3"),
    "drop": lambda one, _: drop_candidates(one.project, one.run, select(image="3")),
    "replace": lambda one, tmp: replace_asset(one.project, one.run, select(image="3"), a_picture(tmp)),
    "replace, the first": lambda one, tmp: replace_asset(one.project, one.run, select(image="2"), a_picture(tmp)),
    "regen": lambda one, _: regen_image(one, RegenOptions(provider="card")),
    "regen, candidates": lambda one, _: regen_image(one, RegenOptions(provider="card", takes=2, style="paper")),
    "move": lambda one, _: move(one.project, one.run, select(image="3"), 2),
    "copy": copy_from_another,
    "note": lambda one, _: note(one.project, one.run, parse_selection("1-2"), "louder"),
    "note, removed": lambda one, _: note(one.project, one.run, parse_selection("1"), ""),
    "edit": lambda one, _: edit(one.project, one.run, parse_selection("2"), EditOptions(text="New.", prompt="a map")),
}  # fmt: skip


def regen_image(locked: LockedRun, options: RegenOptions) -> object:
    return regen(locked.project, locked.run, select(image="3"), options, ignore_progress)


def without_numbers(manifest: Manifest) -> Manifest:
    """Return the manifest without the records of which take numbers were used."""
    assets = {
        address: replace(asset, extra={key: value for key, value in asset.extra.items() if key != "latest_take"})
        for address, asset in manifest.assets()
    }
    return manifest.with_assets(dict(assets))


@pytest.mark.parametrize("name", WHOLLY)
def test_undo_restores_the_state_before_a_command(locked: LockedRun, tmp_path: Path, name: str) -> None:
    prepare(locked, tmp_path)
    before = locked.manifest()
    WHOLLY[name](locked, tmp_path)
    done = locked.head()
    assert locked.manifest() != before
    result = undo(locked.project, locked.run)
    assert (result.undone, result.commit) == (done, locked.head())
    assert result.lines
    assert without_numbers(locked.manifest()) == without_numbers(before)
    assert subjects(locked.run)[0] == f"undo {result.summary}"
    assert f"This undoes commit {done}." in locked.git("log", "-1", "--format=%b")
    assert_clean(locked.project, locked.run)
    undo(locked.project, locked.run, locked.head())
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_undo_of_an_approval_leads_to_review_with_a_recorded_reopen(locked: LockedRun) -> None:
    approve(locked.project, locked.run, select(image="3"))
    result = undo(locked.project, locked.run)
    now = locked.asset(IMAGE_3)
    assert (now.status, now.approved_md5, now.reopened) == (
        Status.REVIEW, None, {"md5": now.md5, "reason": "undone"}
    )  # fmt: skip
    assert [(one.before, one.after) for one in result.transitions] == [("approved", "review")]
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_undo_of_a_rejected_draft_leads_to_review(locked: LockedRun) -> None:
    reject(locked.project, locked.run, select(audio="1"), reason="hiss")
    undo(locked.project, locked.run)
    now = locked.asset(AUDIO_1)
    assert (now.status, now.reason) == (Status.REVIEW, None)
    assert_clean(locked.project, locked.run)


def test_undo_of_a_reopen_approves_the_same_bytes_again(locked: LockedRun) -> None:
    approved = locked.asset(IMAGE_1).md5
    reopen_assets(locked.project, locked.run, select(image="1"), reason="wrong logo")
    undo(locked.project, locked.run)
    assert (locked.asset(IMAGE_1).approved, locked.asset(IMAGE_1).approved_md5) == (True, approved)
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_undo_of_a_reopen_refuses_a_file_with_other_bytes(locked: LockedRun) -> None:
    reopen_assets(locked.project, locked.run, select(image="1"), reason="wrong logo")
    locked.locked_file.unlink()
    write_picture(locked.locked_file, seed=98)
    before = locked.head()
    with pytest.raises(ConflictError, match="has other bytes"):
        undo(locked.project, locked.run)
    assert locked.head() == before


def test_undo_of_a_reopen_refuses_an_approval_that_the_history_does_not_prove(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, with_status(Status.APPROVED))
    commit_by_hand(locked.folder)
    reopen_assets(locked.project, locked.run, select(image="3"), reason="who approved this?")
    before = snapshot(locked.run)
    with pytest.raises(ConflictError, match="does not prove"):
        undo(locked.project, locked.run)
    assert snapshot(locked.run) == before


def test_undo_of_a_restored_take_brings_the_later_one_back(locked: LockedRun, tmp_path: Path) -> None:
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path))
    later = locked.asset(IMAGE_3).md5
    restore(locked.project, locked.run, select(image="3"), "1")
    undo(locked.project, locked.run)
    assert (locked.asset(IMAGE_3).md5, locked.asset(IMAGE_3).status) == (later, Status.REVIEW)
    assert_clean(locked.project, locked.run)


def test_undo_never_uses_the_number_of_an_undone_take_again(locked: LockedRun, tmp_path: Path) -> None:
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path))
    undo(locked.project, locked.run)
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path, 98))
    assert locked.asset(IMAGE_3).take == 3
    restore(locked.project, locked.run, select(image="3"), "2")
    assert_clean(locked.project, locked.run)


def test_undo_called_again_undoes_the_command_before(locked: LockedRun) -> None:
    note(locked.project, locked.run, parse_selection("1"), "one")
    note(locked.project, locked.run, parse_selection("2"), "two")
    first = undo(locked.project, locked.run)
    second = undo(locked.project, locked.run)
    assert (first.summary, second.summary) == ("note segment 2", "note segment 1")
    undo(locked.project, locked.run, second.commit)
    assert [one.notes for one in locked.manifest().segments.values()] == ["one", None, None]
    assert undo(locked.project, locked.run).summary == "note segment 1"


def test_undo_of_an_earlier_commit_needs_what_it_changed_to_be_unchanged(locked: LockedRun, tmp_path: Path) -> None:
    approve(locked.project, locked.run, select(image="3"))
    approved = locked.head()
    note(locked.project, locked.run, parse_selection("3"), "fine")
    undo(locked.project, locked.run, approved)
    assert (locked.asset(IMAGE_3).status, locked.manifest().segments[3].notes) == (Status.REVIEW, "fine")
    before = snapshot(locked.run)
    with pytest.raises(ConflictError, match="image 3 was changed since") as caught:
        undo(locked.project, locked.run, approved)
    assert "`gitassets log ep1`" in caught.value.hint
    assert snapshot(locked.run) == before


def test_undo_keeps_the_decision_that_followed_a_new_take(locked: LockedRun, tmp_path: Path) -> None:
    first = locked.asset(IMAGE_3).md5
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path))
    replaced = locked.head()
    move_to_review(locked.project, locked.run, select(image="3"))
    undo(locked.project, locked.run, replaced)
    assert (locked.asset(IMAGE_3).md5, locked.asset(IMAGE_3).status) == (first, Status.REVIEW)
    assert_clean(locked.project, locked.run)


def approve_after_a_new_take(locked: LockedRun, tmp_path: Path) -> str:
    replace_asset(locked.project, locked.run, select(image="3"), a_picture(tmp_path))
    replaced = locked.head()
    approve(locked.project, locked.run, select(image="3"))
    return replaced


def approve_after_a_new_text(locked: LockedRun, tmp_path: Path) -> str:
    del tmp_path
    edit(locked.project, locked.run, parse_selection("1"), EditOptions(text="New words."))
    edited = locked.head()
    approve(locked.project, locked.run, select(audio="1"))
    return edited


@pytest.mark.parametrize("act", [approve_after_a_new_take, approve_after_a_new_text])
def test_undo_refuses_to_change_what_was_approved_since(
    locked: LockedRun, tmp_path: Path, act: Callable[[LockedRun, Path], str]
) -> None:
    commit = act(locked, tmp_path)
    before = snapshot(locked.run)
    with pytest.raises(LockedError, match="is approved, and so locked") as caught:
        undo(locked.project, locked.run, commit)
    assert "gitassets reopen ep1" in caught.value.hint
    assert snapshot(locked.run) == before


def decide_as(name: str, locked: LockedRun) -> None:
    locked.git("config", "user.name", name)
    locked.git("config", "user.email", f"{name.lower()}@example.com")


def merge_a_branch(locked: LockedRun, tmp_path: Path) -> None:
    del tmp_path
    locked.git("branch", "side")
    note(locked.project, locked.run, parse_selection("1"), "here")
    locked.git("switch", "--quiet", "side")
    locked.git("commit", "--quiet", "--allow-empty", "--message", "There")
    locked.git("switch", "--quiet", "run/ep1")
    locked.git("merge", "--quiet", "--no-edit", "side")


def approve_as_bob(locked: LockedRun, tmp_path: Path) -> None:
    del tmp_path
    decide_as("Bob", locked)
    approve(locked.project, locked.run, select(image="3"))
    decide_as("Ann", locked)


def publish_it(locked: LockedRun, tmp_path: Path) -> None:
    make_office(tmp_path).equip(locked.project.root)
    approve(locked.project, locked.run, select(segment="all"))
    (locked.project.root / "gitassets.yaml").write_text("build: {size: 64x36, fps: 5}\n")
    done = CliRunner().invoke(app, ["build", "ep1"])
    assert done.exit_code == 0, done.output
    publish(locked.project, find_run(locked.project, "ep1"), PushOptions(), ignore_progress)


def build_it(locked: LockedRun, tmp_path: Path) -> None:
    del tmp_path
    done = CliRunner().invoke(app, [*BUILD, "--skip", "rejected"])
    assert done.exit_code == 0, done.output


REFUSED: dict[str, tuple[Callable[[LockedRun, Path], object], str, str]] = {
    "the creation of the run": (lambda one, _: undo_approval(one), "'track' is no decision", "--commit"),
    "a commit by hand": (lambda one, _: one.git("commit", "-q", "--allow-empty", "-mx"), "made by hand", "--commit"),
    "a merge": (merge_a_branch, "it merges two branches", "--commit"),
    "somebody else's approval": (approve_as_bob, "Bob made it", "`gitassets reopen ep1 --image 3 --reason …`"),
    "a review": (
        lambda one, _: move_to_review(one.project, one.run, select(image="3")), "does not become a draft", "--commit",
    ),
    "a build": (build_it, "a build changes no asset", "--commit"),
    "a publication": (publish_it, "it was pushed", "`gitassets reopen ep1 --audio 1-3 --image 1,3 --reason …`"),
}  # fmt: skip


def undo_approval(locked: LockedRun) -> None:
    undo(locked.project, locked.run)


@pytest.mark.parametrize("name", REFUSED)
def test_undo_refuses_what_cannot_be_undone_and_says_why(
    locked: LockedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(locked.project.root)
    act, why, way = REFUSED[name]
    act(locked, tmp_path)
    before = snapshot(locked.run)
    with pytest.raises(GitAssetsError, match=why) as caught:
        undo(locked.project, locked.run)
    assert caught.value.message.startswith("Cannot undo “")
    assert way in caught.value.hint
    assert snapshot(locked.run) == before


def test_undo_refuses_the_first_takes_that_were_made(locked: LockedRun) -> None:
    edit(locked.project, locked.run, parse_selection("2"), EditOptions(text="How tides work."))
    arguments = ["produce", "--resume", "ep1", "--no-audio", "--budget", "full"]
    assert run_cli(locked.project.root, *arguments).returncode == 0
    before = snapshot(locked.run)
    with pytest.raises(NoMatchError, match="image 2 had no take before it"):
        undo(locked.project, locked.run)
    assert snapshot(locked.run) == before


def test_undo_refuses_a_commit_that_is_not_the_runs(locked: LockedRun) -> None:
    for wanted in ("main", "nothing"):
        with pytest.raises(NotFoundError) as caught:
            undo(locked.project, locked.run, wanted)
        assert "`gitassets log ep1`" in caught.value.hint


def test_undo_command_prints_what_it_changed(locked: LockedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(locked.project.root)
    approve(locked.project, locked.run, select(image="3"))
    undone = locked.head()
    would = CliRunner().invoke(app, ["undo", "ep1", "--dry-run"])
    assert would.output.splitlines() == [
        f"Would undo “approve image 3” in ep1 ({undone[:10]})", "  image 3: approved → review"
    ]  # fmt: skip
    assert locked.head() == undone
    done = CliRunner().invoke(app, ["undo", "ep1", "--json"])
    said = json.loads(done.output)
    assert (said["command"], said["undone"], said["summary"], said["dry_run"]) == (
        "undo",
        undone,
        "approve image 3",
        False,
    )
    assert said["commit"] == locked.head()
    assert said["transitions"] == [{"segment": 3, "kind": "image", "before": "approved", "after": "review"}]
    again = CliRunner().invoke(app, ["undo", "ep1"])
    assert again.output.startswith("Undid “approve image 1” in ep1 (")
    assert again.output.endswith("  image 1: approved → review\n")
