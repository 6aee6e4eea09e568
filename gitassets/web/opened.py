"""The runs that the page shows, each parsed once for every state of its branch and manifest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from msgspec import Struct

from gitassets.actions.prepare_run import Notice, prepare_to_read
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_folder_entries
from gitassets.domain.run_id import is_run_id
from gitassets.domain.timeline import Finding, Policy, find_gaps
from gitassets.errors import GitAssetsError, NotFoundError
from gitassets.runs.history import HistoryReader
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.take_index import TakeIndex
from gitassets.runs.watch import Stamp, find_head, read_stamp
from gitassets.web.views import list_bare, list_disputed, make_index

_MOST_OPEN = 8
_MOST_REMEMBERED = 16


class BuildCheck(Struct, frozen=True):
    """What stands in the way of a build: assets, or a `problem` of the run as a whole."""

    gaps: tuple[Finding, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Opened:
    """A run in one state. `run` carries the parsed manifest, so that actions that only read do not parse it again."""

    run: Run
    manifest: Manifest
    head: str | None
    stamp: Stamp
    paths: Mapping[str, str]

    @cached_property
    def build_check(self) -> BuildCheck:
        """What a strict build still lacks."""
        try:
            return BuildCheck(find_gaps(self.manifest, Policy.STRICT))
        except GitAssetsError as error:
            return BuildCheck((), error.message)

    @cached_property
    def index(self) -> list[list[object]]:
        return make_index(self.manifest)

    @cached_property
    def bare(self) -> list[int]:
        """The segments without any asset."""
        return list_bare(self.manifest)

    @cached_property
    def disputed(self) -> list[int]:
        """The segments whose text two branches changed."""
        return list_disputed(self.manifest)


@dataclass
class Shelf:
    """Keeps the runs that were looked at last."""

    unattended: bool
    _opened: OrderedDict[str, Opened] = field(default_factory=OrderedDict)
    _indexes: OrderedDict[str, TakeIndex] = field(default_factory=OrderedDict)
    _manifests: OrderedDict[str, Manifest] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def open(self, project: Project, run_id: str) -> Opened:
        """Return the run as it is now. An old one is upgraded first, unless the server is unattended."""
        known = self._opened.get(run_id)
        if known is not None and not known.run.old and read_stamp(project, known.run) == known.stamp:
            return known
        with self._reading:
            found = _read(project, find_exactly(project, run_id), unattended=self.unattended)
        with self._guard:
            self._opened[run_id] = found
            self._opened.move_to_end(run_id)
            while len(self._opened) > _MOST_OPEN:
                self._opened.popitem(last=False)
            self._remember(found)
        return found

    def _remember(self, opened: Opened) -> None:
        """Keep the first manifest seen at this commit, so that later edits by hand differ from it."""
        if opened.head is not None:
            self._manifests.setdefault(opened.head, opened.manifest)
            while len(self._manifests) > _MOST_REMEMBERED:
                self._manifests.popitem(last=False)

    def find_manifest(self, project: Project, commit: str) -> Manifest | None:
        """Return the manifest of a commit that a page has seen; None if there is no such commit."""
        return self._manifests.get(commit) or _read_manifest_at(project, commit)

    def read_index(self, project: Project, opened: Opened) -> TakeIndex:
        """Return the history of the run's assets up to its head."""
        with self._reading:
            index = self._indexes.setdefault(opened.run.run_id, TakeIndex())
            self._indexes.move_to_end(opened.run.run_id)
            while len(self._indexes) > _MOST_OPEN:
                self._indexes.popitem(last=False)
            if opened.head is not None:
                index.update(project, replace(opened.run, view=None), opened.head)
            return index

    def find_asset(self, project: Project, opened: Opened, md5: str) -> Asset | None:
        """Return a take with these bytes, now or in the history. Bytes of anything else are not the run's."""
        return self.read_index(project, opened).find(md5)


def find_exactly(project: Project, run_id: str) -> Run:
    """Find the run of this id: no prefix, no folder, and not the latest."""
    run = find_run(project, run_id) if is_run_id(run_id) else None
    if run is None or run.run_id != run_id:
        raise NotFoundError(f"There is no run {run_id}", "The list of runs shows which there are.")
    return run


def _read(project: Project, run: Run, *, unattended: bool) -> Opened:
    notices: list[Notice] = []
    prepared = prepare_to_read(project, run.run_id, notices.append, unattended=unattended)
    stamp, head = read_stamp(project, prepared), None if prepared.old else find_head(project, prepared)
    manifest = read_manifest(project, prepared)
    paths = {md5: path for path, md5, _ in iter_folder_entries(manifest)}
    return Opened(replace(prepared, view=manifest), manifest, head, stamp, paths)


def _read_manifest_at(project: Project, commit: str) -> Manifest | None:
    if not commit or not set(commit) <= set("0123456789abcdef") or project.git.resolve(commit) is None:
        return None
    return HistoryReader(project.git).read_last_manifest(commit)


def find_address(opened: Opened, segment: int, kind: str) -> tuple[Address, Asset]:
    """Return the asset. Raise NotFoundError if the run has none there."""
    known = Kind(kind) if kind in list(Kind) else None
    address = None if known is None else Address(segment, known)
    asset = None if address is None else opened.manifest.asset(address)
    if address is None or asset is None:
        raise NotFoundError(f"Segment {segment} of {opened.run.run_id} has no {kind}")
    return address, asset
