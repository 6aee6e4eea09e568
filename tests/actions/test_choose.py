"""`choose` and `takes --drop`; candidates survive every other command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.build import build
from gitassets.actions.build_plan import BuildOptions
from gitassets.actions.choose import choose, drop_candidates
from gitassets.actions.close import close_run
from gitassets.actions.copy import CopyOptions, copy_assets
from gitassets.actions.gc import gc
from gitassets.actions.list import list_assets
from gitassets.actions.log import read_log
from gitassets.actions.move import move
from gitassets.actions.open import open_run
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.replace import replace_asset
from gitassets.actions.restore import restore
from gitassets.actions.review import move_to_review
from gitassets.actions.track import track
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import parse_selection
from gitassets.domain.status import Status
from gitassets.domain.timeline import Policy
from gitassets.errors import ConflictError, LockedError, NotFoundError, UsageError
from gitassets.runs.lookup import find_run
from gitassets.runs.take_history import read_takes
from tests.actions.candidates import add_candidates, listed
from tests.actions.checks import assert_clean, git, ignore_progress, run_cli, select, snapshot, subjects
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, copy_project, overwrite
from tests.media import write_picture

IMAGE_2 = Address(2, Kind.IMAGE)


def test_choose_swaps_the_candidate_and_the_current_take(locked: LockedRun) -> None:
    before = locked.asset(IMAGE_3)
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    assert listed(locked.project, locked.run) == {second.path, third.path}
    result = choose(locked.project, locked.run, select(image="3"), "2")
    assert (result.take, result.md5, result.before, result.after) == (2, second.md5, Status.DRAFT, Status.DRAFT)
    assert (result.earlier, result.commit) == (False, locked.head())
    now = locked.asset(IMAGE_3)
    assert (now.path, now.md5, now.take, now.prompt, now.seed) == (before.path, second.md5, 2, "seed 10", 10)
    assert now.extra == {"prompt_sent": "seed 10, please", "parent": "0" * 32}
    assert now.takes.keys() == {before.md5, third.md5}
    former = now.takes[before.md5]
    assert (former.path, former.take) == (f"takes/scene_002_{before.md5[:8]}.png", 1)
    assert listed(locked.project, locked.run) == {former.path, third.path}
    assert subjects(locked.run)[0] == "choose take 2 of image 3"
    assert "Assets-Transition: image 3 draft -> draft" in locked.git("log", "-1", "--format=%B")
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_choose_can_return_to_the_former_take(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    before = locked.asset(IMAGE_3)
    choose(locked.project, locked.run, select(image="3"), "2")
    choose(locked.project, locked.run, select(image="3"), before.md5[:8])
    assert locked.asset(IMAGE_3) == before
    assert choose(locked.project, locked.run, select(image="3"), "1").commit is None
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


@pytest.mark.parametrize(("decide", "after"), [(reject, Status.REVISED), (move_to_review, Status.REVIEW)])
def test_choose_sets_the_status_of_a_new_take(locked: LockedRun, decide: object, after: Status) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    decide(locked.project, locked.run, select(image="3"))  # type: ignore[operator]
    assert choose(locked.project, locked.run, select(image="3"), "2").after is after
    assert locked.asset(IMAGE_3).status is after
    assert locked.verify().holds
    approve(locked.project, locked.run, select(image="3"))
    assert_clean(locked.project, locked.run)


def test_choose_of_another_file_type_changes_the_suffix(locked: LockedRun) -> None:
    before = locked.asset(IMAGE_3)
    (jpeg,) = add_candidates(locked.project, locked.run, IMAGE_3, 10, suffix=".jpg")
    assert jpeg.path == f"takes/scene_002_{jpeg.md5[:8]}.jpg"
    choose(locked.project, locked.run, select(image="3"), "2")
    assert locked.asset(IMAGE_3).path == "images/scene_002.jpg"
    assert listed(locked.project, locked.run) == {f"takes/scene_002_{before.md5[:8]}.png"}
    assert_clean(locked.project, locked.run)


def test_choose_refuses_an_approved_asset_but_its_candidates_can_be_dropped(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_1, 10)
    before = snapshot(locked.run)
    with pytest.raises(LockedError, match="image 1 of ep1 is approved") as caught:
        choose(locked.project, locked.run, select(image="1"), "2")
    assert "gitassets reopen ep1 --image 1" in caught.value.hint
    assert snapshot(locked.run) == before
    drop_candidates(locked.project, locked.run, select(image="1"))
    assert locked.asset(IMAGE_1).approved
    assert locked.verify(full=True).holds
    assert_clean(locked.project, locked.run)


def test_choose_works_on_a_reopened_asset(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_1, 10)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="logo")
    choose(locked.project, locked.run, select(image="1"), "2")
    former = next(iter(locked.asset(IMAGE_1).takes.values()))
    assert (former.status, former.approved_md5, former.reopened) == (Status.DRAFT, None, None)
    assert locked.asset(IMAGE_1).reopened is not None
    assert (locked.folder / former.path).stat().st_mode & 0o200
    assert locked.verify(full=True).holds
    assert_clean(locked.project, locked.run)


def test_choose_refuses_a_missing_take_and_more_than_one_asset(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    before = snapshot(locked.run)
    with pytest.raises(NotFoundError, match="image 3 of ep1 has no take 7") as caught:
        choose(locked.project, locked.run, select(image="3"), "7")
    assert "Its takes are 1 (" in caught.value.hint
    assert ", 2 (" in caught.value.hint
    for selection in (select(), select(image="1,3"), select(segment="1")):
        with pytest.raises(UsageError, match="Say which asset to choose"):
            choose(locked.project, locked.run, selection, "2")
    assert snapshot(locked.run) == before


def test_choose_and_drop_dry_run_change_nothing(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    before = snapshot(locked.run)
    result = choose(locked.project, locked.run, select(image="3"), "2", dry_run=True)
    assert (result.take, result.commit, result.dry_run) == (2, None, True)
    dropped = drop_candidates(locked.project, locked.run, select(image="3"), dry_run=True)
    assert [one.take for one in dropped.dropped] == [2]
    assert snapshot(locked.run) == before


def test_choose_of_an_earlier_take_restores_it(locked: LockedRun, tmp_path: Path) -> None:
    first = locked.asset(IMAGE_3)
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "x.png", seed=9))
    result = choose(locked.project, locked.run, select(image="3"), "1")
    assert (result.earlier, result.after) == (True, Status.REVIEW)
    now = locked.asset(IMAGE_3)
    assert (now.md5, now.status, now.takes) == (first.md5, Status.REVIEW, {})
    assert subjects(locked.run)[0] == "restore take 1 of image 3"
    assert locked.verify(full=True).holds


def test_dropped_candidates_stay_restorable_and_their_take_numbers_are_not_reused(
    locked: LockedRun, tmp_path: Path
) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    result = drop_candidates(locked.project, locked.run, select(image="all"))
    assert [(str(one.address), one.take) for one in sorted(result.dropped, key=lambda one: one.take)] == [
        ("image 3", 2), ("image 3", 3)
    ]  # fmt: skip
    assert listed(locked.project, locked.run) == set()
    assert not (locked.folder / "takes.dvc").exists()
    assert subjects(locked.run)[0] == "drop the candidates of image 3"
    assert_clean(locked.project, locked.run)
    assert drop_candidates(locked.project, locked.run, select(image="3")).commit is None
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "x.png", seed=9))
    assert locked.asset(IMAGE_3).take == 4
    restore(locked.project, locked.run, select(image="3"), "3")
    assert (locked.asset(IMAGE_3).md5, locked.asset(IMAGE_3).prompt) == (third.md5, "seed 11")
    assert gc(locked.project, KeepPolicy.HISTORY, dry_run=True).unnamed == ()
    assert locked.verify(full=True).holds
    assert second.md5 != third.md5


def test_takes_distinguishes_current_candidate_and_earlier_takes(locked: LockedRun, tmp_path: Path) -> None:
    reject(locked.project, locked.run, select(image="3"), reason="too dark")
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "x.png", seed=9))
    third, fourth = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    reject(locked.project, locked.run, select(image="3"), reason="dull")
    choose(locked.project, locked.run, select(image="3"), "3")
    (result,) = read_takes(locked.project, locked.run, select(image="3"))
    assert [(one.asset.take, one.current, one.candidate, str(one.asset.status)) for one in result.takes] == [
        (1, False, False, "rejected"),
        (2, False, True, "rejected"),
        (3, True, False, "revised"),
        (4, False, True, "draft"),
    ]
    assert [one.asset.reason for one in result.takes] == ["too dark", "dull", "dull", None]
    assert [one.asset.md5 for one in result.takes[2:]] == [third.md5, fourth.md5]


def test_candidates_survive_replace_approve_reopen_and_restore(locked: LockedRun, tmp_path: Path) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    replace_asset(locked.project, locked.run, select(image="3"), write_picture(tmp_path / "x.png", seed=9))
    assert (locked.asset(IMAGE_3).take, locked.asset(IMAGE_3).takes.keys()) == (4, {second.md5, third.md5})
    approve(locked.project, locked.run, select(image="3"))
    assert locked.asset(IMAGE_3).takes.keys() == {second.md5, third.md5}
    reopen_assets(locked.project, locked.run, select(image="3"), reason="x")
    # Replacing with the bytes of a candidate turns that candidate into the current take.
    replace_asset(locked.project, locked.run, select(image="3"), locked.folder / second.path)
    assert (locked.asset(IMAGE_3).md5, locked.asset(IMAGE_3).takes.keys()) == (second.md5, {third.md5})
    restore(locked.project, locked.run, select(image="3"), "3")
    assert (locked.asset(IMAGE_3).md5, locked.asset(IMAGE_3).takes) == (third.md5, {})
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_restore_repairs_a_changed_candidate_file_and_keeps_the_foreign_bytes(locked: LockedRun) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    unknown = overwrite(locked.folder / second.path)
    with pytest.raises(ConflictError, match=second.path):
        close_run(locked.project, locked.run)
    assert restore(locked.project, locked.run, select(image="3")).restored == (second.path,)
    assert locked.project.blobs.has(unknown)
    (locked.folder / second.path).unlink()
    assert restore(locked.project, locked.run, select(segment="3")).restored == (second.path,)
    assert_clean(locked.project, locked.run)


def test_open_restores_the_candidates_of_a_closed_run(locked: LockedRun) -> None:
    (second,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    close_run(locked.project, locked.run)
    assert second.path in open_run(locked.project, "ep1").restored
    assert_clean(locked.project, find_run(locked.project, "ep1"))


def test_git_checkout_updates_candidate_files(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    choose(locked.project, locked.run, select(image="3"), "2")
    there = listed(locked.project, locked.run)
    locked.git("checkout", "--quiet", "HEAD~2")
    assert listed(locked.project, locked.run) == set()
    locked.git("checkout", "--quiet", "run/ep1")
    assert listed(locked.project, locked.run) == there
    assert_clean(locked.project, locked.run)


def test_move_keeps_candidates_with_their_asset(locked: LockedRun) -> None:
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    move(locked.project, locked.run, select(image="3"), 2)
    assert locked.manifest().asset(IMAGE_3) is None
    moved = locked.asset(IMAGE_2).takes
    assert [(one.path, one.take, one.seed) for one in sorted(moved.values(), key=lambda one: one.take)] == [
        (one.path, one.take, one.seed) for one in (second, third)
    ]
    assert {one.extra["moved_from"] for one in moved.values()} == {"image 3"}
    assert_clean(locked.project, locked.run)
    (_, other) = add_candidates(locked.project, locked.run, IMAGE_1, 10, 12)
    reopen_assets(locked.project, locked.run, select(image="1"), reason="x")
    move(locked.project, locked.run, select(image="2"), 1)
    now = locked.asset(IMAGE_1)
    assert now.takes.keys() == {second.md5, third.md5, other.md5}
    assert now.take == 4
    assert sorted(one.take for one in now.takes.values()) == [2, 3, 6]
    assert_clean(locked.project, locked.run)
    assert locked.verify(full=True).holds


def test_copy_omits_candidates_of_the_source_and_keeps_those_of_the_target(locked: LockedRun) -> None:
    project = locked.project
    (second,) = add_candidates(project, locked.run, IMAGE_3, 10)
    write_picture(project.runs_dir / "ep2" / "images" / "scene_002.png", seed=50)
    track(project, project.runs_dir / "ep2", on_progress=ignore_progress)
    target = find_run(project, "ep2")
    (own,) = add_candidates(project, target, IMAGE_3, 20)
    copy_assets(project, locked.run, target, select(image="3"), CopyOptions(replace=True))
    there = LockedRun(project, target).asset(IMAGE_3)
    assert (there.md5, there.takes.keys()) == (locked.asset(IMAGE_3).md5, {own.md5})
    assert second.md5 not in there.takes
    assert_clean(project, target)


def test_build_ignores_candidates(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    options = BuildOptions(policy=Policy.SKIP_REJECTED, size="64x36", fps="5")
    first = build(locked.project, locked.run, options, ignore_progress)
    drop_candidates(locked.project, locked.run, select(image="3"))
    again = build(locked.project, locked.run, options, ignore_progress)
    assert (first.commit is None, again.commit) == (False, None)


def test_merge_combines_new_candidates_and_a_choice(locked: LockedRun, tmp_path: Path) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    other = copy_project(locked.project.root, tmp_path / "other")
    bea = LockedRun(other, find_run(other, "ep1"))
    choose(locked.project, locked.run, select(image="3"), "2")
    (third,) = add_candidates(bea.project, bea.run, IMAGE_3, 11)
    fetch(locked, bea)
    locked.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    assert len(locked.asset(IMAGE_3).takes) == 2
    assert third.path in listed(locked.project, locked.run)
    assert locked.verify(full=True).holds
    assert_clean(locked.project, locked.run, quick=True)


def test_choose_refuses_an_ambiguous_take_number_and_accepts_its_md5(locked: LockedRun, tmp_path: Path) -> None:
    other = copy_project(locked.project.root, tmp_path / "other")
    bea = LockedRun(other, find_run(other, "ep1"))
    (mine,) = add_candidates(locked.project, locked.run, IMAGE_3, 10)
    (theirs,) = add_candidates(bea.project, bea.run, IMAGE_3, 11)
    fetch(locked, bea)
    locked.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    with pytest.raises(UsageError, match="several takes 2") as caught:
        choose(locked.project, locked.run, select(image="3"), "2")
    assert mine.md5[:12] in caught.value.hint
    assert theirs.md5[:12] in caught.value.hint
    choose(locked.project, locked.run, select(image="3"), theirs.md5[:12])
    assert locked.asset(IMAGE_3).md5 == theirs.md5


def fetch(one: LockedRun, other: LockedRun) -> None:
    shutil.copytree(other.project.blobs.cache_dir, one.project.blobs.cache_dir, dirs_exist_ok=True)
    git(one.folder, "fetch", "--quiet", str(other.project.root), "run/ep1")


def test_merge_of_two_choices_conflicts_until_approve_settles_it(locked: LockedRun, tmp_path: Path) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    other = copy_project(locked.project.root, tmp_path / "other")
    bea = LockedRun(other, find_run(other, "ep1"))
    choose(locked.project, locked.run, select(image="3"), "2")
    choose(bea.project, bea.run, select(image="3"), "3")
    fetch(locked, bea)
    locked.git("merge", "--no-edit", "FETCH_HEAD", check=False)
    with pytest.raises(ConflictError, match="is not finished"):
        choose(locked.project, locked.run, select(image="3"), "1")
    restore(locked.project, locked.run, select(image="3"))
    approve(locked.project, locked.run, select(image="3"))
    assert len(locked.asset(IMAGE_3).takes) == 2
    assert locked.verify(full=True).holds
    assert_clean(locked.project, locked.run, quick=True)


def test_log_and_list_reflect_choose_and_drop(locked: LockedRun) -> None:
    add_candidates(locked.project, locked.run, IMAGE_3, 10)
    choose(locked.project, locked.run, select(image="3"), "2")
    drop_candidates(locked.project, locked.run, select(image="3"))
    told = read_log(locked.project, locked.run, segments=parse_selection("3"), kind=Kind.IMAGE)
    assert [entry.summary for entry in told[:2]] == ["drop the candidates of image 3", "choose take 2 of image 3"]
    assert [len(row.asset.takes) for row in list_assets(locked.project, locked.run).rows] == [0] * 5


def test_choose_and_takes_commands_print_text_and_json(locked: LockedRun) -> None:
    root = locked.project.root
    second, third = add_candidates(locked.project, locked.run, IMAGE_3, 10, 11)
    assert "2 candidates" in run_cli(root, "list", "ep1").stdout
    assert f"candidate: take 2, {second.path}" in run_cli(root, "show", "ep1", "3").stdout
    shown = run_cli(root, "takes", "ep1", "--image", "3").stdout
    assert "image 3 of ep1: 3 takes" in shown
    assert "→ 1  current, draft" in shown
    assert f"  2  candidate, draft\n     {second.path}, md5 {second.md5[:12]}\n" in shown
    assert "from tone tone-1; seed 10; cost $0.25; by Ann Lee in " in shown
    assert "     prompt: seed 10\n     sent: seed 10, please\n" in shown
    assert "Choose: gitassets choose ep1 --image 3 --take N" in shown
    assert run_cli(root, "history", "ep1", "--image", "3").stdout == shown
    choose_2 = ("choose", "ep1", "--image", "3", "--take", "2")
    assert "Would choose take 2 of image 3" in run_cli(root, *choose_2, "--dry-run").stdout
    assert run_cli(root, *choose_2).stdout == "Chose take 2 of image 3 in ep1\n  image 3: still draft\n"
    assert "already" in run_cli(root, *choose_2).stdout
    found = json.loads(run_cli(root, "choose", "ep1", "--image", "3", "--take", "3", "--json").stdout)
    assert {"run_id", "segment", "kind", "take", "md5", "before", "after", "earlier", "commit", "dry_run"} < set(found)
    takes = json.loads(run_cli(root, "takes", "ep1", "--image", "3", "--json").stdout)["assets"][0]["takes"]
    assert [(one["take"], one["current"], one["candidate"]) for one in takes] == [
        (1, False, True),
        (2, False, True),
        (3, True, False),
    ]
    assert run_cli(root, "takes", "ep1", "--image", "3", "--dry-run").returncode == 2
    assert run_cli(root, "takes", "ep1").returncode == 2
    assert run_cli(root, "takes", "ep1", "--drop").returncode == 2
    assert "Would drop take 2" in run_cli(root, "takes", "ep1", "--image", "3", "--drop", "--dry-run").stdout
    dropped = json.loads(run_cli(root, "takes", "ep1", "--image", "3", "--drop", "--json").stdout)
    assert {one["take"] for one in dropped["dropped"]} == {1, 2}
    assert "no candidates" in run_cli(root, "takes", "ep1", "--image", "3", "--drop").stdout
    assert run_cli(root, "choose", "ep1", "--image", "3", "--take", "9").returncode == 1
    assert third.md5 == locked.asset(IMAGE_3).md5
    assert_clean(locked.project, locked.run)
