"""Count loops over files, commits and bytes, for whoever shows how long they will take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import BinaryIO, TypeVar

Item = TypeVar("Item")
OnCount = Callable[[int, int, str], None]
_MB = 1_000_000


class _Watch:
    """Who is told, and whether a loop is being counted: loops within it are not."""

    def __init__(self) -> None:
        self.on_count: OnCount | None = None
        self.thread = 0
        self.busy = False

    @property
    def listens(self) -> bool:
        """Check whether this thread's loops are to be told: other threads would mix theirs into them."""
        return self.on_count is not None and not self.busy and get_ident() == self.thread


_watch = _Watch()


@contextmanager
def counting(on_count: OnCount) -> Iterator[None]:
    """Tell `on_count` how many of how many are done, and what they are."""
    before = (_watch.on_count, _watch.thread, _watch.busy)
    _watch.on_count, _watch.thread, _watch.busy = on_count, get_ident(), False
    try:
        yield
    finally:
        _watch.on_count, _watch.thread, _watch.busy = before


def counted(items: Collection[Item], what: str) -> Iterable[Item]:
    """Return the items for a loop, each of which is told when it begins."""
    return counted_of(items, len(items), what)


def counted_of(items: Iterable[Item], total: int, what: str) -> Iterable[Item]:
    """Do the same for items that are made in the loop itself, and of which only the number is known."""
    on_count = _watch.on_count
    return _count(on_count, items, total, what) if on_count and _watch.listens and total > 1 else items


def _count(on_count: OnCount, items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    _watch.busy = True
    try:
        for done, one in enumerate(items):
            on_count(min(done, total), total, what)
            yield one
    finally:
        _watch.busy = False
        on_count(total, total, what)


def iter_megabytes(file: BinaryIO, size_bytes: int, name: str) -> Iterable[bytes]:
    """Read the file in blocks of a megabyte, and count them."""
    return counted_of(iter(lambda: file.read(_MB), b""), size_bytes // _MB, f"MB of {name}")
