"""Every state that each asset of a run has had, brought up to date by reading only the new commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitassets.domain.manifest import Address, Asset, Manifest, iter_addresses, iter_changed_segments
from gitassets.domain.takes import Sighting, Take, collect_takes
from gitassets.runs.history import HistoryReader, format_time
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import Step, iter_steps


class TakeIndex:
    """The history of each asset, oldest first. Its methods are called by one thread at a time."""

    def __init__(self) -> None:
        self.head: str | None = None
        self._last: Manifest | None = None
        self._seen: dict[Address, list[Sighting]] = {}
        self._md5s: dict[str, Asset] = {}

    def update(self, project: Project, run: Run, head: str) -> None:
        """Read the commits since the last update, or the whole history if the branch was merged or rewritten."""
        if head == self.head:
            return
        steps: Iterable[Step] | None = self._read_new(project, head)
        if steps is None:
            self._last, self._seen, self._md5s = None, {}, {}
            steps = iter_steps(project, run)
        for step in steps:
            self._add(step)
        self.head = head

    def list_sightings(self, address: Address) -> Sequence[Sighting]:
        return tuple(self._seen.get(address, ()))

    def list_takes(self, address: Address, current: Asset | None) -> tuple[Take, ...]:
        return collect_takes(self._seen.get(address, ()), current)

    def find(self, md5: str) -> Asset | None:
        """Return a take that had these bytes, of any asset."""
        return self._md5s.get(md5)

    def _read_new(self, project: Project, head: str) -> list[Step] | None:
        """Return the new commits if each has only the one before it as parent."""
        if self.head is None or self._last is None:
            return None
        reader = HistoryReader(project.git)
        oids = reader.list_commits([head], [self.head])
        steps, before, manifest = [], self.head, self._last
        for commit, state in reader.iter_states(oids):
            if commit.parents != (before,):
                return None
            parent, manifest, before = manifest, state.manifest or manifest, commit.oid
            steps.append(Step(commit, manifest, [parent]))
        return steps if before == head else None

    def _add(self, step: Step) -> None:
        parents = step.parents
        numbers: Iterable[int] = iter_changed_segments(parents[0], step.manifest) if parents else step.manifest.segments
        for address in iter_addresses(numbers):
            asset = step.manifest.asset(address)
            if asset is not None and all(one.asset(address) != asset for one in parents):
                commit = step.commit
                found = Sighting(asset, commit.oid, commit.author, format_time(commit.time))
                self._seen.setdefault(address, []).append(found)
                self._md5s.update({one.md5: one for one in (*asset.takes.values(), asset)})
        self._last = step.manifest
