"""Decisions from a file: committed on the commit that was seen, merged, and never for other bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gitassets.actions.approve import approve
from gitassets.actions.decide_by_file import AppliedDecisions, decide_by_file
from gitassets.actions.log import read_log
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.domain.annotations import iter_annotations
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import ConflictError, CorruptError, NotFoundError, UsageError
from gitassets.runs import merge as merging
from tests.actions.checks import assert_clean, lose_blobs, select, statuses, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, overwrite
from tests.media import write_picture
from tests.whole_app import app

AUDIO_1, AUDIO_2 = Address(1, Kind.AUDIO), Address(2, Kind.AUDIO)


def decision(locked: LockedRun, address: Address, action: str, **more: object) -> dict[str, Any]:
    md5 = locked.asset(address).md5
    return {"segment": address.segment, "kind": address.kind, "md5": md5, "action": action, **more}


def note(locked: LockedRun, address: Address, text: str, **more: object) -> dict[str, Any]:
    return {"segment": address.segment, "kind": address.kind, "md5": locked.asset(address).md5, "text": text, **more}


def save(locked: LockedRun, path: Path, *decisions: object, notes: object = (), **changes: object) -> Path:
    """Save a file as the sheet of the run's present state does."""
    raw = {
        "format": "gitassets-decisions", "version": 1, "run_id": "ep1", "commit": locked.head(), "by": "Ana Lima",
        "decisions": decisions, "notes": notes, **changes,
    }  # fmt: skip
    path.write_text(json.dumps(raw))
    return path


def apply(locked: LockedRun, path: Path, **options: Any) -> AppliedDecisions:
    return decide_by_file(locked.project, locked.run, path, **options)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["decide", "ep1", *words])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "d.json"


def test_decisions_and_notes_become_one_commit_with_the_reviewers_name(locked: LockedRun, file: Path) -> None:
    decisions = (
        decision(locked, AUDIO_1, "approve"),
        decision(locked, AUDIO_2, "reject", reason="too fast"),
        decision(locked, IMAGE_3, "approve"),
    )
    before, noted = locked.head(), note(locked, AUDIO_2, "a pause here", time=[0.01, 0.02])
    done = apply(locked, save(locked, file, *decisions, notes=[noted]))
    assert statuses(locked.project, locked.run) | {"audio 3": "draft"} == {
        "audio 1": "approved", "audio 2": "rejected", "audio 3": "draft", "image 1": "approved", "image 3": "approved",
    }  # fmt: skip
    assert locked.asset(AUDIO_2).reason == "too fast"
    assert locked.asset(IMAGE_3).approved_md5 == locked.asset(IMAGE_3).md5
    assert (done.merged, done.refused, done.commit) == (False, (), locked.head())
    assert locked.git("rev-parse", "HEAD~1").strip() == before
    (entry, *_) = read_log(locked.project, locked.run)
    assert (entry.reviewed_by, entry.words) == ("Ana Lima", "audio 2: too fast")
    assert "Assets-Reviewed-By: Ana Lima\n" in locked.git("log", "-1", "--format=%B")
    (found,) = iter_annotations(locked.manifest())
    assert (found.body, found.author, found.time) == ("a pause here", "Ana Lima", (0.01, 0.02))
    assert_clean(locked.project, locked.run)


def test_the_same_file_does_nothing_the_second_time(locked: LockedRun, file: Path) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"), notes=[note(locked, IMAGE_3, "good")])
    first = apply(locked, file)
    reopen_assets(locked.project, locked.run, select(image="3"), reason="wrong after all")
    state = locked.head(), locked.manifest()
    again = apply(locked, file, by="Ben")
    assert (again.commit, again.transitions, again.noted) == (None, (), ())
    assert again.applied_before == first.commit
    assert (locked.head(), locked.manifest()) == state
    assert run(str(file)).output == f"Nothing to do in ep1: it was applied in {str(first.commit)[:10]}.\n"


def test_what_was_decided_before_the_run_moved_on_is_merged(locked: LockedRun, file: Path) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"), notes=[note(locked, AUDIO_2, "good")])
    seen = locked.head()
    approve(locked.project, locked.run, select(audio="1"))
    done = apply(locked, file)
    assert done.merged
    assert not done.merging
    assert locked.git("rev-parse", f"{done.commit}^").strip() == seen
    assert locked.git("log", "-1", "--format=%s").strip() == "Merge the decisions of Ana Lima into run/ep1"
    assert (
        statuses(locked.project, locked.run)["audio 1"] == statuses(locked.project, locked.run)["image 3"] == "approved"
    )
    assert [one.body for one in iter_annotations(locked.manifest())] == ["good"]
    assert "Ana Lima" in {one.reviewed_by for one in read_log(locked.project, locked.run)}
    assert locked.codes() == set()
    assert apply(locked, file).commit is None


def test_two_files_that_contradict_each_other_end_in_review(locked: LockedRun, tmp_path: Path, file: Path) -> None:
    other = save(locked, tmp_path / "e.json", decision(locked, IMAGE_3, "reject", reason="too dark"), by="Ben Ott")
    save(locked, file, decision(locked, IMAGE_3, "approve"))
    apply(locked, file)
    done = run(str(other))
    assert done.exit_code == 1
    assert "Decided differently: image 3" in done.output
    assert "Settle each with `gitassets approve ep1" in done.output
    assert locked.asset(IMAGE_3).status == "review"
    refused = run(str(other))
    assert "not finished" in refused.output
    settled = CliRunner().invoke(app, ["reject", "ep1", "--image", "3", "--reason", "Ben is right"])
    assert "the merge is concluded" in settled.output
    assert locked.asset(IMAGE_3).status == "rejected"
    assert {"Ana Lima", "Ben Ott"} <= {one.reviewed_by for one in read_log(locked.project, locked.run)}
    assert locked.codes() == set()
    assert apply(locked, other).commit is None


def test_bytes_that_changed_since_are_refused_asset_by_asset(locked: LockedRun, tmp_path: Path, file: Path) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"), decision(locked, AUDIO_1, "approve"))
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "new.png", seed=50))
    done = run(str(file))
    assert done.exit_code == 1
    assert "refused to approve image 3: has other bytes now (take 2): look at it on a new sheet" in done.output
    assert (locked.asset(IMAGE_3).status, locked.asset(AUDIO_1).status) == ("draft", "approved")


def test_altered_absent_and_locked_assets_are_refused_and_the_rest_is_decided(locked: LockedRun, file: Path) -> None:
    save(
        locked,
        file,
        decision(locked, IMAGE_3, "approve"),
        decision(locked, IMAGE_1, "reject"),
        decision(locked, AUDIO_1, "approve"),
        decision(locked, AUDIO_2, "approve"),
        notes=[note(locked, IMAGE_3, "when?", time=[1, 2]), note(locked, IMAGE_3, "seen")],
    )
    overwrite(locked.folder / locked.asset(IMAGE_3).path)
    lose_blobs(locked.project)
    (locked.folder / locked.asset(AUDIO_2).path).unlink()
    done = apply(locked, file)
    why = {f"{one.what} {one.address}": one.why for one in done.refused}
    assert why.keys() == {"approve image 3", "reject image 1", "approve audio 2", "note image 3"}
    assert "changed by hand" in why["approve image 3"]
    assert why["reject image 1"] == "is approved, and so locked"
    assert "has no bytes here" in why["approve audio 2"]
    assert "a picture, which has no times" in why["note image 3"]
    assert [str(one.address) for one in done.transitions] == ["audio 1"]
    assert [one.body for one in iter_annotations(locked.manifest())] == ["seen"]


def test_a_file_that_claims_other_bytes_than_the_sheets_commit_is_refused(locked: LockedRun, file: Path) -> None:
    forged = {**decision(locked, IMAGE_3, "approve"), "md5": "f" * 32}
    done = apply(locked, save(locked, file, forged, notes=[{**note(locked, IMAGE_3, "x"), "segment": 9}]))
    assert [one.what for one in done.refused] == ["approve", "note"]
    assert done.commit is None


def test_another_run_or_commit_or_a_missing_file_is_a_clear_error(
    locked: LockedRun, tmp_path: Path, file: Path
) -> None:
    with pytest.raises(ConflictError, match="has decisions on run ep2, not on ep1"):
        apply(locked, save(locked, file, run_id="ep2"))
    with pytest.raises(NotFoundError, match="which is not here"):
        apply(locked, save(locked, file, commit="a" * 40))
    aside = locked.git("commit-tree", "HEAD^{tree}", "-m", "Aside").strip()
    with pytest.raises(ConflictError, match="not in the history of ep1"):
        apply(locked, save(locked, file, commit=aside))
    tree = locked.git("rev-parse", "HEAD^{tree}").strip()
    with pytest.raises(NotFoundError, match="which is not here"):
        apply(locked, save(locked, file, commit=tree))
    with pytest.raises(UsageError, match="does not say who decided"):
        apply(locked, save(locked, file, by=" \n"))
    with pytest.raises(NotFoundError, match="There is no file"):
        apply(locked, tmp_path / "none.json")
    with pytest.raises(UsageError, match="is not a file"):
        apply(locked, tmp_path)
    file.write_text("{}")
    with pytest.raises(CorruptError):
        apply(locked, file)


def test_a_dry_run_says_what_would_happen_and_changes_nothing(locked: LockedRun, file: Path) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"))
    head, count = locked.head(), locked.git("count-objects")
    done = run(str(file), "--dry-run", "--by", "Ben")
    assert done.output.startswith("Would commit the decisions of Ben on ep1: image 3\n")
    assert (locked.head(), locked.git("count-objects")) == (head, count)


def test_json_has_stable_keys(locked: LockedRun, file: Path) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"))
    said = json.loads(run(str(file), "--json").output)
    assert said["command"] == "decide"
    assert {
        "run_id",
        "made_from",
        "by",
        "transitions",
        "noted",
        "refused",
        "commit",
        "merged",
        "merging",
    } <= said.keys()


def test_a_kill_in_the_merge_loses_nothing(locked: LockedRun, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(locked, file, decision(locked, IMAGE_3, "approve"))
    reject(locked.project, locked.run, select(audio="1"))
    before = locked.head()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(merging, "merge_commit", stop)
        with pytest.raises(KeyboardInterrupt):
            apply(locked, file)
    assert locked.head() == before
    with monkeypatch.context() as patched:
        patched.setattr(merging, "update_run_media", stop)
        with pytest.raises(KeyboardInterrupt):
            apply(locked, file)
    done = apply(locked, file)
    assert done.commit is None
    assert locked.asset(IMAGE_3).status == "approved"
    assert len([one for one in subjects(locked.run) if "decide image 3" in one]) == 1
    assert locked.codes() == set()
