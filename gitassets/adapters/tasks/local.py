"""Do tasks in threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

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
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            others = [pool.submit(one) for one in beside]
            ours = {pool.submit(do_task, one, place, partial(on_step, one)): one for one in tasks}
            try:
                yield from _iter_ended(ours, others)
            except BaseException:
                place.ffmpeg.stop()
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
