"""Make a user's file the new take of an asset."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.counting import counted
from gitassets.adapters.files import copy_file, hash_file
from gitassets.adapters.media.probe import MediaInfo, probe_media
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.manifest import MUSIC, Address, Asset, Kind
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.selection import AssetSelection, Chosen, Selection, select_segments
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError, LockedError, MissingInputError, NoMatchError, NotFoundError, UsageError
from gitassets.making.plan import make_handmade
from gitassets.making.record import adopt, write_run
from gitassets.runs.expected_bytes import Expected, check_expected
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, peek


class ReplaceResult(Struct, frozen=True):
    run_id: str
    replaced: tuple[Address, ...]
    unchanged: tuple[Address, ...]
    commit: str | None
    dry_run: bool = False


def replace_asset(
    project: Project,
    run: Run,
    selection: AssetSelection,
    file: Path | None,
    *,
    expected: Expected | None = None,
    dry_run: bool = False,
) -> ReplaceResult:
    """Record the bytes of `file`, or of the asset's own file if that was changed, as a new take.

    `expected` is the md5 of the bytes the user looked at: refuse the asset if it has others.
    """
    if dry_run:
        return _preview(peek(project, run), selection, file)
    with write_run(project, run, "replace") as session:
        addresses = _choose(session, selection, file)
        check_expected(project, run, session.manifest, [Chosen(one, explicit=True) for one in addresses], expected)
        changed: dict[Address, Asset | None] = {}
        unchanged = []
        for address in counted(addresses, "files taken in"):
            asset = _make_take(session, address, file)
            if asset is None:
                unchanged.append(address)
            else:
                changed[address] = asset
        commit = _commit(session, changed, file) if changed else None
    return ReplaceResult(run.run_id, tuple(changed), tuple(unchanged), commit)


def _preview(session: Session, selection: AssetSelection, file: Path | None) -> ReplaceResult:
    """Probe the files, and say which would become new takes."""
    replaced, unchanged = [], []
    for address in counted(_choose(session, selection, file), "files compared"):
        current = session.manifest.asset(address)
        path = require_file(file) if file is not None else session.folder / _require_own(session, address).path
        if current is not None and hash_file(path) == current.md5:
            unchanged.append(address)
            continue
        probe_for(path, address)
        replaced.append(address)
    return ReplaceResult(session.run.run_id, tuple(replaced), tuple(unchanged), None, dry_run=True)


def _choose(session: Session, selection: AssetSelection, file: Path | None) -> list[Address]:
    if len(selection.by_kind) != 1 or selection.segments is not None:
        raise MissingInputError("Say which asset to replace", "With one of --audio N, --image N, --video N or --music.")
    kind, chosen = next(iter(selection.by_kind.items()))
    if kind is Kind.MUSIC:
        require_unlocked(session, MUSIC)
        return [MUSIC]
    numbers = select_segments(_require_numbers(chosen), session.manifest)
    if file is not None and len(numbers) != 1:
        raise UsageError(f"One file cannot be the {kind} of {len(numbers)} segments", "Name one segment.")
    addresses = [Address(number, kind) for number in numbers]
    for address in addresses:
        require_unlocked(session, address)
    return addresses


def _require_numbers(selection: Selection) -> Selection:
    if selection.ranges is None:
        raise UsageError("replace takes numbers of segments, not 'all'", "Such as --image 3.")
    return selection


def require_unlocked(session: Session, address: Address) -> None:
    """Raise LockedError if the asset is locked, so that no other bytes may take its place."""
    asset = session.manifest.asset(address)
    if asset is not None and asset.locked:
        run_id = session.run.run_id
        raise LockedError(
            f"Cannot replace {address} of {run_id}: it is {asset.status}, and so locked",
            how_to_reopen(run_id, address),
        )


def _make_take(session: Session, address: Address, file: Path | None) -> Asset | None:
    """Put the bytes in the cache and return the new take, or None if the asset has these bytes already."""
    current = session.manifest.asset(address)
    if file is not None:
        return make_take_from_file(session, address, current, file)
    current = _require_own(session, address)
    path = session.folder / current.path
    md5 = session.hash(current.path)
    if md5 is None or md5 == current.md5:
        return None
    info = probe_for(path, address)
    session.project.blobs.copy_in(path, md5)
    return _new_take(session, address, current, info, md5)


def _require_own(session: Session, address: Address) -> Asset:
    """Return the asset. Raise NoMatchError if there is none, and NotFoundError if its file is not there."""
    current = session.manifest.asset(address)
    if current is None:
        where = f"{session.run.run_id}" if address == MUSIC else f"Segment {address.segment} of {session.run.run_id}"
        raise NoMatchError(f"{where} has no {address.kind} yet", "Give a FILE.")
    if session.hash(current.path) is None:
        raise NotFoundError(f"{session.folder / current.path} is not there", "Give a FILE.")
    return current


def require_file(file: Path) -> Path:
    """Return the file. Raise UsageError for a folder, and NotFoundError if nothing is there."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder", "Name the file itself.")
    if not file.is_file():
        raise NotFoundError(f"There is no file {file}")
    return file


def make_take_from_file(session: Session, address: Address, current: Asset | None, file: Path) -> Asset | None:
    """Put the bytes of the file in the cache and return the new take, or None if the asset has these bytes already."""
    require_file(file)
    with session.project.scratch() as scratch:
        copy = scratch / "file"
        copy_file(file, copy)
        info = probe_for(copy, address, name=file)
        md5 = hash_file(copy)
        if current is not None and md5 == current.md5:
            return None
        session.project.blobs.move_in(copy, md5)
    return _new_take(session, address, current, info, md5)


def probe_for(path: Path, address: Address, name: Path | None = None) -> MediaInfo:
    """Probe the file, and check its kind. Errors call it `name`, if given."""
    try:
        info = probe_media(path)
    except GitAssetsError as error:
        raise type(error)(error.message.replace(str(path), str(name or path)), error.hint) from error
    if info.kind is not address.kind.of_file:
        raise UsageError(
            f"{name or path} holds {info.kind}, not {address.kind}", f"Name it with --{info.kind} instead."
        )
    return info


def _new_take(session: Session, address: Address, current: Asset | None, info: MediaInfo, md5: str) -> Asset:
    adopted = adopt(session, address, make_handmade(address, current, info, md5), current)
    # A file changed in place keeps its name even if the bytes are of another type.
    in_place = current is not None and session.hash(current.path) == md5
    return replace(adopted, path=current.path) if in_place and current is not None else adopted


def _commit(session: Session, changed: dict[Address, Asset | None], file: Path | None) -> str:
    transitions = []
    for address, asset in changed.items():
        before = session.manifest.asset(address)
        transitions.append(
            Transition(address, before.status if before else "none", asset.status if asset else Status.DRAFT)
        )
    words = f"By the file {file.name}." if file is not None else "By the changed file in its place."
    message = CommitMessage(session.run.run_id, "replace", format_addresses(changed), words, tuple(transitions))
    return session.commit(session.manifest.with_assets(changed), message)
