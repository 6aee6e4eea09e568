"""Download missing blobs from a DVC remote into the cache. Every blob is hashed first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from gitassets.adapters.counting import counted
from gitassets.adapters.files import hash_file
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import DvcRemote, RemoteSource, open_dvc_remote

_AT_ONCE = 128
_BYTES_AT_ONCE = 512_000_000
_THREADS = 8


@dataclass(frozen=True)
class Wanted:
    """A needed blob and, for messages, the path of a file that has its bytes."""

    md5: str
    path: str
    size: int


@dataclass(frozen=True)
class Fetched:
    """The blobs downloaded from `remote` (None: there is none).

    `missing` are the paths of blobs that the remote does not hold, `wrong` of those it holds with other bytes.
    """

    remote: str | None = None
    blobs: int = 0
    size_bytes: int = 0
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.missing and not self.wrong


def list_wanted(entries: Iterable[tuple[str, str, int]]) -> dict[str, Wanted]:
    """Return the blobs of files, given as path, md5 and size, by md5."""
    return {md5: Wanted(md5, path, size) for path, md5, size in entries}


def list_absent(project: Project, run: Run, wanted: Mapping[str, Wanted]) -> dict[str, Wanted]:
    """Return the blobs whose bytes are neither in the cache nor in the run's folder."""
    absent = {md5: one for md5, one in wanted.items() if not project.blobs.has(md5)}
    if not absent or run.folder is None:
        return absent
    index = project.stat_index(run)
    compared = counted(absent.items(), "files compared")
    return {md5: one for md5, one in compared if index.hash(one.path) != md5}


def fetch(
    project: Project,
    run: Run,
    wanted: Mapping[str, Wanted],
    on_progress: OnProgress,
    *,
    source: RemoteSource | None = None,
    name: str | None = None,
) -> Fetched:
    """Download the wanted blobs that are absent here from the run's DVC remote, as far as it has them.

    Raise RemoteError if the remote fails; blobs downloaded before that are kept.
    """
    absent = list_absent(project, run, wanted)
    if not absent:
        return Fetched()
    remote = (source or RemoteSource(project, run)).find(name)
    if remote is None:
        return Fetched(missing=tuple(sorted(one.path for one in absent.values())))
    return fetch_blobs(project, remote, absent, on_progress)


def fetch_blobs(project: Project, remote: DvcRemote, wanted: Mapping[str, Wanted], on_progress: OnProgress) -> Fetched:
    """Download all the wanted blobs from this remote, whether they are here or not."""
    opened = open_dvc_remote(project, remote)
    report = make_reporter({md5: one.size for md5, one in wanted.items()}, on_progress)
    came: list[Wanted] = []
    wrong: list[str] = []
    for some in _in_parts(wanted.values()):
        with project.blobs.incoming() as folder:
            opened.download([one.md5 for one in some], folder, report)
            there = [one for one in some if (folder / one.md5).is_file()]
            right = _move_in(project, folder, there)
        came += right
        wrong += [one.path for one in there if one not in right]
    missing = {one.path for one in wanted.values()} - {one.path for one in came} - set(wrong)
    return Fetched(
        remote.settings.name,
        len(came),
        sum(one.size for one in came),
        tuple(sorted(missing)),
        tuple(sorted(wrong)),
    )


def _in_parts(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Split into parts, so that an interruption loses little."""
    part: list[Wanted] = []
    for one in wanted:
        part.append(one)
        if len(part) == _AT_ONCE or sum(other.size for other in part) > _BYTES_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _move_in(project: Project, folder: Path, wanted: list[Wanted]) -> list[Wanted]:
    """Move the blobs with the right bytes into the cache and return them."""

    def move(one: Wanted) -> bool:
        if hash_file(folder / one.md5) != one.md5:
            return False
        project.blobs.move_in(folder / one.md5, one.md5)
        return True

    with ThreadPoolExecutor(_THREADS) as pool:
        return [one for one, right in zip(wanted, pool.map(move, wanted), strict=True) if right]


def make_reporter(sizes: Mapping[str, int], on_progress: OnProgress) -> Callable[[str], None]:
    """Return a thread-safe function that, called with each finished blob, reports the files and bytes done."""
    from rich import filesize

    total = filesize.decimal(sum(sizes.values()))
    done: list[int] = []
    one_at_a_time = Lock()

    def report(name: str) -> None:
        with one_at_a_time:
            done.append(sizes.get(name, 0))
            on_progress(Progress(len(done), len(sizes), f"{filesize.decimal(sum(done))} of {total}"))

    return report
