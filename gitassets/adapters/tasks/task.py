"""A task, and what a machine does it with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from msgspec import Raw, Struct

from gitassets.adapters.media.ffmpeg import Ffmpeg

# A task names its work. It cannot name a module or a function.
_WORKS = {"picture": "gitassets.adapters.render.picture_task"}


class Task(Struct, frozen=True, kw_only=True):
    """Pure work on one asset: wherever it is done, the same task makes the same bytes.

    `work` is the kind of work. `label` says what is done, for messages. `output` is the name of the file to make: a
    hash of all that it depends on. `inputs` are the sizes of the files that it is made from, by md5; the `recipe` is
    everything else, as JSON.
    """

    work: str
    label: str
    output: str
    inputs: Mapping[str, int]
    recipe: Raw


OnStep = Callable[[Task, int], None]
"""Called with a task and the number of its steps that are done, such as frames; perhaps from another thread."""


@dataclass(frozen=True)
class Place:
    """Where tasks are done: the files of their inputs by md5, a folder for outputs, and one for measurements."""

    ffmpeg: Ffmpeg
    inputs: Mapping[str, Path]
    folder: Path
    cache_dir: Path


class Outcome(Protocol):
    """How a task ended."""

    @property
    def task(self) -> Task: ...

    def get(self) -> Path:
        """Return the finished file. Raise what stopped the task."""
        ...


class Executor(Protocol):
    """Does tasks, here or elsewhere."""

    def run(
        self, tasks: Iterable[Task], place: Place, on_step: OnStep, beside: Sequence[Callable[[], None]] = ()
    ) -> Generator[Outcome, None, None]:
        """Do all tasks, and call what is to be done `beside` them in this process. Yield each task as it ends.

        A failure of what is done beside them is raised. Closing the iterator stops everything.
        """
        ...


def do_task(task: Task, place: Place, on_step: Callable[[int], None]) -> Path:
    """Do one task in this thread. Return its output, in the folder of the place."""
    target = place.folder / task.output
    import_module(_WORKS[task.work]).do_task(task, place, target, on_step)
    return target
