"""After a kill at any named point, `gitassets doctor` brings the run to the old or the new state."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.actions.approve import approve as approve_assets
from gitassets.actions.doctor import doctor
from gitassets.actions.open import open_run
from gitassets.actions.produce import produce, resume
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.track import track
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.status import Status
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run, find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from tests.actions.checks import asset, ignore_progress, select, statuses
from tests.actions.locked_run import change_by_hand, commit_by_hand, with_status
from tests.actions.test_build import build_it
from tests.actions.tone_provider import ToneProvider
from tests.faults.points import (
    BYTES,
    COMMIT,
    LOG_REMOVED,
    LOGGED,
    PLACED,
    ROOT_COMMIT,
    STAGED,
    Point,
    dies_at,
)
from tests.faults.whole import assert_whole
from tests.runs.test_transaction import Act, approve_audio_2, regen_image_3, replace_image_3, track_new_image

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")


def mend(project: Project) -> None:
    assert doctor(project).left == ()


def test_approve_killed_at_any_point_leaves_old_or_new_state(project: Project, run: Run) -> None:
    for point in COMMIT.values():
        dies_at(point, lambda: approve_audio_2(project, run))
        mend(project)
        now = asset(project, run, "audio", 2)
        assert (now.locked, now.approved_md5) in ((True, now.md5), (False, None))
        assert_whole(project, run, quick=True)
        if now.locked:
            reopen_assets(project, run, select(audio="2"), reason="once more")
    assert_whole(project, run)


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("act", "points"),
    [
        (regen_image_3, BYTES | LOGGED | PLACED | COMMIT | LOG_REMOVED),
        # The file has another type and so another name.
        (replace_image_3, BYTES | PLACED | COMMIT),
    ],
)
def test_new_take_killed_at_any_point_leaves_old_or_new_state(
    project: Project, run: Run, act: Act, points: dict[str, Point]
) -> None:
    for point in points.values():
        before = asset(project, run, "image", 3)
        dies_at(point, lambda: act(project, run))
        mend(project)
        now = asset(project, run, "image", 3)
        assert (now.take, now.md5 == before.md5) in ((before.take, True), (before.take + 1, False))
        assert_whole(project, run, quick=True)
    assert_whole(project, run)


TRACKING = ROOT_COMMIT | BYTES | COMMIT | STAGED


@pytest.mark.parametrize("point", TRACKING)
def test_track_killed_at_any_point_can_be_repeated(
    project: Project, media_folder: Callable[..., Path], point: str
) -> None:
    folder = media_folder("ep1", audio=1, images=(1,))

    def act() -> object:
        return track(project, folder, on_progress=ignore_progress)

    dies_at(TRACKING[point], act)
    mend(project)
    act()
    run = find_run(project, "ep1")
    assert statuses(project, run) == {"audio 1": "draft", "image 1": "draft"}
    assert_whole(project, run)


def test_track_of_a_new_file_killed_after_the_commit_is_completed(project: Project, run: Run) -> None:
    dies_at(COMMIT["git has committed"], lambda: track_new_image(project, run))
    mend(project)
    assert asset(project, run, "image", 2).status.value == "draft"
    assert_whole(project, run)


PRODUCING = ROOT_COMMIT | BYTES | LOGGED | PLACED | COMMIT | STAGED | LOG_REMOVED


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("point", PRODUCING)
def test_produce_killed_at_any_point_can_be_resumed(project: Project, point: str) -> None:
    def act() -> object:
        return produce(project, ["One.", "Two."], ProduceOptions(run_id="ep1", images=False), ignore_progress)

    dies_at(PRODUCING[point], act)
    mend(project)
    if "ep1" not in find_runs(project):
        act()
    open_run(project, "ep1")
    resume(project, "ep1", None, ProduceOptions(images=False), ignore_progress)
    run = find_run(project, "ep1")
    assert statuses(project, run) == {"audio 1": "draft", "audio 2": "draft"}
    assert_whole(project, run)


REMAKING = ROOT_COMMIT | {"a folder list is in the cache": BYTES["a folder list is in the cache"]} | PLACED | LOGGED


@pytest.mark.parametrize("point", REMAKING)
def test_new_run_of_a_changed_script_has_all_that_fits_wherever_it_is_killed(
    project: Project, provider: ToneProvider, point: str
) -> None:
    options = ProduceOptions(run_id="ep1", images=False)
    run = find_run(project, produce(project, ["One.", "Two.", "Three."], options, ignore_progress).run_id)
    approve_assets(project, run, select(audio="1-2"))
    unlock_by_hand(project, run)

    def act() -> object:
        script = ["New.", "Two.", "One.", "Three."]
        return resume(project, "ep1", script, ProduceOptions(images=False), ignore_progress)

    dies_at(REMAKING[point], act)
    mend(project)
    if "ep1-2" not in find_runs(project):
        act()
    open_run(project, "ep1-2")
    resume(project, "ep1-2", None, ProduceOptions(images=False), ignore_progress)
    assert len(provider.requests) <= 3 + 1  # Nothing that was taken over is made again.
    new = find_run(project, "ep1-2")
    assert statuses(project, new) == {
        "audio 1": "draft", "audio 2": "review", "audio 3": "approved", "audio 4": "draft",
    }  # fmt: skip
    assert_whole(project, new)


def unlock_by_hand(project: Project, run: Run) -> None:
    """Give back the approval of narration 2, which is taken away first, past the hooks."""
    for status in (Status.REVIEW, Status.APPROVED):
        change_by_hand(run.require_folder(), Address(2, Kind.AUDIO), with_status(status))
        commit_by_hand(run.require_folder())


def test_build_killed_at_any_point_leaves_old_or_new_state(project: Project, run: Run) -> None:
    build_it(project, run)
    for point in (BYTES | PLACED | COMMIT).values():
        replace_image_3(project, run)
        before = read_manifest(project, run)
        dies_at(point, lambda: build_it(project, run))
        mend(project)
        now = read_manifest(project, run)
        assert now == before or built_from(project, now) == asset(project, run, "image", 3).md5
        build_it(project, run)
        assert built_from(project, read_manifest(project, run)) == asset(project, run, "image", 3).md5
        assert_whole(project, run, quick=True)
    assert_whole(project, run)


def built_from(project: Project, manifest: Manifest) -> str:
    """Return the hash of the image in segment 3 of the last draft."""
    record = next(one for one in manifest.final if one.path.endswith(".json"))
    return str(json.loads(project.blobs.path(record.md5).read_bytes())["segments"][2]["visual"]["md5"])
