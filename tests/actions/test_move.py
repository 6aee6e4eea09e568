from __future__ import annotations

import pytest

from gitassets.actions.annotate import annotate, reply
from gitassets.actions.approve import approve
from gitassets.actions.move import move
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.undo import undo
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.annotations import find_annotation, read_annotations
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.selection import parse_selection
from gitassets.errors import LockedError, NoMatchError, NotFoundError, UsageError
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import read_takes
from tests.actions.candidates import add_candidates
from tests.actions.checks import assert_clean, asset, git, select, snapshot, statuses
from tests.actions.upgrading import take_over
from tests.old_runs import write_doubled


def test_move_puts_an_image_into_another_segment(project: Project, run: Run) -> None:
    reject(project, run, select(image="3"), reason="dull")
    before = asset(project, run, "image", 3)
    result = move(project, run, select(image="3"), 2)
    moved = asset(project, run, "image", 2)
    assert (moved.path, moved.md5, moved.status, moved.reason) == (before.path, before.md5, "rejected", "dull")
    assert moved.extra["moved_from"] == "image 3"
    assert read_manifest(project, run).asset(Address(3, Kind.IMAGE)) is None
    assert (result.source, result.target, result.path) == ("image 3", "image 2", before.path)
    assert git(run.require_folder(), "log", "-1", "--format=%s").strip() == "assets(ep1): move image 3 to 2"
    assert_clean(project, run)
    assert verify(project, [run], VerifyOptions(full=True)).holds


def list_notes(project: Project, run: Run, segment: int) -> list[tuple[str, int]]:
    found = read_annotations(segment, read_manifest(project, run).segments[segment])
    return [(one.body, one.take) for one in found]


def test_move_takes_the_notes_on_the_asset_and_its_candidates_along(project: Project, run: Run) -> None:
    address = Address(3, Kind.IMAGE)
    first = annotate(project, run, address, "misspelt", region=(10, 20, 30, 30)).annotation
    reply(project, run, first.id, "seen")
    annotate(project, run, Address(3, Kind.AUDIO), "hiss")
    note(project, run, parse_selection("3"), "the third")
    add_candidates(project, run, address, 1)
    (candidate,) = asset(project, run, "image", 3).takes
    annotate(project, run, address, "better", seen=candidate)
    move(project, run, select(image="3"), 1)
    moved = asset(project, run, "image", 1)
    assert list_notes(project, run, 3) == [("hiss", 1)]
    assert dict(list_notes(project, run, 1)) == {"misspelt": moved.take, "better": moved.takes[candidate].take}
    taken = find_annotation(read_manifest(project, run), first.id)
    assert (taken.segment, taken.region, [one.body for one in taken.replies]) == (1, (10, 20, 30, 30), ["seen"])
    assert read_manifest(project, run).segments[3].notes == "the third"
    assert_clean(project, run)
    assert verify(project, [run], VerifyOptions(full=True)).holds
    undo(project, run)
    assert list_notes(project, run, 1) == []
    assert dict(list_notes(project, run, 3)).keys() == {"misspelt", "better", "hiss"}


def test_move_onto_an_existing_asset_keeps_it_as_an_earlier_take(project: Project, run: Run) -> None:
    older, newer = asset(project, run, "image", 1).md5, asset(project, run, "image", 3).md5
    move(project, run, select(image="3"), 1)
    (takes,) = read_takes(project, run, select(image="1"))
    assert [(one.asset.take, one.asset.md5) for one in takes.takes] == [(1, older), (2, newer)]
    assert_clean(project, run)


def test_move_of_an_earlier_take_keeps_the_current_one(project: Project) -> None:
    write_doubled(project.root)
    run, _ = take_over(project)
    current = asset(project, run, "image", 1)
    (takes,) = read_takes(project, run, select(image="1"))
    move(project, run, select(image="1"), 2, "1")
    assert asset(project, run, "image", 1) == current
    assert asset(project, run, "image", 2).md5 == takes.takes[0].asset.md5
    assert_clean(project, run)


def test_move_refuses_locked_sources_and_targets(project: Project, run: Run) -> None:
    approve(project, run, select(image="1"))
    before = snapshot(run)
    with pytest.raises(LockedError, match="image 1 of ep1 is approved") as caught:
        move(project, run, select(image="1"), 2)
    assert "gitassets reopen ep1 --image 1" in caught.value.hint
    with pytest.raises(LockedError, match="image 1 of ep1 is approved"):
        move(project, run, select(image="3"), 1)
    assert snapshot(run) == before


def test_move_refuses_invalid_sources_and_targets(project: Project, run: Run) -> None:
    before = snapshot(run)
    with pytest.raises(NoMatchError, match="has no segment 9"):
        move(project, run, select(image="1"), 9)
    with pytest.raises(NoMatchError, match="Segment 2 of ep1 has no image"):
        move(project, run, select(image="2"), 1)
    with pytest.raises(NotFoundError, match="has no take 7"):
        move(project, run, select(image="1"), 2, "7")
    with pytest.raises(UsageError, match="already"):
        move(project, run, select(image="1"), 1)
    with pytest.raises(UsageError, match="One asset is moved at a time"):
        move(project, run, select(image="1-3"), 2)
    with pytest.raises(UsageError, match="Say which asset"):
        move(project, run, select(segment="1"), 2)
    assert snapshot(run) == before
    assert statuses(project, run)["image 1"] == "draft"
