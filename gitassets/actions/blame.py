"""Name who approved the current bytes of each locked asset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.changes import Change, iter_changes, tell_commit
from gitassets.domain.conflict import settles_anew
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.status import Status
from gitassets.runs.history import HandedOn, RawCommit, format_time
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import Step, iter_steps


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
    steps = list(iter_steps(project, run))
    handed = HandedOn[_Approvals]({step.commit.oid: step.commit.parents for step in steps})
    found: _Approvals = {}
    for step in steps:
        found = _approve(step, kind, handed.take(step.commit))
        handed.give(step.commit, found)
    order = list(Kind)
    return tuple(found[one] for one in sorted(found, key=lambda one: (one.segment, order.index(one.kind))))


def _approve(step: Step, kind: Kind | None, earlier: Sequence[_Approvals]) -> _Approvals:
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


def _iter_reopened(step: Step) -> Iterator[Change]:
    """What one commit reopened and approved again: of its parent's approval nothing is left."""
    if len(step.commit.parents) == 1 and step.parents:
        yield from (one for one in iter_changes(step.parents[0], step.manifest) if one.reopened)


def _mark_by_hand(step: Step, found: _Approvals) -> _Approvals:
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
