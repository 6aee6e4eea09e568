"""Change the status of chosen assets in a manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import Transition, format_addresses
from gitassets.domain.conflict import settle
from gitassets.domain.derived import derive
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.reopened import reopen_record
from gitassets.domain.selection import Chosen
from gitassets.domain.status import Status, find_path
from gitassets.errors import GitAssetsError, LockedError, NoMatchError, Remedy

VERBS = {
    Status.APPROVED: "approve",
    Status.REJECTED: "reject",
    Status.REVIEW: "review",
    Status.PUBLISHED: "publish",
}


class Skipped(Struct, frozen=True):
    """An asset that `all` skipped, and why."""

    address: Address
    why: str


class Decision(Struct, frozen=True):
    """The manifest after the decision, what changed, what was so already, and what `all` skipped."""

    manifest: Manifest
    transitions: tuple[Transition, ...]
    unchanged: tuple[Address, ...]
    skipped: tuple[Skipped, ...]


def decide(manifest: Manifest, chosen: Sequence[Chosen], target: Status, *, reason: str | None = None) -> Decision:
    """Set the status of every chosen asset to `target`. Raise an error if an explicitly chosen one cannot have it."""
    return _apply(manifest, chosen, lambda _, asset: _decide_one(asset, target, reason), VERBS[target])


class Wish(Struct, frozen=True):
    """The status that one asset is to have, and why."""

    target: Status
    reason: str | None = None


def decide_each(manifest: Manifest, wishes: Mapping[Address, Wish]) -> Decision:
    """Set the status that each asset is to have. Skip those that cannot have it."""
    return _collect(
        manifest,
        [Chosen(one, explicit=False) for one in sorted(wishes)],
        lambda address, asset: _decide_one(asset, wishes[address].target, wishes[address].reason),
        "decide on",
    )


def reopen(manifest: Manifest, chosen: Sequence[Chosen], *, reason: str) -> Decision:
    """Put every chosen asset back in review. For a locked one, record which bytes were unlocked and why."""
    return _apply(manifest, chosen, lambda _, asset: _reopen_one(asset, reason), "reopen")


class _RefusedError(Exception):
    def __init__(self, why: str, remedy: str = "", *, locked: bool = False) -> None:
        super().__init__(why)
        self.why, self.remedy, self.locked = why, remedy, locked


_Change = Callable[[Address, Asset], Asset]


def _apply(manifest: Manifest, chosen: Sequence[Chosen], change: _Change, verb: str) -> Decision:
    decision = _collect(manifest, chosen, change, verb)
    if not decision.transitions and not decision.unchanged:
        what = format_addresses(one.address for one in decision.skipped)
        raise NoMatchError(f"Nothing to {verb} in {manifest.run_id}: {what}", _join_reasons(decision.skipped))
    return decision


def _collect(manifest: Manifest, chosen: Sequence[Chosen], change: _Change, verb: str) -> Decision:
    changed: dict[Address, Asset | None] = {}
    transitions, unchanged, skipped = [], [], []
    for one in chosen:
        asset = manifest.asset(one.address)
        if asset is None:
            continue
        try:
            after = change(one.address, asset)
        except _RefusedError as refusal:
            if one.explicit:
                raise _explain(manifest, one.address, verb, refusal) from None
            skipped.append(Skipped(one.address, refusal.why))
            continue
        if after == asset:
            unchanged.append(one.address)
        else:
            changed[one.address] = after
            transitions.append(Transition(one.address, asset.status, after.status))
    after_all = derive(manifest.with_assets(changed)) if changed else manifest
    return Decision(after_all, tuple(transitions), tuple(unchanged), tuple(skipped))


def _join_reasons(skipped: Sequence[Skipped]) -> str:
    return "; ".join(sorted({f"{one.address.kind}: {one.why}" for one in skipped})[:5])


def _explain(manifest: Manifest, address: Address, verb: str, refusal: _RefusedError) -> GitAssetsError:
    kind = LockedError if refusal.locked else GitAssetsError
    about = {"run": manifest.run_id, "chosen": address.option}
    hint = Remedy(refusal.remedy, **about) if refusal.remedy else ""
    return kind(f"Cannot {verb} {address} of {manifest.run_id}: it {refusal.why}", hint)


def _decide_one(asset: Asset, target: Status, reason: str | None) -> Asset:
    if target is Status.APPROVED and asset.locked and not asset.approved:
        raise _RefusedError("is locked, but other bytes were approved than those it has now", "reopen", locked=True)
    if asset.status is target and (target is not Status.REJECTED or reason in (None, asset.reason)):
        return asset
    if asset.locked and target is not Status.PUBLISHED:
        raise _RefusedError(f"is {asset.status}, and so locked", "reopen", locked=True)
    if asset.status is not target and find_path(asset.status, target) is None:
        raise _RefusedError(f"is {asset.status}, from which there is no way to {target}")
    if target is Status.APPROVED and asset.status is Status.REJECTED:
        raise _RefusedError(
            "was rejected", "regenerate-or-reopen"
        )  # Else `approve --image all` would undo every rejection.
    if target is Status.APPROVED:
        return replace(settle(asset), status=target, approved_md5=asset.md5, reason=None)
    if target is Status.REJECTED:
        return replace(settle(asset), status=target, approved_md5=None, reason=reason)
    return replace(asset, status=target)


def _reopen_one(asset: Asset, reason: str) -> Asset:
    if asset.status is Status.REVIEW:
        return asset
    if asset.status is Status.REJECTED:
        return replace(asset, status=Status.REVIEW)
    if not asset.locked:
        raise _RefusedError(f"is {asset.status}, not locked and not rejected: there is nothing to reopen")
    return replace(asset, status=Status.REVIEW, approved_md5=None, reopened=reopen_record(asset, reason))
