"""Move an asset to another segment."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.annotations import move_annotations
from gitassets.domain.commit_message import NOTHING, CommitMessage, Transition
from gitassets.domain.manifest import Address, Asset, default_path
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import AssetSelection, format_ranges, how_to_make, select_segments
from gitassets.domain.status import Status
from gitassets.domain.takes import MOVED_FROM, next_take, sorted_takes
from gitassets.errors import LockedError, MissingInputError, NoMatchError, UsageError
from gitassets.making.record import adopt, find_free_path, write_run
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import Project, Run
from gitassets.runs.take_history import find_take
from gitassets.runs.transaction import Session, peek


class MoveResult(Struct, frozen=True):
    """The move. `path` is the asset's file under its new address `target`. `commit` is None on a dry run."""

    run_id: str
    source: str
    target: str
    path: str
    commit: str | None
    dry_run: bool


def move(
    project: Project,
    run: Run,
    selection: AssetSelection,
    to: int,
    take: str | None = None,
    *,
    dry_run: bool = False,
) -> MoveResult:
    """Move the chosen asset, its candidates, and the notes on them to segment `to`.

    Its takes are numbered after those already there. With an older `take`, copy only that: the source keeps its asset.
    """
    if dry_run:
        source, target, moved = _plan(peek(project, run), selection, to, take)
        return MoveResult(run.run_id, str(source), str(target), moved.path, None, dry_run=True)
    with write_run(project, run, "move") as session:
        source, target, moved = _plan(session, selection, to, take)
        current = session.manifest.asset(target)
        changes: dict[Address, Asset | None] = {target: moved} if take else {target: moved, source: None}
        transitions = [Transition(target, current.status if current else NOTHING, moved.status)]
        there = session.manifest.asset(source)
        transitions += [Transition(source, there.status, NOTHING)] if there is not None and take is None else []
        what = f"{'take ' + take + ' of ' if take else ''}{source} to {to}"
        message = CommitMessage(run.run_id, "move", what, "", tuple(transitions), (source.segment, to))
        after = session.manifest.with_assets(changes)
        if there is not None and take is None:
            after = move_annotations(after, source, target, _list_takes(there, moved))
        commit = session.commit(after, message)
    return MoveResult(run.run_id, str(source), str(target), moved.path, commit, dry_run=False)


def _list_takes(asset: Asset, moved: Asset) -> dict[str, int]:
    """Return the numbers that the asset and its candidates have after the move, by md5."""
    numbers = {moved.md5: moved.take, **{md5: one.take for md5, one in moved.takes.items()}}
    return {md5: numbers[md5] for md5 in (asset.md5, *asset.takes) if md5 in numbers}


def _plan(session: Session, selection: AssetSelection, to: int, take: str | None) -> tuple[Address, Address, Asset]:
    """Return the asset's old and new address, and the asset as it would stand there."""
    source = _choose(session, selection)
    target = Address(to, source.kind)
    _check(session, source, target, source_stays=take is not None)
    return source, target, _make_moved(session, source, target, take)


def _choose(session: Session, selection: AssetSelection) -> Address:
    if len(selection.by_kind) != 1 or selection.segments is not None:
        raise MissingInputError("Say which asset to move", "With one of --audio N, --image N or --video N.")
    kind, chosen = next(iter(selection.by_kind.items()))
    numbers = select_segments(chosen, session.manifest)
    if len(numbers) != 1:
        raise UsageError("One asset is moved at a time", f"Name one segment, such as --{kind} 3.")
    return Address(numbers[0], kind)


def _check(session: Session, source: Address, target: Address, *, source_stays: bool) -> None:
    manifest = session.manifest
    if target.segment not in manifest.segments:
        numbers = format_ranges(list(manifest.segments))
        raise NoMatchError(f"Run {manifest.run_id} has no segment {target.segment}", f"It has the segments {numbers}.")
    if source == target:
        raise UsageError(f"{source} is segment {target.segment}'s already", "Name another segment with --to.")
    for address in (target,) if source_stays else (source, target):
        asset = manifest.asset(address)
        if asset is not None and asset.locked:
            raise LockedError(
                f"{address} of {manifest.run_id} is {asset.status}, and so locked",
                how_to_reopen(manifest.run_id, address),
            )


def _make_moved(session: Session, source: Address, target: Address, take: str | None) -> Asset:
    """Return the asset for its new address: in its own file, or as the next take of the asset that is there."""
    current, there = session.manifest.asset(source), session.manifest.asset(target)
    if take is not None:
        older = find_take(session.project, session.run, source, take)
        require_blob(session.project, session.run, older.md5, f"take {take} of {source}")
        path = find_free_path(session, default_path(target, Path(older.path).suffix))
        current = replace(older, path=path, status=Status.DRAFT, approved_md5=None, take=1)
    if current is None:
        raise NoMatchError(
            f"Segment {source.segment} of {session.run.run_id} has no {source.kind}",
            how_to_make(source.kind, session.manifest),
        )
    moved = _mark_moved(
        replace(current, takes={md5: _mark_moved(take, source) for md5, take in current.takes.items()}), source
    )
    return moved if there is None else adopt(session, target, _renumber(moved, there), there)


def _mark_moved(asset: Asset, source: Address) -> Asset:
    return replace(asset, extra={**asset.extra, MOVED_FROM: str(source)})


def _renumber(moved: Asset, there: Asset) -> Asset:
    """Give the asset and its candidates the next free take numbers."""
    first = next_take(there)
    takes = {one.md5: replace(one, take=number) for number, one in enumerate(sorted_takes(moved), start=first + 1)}
    return replace(moved, take=first, takes=takes)
