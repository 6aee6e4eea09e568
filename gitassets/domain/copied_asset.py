"""Copy an asset from one run to another."""

from __future__ import annotations

from msgspec.structs import replace

from gitassets.domain.conflict import CONFLICT, SETTLED
from gitassets.domain.manifest import MUSIC, Address, Asset, Manifest
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.stale import text_md5
from gitassets.domain.status import Status, find_path, status_after_new_take
from gitassets.domain.takes import LATEST_TAKE, OF_THE_BYTES, PARENT, next_take, without_take

_RUN_KEYS = (LATEST_TAKE, PARENT, CONFLICT, SETTLED)


def find_copy_obstacle(target: Manifest, address: Address, *, allow_replace: bool) -> str | None:
    """Return why nothing can be copied to this address, as the rest of a sentence, or None."""
    if address != MUSIC and address.segment not in target.segments:
        return f"has no place: {target.run_id} has no such segment"
    current = target.asset(address)
    if current is None:
        return None
    if current.locked:
        return f"is {current.status} there, and so locked"
    return None if allow_replace else "exists there already"


def copy_asset(source: Manifest, target: Manifest, address: Address) -> Asset:
    """Return the source's asset as the target's: with its status, or in review if the two segments' texts differ.

    The target keeps its candidates; those of the source are not copied.
    """
    asset, current = source.asset(address), target.asset(address)
    if asset is None:
        raise KeyError(str(address))
    spoken = _text_md5(source, address)
    same_text = have_same_text(source, target, address)
    status = _find_reachable(current, _copied_status(asset) if same_text else Status.REVIEW)
    if current is not None and current.md5 == asset.md5:
        return _copy_decision(current, asset, status) if same_text else current
    extra = {key: value for key, value in asset.extra.items() if key not in _RUN_KEYS}
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


def have_same_text(source: Manifest, target: Manifest, address: Address) -> bool:
    """Check whether an asset at this address is made from the same words in both runs."""
    return _text_md5(source, address) == _text_md5(target, address)


def _text_md5(manifest: Manifest, address: Address) -> str:
    text = manifest.segment_of(address).paragraph_text
    return text_md5(text, find_script_rules(manifest), address.kind)


def _copy_decision(current: Asset, asset: Asset, status: Status) -> Asset:
    """Apply the source's decision to the same bytes under the same text, unless the target is already decided."""
    if current.locked or current.status in (Status.REJECTED, status) or CONFLICT in current.extra:
        return current
    return replace(current, status=status, approved_md5=asset.md5 if status.locked else None, reason=asset.reason)


def _copied_status(asset: Asset) -> Status:
    """Return the status to copy. An approval of other bytes does not count, and published becomes approved."""
    if not asset.locked:
        return asset.status
    return Status.APPROVED if asset.approved else Status.REVIEW


def _find_reachable(current: Asset | None, status: Status) -> Status:
    """Return the status; if it cannot be reached from the current one, that of any new take."""
    if current is None:
        return status
    stays_rejected = current.status is status is Status.REJECTED
    if stays_rejected or find_path(current.status, status) is None:
        return status_after_new_take(current.status)
    return status
