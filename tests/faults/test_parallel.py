"""Parallel commands: all are committed, and none waits longer than necessary."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitassets.actions.approve import approve
from gitassets.actions.gc import gc
from gitassets.actions.note import note
from gitassets.actions.regen import RegenOptions, regen
from gitassets.actions.track import track
from gitassets.adapters.state.locks import hold_lock
from gitassets.domain.gc_policy import KeepPolicy
from gitassets.domain.selection import parse_selection
from gitassets.errors import BusyError
from gitassets.providers.base import Request
from gitassets.runs import project as project_module
from gitassets.runs.lookup import find_run
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run
from tests.actions.checks import (
    asset,
    cli_environment,
    ignore_progress,
    run_cli,
    select,
    statuses,
    subjects,
    write_hook,
)
from tests.actions.tone_provider import ToneProvider
from tests.faults.whole import assert_whole

MakeFolder = Callable[..., Path]


def start_cli(project: Project, *args: str) -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", "gitassets", *args)
    env = cli_environment()
    return subprocess.Popen(argv, cwd=project.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.fixture
def other(project: Project, run: Run, media_folder: MakeFolder) -> Run:
    """Make a second run."""
    track(project, media_folder("ep2"), on_progress=ignore_progress)
    return find_run(project, "ep2")


def test_forty_parallel_approves_of_forty_assets_are_all_committed(project: Project, media_folder: MakeFolder) -> None:
    track(project, media_folder("ep1", audio=40, images=()), on_progress=ignore_progress)
    run = find_run(project, "ep1")

    def approve_one(number: int) -> str:
        return run_cli(project.root, "approve", "ep1", "--audio", str(number)).stderr

    with ThreadPoolExecutor(40) as pool:
        assert [*pool.map(approve_one, range(1, 41))] == [""] * 40
    assert set(statuses(project, run).values()) == {"approved"}
    assert sorted(subjects(run)[:40]) == sorted(f"approve audio {number}" for number in range(1, 41))
    assert_whole(project, run)


def test_approve_works_in_both_runs_while_regen_is_in_progress(
    project: Project, run: Run, other: Run, provider: ToneProvider
) -> None:
    def decide(request: Request) -> None:
        approve(project, other, select(image="3"))
        approve(project, run, select(audio="all"))

    provider.before = decide
    result = regen(project, run, select(image="3"), RegenOptions(provider="tone"), ignore_progress)
    assert result.failed == ()
    assert asset(project, run, "image", 3).take == 2
    assert asset(project, run, "audio", 1).locked
    assert asset(project, other, "image", 3).locked
    assert_whole(project, run)
    assert_whole(project, other)


def test_approve_works_while_track_of_another_run_is_in_progress(
    project: Project, run: Run, media_folder: MakeFolder
) -> None:
    def decide(progress: Progress) -> None:
        approve(project, run, select(audio=str(progress.done)))

    track(project, media_folder("ep2", audio=2, images=()), on_progress=decide)
    assert statuses(project, run)["audio 1"] == statuses(project, run)["audio 2"] == "approved"
    assert_whole(project, run)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_module, "hold_lock", functools.partial(hold_lock, wait_sec=0.1))


@pytest.fixture
def gate(project: Project, run: Run) -> Path:
    """Return a fifo; a commit in the first run waits until the fifo is opened for writing and closed."""
    fifo = project.git_dir / "gate"
    os.mkfifo(fifo)
    write_hook(project, "commit-msg", f"[ ! -d runs ] && grep -q '(ep1)' \"$1\" && cat <'{fifo}' >/dev/null", "exit 0")
    return fifo


@pytest.mark.usefixtures("impatient")
def test_commit_in_one_run_blocks_its_next_command_but_no_other_run(
    project: Project, run: Run, other: Run, gate: Path
) -> None:
    with start_cli(project, "approve", "ep1", "--audio", "2") as approving:
        with gate.open("w"):
            with pytest.raises(BusyError, match=rf"process {approving.pid} \(approve ep1\)") as caught:
                note(project, run, parse_selection("1"), "louder")
            assert caught.value.hint
            with pytest.raises(BusyError, match="approve ep1"):
                gc(project, KeepPolicy.HISTORY, dry_run=False)
            approve(project, other, select(audio="2"))
        assert approving.communicate(timeout=60)[1] == b""
    assert subjects(run)[0] == "approve audio 2"
    assert asset(project, other, "audio", 2).locked
    assert_whole(project, run)
    assert_whole(project, other)


def test_waiting_command_continues_after_the_commit(project: Project, run: Run, gate: Path) -> None:
    with start_cli(project, "approve", "ep1", "--audio", "2") as first:
        with gate.open("w"):
            second = start_cli(project, "note", "ep1", "--segment", "1", "louder")
        assert first.communicate(timeout=60)[1] == b""
    with gate.open("w"):
        assert second.poll() is None
    assert second.communicate(timeout=60)[1] == b""
    assert subjects(run)[:2] == ["note segment 1", "approve audio 2"]
    assert_whole(project, run)
