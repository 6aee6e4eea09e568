"""Decide on chosen assets in one commit: what approve, reject, reopen and review share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.counting import counted
from gitassets.domain.commit_message import CommitMessage, Transition, format_addresses
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.decision import VERBS, Decision, Skipped
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.selection import AssetSelection, Chosen, select_assets
from gitassets.errors import ConflictError, CorruptError, MissingInputError, Remedy
from gitassets.making.record import write_run
from gitassets.runs.expected_bytes import Expected, check_expected, parse_all_expected
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.not_ready import suggest_conclusion
from gitassets.runs.project import Project, Run
from gitassets.runs.settle_merge import Settled
from gitassets.runs.transaction import Session


class DecidedOn(Struct, frozen=True):
    """The bytes a decision holds for."""

    address: Address
    take: int
    md5: str


class TransitionResult(Struct, frozen=True):
    """The decision. `assets` are those that now have the status, `unchanged` ones those that had it before.

    `commit` is None if nothing changed, or on a dry run. During a merge `merge` lists the remaining conflicts, and
    `commit` is the one that concludes the merge, None until then.
    """

    run_id: str
    action: str
    transitions: tuple[Transition, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]
    assets: tuple[DecidedOn, ...]
    commit: str | None
    dry_run: bool
    merge: Settled | None = None


DecideOn = Callable[[Manifest, Sequence[Chosen]], Decision]


def decide_in_run(
    project: Project,
    run: Run,
    action: str,
    selection: AssetSelection,
    decide_on: DecideOn,
    *,
    words: str = "",
    expected: Expected | None = None,
    dry_run: bool,
) -> TransitionResult:
    wanted = parse_all_expected(expected)
    if selection.empty:
        raise MissingInputError(
            f"Say which assets to {action}",
            "With --audio, --image, --video or --segment and a selection: all, 5, 1,3,5 or 1-10.",
        )
    if dry_run:
        manifest = read_manifest(project, run)
        chosen = select_assets(selection, manifest)
        check_expected(project, run, manifest, chosen, wanted)
        return _result(run, action, decide_on(manifest, chosen), None, dry_run=True)
    with write_run(project, run, action, in_merge=action in ("approve", "reject")) as session:
        chosen = select_assets(selection, session.manifest)
        check_expected(project, run, session.manifest, chosen, wanted)
        decision = _decide(session, action, chosen, decide_on)
        if action in ("approve", "reject"):
            _check_seen(session, decision)
        if wanted is not None and action == "reject":
            _check_files(session, decision)
        settled = _commit(session, action, decision, words) if decision.transitions else None
    result = _result(run, action, decision, settled.commit if settled else None, dry_run=False)
    return replace(result, merge=settled if session.merging else None)


def _decide(session: Session, action: str, chosen: Sequence[Chosen], decide_on: DecideOn) -> Decision:
    """Decide on the chosen assets. During a merge, skip those without a conflict."""
    agreed = _find_agreed(session, action, chosen) if session.merging else []
    decision = decide_on(session.manifest, [one for one in chosen if one not in agreed])
    skipped = (Skipped(one.address, "is not in conflict: conclude the merge first") for one in agreed)
    return replace(decision, skipped=(*decision.skipped, *skipped))


def _find_agreed(session: Session, action: str, chosen: Sequence[Chosen]) -> list[Chosen]:
    """Return the chosen assets without a conflict: a decision on them would look like one of the merge.

    Raise ConflictError if the user named one by its number.
    """
    agreed = []
    for one in chosen:
        asset = session.manifest.asset(one.address)
        if asset is None or CONFLICT in asset.extra or VERBS.get(asset.status) == action:
            continue
        if one.explicit:
            raise ConflictError(
                f"Cannot {action} {one.address} of {session.run.run_id} now: a merge is not finished, "
                "and this asset is not in conflict",
                suggest_conclusion(session),
            )
        agreed.append(one)
    return agreed


def _check_seen(session: Session, decision: Decision) -> None:
    """Raise ConflictError if this command has just recorded one of the takes: nobody has seen it."""
    unseen = [one.address for one in decision.transitions if one.address in session.recovered]
    if unseen:
        what = format_addresses(unseen)
        raise ConflictError(
            f"An interrupted command had made new takes of {what}, which are recorded now but were never looked at",
            f"Look at them, then decide: `gitassets review {session.run.run_id}`.",
        )


def _check_files(session: Session, decision: Decision) -> None:
    """Raise ConflictError if a file differs from the recorded one. Absent files can be rejected."""
    addresses = [one.address for one in decision.transitions]
    found = ((one, session.manifest.asset(one)) for one in addresses)
    check_bytes(session, [one for one, asset in found if asset and (session.folder / asset.path).exists()])


def _commit(session: Session, action: str, decision: Decision, words: str) -> Settled:
    if action == "approve":
        check_bytes(session, [one.address for one in decision.transitions])
    what = format_addresses(one.address for one in decision.transitions)
    message = CommitMessage(session.run.run_id, action, what, words, decision.transitions)
    if session.merging:
        return session.settle(decision.manifest, message)
    return Settled(session.commit(decision.manifest, message))


def check_bytes(session: Session, addresses: Sequence[Address]) -> None:
    """Raise ConflictError unless each asset's file, or its blob if the file is absent, has the manifest's bytes."""
    for address in counted(addresses, "files compared"):
        asset = session.manifest.asset(address)
        if asset is None:
            continue
        found = session.hash(asset.path)
        if found is None:
            _check_blob(session, address, asset)
        elif found != asset.md5:
            raise ConflictError(
                f"{session.folder / asset.path} has other bytes than the manifest records for {address}",
                _suggest_restore(session, address),
            )


def _suggest_restore(session: Session, address: Address) -> str:
    chosen = f"{session.run.run_id} {address.option}"
    if session.merging:
        return f"Get the bytes that were merged with `gitassets restore {chosen}`, look at them, and decide again."
    return (
        f"Take them as a new take with `gitassets replace {chosen}`, "
        f"or get the recorded ones back with `gitassets restore {chosen}`."
    )


def _check_blob(session: Session, address: Address, asset: Asset) -> None:
    blob = require_blob(session.project, session.run, asset.md5, f"{address} of {session.run.run_id}")
    if not session.project.blobs.is_whole(asset.md5):
        raise CorruptError(
            f"The cached bytes of {address} of {session.run.run_id} are damaged: {blob}", Remedy("mend-bytes")
        )


def _result(run: Run, action: str, decision: Decision, commit: str | None, *, dry_run: bool) -> TransitionResult:
    addresses = sorted((*(one.address for one in decision.transitions), *decision.unchanged))
    found = ((one, decision.manifest.asset(one)) for one in addresses)
    return TransitionResult(
        run_id=run.run_id,
        action=action,
        transitions=decision.transitions,
        unchanged=decision.unchanged,
        skipped=decision.skipped,
        assets=tuple(DecidedOn(one, asset.take, asset.md5) for one, asset in found if asset is not None),
        commit=commit,
        dry_run=dry_run,
    )
