"""Do tasks in threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from gitassets.adapters.media.ffmpeg import Ffmpeg
from gitassets.adapters.tasks.task import OnStep, Outcome, Place, Task, do_task

_WAIT_SEC = 0.2  # On Windows, Ctrl-C only works between short waits.


@dataclass(frozen=True)
class _Ended:
    task: Task
    future: Future[Path]

    def get(self) -> Path:
        return self.future.result()


@dataclass(frozen=True)
class LocalExecutor:
    """Does as many tasks at a time as there are `jobs`."""

    jobs: int

    def run(
        self, tasks: Iterable[Task], place: Place, on_step: OnStep, beside: Sequence[Callable[[], None]] = ()
    ) -> Generator[Outcome, None, None]:
        """Do all tasks, after what is to be done `beside` them. Closing the iterator kills every ffmpeg."""
        with _open_pool(self.jobs, place.ffmpeg) as pool:
            others = [pool.submit(one) for one in beside]
            ours = {pool.submit(do_task, one, place, partial(on_step, one)): one for one in tasks}
            yield from _iter_ended(ours, others)


def call_all(calls: Iterable[Callable[[], None]], jobs: int, ffmpeg: Ffmpeg) -> None:
    """Make all calls in threads. The first failure, or Ctrl-C, stops the others and is raised."""
    with _open_pool(jobs, ffmpeg) as pool:
        for future in _iter_done([pool.submit(one) for one in calls]):
            future.result()


@contextmanager
def _open_pool(jobs: int, ffmpeg: Ffmpeg) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads, of which the first error stops all."""
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        try:
            yield pool
        except BaseException:
            ffmpeg.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _iter_ended(ours: Mapping[Future[Path], Task], others: Iterable[Future[None]]) -> Iterator[Outcome]:
    """Yield our tasks as they end. Raise what the others raise."""
    for future in _iter_done([*others, *ours]):
        if future in ours:
            yield _Ended(ours[future], future)
        else:
            future.result()


def _iter_done(futures: Sequence[Future[Any]]) -> Iterator[Future[Any]]:
    """Yield the futures as they end. `wait` would look at all of them each time."""
    ended: SimpleQueue[Future[Any]] = SimpleQueue()
    for one in futures:
        one.add_done_callback(ended.put)
    left = len(futures)
    while left:
        with suppress(Empty):
            yield ended.get(timeout=_WAIT_SEC)
            left -= 1
