"""Records what was made: in one commit, each asset with its status, also where the maker was killed before it could."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.handing_over import settle_orders
from gitassets.actions.project import Project, Run
from gitassets.actions.transaction import Session, begin
from gitassets.adapters.journal import Charge, Made, MadeLog
from gitassets.adapters.locks import hold_lock
from gitassets.adapters.orders import OrderBook
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.manifest import (
    Address,
    Asset,
    Kind,
    Manifest,
    default_path,
    iter_folder_entries,
    parse_asset,
)
from gitassets.domain.money import format_usd
from gitassets.domain.spent import UNKNOWN_PROVIDER, with_charges
from gitassets.domain.status import Status, status_after_new_take
from gitassets.domain.takes import OF_THE_BYTES, without_take
from gitassets.errors import BusyError


class Failure(Struct, frozen=True):
    """An asset that was to be made and was not."""

    address: Address
    message: str
    hint: str = ""


@contextmanager
def hold_making(project: Project, run: Run) -> Iterator[None]:
    """Nobody else makes assets of this run meanwhile, so nothing is made or paid twice. BusyError says who does."""
    with hold_lock(making_lock(project, run.run_id), "making assets", wait_sec=0.5):
        yield


def making_lock(project: Project, run_id: str) -> Path:
    return project.state_dir / "making" / f"{run_id}.lock"


class Recorded(Struct, frozen=True):
    """What a commit recorded, and what it could not since the asset had changed meanwhile (its bytes are kept)."""

    commit: str | None
    made: tuple[Address, ...]
    failed: tuple[Failure, ...]


def record_made(
    session: Session, made: Sequence[Made], charges: Sequence[Charge], action: str, *, words: str = ""
) -> Recorded:
    """The made assets are in the manifest, in one commit, each with its status by the table of states; the charges too.

    What was paid for an asset that can no longer be recorded is a charge.
    """
    changed: dict[Address, Asset | None] = {}
    transitions: list[Transition] = []
    failed: list[Failure] = []
    charged = [*charges]
    for one in made:
        address = Address(one.segment, Kind(one.kind))
        current = session.manifest.asset(address)
        problem = _find_obstacle(session.manifest, one, address, current)
        if problem:
            failed.append(Failure(address, problem))
            charged += [] if current and current.md5 == one.asset.get("md5") else _charge_in_vain(one, problem)
            continue
        asset = parse_asset(one.asset, address.kind, "the log of made assets")
        adopted = adopt(session, address, asset, current)
        changed[address] = adopted
        transitions.append(Transition(address, current.status if current else "none", adopted.status))
    after = _with_charges(session.manifest.with_assets(changed), charged)
    if after == session.manifest:
        return Recorded(None, (), tuple(failed))
    message = _describe(session, action, transitions, charged, words)
    return Recorded(session.commit(after, message), tuple(changed), tuple(failed))


def _charge_in_vain(made: Made, problem: str) -> list[Charge]:
    """The charge for a take that nobody needs any more, under a name that follows from its bytes."""
    asset = parse_asset(made.asset, Kind(made.kind), "the log of made assets")
    if not asset.cost_usd:
        return []
    provider, at = asset.source or UNKNOWN_PROVIDER, asset.generated_at or ""
    return [Charge(asset.md5[:12], made.segment, made.kind, provider, asset.cost_usd, at, problem)]


def _with_charges(manifest: Manifest, charges: Sequence[Charge]) -> Manifest:
    records = {
        (one.segment, one.charge): {
            "kind": one.kind, "provider": one.provider, "cost_usd": one.cost_usd, "at": one.at, "why": one.why,
        }
        for one in charges
    }  # fmt: skip
    return with_charges(manifest, records)


def _describe(
    session: Session, action: str, transitions: Sequence[Transition], charges: Sequence[Charge], words: str
) -> CommitMessage:
    """The message of the commit; where nothing was made, it tells of the charges alone."""
    told = [f"Charged, with nothing to show for it: {_tell_charge(one)}." for one in charges]
    addresses = [one.address for one in transitions] or [Address(one.segment, Kind(one.kind)) for one in charges]
    return CommitMessage(
        session.run.run_id,
        action if transitions else "charge",
        format_addresses(addresses),
        "\n".join([words, *told]).strip(),
        tuple(transitions),
        tuple(sorted({one.segment for one in charges})),
    )


def _tell_charge(charge: Charge) -> str:
    return f"{charge.kind} {charge.segment}, {format_usd(charge.cost_usd)} at {charge.provider}"


def _find_obstacle(manifest: Manifest, made: Made, address: Address, current: Asset | None) -> str | None:
    if address.segment not in manifest.segments:
        return f"Segment {address.segment} is no longer in the run; the bytes are kept as {made.asset.get('md5')}"
    if current is not None and current.locked:
        return f"{address} was approved meanwhile; the new take's bytes are kept as {made.asset.get('md5')}"
    if (current.md5 if current else None) != made.base_md5:
        return f"{address} was changed meanwhile; the new take's bytes are kept as {made.asset.get('md5')}"
    return None


def adopt(session: Session, address: Address, asset: Asset, current: Asset | None) -> Asset:
    """The new take as the manifest records it: status by the table, file where `current` lies or under a free name.

    Candidates stay, but for the one that has become the current take.
    """
    suffix = Path(asset.path).suffix
    if current is not None and Path(current.path).suffix == suffix:
        path = current.path
    else:
        path = free_path(session, default_path(address, suffix))
    if current is None:
        return replace(asset, path=path, status=Status.DRAFT)
    # A key that this version does not know stays, but for those that say what the bytes before were.
    extra = {key: value for key, value in current.extra.items() if key not in OF_THE_BYTES} | dict(asset.extra)
    return replace(
        asset,
        path=path,
        status=status_after_new_take(current.status),
        reason=current.reason,
        reopened=current.reopened,
        takes=without_take({**asset.takes, **current.takes}, asset.md5),
        extra=extra,
    )


def free_path(session: Session, path: str) -> str:
    """`path`, or the same with a number where another asset or an unrecorded file has that name already."""
    taken = {path.casefold() for path, _, _ in iter_folder_entries(session.manifest)}
    stem, suffix = path.rsplit(".", 1)
    candidate, number = path, 2
    while candidate.casefold() in taken or (session.folder / candidate).exists():
        candidate, number = f"{stem}_{number}.{suffix}", number + 1
    return candidate


@contextmanager
def write_run(project: Project, run: Run, purpose: str, *, in_merge: bool = False) -> Iterator[Session]:
    """The run is held for writing, with everything recorded that a killed command had made or begun to write."""
    with begin(project, run, purpose, in_merge=in_merge) as session:
        if not session.merging and _has_leftovers(project, run):
            _record_unless_at_work(session)
        yield session


def _has_leftovers(project: Project, run: Run) -> bool:
    return MadeLog(project.state_dir, run.run_id).path.exists() or any(OrderBook(project.state_dir, run.run_id))


def _record_unless_at_work(session: Session) -> None:
    """While the maker is still at work, it records its results itself."""
    try:
        with hold_lock(making_lock(session.project, session.run.run_id), "recovering", wait_sec=0):
            record_log(session)
    except BusyError:
        return


def record_log(session: Session) -> None:
    """What a killed command had made is recorded; the caller holds the lock for making."""
    settle_orders(session.project, session.run.run_id)
    log = MadeLog(session.project.state_dir, session.run.run_id)
    made, charges = log.read(), log.read_charges()
    words = f"{'Made by' if made else 'Of'} a command that was interrupted."
    recorded = record_made(session, made, charges, "recover", words=words)
    session.recovered = recorded.made
    log.remove()
