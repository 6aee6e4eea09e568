"""Reads many objects of a repository, one after the other, through one process of git."""

from __future__ import annotations

import subprocess
import weakref
from collections.abc import Iterator, Sequence
from typing import IO

from gitassets.adapters.git.repository import Git
from gitassets.adapters.process import CommandError

# Few enough names that writing them never waits for git, which waits until its answers are read.
_AT_ONCE = 16

Found = tuple[str, bytes] | None
"""An object's id and bytes; None where there is no such object."""


class ObjectReader:
    """Answers for as long as somebody holds it. The process begins with the first question."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """The bytes of each object, by id or `revision:path`; None for those that do not exist."""
        return {name: None if found is None else found[1] for name, found in self._ask(names)}

    def resolve(self, revision: str) -> str | None:
        """The id of the commit that `revision` names, or None."""
        ((_, found),) = self._ask([f"{revision}^{{commit}}"])
        return None if found is None else found[0]

    def _ask(self, names: Sequence[str]) -> Iterator[tuple[str, Found]]:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            yield from zip(some, self._ask_at_once(some), strict=True)

    def _ask_at_once(self, names: Sequence[str]) -> list[Found]:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise ValueError("git was started without pipes")
        try:
            process.stdin.write("".join(f"{name}\n" for name in names).encode())
            process.stdin.flush()
            return [_read_answer(process.stdout) for _ in names]
        except (OSError, ValueError) as error:
            said = process.communicate()[1].decode("utf-8", "replace")
            raise CommandError(("git", "cat-file", "--batch"), self._git.folder, process.returncode, said) from error

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = self._git.start("cat-file", "--batch")
        weakref.finalize(self, self._process.communicate)
        return self._process


def _read_answer(answers: IO[bytes]) -> Found:
    """A line with id, type and size, then the bytes and a line break. ValueError when git says something else."""
    header = answers.readline()
    if header.endswith(b" missing\n"):
        return None
    oid, _, size = header.split(b" ")
    data = answers.read(int(size) + 1)
    if len(data) != int(size) + 1:
        raise ValueError("git has ended in the middle of an object")
    return oid.decode(), data[:-1]
