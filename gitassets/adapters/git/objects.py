"""Read many objects of a repository through one git process."""

from __future__ import annotations

import subprocess
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import IO

from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError

# Few enough names that the write never blocks: git blocks until its answers are read.
_BATCH_SIZE = 16

Found = tuple[str, bytes] | None
"""An object's id and bytes; None where there is no such object."""


class ObjectReader:
    """A git process that starts with the first request and lives as long as this object. Thread-safe.

    A copy in another process starts its own.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[ObjectReader], tuple[Git]]:
        return ObjectReader, (self._git,)

    def read(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Return the bytes of each object, by id or `revision:path`; None for those that do not exist."""
        return {name: None if found is None else found[1] for name, found in self._ask(names)}

    def resolve(self, revision: str) -> str | None:
        """Return the id of the commit that `revision` names, or None."""
        ((_, found),) = self._ask([f"{revision}^{{commit}}"])
        return None if found is None else found[0]

    def _ask(self, names: Sequence[str]) -> Iterator[tuple[str, Found]]:
        for start in range(0, len(names), _BATCH_SIZE):
            batch = names[start : start + _BATCH_SIZE]
            with self._lock:
                answers = self._ask_batch(batch)
            yield from zip(batch, answers, strict=True)

    def _ask_batch(self, names: Sequence[str]) -> list[Found]:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise ValueError("git was started without pipes")
        try:
            process.stdin.write("".join(f"{name}\n" for name in names).encode())
            process.stdin.flush()
            return [_read_answer(process.stdout) for _ in names]
        except (OSError, ValueError) as error:
            self._process = None  # The next request starts another one.
            said = process.communicate()[1].decode("utf-8", "replace")
            raise CommandError(("git", "cat-file", "--batch"), self._git.folder, process.returncode, said) from error

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = self._git.start("cat-file", "--batch")
        weakref.finalize(self, self._process.communicate)
        return self._process


def _read_answer(answers: IO[bytes]) -> Found:
    """Read a line with id, type and size, then the bytes and a line break. Raise ValueError for anything else."""
    header = answers.readline()
    if header.endswith(b" missing\n"):
        return None
    oid, _, size = header.split(b" ")
    data = answers.read(int(size))
    if len(data) != int(size) or answers.read(1) != b"\n":
        raise ValueError("git has ended in the middle of an object")
    return oid.decode(), data
