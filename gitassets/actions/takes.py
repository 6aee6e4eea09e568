"""Shows every take of an asset, who approved which bytes, and brings takes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.verify import format_time
from gitassets.adapters.files import is_folder
from gitassets.domain.changes import Change, iter_changes, tell_commit
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.conflict import CONFLICT, SETTLED, settles_anew
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.status import Status
from gitassets.domain.takes import LATEST_TAKE, Sighting, Take, collect_takes, next_take
from gitassets.errors import ConflictError, LockedError, NotFoundError, UsageError
from gitassets.making.record import adopt, write_run
from gitassets.runs.history import HandedOn, HistoryReader, RawCommit
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import Project, Run, read_manifest
from gitassets.runs.restore import restore_files
from gitassets.runs.transaction import Session, stage_dvc_files

_NAMED_TAKES = 10
_MD5_START = 6  # Of a hash so many letters must be written, so that none is taken for a number.


@dataclass(frozen=True)
class TakesResult:
    run_id: str
    address: Address
    takes: tuple[Take, ...]


def read_takes(project: Project, run: Run, selection: AssetSelection) -> tuple[TakesResult, ...]:
    """Every take of each chosen asset, oldest first, from the branch's history in one pass."""
    chosen = [one.address for one in select_assets(selection, read_manifest(project, run))]
    steps = list(_iter_steps(project, run))
    return tuple(TakesResult(run.run_id, one, _collect_takes(steps, one)) for one in chosen)


@dataclass(frozen=True)
class _Step:
    """A commit with its manifest and those of its parents."""

    commit: RawCommit
    manifest: Manifest
    parents: Sequence[Manifest]


def _iter_steps(project: Project, run: Run) -> Iterator[_Step]:
    reader = HistoryReader(project.git)
    oids = reader.list_commits([run.ref])
    handed = HandedOn[Manifest](reader.read_parents(oids))
    for commit, state in reader.iter_states(oids):
        parents = handed.take(commit)
        # After a manifest that cannot be read the next one is compared with the last that could be.
        manifest = state.manifest or next(iter(parents), None)
        if manifest is not None:
            handed.give(commit, manifest)
            yield _Step(commit, manifest, parents)


def _collect_takes(steps: Sequence[_Step], address: Address) -> tuple[Take, ...]:
    return collect_takes(_sightings(steps, address), steps[-1].manifest.asset(address) if steps else None)


def _sightings(steps: Sequence[_Step], address: Address) -> Iterator[Sighting]:
    """The asset wherever a commit has changed it: a branch that left it alone says nothing of what became of it."""
    for step in steps:
        asset = step.manifest.asset(address)
        if asset is not None and all(one.asset(address) != asset for one in step.parents):
            yield Sighting(asset, step.commit.oid, step.commit.author, format_time(step.commit.time))


class Approval(Struct, frozen=True):
    """Who approved an asset's current bytes, and in which commit; `by_hand` where its message does not name that."""

    address: Address
    status: Status
    md5: str
    path: str
    commit: str
    author: str
    date: str
    by_hand: bool = False


_Approvals = dict[Address, Approval]


def blame(project: Project, run: Run, kind: Kind | None = None) -> tuple[Approval, ...]:
    """For each locked asset the commit since which these bytes have been approved without a break.

    It follows from the manifests alone, whatever the messages say.
    """
    steps = list(_iter_steps(project, run))
    handed = HandedOn[_Approvals]({step.commit.oid: step.commit.parents for step in steps})
    found: _Approvals = {}
    for step in steps:
        found = _approve(step, kind, handed.take(step.commit))
        handed.give(step.commit, found)
    order = list(Kind)
    return tuple(found[one] for one in sorted(found, key=lambda one: (one.segment, order.index(one.kind))))


def _approve(step: _Step, kind: Kind | None, earlier: Sequence[_Approvals]) -> _Approvals:
    """The approvals after this commit: those that a parent had already, and its own."""
    found: _Approvals = {}
    reopened = {one.address for one in _iter_reopened(step)}
    for address, asset in step.manifest.assets(kind):
        if asset.approved:
            # Who decided between two branches has approved, also where one of them had done so.
            anew = address in reopened or settles_anew(asset, [one.asset(address) for one in step.parents])
            known = None if anew else _find_approval(address, asset, earlier)
            found[address] = known or _approval(address, asset, step.commit)
    return _mark_by_hand(step, found)


def _iter_reopened(step: _Step) -> Iterator[Change]:
    """What one commit reopened and approved again: of its parent's approval nothing is left."""
    if len(step.commit.parents) == 1 and step.parents:
        yield from (one for one in iter_changes(step.parents[0], step.manifest) if one.reopened)


def _mark_by_hand(step: _Step, found: _Approvals) -> _Approvals:
    own = [address for address, one in found.items() if one.commit == step.commit.oid]
    if not own or len(step.commit.parents) > 1:
        return found
    told = tell_commit(next(iter(step.parents), None), step.manifest, step.commit.message)
    by_hand = {one.address for one in told.by_hand}
    return {**found, **{address: replace(found[address], by_hand=True) for address in own if address in by_hand}}


def _find_approval(address: Address, asset: Asset, earlier: Sequence[_Approvals]) -> Approval | None:
    known = next((one[address] for one in earlier if address in one and one[address].md5 == asset.md5), None)
    return replace(known, status=asset.status, path=asset.path) if known else None


def _approval(address: Address, asset: Asset, commit: RawCommit) -> Approval:
    return Approval(address, asset.status, asset.md5, asset.path, commit.oid, commit.author, format_time(commit.time))


def find_arrival(project: Project, run: Run, address: Address, md5: str) -> Sighting | None:
    """The commit since which these are the asset's bytes; None where the history does not know them."""
    arrived = None
    for seen in _sightings(list(_iter_steps(project, run)), address):
        arrived = None if seen.asset.md5 != md5 else arrived or seen
    return arrived


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
        return _restore_bytes(session, [one for asset in assets for one in (asset, *asset.takes.values())])


def _restore_bytes(session: Session, assets: list[Asset]) -> RestoreResult:
    wanted = {asset.path: asset.md5 for asset in assets}
    differing = tuple(path for path, md5 in wanted.items() if session.hash(path) != md5)
    for asset in assets:
        if asset.path in differing:
            require_blob(session.project, session.run, asset.md5, asset.path)
            _check_place(session.folder / asset.path)
    restore_files(session.project, session.folder, session.index, session.manifest, wanted)
    return RestoreResult(session.run.run_id, differing, None, None)


def _check_place(path: Path) -> None:
    if is_folder(path):
        raise ConflictError(f"{path} is a folder, where the asset's file belongs", "Move it away, and restore again.")


def _restore_take(session: Session, addresses: list[Address], wanted: str) -> RestoreResult:
    if len(addresses) != 1:
        raise UsageError("--take brings back one asset's take", "Name one asset.")
    address = addresses[0]
    current = require_unlocked(session.manifest, address)
    older = find_take(session.project, session.run, address, wanted)
    if older.md5 == current.md5:
        return RestoreResult(session.run.run_id, (), older.take, None)
    return bring_back(session, address, older, current)


def require_unlocked(manifest: Manifest, address: Address) -> Asset:
    """The asset, which may become another take. LockedError says how it could."""
    current = manifest.asset(address)
    if current is None:
        raise NotFoundError(f"{manifest.run_id} has no {address}")
    if current.locked:
        raise LockedError(
            f"{address} of {manifest.run_id} is {current.status}, and so locked",
            how_to_reopen(manifest.run_id, address),
        )
    return current


def bring_back(session: Session, address: Address, older: Asset, current: Asset) -> RestoreResult:
    """The older take is the current one, in review."""
    require_blob(session.project, session.run, older.md5, f"take {older.take} of {address}")
    after = _as_current(session, address, older, current)
    transition = Transition(address, current.status, after.status)
    message = CommitMessage(session.run.run_id, "restore", f"take {older.take} of {address}", "", (transition,))
    commit = session.commit(session.manifest.with_asset(address, after), message)
    return RestoreResult(session.run.run_id, (after.path,), older.take, commit)


def find_take(project: Project, run: Run, address: Address, wanted: str) -> Asset:
    """The take of this number, or whose md5 begins so, be it a candidate or an earlier one."""
    takes = [one.asset for one in _collect_takes(list(_iter_steps(project, run)), address)]
    found = {one.md5: one for one in takes if is_take(one, wanted)}
    if not found:
        known = ", ".join(f"{one.take} ({one.md5[:12]})" for one in takes[-_NAMED_TAKES:])
        more = f" `gitassets takes {run.run_id} --{address.kind} {address.segment}` shows all."
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
    """Whether `wanted` is the take's number or the beginning of its md5."""
    return str(asset.take) == wanted or (len(wanted) >= _MD5_START and asset.md5.startswith(wanted.lower()))


def _as_current(session: Session, address: Address, older: Asset, current: Asset) -> Asset:
    """The older take's bytes and how they were made, in review; what the asset went through since is kept."""
    decided = (CONFLICT, SETTLED)
    own = {key: value for key, value in older.extra.items() if key not in decided}
    adopted = adopt(session, address, replace(older, extra=own), current)
    extra = {**adopted.extra, LATEST_TAKE: next_take(current) - 1}
    return replace(adopted, status=Status.REVIEW, approved_md5=None, reason=older.reason, extra=extra)
