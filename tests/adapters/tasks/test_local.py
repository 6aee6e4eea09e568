from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from msgspec import Raw

from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from gitassets.adapters.tasks import local
from gitassets.adapters.tasks.local import LocalExecutor
from gitassets.adapters.tasks.task import Place, Task


def make_tasks(count: int) -> list[Task]:
    return [Task(work="none", label=f"Task {n}", output=f"{n}", inputs={}, recipe=Raw(b"0")) for n in range(count)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Ffmpeg(find_ffmpeg()), {}, tmp_path, tmp_path)


def test_failed_task_is_told_by_its_outcome_and_leaves_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(task: Task, place: Place, on_step: Callable[[int], None]) -> Path:
        on_step(5)
        return place.folder / str(1 // int(task.output))

    monkeypatch.setattr(local, "do_task", act)
    steps: list[tuple[str, int]] = []
    outcomes = {
        one.task.output: one
        for one in LocalExecutor(2).run(make_tasks(3), place, lambda task, n: steps.append((task.output, n)))
    }
    assert sorted(steps) == [("0", 5), ("1", 5), ("2", 5)]
    assert outcomes["1"].get() == place.folder / "1"
    with pytest.raises(ZeroDivisionError):
        outcomes["0"].get()


def test_closing_kills_what_runs_and_starts_no_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    stopped = Event()
    monkeypatch.setattr(place.ffmpeg, "stop", stopped.set)

    def act(task: Task, place: Place, on_step: Callable[[int], None]) -> Path:
        begun.append(task.output)
        if task.output != "0":
            assert stopped.wait(60)
        return place.folder

    monkeypatch.setattr(local, "do_task", act)
    with closing(LocalExecutor(1).run(make_tasks(9), place, lambda *_: None)) as outcomes:
        assert next(outcomes).task.output == "0"
    assert stopped.is_set()
    assert len(begun) <= 2


def test_failure_beside_the_tasks_is_raised(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FfmpegError("The sound failed")

    monkeypatch.setattr(local, "do_task", lambda *_: place.folder)
    with pytest.raises(FfmpegError, match="The sound failed"):
        list(LocalExecutor(1).run(make_tasks(2), place, lambda *_: None, [fail]))
