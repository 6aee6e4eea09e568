"""Takes reach the cache and the log of made takes as soon as they are made, and the manifest later."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.reject import reject
from gitassets.adapters.dvc.cache import BlobStore
from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.manifest import Address, Kind
from gitassets.errors import ProviderError
from gitassets.making import make as making
from gitassets.making.consent import ABSENT, Terms
from gitassets.making.make import Results, finish_making, make_assets
from gitassets.making.plan import Job, ProviderCall
from gitassets.making.prepare import Prepared, prepare
from gitassets.making.record import adopt, write_run
from gitassets.providers.base import Request
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from tests.actions.checks import addresses, assert_clean, asset, ignore_progress, select, statuses, subjects
from tests.actions.tone_provider import ToneProvider
from tests.media import write_picture


def a_job(project: Project, run: Run, number: int, kind: Kind = Kind.VIDEO) -> Job:
    """Return a job; its base is the current asset, if there is one."""
    address = Address(number, kind)
    request = Request(kind=kind, segment=number, text="words", seed=number)
    try:
        base = asset(project, run, kind.value, number)
    except AssertionError:
        base = None
    return Job(address, "tone", request, base=base)


def images(project: Project, run: Run, *numbers: int) -> list[Job]:
    return [a_job(project, run, number, Kind.IMAGE) for number in numbers]


def prepared(project: Project, jobs: list[Job]) -> Prepared:
    return prepare(project, "ep1", jobs, Terms(), ABSENT)


def make(project: Project, run: Run, jobs: list[Job], on_progress: OnProgress = ignore_progress) -> Results:
    return make_assets(project, run, prepared(project, jobs), "regen", on_progress)


def log_of(project: Project) -> MadeLog:
    return MadeLog(project.state_dir, "ep1")


def test_make_assets_stores_each_take_from_its_worker_thread(
    project: Project, run: Run, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker thread writes the log itself, since the waiting thread may be interrupted."""
    names: list[str] = []
    add = MadeLog.add

    def note_thread(log: MadeLog, made: object) -> None:
        names.append(threading.current_thread().name)
        add(log, made)  # type: ignore[arg-type]

    monkeypatch.setattr(MadeLog, "add", note_thread)
    results = make(project, run, images(project, run, 1, 3))
    assert len(names) == len(results.made) == 2
    assert threading.main_thread().name not in names
    assert {one.asset["md5"] for one in log_of(project).read()} == {one.asset["md5"] for one in results.made}
    assert all(project.blobs.has(one.asset["md5"]) for one in results.made)
    assert statuses(project, run)["image 1"] == "draft"


def test_make_assets_runs_at_most_local_workers_at_once(project: Project, run: Run, provider: ToneProvider) -> None:
    at_work, most = [], []
    both = threading.Barrier(making.LOCAL_WORKERS)

    def count(request: Request) -> None:
        at_work.append(request.segment)
        both.wait(timeout=20)
        most.append(len(at_work))
        both.wait(timeout=20)
        at_work.remove(request.segment)

    provider.before = count
    jobs = [*images(project, run, 1, 3), a_job(project, run, 1, Kind.AUDIO), a_job(project, run, 2, Kind.AUDIO)]
    results = make(project, run, jobs)
    assert len(results.made) == 4
    assert max(most) <= making.LOCAL_WORKERS


def test_prepare_rejects_impossible_jobs_before_any_request(project: Project, run: Run, provider: ToneProvider) -> None:
    provider.hopeless = {3}
    found = prepared(project, images(project, run, 1, 3))
    assert [(str(one.address), one.hint) for one in found.failed] == [("image 3", "Set TONE_KEY.")]
    with pytest.raises(ProviderError, match="None of image 3 can be made: No key"):
        prepared(project, images(project, run, 3))
    assert prepared(project, []).failed == ()
    assert provider.requests == []


def test_make_assets_reports_a_full_disk_as_failure_of_that_asset(
    project: Project, run: Run, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_in = BlobStore.move_in

    def fill_up(store: BlobStore, file: Path, md5: str) -> None:
        if threading.current_thread() is not threading.main_thread() and provider.requests[-1].segment == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        move_in(store, file, md5)

    monkeypatch.setattr(making, "LOCAL_WORKERS", 1)
    monkeypatch.setattr(BlobStore, "move_in", fill_up)
    results = make(project, run, images(project, run, 1, 3))
    assert [one.segment for one in results.made] == [1]
    assert "image 3 could not be written" in results.failed[0].message
    finish_making(project, run, results, "regen")
    assert_clean(project, run)


def test_make_assets_interrupted_lists_jobs_not_begun(
    project: Project, run: Run, provider: ToneProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = making.ThreadPoolExecutor.submit

    def stop_at_the_second(executor: object, function: object, *args: object) -> object:
        if provider.requests or any(isinstance(one, ProviderCall) and one.jobs[0].address.segment == 3 for one in args):
            raise KeyboardInterrupt
        return submit(executor, function, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(making.ThreadPoolExecutor, "submit", stop_at_the_second)
    results = make(project, run, images(project, run, 1, 3))
    assert results.interrupted
    accounted = {one.segment for one in results.made} | {one.address.segment for one in results.failed}
    assert accounted == {1, 3}
    assert [(str(one.address), one.message) for one in results.failed][-1] == ("image 3", "not begun")


def test_make_assets_removes_its_scratch_folders(project: Project, run: Run, provider: ToneProvider) -> None:
    provider.failing = {3}
    make(project, run, images(project, run, 1, 3))
    assert list((project.state_dir / "tmp").iterdir()) == []


def test_finish_making_commits_and_removes_the_log(project: Project, run: Run, provider: ToneProvider) -> None:
    results = make(project, run, images(project, run, 1, 3))
    recorded = finish_making(project, run, results, "regen", words="Because.")
    assert sorted(addresses(recorded.made)) == ["image 1", "image 3"]
    assert subjects(run)[0] == "regen image 1,3"
    assert_clean(project, run)


def test_finish_making_without_takes_commits_nothing(project: Project, run: Run, provider: ToneProvider) -> None:
    provider.failing = {1}
    results = make(project, run, images(project, run, 1))
    assert finish_making(project, run, results, "regen").commit is None
    assert subjects(run)[0].startswith("track")
    assert_clean(project, run)


# Recovery after a killed command


def test_next_writing_command_records_takes_of_a_killed_command(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    reject(project, run, select(image="3"), reason="too dark")
    make(project, run, images(project, run, 1, 3))
    with write_run(project, run, "anything"):
        pass
    assert subjects(run)[0] == "recover image 1,3"
    assert (statuses(project, run)["image 3"], asset(project, run, "image", 3).reason) == ("revised", "too dark")
    assert_clean(project, run)


def test_next_writing_command_leaves_takes_to_a_command_still_making(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    results = make(project, run, images(project, run, 1))
    with hold_lock(project.state_dir / "making" / "ep1.lock", "making assets"):
        approve(project, run, select(audio="1"))
        assert subjects(run)[0] == "approve audio 1"
        finish_making(project, run, results, "regen")
    assert subjects(run)[0] == "regen image 1"
    assert_clean(project, run)


def test_next_writing_command_does_not_overwrite_an_asset_approved_since(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    make(project, run, images(project, run, 1, 3))
    log = log_of(project).path.read_bytes()
    log_of(project).remove()
    approve(project, run, select(image="3"))
    log_of(project).path.write_bytes(log)
    before = asset(project, run, "image", 3)
    with write_run(project, run, "anything"):
        pass
    assert subjects(run)[0] == "recover image 1"
    assert asset(project, run, "image", 3) == before
    assert_clean(project, run)


def test_made_log_skips_a_truncated_line(project: Project, run: Run, provider: ToneProvider) -> None:
    make(project, run, images(project, run, 1))
    with log_of(project).path.open("a") as file:
        file.write('{"segment": 3, "kind": "im')
    with write_run(project, run, "anything"):
        pass
    assert subjects(run)[0] == "recover image 1"
    assert_clean(project, run)


# Names


def test_finish_making_names_a_first_asset_after_its_segment(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    results = make(project, run, images(project, run, 2))
    finish_making(project, run, results, "regen")
    assert asset(project, run, "image", 2).path == "images/scene_001.png"
    assert_clean(project, run)


def test_finish_making_does_not_overwrite_an_unrecorded_file(
    project: Project, run: Run, provider: ToneProvider
) -> None:
    stranger = write_picture(run.require_folder() / "images" / "scene_001.png", seed=200)
    data = stranger.read_bytes()
    results = make(project, run, images(project, run, 2))
    finish_making(project, run, results, "regen")
    assert asset(project, run, "image", 2).path == "images/scene_001_2.png"
    assert stranger.read_bytes() == data


def test_adopt_avoids_a_path_that_differs_only_in_case(project: Project, run: Run) -> None:
    with write_run(project, run, "x") as session:
        current = asset(project, run, "image", 3)
        taken = session.manifest.with_asset(Address(3, Kind.IMAGE), replace(current, path="images/SCENE_001.PNG"))
        session.manifest = taken
        found = adopt(session, Address(2, Kind.IMAGE), replace(current, path="images/scene_001.png"), None)
    assert found.path == "images/scene_001_2.png"


def test_make_assets_reports_progress_from_zero(project: Project, run: Run, provider: ToneProvider) -> None:
    seen: list[Progress] = []
    make(project, run, images(project, run, 1), seen.append)
    assert [(one.done, one.total, one.what) for one in seen] == [(0, 1, ""), (1, 1, "image 1")]
