"""Collect the takes of assets from the commits of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.takes import Sighting, Take, collect_takes
from gitassets.errors import NotFoundError, UsageError
from gitassets.runs.history import HistoryReader, ParentValues, RawCommit, format_time
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run

_NAMED_TAKES = 10
_MD5_START = 6  # Fewer digits of an md5 could be confused with a take's number.


@dataclass(frozen=True)
class TakesResult:
    run_id: str
    address: Address
    takes: tuple[Take, ...]


def read_takes(project: Project, run: Run, selection: AssetSelection) -> tuple[TakesResult, ...]:
    """Return every take of each chosen asset, oldest first, from the branch's history in one pass."""
    chosen = [one.address for one in select_assets(selection, read_manifest(project, run))]
    steps = list(iter_steps(project, run))
    return tuple(TakesResult(run.run_id, one, _collect_takes(steps, one)) for one in chosen)


@dataclass(frozen=True)
class Step:
    """A commit with its manifest and those of its parents."""

    commit: RawCommit
    manifest: Manifest
    parents: Sequence[Manifest]


def iter_steps(project: Project, run: Run) -> Iterator[Step]:
    reader = HistoryReader(project.git)
    oids = reader.list_commits([run.ref])
    inherited = ParentValues[Manifest](reader.read_parents(oids))
    for commit, state in reader.iter_states(oids):
        parents = inherited.pop(commit)
        # After an unreadable manifest the next one is compared with the last readable one.
        manifest = state.manifest or next(iter(parents), None)
        if manifest is not None:
            inherited.add(commit, manifest)
            yield Step(commit, manifest, parents)


def _collect_takes(steps: Sequence[Step], address: Address) -> tuple[Take, ...]:
    return collect_takes(_sightings(steps, address), steps[-1].manifest.asset(address) if steps else None)


def _sightings(steps: Sequence[Step], address: Address) -> Iterator[Sighting]:
    """Yield the asset at each commit that changed it, compared with all of its parents."""
    for step in steps:
        asset = step.manifest.asset(address)
        if asset is not None and all(one.asset(address) != asset for one in step.parents):
            yield Sighting(asset, step.commit.oid, step.commit.author, format_time(step.commit.time))


def find_arrival(project: Project, run: Run, address: Address, md5: str) -> Sighting | None:
    """Return the commit since which the asset has these bytes; None if the history does not end with them."""
    arrived = None
    for seen in _sightings(list(iter_steps(project, run)), address):
        arrived = None if seen.asset.md5 != md5 else arrived or seen
    return arrived


def find_take(project: Project, run: Run, address: Address, wanted: str) -> Asset:
    """Find a take, candidate or earlier one, by its number or the beginning of its md5."""
    takes = [one.asset for one in _collect_takes(list(iter_steps(project, run)), address)]
    found = {one.md5: one for one in takes if is_take(one, wanted)}
    if not found:
        known = ", ".join(f"{one.take} ({one.md5[:12]})" for one in takes[-_NAMED_TAKES:])
        more = f" `gitassets takes {run.run_id} {address.option}` shows all."
        raise NotFoundError(
            f"{address} of {run.run_id} has no take {wanted}",
            f"Its takes are {known}.{more if len(takes) > _NAMED_TAKES else ''}",
        )
    if len(found) > 1:
        raise UsageError(
            f"{address} of {run.run_id} has several takes {wanted}, from branches that were merged",
            f"Name one by the beginning of its md5: {', '.join(md5[:12] for md5 in found)}.",
        )
    return next(iter(found.values()))


def is_take(asset: Asset, wanted: str) -> bool:
    """Check whether `wanted` is the take's number or the beginning of its md5."""
    return str(asset.take) == wanted or (len(wanted) >= _MD5_START and asset.md5.startswith(wanted.lower()))
