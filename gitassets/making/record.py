"""Record made assets in one commit, each with its status. Also record what a killed command had made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.state.journal import Charge, MadeLog, MadeTake
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
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, begin


class Failure(Struct, frozen=True):
    """An asset that could not be made, and why."""

    address: Address
    message: str
    hint: str = ""


@contextmanager
def hold_making(project: Project, run: Run) -> Iterator[None]:
    """Hold the run's lock for making, so that nothing is made or paid twice.

    Raise BusyError if another command holds it; the error says which. Raise GitAssetsError if the run follows rules
    that this version does not know, since what is made could then not be recorded.
    """
    require_known(read_manifest(project, run))
    with hold_lock(making_lock(project, run.run_id), "making assets", wait_sec=0.5):
        yield


def making_lock(project: Project, run_id: str) -> Path:
    """Return the path of the run's lock for making."""
    return project.state_dir / "making" / f"{run_id}.lock"


class RecordedCandidate(Struct, frozen=True):
    """A take that was recorded beside the current one."""

    address: Address
    take: int
    md5: str
    path: str


class Recorded(Struct, frozen=True):
    """What a commit recorded. `made` are the assets whose current take is new.

    `failed` are those that could not be recorded because the asset changed in the meantime; their bytes are kept.
    """

    commit: str | None
    made: tuple[Address, ...]
    failed: tuple[Failure, ...]
    candidates: tuple[RecordedCandidate, ...] = ()


def record_made(
    session: Session, made: Sequence[MadeTake], charges: Sequence[Charge], action: str, *, words: str = ""
) -> Recorded:
    """Record the made assets and the charges in the manifest, in one commit. The table of states sets each status.

    The cost of a take that can no longer be recorded becomes a charge.
    """
    before = after = session.manifest
    touched, failed, charged = dict[Address, None](), list[Failure](), [*charges]
    for one in made:
        address = Address(one.segment, Kind(one.kind))
        problem = _find_obstacle(after, one, address)
        if problem is None:
            after = after.with_asset(address, _add_take(session, after, one, address))
            touched[address] = None
        elif not _is_recorded(after, one, address):
            failed.append(Failure(address, problem))
            charged += _charge_unrecorded(one, problem)
    after = _with_charges(after, charged)
    if after == before:
        return Recorded(None, (), tuple(failed))
    commit = session.commit(after, _describe(before, after, action, list(touched), charged, words))
    renewed = tuple(one for one in touched if _is_renewed(before, after, one))
    return Recorded(commit, renewed, tuple(failed), tuple(_iter_candidates(before, after, touched)))


def _add_take(session: Session, manifest: Manifest, made: MadeTake, address: Address) -> Asset:
    """Return the asset with the made take as its current take or as a candidate."""
    asset = parse_asset(made.asset, address.kind, "the log of made assets")
    current = manifest.asset(address)
    if current is None or not made.candidate:
        return adopt(session, address, asset, current)
    return replace(current, takes={**current.takes, asset.md5: make_candidate(manifest, address, asset)})


def _is_recorded(manifest: Manifest, made: MadeTake, address: Address) -> bool:
    """Check whether the take is recorded already. A command may be killed right after it has recorded a take."""
    current = manifest.asset(address)
    if current is None or not made.candidate:
        return current is not None and current.md5 == made.asset.get("md5")
    known = {(one.md5, one.take) for one in (current, *current.takes.values())}
    return (made.asset.get("md5"), made.asset.get("take")) in known


def _is_renewed(before: Manifest, after: Manifest, address: Address) -> bool:
    """Check whether the current take has changed."""
    old, new = before.asset(address), after.asset(address)
    return new is not None and (old is None or old.md5 != new.md5)


def _iter_candidates(before: Manifest, after: Manifest, addresses: Iterable[Address]) -> Iterator[RecordedCandidate]:
    for address in addresses:
        old, new = before.asset(address), after.asset(address)
        for take in sorted_takes(new) if new else ():
            if old is None or take.md5 not in old.takes:
                yield RecordedCandidate(address, take.take, take.md5, take.path)


def _charge_unrecorded(made: MadeTake, problem: str) -> list[Charge]:
    """Return the charge for a take that cannot be recorded, named by its md5; none if it cost nothing."""
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
    """Return the commit message. If nothing was made, it names only the charges."""
    lines = [f"Charged, with nothing to show for it: {_describe_charge(one)}." for one in charges]
    addresses = touched or [Address(one.segment, Kind(one.kind)) for one in charges]
    only_candidates = touched and not any(_is_renewed(before, after, one) for one in touched)
    return CommitMessage(
        before.run_id,
        action if touched else "charge",
        f"{'candidates of ' if only_candidates else ''}{format_addresses(addresses)}",
        "\n".join([words, *lines]).strip(),
        tuple(_transition(before, after, one) for one in touched),
        tuple(sorted({one.segment for one in charges})),
    )


def _transition(before: Manifest, after: Manifest, address: Address) -> Transition:
    old, new = before.asset(address), after.asset(address)
    return Transition(address, old.status if old else "none", new.status if new else "none")


def _describe_charge(charge: Charge) -> str:
    return f"{charge.kind} {charge.segment}, {format_usd(charge.cost_usd)} at {charge.provider}"


def _find_obstacle(manifest: Manifest, made: MadeTake, address: Address) -> str | None:
    """Return why the made take cannot be recorded, or None. Its bytes are kept in any case."""
    current, md5 = manifest.asset(address), made.asset.get("md5")
    if address.segment not in manifest.segments:
        return f"Segment {address.segment} is no longer in the run; the bytes are kept as {md5}"
    if made.candidate:
        return _find_candidate_obstacle(current, made, address)
    if current is not None and current.locked:
        return f"{address} was approved meanwhile; the new take's bytes are kept as {md5}"
    if (current.md5 if current else None) != made.base_md5:
        return f"{address} was changed meanwhile; the new take's bytes are kept as {md5}"
    return None


def _find_candidate_obstacle(current: Asset | None, made: MadeTake, address: Address) -> str | None:
    """Return why the made take cannot become a candidate, or None. The current take may have changed."""
    md5 = made.asset.get("md5")
    if current is None:
        return f"{address} is no longer in the run; the candidate's bytes are kept as {md5}"
    same = next((one for one in (current, *current.takes.values()) if one.md5 == md5), None)
    return None if same is None else f"{made.asset.get('source')} made take {same.take} of {address} again"


def adopt(session: Session, address: Address, asset: Asset, current: Asset | None) -> Asset:
    """Return the new take as the asset's current one, with the status that follows from the table of states.

    Its file replaces that of `current` if both have the same suffix, else it gets a free name. Candidates stay, except
    for the one that becomes the current take.
    """
    suffix = Path(asset.path).suffix
    if current is not None and Path(current.path).suffix == suffix:
        path = current.path
    else:
        path = find_free_path(session, default_path(address, suffix))
    if current is None:
        return replace(asset, path=path, status=Status.DRAFT)
    # Keep keys that this version does not know, but not those that describe the previous bytes.
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


def find_free_path(session: Session, path: str) -> str:
    """Return `path`, with a number added if another asset or an unrecorded file has that name."""
    used = {path.casefold() for path, _, _ in iter_folder_entries(session.manifest)}
    stem, suffix = path.rsplit(".", 1)
    free, number = path, 2
    while free.casefold() in used or (session.folder / free).exists():
        free, number = f"{stem}_{number}.{suffix}", number + 1
    return free


@contextmanager
def write_run(project: Project, run: Run, purpose: str, *, in_merge: bool = False) -> Iterator[Session]:
    """Open a transaction on the run. First record everything that a killed command had made or begun to write."""
    with begin(project, run, purpose, in_merge=in_merge) as session:
        if not session.merging and _has_leftovers(project, run):
            _record_unless_making(session)
        yield session


def _has_leftovers(project: Project, run: Run) -> bool:
    return MadeLog(project.state_dir, run.run_id).path.exists() or any(OrderBook(project.state_dir, run.run_id))


def _record_unless_making(session: Session) -> None:
    """Record what a killed command left. A command that is still running records its results itself."""
    try:
        with hold_lock(making_lock(session.project, session.run.run_id), "recovering", wait_sec=0):
            record_log(session)
    except BusyError:
        return


def record_log(session: Session) -> None:
    """Record what a killed command had made. The caller holds the run's lock for making."""
    from gitassets.making.deliver import settle_orders  # It imports the providers, which no other command needs.

    settle_orders(session.project, session.run.run_id)
    log = MadeLog(session.project.state_dir, session.run.run_id)
    made, charges = log.read(), log.read_charges()
    words = f"{'Made by' if made else 'Of'} a command that was interrupted."
    recorded = record_made(session, made, charges, "recover", words=words)
    session.recovered = recorded.made
    session.recovered_candidates = tuple(_iter_recovered(session.manifest, made))
    log.remove()


def _iter_recovered(manifest: Manifest, made: Iterable[MadeTake]) -> Iterator[tuple[Address, str]]:
    """Yield the candidates that an interrupted command had made, even if it had already recorded them."""
    for one in made:
        address, md5 = Address(one.segment, Kind(one.kind)), str(one.asset.get("md5"))
        asset = manifest.asset(address)
        if one.candidate and asset is not None and md5 in asset.takes:
            yield address, md5
