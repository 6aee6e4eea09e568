"""Make a candidate the current take of an asset, or drop candidates."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.restore import require_unlocked, restore_take
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.status import Status, status_after_new_take
from gitassets.domain.takes import LATEST_TAKE, demote, next_take, sorted_takes
from gitassets.errors import MissingInputError
from gitassets.making.record import adopt, write_run
from gitassets.runs.expected_bytes import check_take, parse_expected
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import find_take
from gitassets.runs.transaction import Session


class ChooseResult(Struct, frozen=True):
    """The take that is now the current one, and the asset's status `before` and `after`.

    `earlier`: the take is from the history and was no candidate. `commit` is None if it was already the current one,
    or on a dry run.
    """

    run_id: str
    address: Address
    take: int
    md5: str
    before: Status
    after: Status
    earlier: bool
    commit: str | None
    dry_run: bool


def choose(
    project: Project,
    run: Run,
    selection: AssetSelection,
    wanted: str,
    *,
    expected: str | None = None,
    dry_run: bool = False,
) -> ChooseResult:
    """Swap the current take with a candidate, or restore an earlier take from the history, in review.

    `wanted` is a take's number, or the beginning of its md5. `expected` is the md5 of the take the user looked at, or
    its beginning: refuse any other.
    """
    seen = parse_expected(expected)
    if dry_run:
        return _find(project, run, read_manifest(project, run), selection, wanted, seen).result
    with write_run(project, run, "choose") as session:
        found = _find(project, run, session.manifest, selection, wanted, seen)
        commit = _commit(session, found)
    return replace(found.result, commit=commit, dry_run=False)


@dataclass(frozen=True)
class _Choice:
    take: Asset
    current: Asset
    result: ChooseResult


def _find(
    project: Project, run: Run, manifest: Manifest, selection: AssetSelection, wanted: str, seen: str | None
) -> _Choice:
    address = _choose_address(selection, manifest)
    current = require_unlocked(manifest, address)
    found = find_take(project, run, address, wanted)
    check_take(project, run, address, found, seen)
    take = current if found.md5 == current.md5 else current.takes.get(found.md5, found)
    is_earlier = take is found
    after = Status.REVIEW if is_earlier else status_after_new_take(current.status)
    result = ChooseResult(
        run_id=run.run_id,
        address=address,
        take=take.take,
        md5=take.md5,
        before=current.status,
        after=current.status if take is current else after,
        earlier=is_earlier,
        commit=None,
        dry_run=True,
    )
    return _Choice(take, current, result)


def _choose_address(selection: AssetSelection, manifest: Manifest) -> Address:
    chosen = [] if selection.empty else select_assets(selection, manifest)
    if len(chosen) != 1:
        raise MissingInputError("Say which asset to choose a take of", "With one of --audio N, --image N or --video N.")
    return chosen[0].address


def _commit(session: Session, found: _Choice) -> str | None:
    address, take, current = found.result.address, found.take, found.current
    if take.md5 == current.md5:
        return None
    if found.result.earlier:
        return restore_take(session, address, take, current).commit
    require_blob(session.project, session.run, take.md5, f"take {take.take} of {address}")
    former = demote(session.manifest, address, current)
    adopted = adopt(session, address, take, current)
    after = replace(adopted, takes={**adopted.takes, former.md5: former})
    transition = Transition(address, current.status, after.status)
    message = CommitMessage(session.run.run_id, "choose", f"take {take.take} of {address}", "", (transition,))
    return session.commit(session.manifest.with_asset(address, after), message)


class Dropped(Struct, frozen=True):
    """A candidate that was removed. It can still be restored from the history."""

    address: Address
    take: int
    md5: str
    path: str


class DropResult(Struct, frozen=True):
    """The candidates that were removed. `commit` is None if there were none, or on a dry run."""

    run_id: str
    dropped: tuple[Dropped, ...]
    commit: str | None
    dry_run: bool


def drop_candidates(project: Project, run: Run, selection: AssetSelection, *, dry_run: bool = False) -> DropResult:
    """Remove all candidates of the chosen assets."""
    if selection.empty:
        raise MissingInputError("Say whose candidates to remove", "With --audio, --image, --video or --segment.")
    if dry_run:
        return DropResult(run.run_id, _list_dropped(read_manifest(project, run), selection), None, True)
    with write_run(project, run, "drop candidates") as session:
        dropped = _list_dropped(session.manifest, selection)
        commit = _commit_drop(session, dropped) if dropped else None
    return DropResult(run.run_id, dropped, commit, False)


def _list_dropped(manifest: Manifest, selection: AssetSelection) -> tuple[Dropped, ...]:
    assets = ((one.address, manifest.asset(one.address)) for one in select_assets(selection, manifest))
    return tuple(
        Dropped(address, take.take, take.md5, take.path)
        for address, asset in assets
        for take in (sorted_takes(asset) if asset else ())
    )


def _commit_drop(session: Session, dropped: tuple[Dropped, ...]) -> str:
    assets = {one.address: session.manifest.asset(one.address) for one in dropped}
    changed = {address: _without_candidates(asset) for address, asset in assets.items() if asset is not None}
    transitions = tuple(Transition(address, one.status, one.status) for address, one in changed.items())
    what = f"the candidates of {format_addresses(changed)}"
    message = CommitMessage(session.run.run_id, "drop", what, "", transitions)
    return session.commit(session.manifest.with_assets(changed), message)


def _without_candidates(asset: Asset) -> Asset:
    """Remove the candidates from the asset. Their numbers are not used again."""
    alone = replace(asset, takes={})
    if next_take(alone) == next_take(asset):
        return alone
    return replace(alone, extra={**asset.extra, LATEST_TAKE: next_take(asset) - 1})
