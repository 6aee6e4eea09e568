"""Shows every take of an asset, who approved which bytes, and brings takes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gitassets.actions.follow import restore_files
from gitassets.actions.history import HistoryReader, RawCommit
from gitassets.actions.project import Project, Run, read_manifest
from gitassets.actions.recording import adopt, write_run
from gitassets.actions.transaction import Session, stage_dvc_files
from gitassets.actions.verify import format_time
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.status import Status
from gitassets.domain.takes import LATEST_TAKE, Sighting, Take, collect_takes, next_take
from gitassets.errors import LockedError, NotFoundError, UsageError

_MD5_START = 6  # Of a hash so many letters must be written, so that none is taken for a number.


@dataclass(frozen=True)
class TakesResult:
    run_id: str
    address: Address
    takes: tuple[Take, ...]


def read_takes(project: Project, run: Run, selection: AssetSelection) -> tuple[TakesResult, ...]:
    """Every take of each chosen asset, oldest first, from the branch's history in one pass."""
    chosen = [one.address for one in select_assets(selection, read_manifest(project, run))]
    states = list(_iter_manifests(project, run))
    return tuple(TakesResult(run.run_id, one, collect_takes(_sightings(states, one))) for one in chosen)


def _iter_manifests(project: Project, run: Run) -> Iterator[tuple[RawCommit, Manifest]]:
    reader = HistoryReader(project.git)
    for commit, state in reader.iter_states(reader.list_commits([run.ref])):
        if state.manifest is not None:
            yield commit, state.manifest


def _sightings(states: list[tuple[RawCommit, Manifest]], address: Address) -> Iterator[Sighting]:
    for commit, manifest in states:
        yield Sighting(manifest.asset(address), commit.oid, commit.author, format_time(commit.time))


@dataclass(frozen=True)
class Approval:
    """Who approved an asset's current bytes, and in which commit."""

    address: Address
    status: Status
    md5: str
    path: str
    commit: str
    author: str
    date: str


def blame(project: Project, run: Run, kind: Kind | None = None) -> tuple[Approval, ...]:
    """For each locked asset the commit since which these bytes have been approved without a break."""
    found: dict[Address, Approval] = {}
    for commit, manifest in _iter_manifests(project, run):
        current = dict(manifest.assets(kind))
        for address in [one for one in found if one not in current or not current[one].approved]:
            del found[address]
        for address, asset in current.items():
            known = found.get(address)
            if asset.approved and (known is None or known.md5 != asset.md5):
                found[address] = _approval(address, asset, commit)
            elif asset.approved and known is not None and known.status is not asset.status:
                found[address] = replace(known, status=asset.status)
    order = list(Kind)
    return tuple(found[one] for one in sorted(found, key=lambda one: (one.segment, order.index(one.kind))))


def _approval(address: Address, asset: Asset, commit: RawCommit) -> Approval:
    return Approval(address, asset.status, asset.md5, asset.path, commit.oid, commit.author, format_time(commit.time))


@dataclass(frozen=True)
class RestoreResult:
    """`restored` files have the recorded bytes again; `commit` is set when an older take became the current one."""

    run_id: str
    restored: tuple[str, ...]
    take: int | None
    commit: str | None


def restore(project: Project, run: Run, selection: AssetSelection, take: str | None = None) -> RestoreResult:
    """The chosen files have their recorded bytes, or the chosen asset is its older `take` again, in review.

    `take` is a take's number, or the beginning of its md5. Bytes that lay there instead are kept in the cache. In a
    merge the recorded bytes are those of the merged manifest.
    """
    if selection.empty:
        raise UsageError("Say which asset to restore", "With --audio, --image, --video or --segment.")
    with write_run(project, run, "restore", in_merge=take is None) as session:
        addresses = [one.address for one in select_assets(selection, session.manifest)]
        if take is not None:
            return _restore_take(session, addresses, take)
        if session.merging:
            # So that `dvc pull` gets the bytes that are not here.
            stage_dvc_files(session, session.manifest)
        assets = [asset for one in addresses if (asset := session.manifest.asset(one)) is not None]
        return _restore_bytes(session, assets)


def _restore_bytes(session: Session, assets: list[Asset]) -> RestoreResult:
    wanted = {asset.path: asset.md5 for asset in assets}
    differing = tuple(path for path, md5 in wanted.items() if session.hash(path) != md5)
    for asset in assets:
        if asset.path in differing:
            session.project.blobs.require(asset.md5, asset.path)
    restore_files(session.project, session.folder, session.index, session.manifest, wanted)
    return RestoreResult(session.run.run_id, differing, None, None)


def _restore_take(session: Session, addresses: list[Address], wanted: str) -> RestoreResult:
    if len(addresses) != 1:
        raise UsageError("--take brings back one asset's take", "Name one asset.")
    address = addresses[0]
    current = session.manifest.asset(address)
    if current is None:
        raise NotFoundError(f"{session.run.run_id} has no {address}")
    if current.locked:
        raise LockedError(
            f"{address} of {session.run.run_id} is {current.status}, and so locked",
            f"Reopen it first: `gitassets reopen {session.run.run_id} --{address.kind} {address.segment} --reason …`.",
        )
    older = find_take(session, address, wanted)
    if older.md5 == current.md5:
        return RestoreResult(session.run.run_id, (), older.take, None)
    session.project.blobs.require(older.md5, f"take {older.take} of {address}")
    after = _as_current(session, address, older, current)
    transition = Transition(address, current.status, after.status)
    message = CommitMessage(session.run.run_id, "restore", f"take {older.take} of {address}", "", (transition,))
    commit = session.commit(session.manifest.with_asset(address, after), message)
    return RestoreResult(session.run.run_id, (after.path,), older.take, commit)


def find_take(session: Session, address: Address, wanted: str) -> Asset:
    states = list(_iter_manifests(session.project, session.run))
    takes = [one.asset for one in collect_takes(_sightings(states, address))]
    found = {one.md5: one for one in takes if is_take(one, wanted)}
    if not found:
        known = ", ".join(f"{one.take} ({one.md5[:12]})" for one in takes)
        raise NotFoundError(f"{address} of {session.run.run_id} has no take {wanted}", f"Its takes are {known}.")
    if len(found) > 1:
        raise UsageError(
            f"{address} of {session.run.run_id} has several takes {wanted}, from branches that were merged",
            f"Name one by the beginning of its md5: {', '.join(md5[:12] for md5 in found)}.",
        )
    return next(iter(found.values()))


def is_take(asset: Asset, wanted: str) -> bool:
    """Whether `wanted` is the take's number or the beginning of its md5."""
    return str(asset.take) == wanted or (len(wanted) >= _MD5_START and asset.md5.startswith(wanted.lower()))


def _as_current(session: Session, address: Address, older: Asset, current: Asset) -> Asset:
    """The older take's bytes and how they were made, in review; what the asset went through since is kept."""
    decided = (CONFLICT, SETTLED)
    own = {key: value for key, value in older.extra.items() if key not in decided}
    adopted = adopt(session, address, replace(older, extra=own), current)
    extra = {**adopted.extra, LATEST_TAKE: next_take(current) - 1}
    return replace(adopted, status=Status.REVIEW, approved_md5=None, reason=older.reason, extra=extra)
