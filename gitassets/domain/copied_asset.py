"""What an asset of one run becomes in another run."""

from __future__ import annotations

from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.stale import text_md5
from gitassets.domain.status import Status, find_path, status_after_new_take
from gitassets.domain.takes import LATEST_TAKE, OF_THE_BYTES, PARENT, next_take, without_take

_OF_ITS_RUN = (LATEST_TAKE, PARENT, CONFLICT, SETTLED)


def find_copy_obstacle(target: Manifest, address: Address, *, allow_replace: bool) -> str | None:
    """Why nothing can be copied to this address, as the rest of a sentence; None when it can."""
    if address.segment not in target.segments:
        return f"has no place: {target.run_id} has no such segment"
    current = target.asset(address)
    if current is None:
        return None
    if current.locked:
        return f"is {current.status} there, and so locked"
    return None if allow_replace else "exists there already"


def copy_asset(source: Manifest, target: Manifest, address: Address) -> Asset:
    """The source's asset as the target's: with its status, or in review where the two segments' texts differ.

    Candidates stay where they are: those of the target are kept, those of the source do not come along.
    """
    asset, current = source.segments[address.segment].asset(address.kind), target.asset(address)
    if asset is None:
        raise KeyError(str(address))
    spoken = text_md5(source.segments[address.segment].paragraph_text)
    same_text = spoken == text_md5(target.segments[address.segment].paragraph_text)
    status = _reachable(current, _kept_status(asset) if same_text else Status.REVIEW)
    if current is not None and current.md5 == asset.md5:
        return _decided_alike(current, asset, status) if same_text else current
    extra = {key: value for key, value in asset.extra.items() if key not in _OF_ITS_RUN}
    if current is not None:
        kept = {key: value for key, value in current.extra.items() if key not in OF_THE_BYTES}
        extra = {**kept, **extra, PARENT: current.md5}
    return replace(
        asset,
        status=status,
        approved_md5=asset.md5 if status.locked else None,
        reopened=current.reopened if current else None,
        text_md5=asset.text_md5 if same_text else asset.text_md5 or spoken,
        take=next_take(current),
        takes=without_take(current.takes, asset.md5) if current else {},
        extra=extra,
    )


def _decided_alike(current: Asset, asset: Asset, status: Status) -> Asset:
    """The same bytes under the same text: what was decided there holds here too, where nothing is decided yet."""
    if current.locked or current.status in (Status.REJECTED, status) or CONFLICT in current.extra:
        return current
    return replace(current, status=status, approved_md5=asset.md5 if status.locked else None, reason=asset.reason)


def _kept_status(asset: Asset) -> Status:
    """An approval of other bytes than these is none; and what is published there is not published here."""
    if not asset.locked:
        return asset.status
    return Status.APPROVED if asset.approved else Status.REVIEW


def _reachable(current: Asset | None, status: Status) -> Status:
    """The status, or where no way leads there from the current one, that of any new take."""
    if current is None:
        return status
    stays_rejected = current.status is status is Status.REJECTED
    if stays_rejected or find_path(current.status, status) is None:
        return status_after_new_take(current.status)
    return status
