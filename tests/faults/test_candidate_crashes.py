"""Candidates made, chosen or dropped with a kill at any named point are in the old or the new state."""

from __future__ import annotations

import os

import pytest

from gitassets.actions.choose import choose, drop_candidates
from gitassets.actions.doctor import doctor
from gitassets.actions.regen import RegenOptions, regen
from gitassets.domain.manifest import Address, Kind
from gitassets.runs.project import Project, Run
from tests.actions.candidates import add_candidates
from tests.actions.checks import asset, ignore_progress, select
from tests.faults.points import BYTES, COMMIT, LOG_REMOVED, LOGGED, PLACED, dies_at
from tests.faults.whole import assert_whole

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")
IMAGE_3 = Address(3, Kind.IMAGE)


def takes(project: Project, run: Run) -> set[str]:
    """Return the md5 of the current take and of every candidate."""
    now = asset(project, run, "image", 3)
    return {now.md5, *now.takes}


def mend(project: Project, run: Run) -> None:
    assert doctor(project).left == ()
    assert_whole(project, run, quick=True)


@pytest.mark.usefixtures("provider")
def test_regen_of_candidates_killed_at_any_point_leaves_old_or_new_state(project: Project, run: Run) -> None:
    for point in (BYTES | LOGGED | PLACED | COMMIT | LOG_REMOVED).values():
        before = takes(project, run)
        options = RegenOptions(takes=2, provider="tone")
        dies_at(point, lambda options=options: regen(project, run, select(image="3"), options, ignore_progress))
        mend(project, run)
        # What was made is there, as far as the command came.
        assert before <= takes(project, run)
        assert len(takes(project, run)) - len(before) in (0, 1, 2)
    assert_whole(project, run)


def test_choose_killed_at_any_point_leaves_old_or_new_state(project: Project, run: Run) -> None:
    add_candidates(project, run, IMAGE_3, 10)
    all_takes = takes(project, run)
    for point in (PLACED | COMMIT).values():
        before = asset(project, run, "image", 3)
        (other,) = before.takes
        dies_at(point, lambda other=other: choose(project, run, select(image="3"), other))
        mend(project, run)
        assert takes(project, run) == all_takes
        assert asset(project, run, "image", 3).md5 in (before.md5, other)
    assert_whole(project, run)


def test_drop_candidates_killed_at_any_point_leaves_old_or_new_state(project: Project, run: Run) -> None:
    for number, point in enumerate(COMMIT.values()):
        (candidate,) = add_candidates(project, run, IMAGE_3, 10 + number)
        dies_at(point, lambda: drop_candidates(project, run, select(image="3")))
        mend(project, run)
        assert asset(project, run, "image", 3).takes.keys() in ({candidate.md5}, set())
        drop_candidates(project, run, select(image="3"))
        assert project.blobs.has(candidate.md5)
    assert_whole(project, run)
