"""Do a task on a Dask worker: check the tools, get the inputs by hash, and hand the output back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gitassets import __version__
from gitassets.adapters.files import hash_file
from gitassets.adapters.media.ffmpeg import Ffmpeg, FfmpegError, Program, find_ffmpeg
from gitassets.adapters.tasks.carried import CarriedStore
from gitassets.adapters.tasks.inputs import InputStore, open_own_remote
from gitassets.adapters.tasks.order import (
    MAX_OUTPUT_BYTES,
    Answer,
    Order,
    Tools,
    format_answer,
    iter_delivered,
    parse_order,
)
from gitassets.adapters.tasks.task import Place, Task, do_task, find_work
from gitassets.errors import CorruptError, GitAssetsError, NotFoundError, RemoteError

_MAX_TEXT = 100_000


class UnfitError(GitAssetsError):
    """Tell that other bytes would be made on this machine than where the build runs."""


def answer(data: bytes) -> bytes:
    """Do what is ordered, in a thread of a Dask worker. Return the answer, followed by the file that was made."""
    from distributed import get_worker

    worker = get_worker()
    base = _open_base(worker)
    with TemporaryDirectory(dir=base) as folder:
        return _answer(data, base, Path(folder), _watch(worker))


def keep(data: bytes) -> bytes:
    """Keep the files that are delivered, in a thread of a Dask worker. Return the answer."""
    from distributed import get_worker

    try:
        _check_tools(parse_order(data, Tools).tools, {"gitassets": __version__})
        store = CarriedStore(_open_base(get_worker()))
        for md5, content in iter_delivered(data):
            store.keep(md5, content)
    except (UnfitError, CorruptError, OSError) as error:
        return format_answer(Answer(unfit=str(error)[:_MAX_TEXT]))
    return format_answer(Answer())


def _open_base(worker: Any) -> Path:
    base = Path(worker.local_directory) / "gitassets"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _answer(data: bytes, base: Path, folder: Path, is_wanted: Callable[[], bool]) -> bytes:
    try:
        output = _make(data, base, folder, is_wanted)
        return format_answer(Answer(md5=hash_file(output), size=output.stat().st_size), output)
    except (UnfitError, NotFoundError, RemoteError, OSError) as error:
        return format_answer(Answer(unfit=str(error)[:_MAX_TEXT], hint=str(getattr(error, "hint", ""))))
    except GitAssetsError as error:
        wrote = error.output[-_MAX_TEXT:] if isinstance(error, FfmpegError) else ""
        return format_answer(Answer(problem=error.message[:_MAX_TEXT], hint=str(error.hint), output=wrote))


def _make(data: bytes, base: Path, folder: Path, is_wanted: Callable[[], bool]) -> Path:
    _check_tools(parse_order(data, Tools).tools, {"gitassets": __version__})
    order = parse_order(data, Order)
    carried = _find_carried(order.task, base)
    with Ffmpeg(_find_ffmpeg(base)) as ffmpeg:
        _check_tools(order.tools, find_work(order.task).describe_tools(order.task, ffmpeg, carried))
        inputs = _open_store(base).bring(order.task.inputs, open_own_remote(order.remote, base / "remote.json"), folder)
        place = Place(ffmpeg, {**inputs, **carried}, folder, base)
        output = do_task(order.task, place, lambda _: _stop_unless(is_wanted(), ffmpeg))
    if output.stat().st_size > MAX_OUTPUT_BYTES:
        raise GitAssetsError(
            f"{order.task.label} made a file of {output.stat().st_size} bytes, and workers hand back "
            f"{MAX_OUTPUT_BYTES} at most"
        )
    return output


def _find_carried(task: Task, base: Path) -> dict[str, Path]:
    """Return the paths of the files that the task carries. Raise UnfitError if one is missing or cannot be used."""
    store = CarriedStore(base)
    found = {md5: store.find(md5) for md5 in task.carried}
    lacking = [md5 for md5, path in found.items() if path is None]
    if lacking:
        raise UnfitError(f"it lacks {', '.join(sorted(lacking))} of the files of the look and of its fonts")
    carried = {md5: path for md5, path in found.items() if path is not None}
    try:
        find_work(task).check_carried(task, carried)
    except CorruptError as error:
        raise UnfitError(error.message, error.hint) from error
    return carried


def _find_ffmpeg(base: Path) -> Program:
    try:
        return find_ffmpeg(base)
    except GitAssetsError as error:
        raise UnfitError(error.message, error.hint) from error


@cache
def _open_store(base: Path) -> InputStore:
    return InputStore(base)


def _check_tools(wanted: Mapping[str, str], mine: Mapping[str, str]) -> None:
    """Raise UnfitError that names the first tool that differs."""
    for name, version in mine.items():
        if wanted.get(name) != version:
            raise UnfitError(f"its {name} is {version}, and the build's is {wanted.get(name)}")


def _watch(worker: Any) -> Callable[[], bool]:
    """Return a function that says whether this thread's task is still wanted."""
    key = worker.get_current_task()

    def is_wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state != "cancelled"

    return is_wanted


def _stop_unless(wanted: bool, ffmpeg: Ffmpeg) -> None:
    if not wanted:
        ffmpeg.stop()
