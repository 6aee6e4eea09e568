"""The commits of many branches with their parents, read by one process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from gitassets.adapters.git.repository import Git


class CommitGraph:
    """What can be reached from these tips, given by id. Git is asked when the first question comes."""

    def __init__(self, git: Git, tips: Sequence[str]) -> None:
        self._git, self._tips = git, tips

    @cached_property
    def _parents(self) -> Mapping[str, Sequence[str]]:
        """The parents of each commit, parents before children."""
        names = "".join(f"{one}\n" for one in self._tips).encode()
        told = self._git.call("rev-list", "--topo-order", "--reverse", "--parents", "--stdin", stdin=names)
        lines = (line.split() for line in told.decode("ascii").splitlines())
        return {oid: parents for oid, *parents in lines}

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {oid: place for place, oid in enumerate(self._parents)}

    def knows(self, oids: Iterable[str]) -> bool:
        return all(oid in self._parents for oid in oids)

    def list_commits(self, include: Iterable[str], exclude: Iterable[str] = ()) -> list[str]:
        """Return the ids of the reachable commits, parents before children."""
        return sorted(self._reach(include, self._reach(exclude, set())), key=self._places.__getitem__)

    def descends(self, old: str, new: str) -> bool:
        return old in self._reach([new], set())

    def _reach(self, starts: Iterable[str], without: set[str]) -> set[str]:
        found, waiting = set[str](), [*starts]
        while waiting:
            oid = waiting.pop()
            if oid not in found and oid not in without:
                found.add(oid)
                waiting += self._parents[oid]
        return found
