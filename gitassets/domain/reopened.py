"""Record that a locked asset was reopened: which bytes were unlocked, why, and how many times.

The record stays on the asset when it is approved again, and each reopen increases the count. So an old record that a
revert or a cherry-pick brings back unlocks nothing: its count is not higher than the existing one.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitassets.domain.manifest import Address, Asset
from gitassets.errors import Remedy


def how_to_reopen(run_id: str, address: Address) -> str:
    """Return the hint for a user who wants to change a locked asset."""
    return Remedy("reopen", run=run_id, chosen=address.option)


def reopen_record(asset: Asset, reason: str) -> dict[str, str]:
    """Return the new `reopened` record of this asset, reopened for `reason`."""
    record = {"md5": asset.md5, "reason": reason}
    earlier = count_reopens(asset.reopened)
    return {**record, "times": str(earlier + 1)} if earlier else record


def count_reopens(record: Mapping[str, str] | None) -> int:
    """Return how often an asset with this record was reopened: 0 without a record or if its count is not a number."""
    if record is None:
        return 0
    times = record.get("times", "1")
    return int(times) if times.isascii() and times.isdigit() and len(times) < 10 else 0


def is_reopened(before: Asset, after: Asset) -> bool:
    """Check whether `after` records that the locked bytes of `before` were reopened since, and why."""
    record = after.reopened
    if record is None or record.get("md5") != before.md5 or not record.get("reason", "").strip():
        return False
    return count_reopens(record) > count_reopens(before.reopened)
