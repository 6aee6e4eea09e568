"""Restore recorded bytes, or an older take."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.counting import counted
from gitassets.adapters.files import is_folder
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import AssetSelection, select_assets
from gitassets.domain.status import Status
from gitassets.domain.takes import LATEST_TAKE, next_take
from gitassets.errors import ConflictError, LockedError, MissingInputError, NotFoundError, UsageError
from gitassets.making.record import adopt, write_run
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import Project, Run
from gitassets.runs.restore import restore_files
from gitassets.runs.take_history import find_take
from gitassets.runs.transaction import Session, peek, stage_dvc_files


class RestoreResult(Struct, frozen=True):
    """The `restored` files. `commit` is set if an older take became the current one."""

    run_id: str
    restored: tuple[str, ...]
    take: int | None
    commit: str | None
    dry_run: bool = False


def restore(
    project: Project, run: Run, selection: AssetSelection, take: str | None = None, *, dry_run: bool = False
) -> RestoreResult:
    """Restore the recorded bytes of the chosen files, or make an older `take` the current one, in review.

    `take` is a take's number, or the beginning of its md5. Keep the replaced bytes in the cache. During a merge the
    recorded bytes are those of the merged manifest.
    """
    if selection.empty:
        raise MissingInputError("Say which asset to restore", "With --audio, --image, --video or --segment.")
    if dry_run:
        return _preview(peek(project, run), selection, take)
    with write_run(project, run, "restore", in_merge=take is None) as session:
        addresses = [one.address for one in select_assets(selection, session.manifest)]
        if take is not None:
            return _restore_take(session, addresses, take)
        if session.merging:
            # Lets `dvc pull` get the bytes that are not here.
            stage_dvc_files(session, session.manifest)
        return _restore_bytes(session, _with_candidates(session, addresses))


def _preview(session: Session, selection: AssetSelection, take: str | None) -> RestoreResult:
    addresses = [one.address for one in select_assets(selection, session.manifest)]
    run_id = session.run.run_id
    if take is None:
        return RestoreResult(
            run_id, _find_differing(session, _with_candidates(session, addresses)), None, None, dry_run=True
        )
    address, older, current = _find_older(session, addresses, take)
    path = () if older.md5 == current.md5 else (_make_current(session, address, older, current).path,)
    return RestoreResult(run_id, path, older.take, None, dry_run=True)


def _with_candidates(session: Session, addresses: list[Address]) -> list[Asset]:
    assets = [asset for one in addresses if (asset := session.manifest.asset(one)) is not None]
    return [one for asset in assets for one in (asset, *asset.takes.values())]


def _find_differing(session: Session, assets: list[Asset]) -> tuple[str, ...]:
    compared = counted(assets, "files compared")
    return tuple({asset.path: None for asset in compared if session.hash(asset.path) != asset.md5})


def _restore_bytes(session: Session, assets: list[Asset]) -> RestoreResult:
    wanted = {asset.path: asset.md5 for asset in assets}
    differing = _find_differing(session, assets)
    behind = set(differing)
    for asset in assets:
        if asset.path in behind:
            require_blob(session.project, session.run, asset.md5, asset.path)
            _check_no_folder(session.folder / asset.path)
    restore_files(session.project, session.folder, session.index, session.manifest, wanted)
    return RestoreResult(session.run.run_id, differing, None, None)


def _check_no_folder(path: Path) -> None:
    if is_folder(path):
        raise ConflictError(f"{path} is a folder, where the asset's file belongs", "Move it away, and restore again.")


def _restore_take(session: Session, addresses: list[Address], wanted: str) -> RestoreResult:
    address, older, current = _find_older(session, addresses, wanted)
    if older.md5 == current.md5:
        return RestoreResult(session.run.run_id, (), older.take, None)
    return restore_take(session, address, older, current)


def _find_older(session: Session, addresses: list[Address], wanted: str) -> tuple[Address, Asset, Asset]:
    """Return the address of the chosen asset, its wanted take, and its current one."""
    if len(addresses) != 1:
        raise UsageError("--take brings back one asset's take", "Name one asset.")
    address = addresses[0]
    current = require_unlocked(session.manifest, address)
    return address, find_take(session.project, session.run, address, wanted), current


def require_unlocked(manifest: Manifest, address: Address) -> Asset:
    """Return the asset. Raise LockedError if it is locked, and NotFoundError if there is none."""
    current = manifest.asset(address)
    if current is None:
        raise NotFoundError(f"{manifest.run_id} has no {address}")
    if current.locked:
        raise LockedError(
            f"{address} of {manifest.run_id} is {current.status}, and so locked",
            how_to_reopen(manifest.run_id, address),
        )
    return current


def restore_take(session: Session, address: Address, older: Asset, current: Asset) -> RestoreResult:
    """Make the older take the current one, in review."""
    require_blob(session.project, session.run, older.md5, f"take {older.take} of {address}")
    after = _make_current(session, address, older, current)
    transition = Transition(address, current.status, after.status)
    message = CommitMessage(session.run.run_id, "restore", f"take {older.take} of {address}", "", (transition,))
    commit = session.commit(session.manifest.with_asset(address, after), message)
    return RestoreResult(session.run.run_id, (after.path,), older.take, commit)


def _make_current(session: Session, address: Address, older: Asset, current: Asset) -> Asset:
    """Return the older take as the current asset, in review. Keep the record of later conflicts and takes."""
    decided = (CONFLICT, SETTLED)
    own = {key: value for key, value in older.extra.items() if key not in decided}
    adopted = adopt(session, address, replace(older, extra=own), current)
    extra = {**adopted.extra, LATEST_TAKE: next_take(current) - 1}
    return replace(adopted, status=Status.REVIEW, approved_md5=None, reason=older.reason, extra=extra)
