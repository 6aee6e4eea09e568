"""A task, and what a machine does it with."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Protocol, cast

from msgspec import Meta, Raw, Struct

from gitassets.adapters.media.ffmpeg import Ffmpeg
from gitassets.domain.manifest import Md5, Whole
from gitassets.errors import CorruptError

# A task names its work. It cannot name a module or a function.
_WORKS = {"picture": "gitassets.adapters.render.picture_task"}


class Task(Struct, frozen=True, kw_only=True):
    """Pure work on one asset: wherever it is done, the same task makes the same bytes.

    `work` is the kind of work. `label` says what is done, for messages. `output` is the name of the file to make: a
    hash of all that it depends on. `inputs` are the sizes of the assets that it is made from, by md5; `carried` those
    of other files, such as fonts, which no DVC remote has. The `recipe` is everything else, as JSON. `steps` counts its
    steps, such as frames, for progress.
    """

    work: str
    label: str
    output: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\.[0-9a-z]{1,8}\Z")]
    inputs: Mapping[Md5, Whole]
    carried: Mapping[Md5, Whole] = {}
    recipe: Raw
    steps: Whole = 0


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


class Work(Protocol):
    """A kind of work: a module with these functions. `carried` are paths by md5 of the files that the task carries."""

    def check_carried(self, task: Task, carried: Mapping[str, Path]) -> None:
        """Raise CorruptError if such a file, which comes from elsewhere, cannot be used as what it is for."""
        ...

    def describe_tools(self, task: Task, ffmpeg: Ffmpeg, carried: Mapping[str, Path]) -> dict[str, str]:
        """Return what determines the bytes of the output besides the task: versions by the name of the tool."""
        ...

    def do_task(self, task: Task, place: Place, target: Path, on_step: Callable[[int], None]) -> None: ...

    def check_output(self, task: Task, path: Path) -> None:
        """Raise CorruptError if the file, which comes from elsewhere, cannot be the output."""
        ...


def find_work(task: Task) -> Work:
    """Return the work that the task is of. Raise CorruptError if there is none of that name."""
    if task.work not in _WORKS:
        raise CorruptError(f"There is no work of the kind {task.work!r}")
    return cast("Work", import_module(_WORKS[task.work]))


def do_task(task: Task, place: Place, on_step: Callable[[int], None]) -> Path:
    """Do one task in this thread. Return its output, in the folder of the place."""
    target = place.folder / task.output
    find_work(task).do_task(task, place, target, on_step)
    return target
