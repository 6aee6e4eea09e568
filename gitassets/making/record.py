"""Records what was made: in one commit, each asset with its status, also where the maker was killed before it could."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.state.journal import Charge, Made, MadeLog
from gitassets.adapters.state.locks import hold_lock
from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.costs import UNKNOWN_PROVIDER, with_charges
from gitassets.domain.estimate import format_usd
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, default_path, iter_folder_entries
from gitassets.domain.manifest_parsing import parse_asset
from gitassets.domain.rules import require_known
from gitassets.domain.status import Status, status_after_new_take
from gitassets.domain.takes import OF_THE_BYTES, make_candidate, sorted_takes, without_take
from gitassets.errors import BusyError
from gitassets.runs.project import Project, Run, read_manifest
from gitassets.runs.transaction import Session, begin


class Failure(Struct, frozen=True):
    """An asset that was to be made and was not."""

    address: Address
    message: str
    hint: str = ""


@contextmanager
def hold_making(project: Project, run: Run) -> Iterator[None]:
    """Nobody else makes assets of this run meanwhile, so nothing is made or paid twice. BusyError says who does.

    GitAssetsError where the run follows rules that are not known here: what is made could not be recorded.
    """
    require_known(read_manifest(project, run))
    with hold_lock(making_lock(project, run.run_id), "making assets", wait_sec=0.5):
        yield


def making_lock(project: Project, run_id: str) -> Path:
    return project.state_dir / "making" / f"{run_id}.lock"


class Candidate(Struct, frozen=True):
    """A take that was recorded beside the current one."""

    address: Address
    take: int
    md5: str
    path: str


class Recorded(Struct, frozen=True):
    """What a commit recorded, and what it could not since the asset had changed meanwhile (its bytes are kept).

    `made` are the assets whose current take is a new one.
    """

    commit: str | None
    made: tuple[Address, ...]
    failed: tuple[Failure, ...]
    candidates: tuple[Candidate, ...] = ()


def record_made(
    session: Session, made: Sequence[Made], charges: Sequence[Charge], action: str, *, words: str = ""
) -> Recorded:
    """The made assets are in the manifest, in one commit, each with its status by the table of states; the charges too.

    What was paid for an asset that can no longer be recorded is a charge.
    """
    before = after = session.manifest
    touched, failed, charged = dict[Address, None](), list[Failure](), [*charges]
    for one in made:
        address = Address(one.segment, Kind(one.kind))
        problem = _find_obstacle(after, one, address)
        if problem is None:
            after = after.with_asset(address, _take_in(session, after, one, address))
            touched[address] = None
        elif not _is_recorded(after, one, address):
            failed.append(Failure(address, problem))
            charged += _charge_in_vain(one, problem)
    after = _with_charges(after, charged)
    if after == before:
        return Recorded(None, (), tuple(failed))
    commit = session.commit(after, _describe(before, after, action, list(touched), charged, words))
    renewed = tuple(one for one in touched if _is_renewed(before, after, one))
    return Recorded(commit, renewed, tuple(failed), tuple(_iter_candidates(before, after, touched)))


def _take_in(session: Session, manifest: Manifest, made: Made, address: Address) -> Asset:
    """The asset with the made take, as its current one or among its candidates."""
    asset = parse_asset(made.asset, address.kind, "the log of made assets")
    current = manifest.asset(address)
    if current is None or not made.candidate:
        return adopt(session, address, asset, current)
    return replace(current, takes={**current.takes, asset.md5: make_candidate(manifest, address, asset)})


def _is_recorded(manifest: Manifest, made: Made, address: Address) -> bool:
    """Whether it is there already, since a command was killed when it had just recorded it."""
    current = manifest.asset(address)
    if current is None or not made.candidate:
        return current is not None and current.md5 == made.asset.get("md5")
    known = {(one.md5, one.take) for one in (current, *current.takes.values())}
    return (made.asset.get("md5"), made.asset.get("take")) in known


def _is_renewed(before: Manifest, after: Manifest, address: Address) -> bool:
    """Whether another take is the current one."""
    old, new = before.asset(address), after.asset(address)
    return new is not None and (old is None or old.md5 != new.md5)


def _iter_candidates(before: Manifest, after: Manifest, addresses: Iterable[Address]) -> Iterator[Candidate]:
    for address in addresses:
        old, new = before.asset(address), after.asset(address)
        for take in sorted_takes(new) if new else ():
            if old is None or take.md5 not in old.takes:
                yield Candidate(address, take.take, take.md5, take.path)


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
    before: Manifest, after: Manifest, action: str, touched: Sequence[Address], charges: Sequence[Charge], words: str
) -> CommitMessage:
    """The message of the commit; where nothing was made, it tells of the charges alone."""
    told = [f"Charged, with nothing to show for it: {_tell_charge(one)}." for one in charges]
    addresses = touched or [Address(one.segment, Kind(one.kind)) for one in charges]
    only_candidates = touched and not any(_is_renewed(before, after, one) for one in touched)
    return CommitMessage(
        before.run_id,
        action if touched else "charge",
        f"{'candidates of ' if only_candidates else ''}{format_addresses(addresses)}",
        "\n".join([words, *told]).strip(),
        tuple(_transition(before, after, one) for one in touched),
        tuple(sorted({one.segment for one in charges})),
    )


def _transition(before: Manifest, after: Manifest, address: Address) -> Transition:
    old, new = before.asset(address), after.asset(address)
    return Transition(address, old.status if old else "none", new.status if new else "none")


def _tell_charge(charge: Charge) -> str:
    return f"{charge.kind} {charge.segment}, {format_usd(charge.cost_usd)} at {charge.provider}"


def _find_obstacle(manifest: Manifest, made: Made, address: Address) -> str | None:
    """Why the made take cannot be recorded; its bytes are kept all the same."""
    current, md5 = manifest.asset(address), made.asset.get("md5")
    if address.segment not in manifest.segments:
        return f"Segment {address.segment} is no longer in the run; the bytes are kept as {md5}"
    if made.candidate:
        return _find_obstacle_beside(current, made, address)
    if current is not None and current.locked:
        return f"{address} was approved meanwhile; the new take's bytes are kept as {md5}"
    if (current.md5 if current else None) != made.base_md5:
        return f"{address} was changed meanwhile; the new take's bytes are kept as {md5}"
    return None


def _find_obstacle_beside(current: Asset | None, made: Made, address: Address) -> str | None:
    """Why the made take cannot be a candidate. Whatever the current take is meanwhile, it may."""
    md5 = made.asset.get("md5")
    if current is None:
        return f"{address} is no longer in the run; the candidate's bytes are kept as {md5}"
    same = next((one for one in (current, *current.takes.values()) if one.md5 == md5), None)
    return None if same is None else f"{made.asset.get('source')} made take {same.take} of {address} again"


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
    from gitassets.making.deliver import settle_orders  # What it needs of the providers no other command wants.

    settle_orders(session.project, session.run.run_id)
    log = MadeLog(session.project.state_dir, session.run.run_id)
    made, charges = log.read(), log.read_charges()
    words = f"{'Made by' if made else 'Of'} a command that was interrupted."
    recorded = record_made(session, made, charges, "recover", words=words)
    session.recovered = recorded.made
    session.recovered_candidates = tuple(_iter_recovered(session.manifest, made))
    log.remove()


def _iter_recovered(manifest: Manifest, made: Iterable[Made]) -> Iterator[tuple[Address, str]]:
    """The candidates that an interrupted command had made, also where it was killed when it had just recorded them."""
    for one in made:
        address, md5 = Address(one.segment, Kind(one.kind)), str(one.asset.get("md5"))
        asset = manifest.asset(address)
        if one.candidate and asset is not None and md5 in asset.takes:
            yield address, md5
