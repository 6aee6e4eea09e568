"""Name who approved the current bytes of each locked asset."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.changes import iter_changes
from gitassets.domain.conflict import describe_record, settled_records, settles_anew
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.status import Status
from gitassets.runs.deviations import compare
from gitassets.runs.history import HistoryReader, ParentValues, RawCommit, format_time
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import Step, iter_steps


class Approval(Struct, frozen=True):
    """Who approved an asset's current bytes, and in which commit. `by_hand`: the commit's message does not name it.

    If the approval decided a conflict, `settled` describes the contradicting decisions of the two branches.
    """

    address: Address
    status: Status
    md5: str
    path: str
    commit: str
    author: str
    date: str
    by_hand: bool = False
    settled: tuple[str, ...] = ()


_Approvals = dict[Address, Approval]


def blame(project: Project, run: Run, kind: Kind | None = None) -> tuple[Approval, ...]:
    """Find for each locked asset the commit since which its bytes have been approved without a break.

    Only the manifests count, not the messages.
    """
    steps, reader = list(iter_steps(project, run)), HistoryReader(project.git)
    inherited = ParentValues[_Approvals]({step.commit.oid: step.commit.parents for step in steps})
    found: _Approvals = {}
    for step in steps:
        found = _mark_by_hand(reader, step, _approve(step, kind, inherited.pop(step.commit)))
        inherited.add(step.commit, found)
    order = list(Kind)
    return tuple(found[one] for one in sorted(found, key=lambda one: (one.segment, order.index(one.kind))))


def _approve(step: Step, kind: Kind | None, earlier: Sequence[_Approvals]) -> _Approvals:
    """Return the approvals after this commit: those its parents had, and its own."""
    found: _Approvals = {}
    reopened = _find_reopened(step)
    for address, asset in step.manifest.assets(kind):
        if asset.approved:
            # Deciding a conflict is an approval of its own, even if one of the branches had approved before.
            settled = settles_anew(asset, [one.asset(address) for one in step.parents])
            known = None if settled or address in reopened else _find_approval(address, asset, earlier)
            found[address] = known or _approval(address, asset, step.commit, settled=settled)
    return found


def _find_reopened(step: Step) -> set[Address]:
    """Return the assets that the commit reopened and approved again: the parents' approvals no longer count."""
    found = [{one.address for one in iter_changes(side, step.manifest) if one.reopened} for side in step.parents]
    return set.intersection(*found) if found else set()


def _mark_by_hand(reader: HistoryReader, step: Step, found: _Approvals) -> _Approvals:
    own = [address for address, one in found.items() if one.commit == step.commit.oid]
    if not own:
        return found
    by_hand = {one.address for one in compare(reader, step.commit, step.parents, step.manifest).by_hand}
    return {**found, **{address: replace(found[address], by_hand=True) for address in own if address in by_hand}}


def _find_approval(address: Address, asset: Asset, earlier: Sequence[_Approvals]) -> Approval | None:
    known = next((one[address] for one in earlier if address in one and one[address].md5 == asset.md5), None)
    return replace(known, status=asset.status, path=asset.path) if known else None


def _approval(address: Address, asset: Asset, commit: RawCommit, *, settled: bool) -> Approval:
    made = (commit.oid, commit.author, format_time(commit.time))
    between = tuple(map(describe_record, settled_records(asset))) if settled else ()
    return Approval(address, asset.status, asset.md5, asset.path, *made, settled=between)
