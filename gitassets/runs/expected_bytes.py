"""Refuse a decision if the asset has other bytes than the user looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitassets.domain.commit_message import format_addresses
from gitassets.domain.manifest import Address, Asset, Manifest
from gitassets.domain.selection import AssetSelection, Chosen, Selection
from gitassets.domain.takes import Take
from gitassets.errors import ConflictError, UsageError
from gitassets.runs.project import Project, Run

_SHOWN_DIGITS = 12
_HASH = re.compile(r"[0-9a-f]{8,32}")


Expected = str | Mapping[Address, str]
"""The md5 that the user looked at, or its beginning: of the one chosen asset, or of each."""


class ChangedBytesError(ConflictError):
    """Some assets have other bytes than the user looked at, and nothing was decided."""

    kind = "ConflictError"

    def __init__(self, message: str, hint: str, addresses: Sequence[Address]) -> None:
        super().__init__(message, hint)
        self.addresses = tuple(addresses)


def parse_all_expected(expected: Expected | None) -> Expected | None:
    """Parse one md5, or that of each asset. Raise UsageError for anything else."""
    if expected is None or isinstance(expected, str):
        return parse_expected(expected)
    return {address: parse_expected(md5) or "" for address, md5 in expected.items()}


def parse_expected(text: str | None) -> str | None:
    """Parse an md5 or the beginning of one. Raise UsageError for anything else."""
    wanted = None if text is None else text.strip().lower()
    if wanted is not None and not _HASH.fullmatch(wanted):
        raise UsageError(
            f"--expect {text!r} is not the md5 of an asset",
            "Give its first 8 digits or more; `gitassets takes` shows those of each take.",
        )
    return wanted


def check_expected(
    project: Project, run: Run, manifest: Manifest, chosen: Sequence[Chosen], expected: Expected | None
) -> None:
    """Raise ChangedBytesError unless the chosen assets have the expected bytes."""
    if expected is None:
        return
    if not isinstance(expected, str):
        _check_each(project, run, manifest, chosen, expected)
        return
    if len(chosen) != 1:
        raise UsageError(f"--expect is for one asset, and {len(chosen)} are chosen", "Name one, such as --image 3.")
    address = chosen[0].address
    asset = manifest.asset(address)
    if asset is not None and not asset.md5.startswith(expected):
        raise _changed(project, run, address, asset, expected)


def _check_each(
    project: Project, run: Run, manifest: Manifest, chosen: Sequence[Chosen], expected: Mapping[Address, str]
) -> None:
    found = ((one.address, manifest.asset(one.address)) for one in chosen if one.address in expected)
    changed = [(one, asset) for one, asset in found if asset and not asset.md5.startswith(expected[one])]
    if len(changed) == 1:
        address, asset = changed[0]
        raise _changed(project, run, address, asset, expected[address])
    if changed:
        what = format_addresses(one for one, _ in changed)
        raise ChangedBytesError(
            f"{what} of {run.run_id} have other bytes now than you looked at, and nothing was decided",
            "Look at them again, then decide.",
            [one for one, _ in changed],
        )


def check_take(project: Project, run: Run, address: Address, take: Asset, expected: str | None) -> None:
    """Raise ConflictError unless the take has the expected bytes, whatever its number is now."""
    if expected is None or take.md5.startswith(expected):
        return
    seen = _find_seen(project, run, address, expected)
    chosen = f"{run.run_id} {address.option}"
    raise ConflictError(
        f"Take {take.take} of {address} of {run.run_id} has other bytes than you looked at: "
        f"its md5 is {take.md5[:_SHOWN_DIGITS]}{_tell_seen(seen)}",
        f"Choose that one with `gitassets choose {chosen} --take {seen.asset.md5[:_SHOWN_DIGITS]}`."
        if seen
        else f"Look at the takes again: `gitassets takes {chosen}`.",
    )


def _changed(project: Project, run: Run, address: Address, asset: Asset, expected: str) -> ChangedBytesError:
    from gitassets.runs.take_history import find_arrival  # Imported here since only a refusal needs the history.

    arrived = find_arrival(project, run, address, asset.md5)
    by = f", by {arrived.author.split(' <')[0]} in {arrived.commit[:10]} of {arrived.date}" if arrived else ""
    seen = _tell_seen(_find_seen(project, run, address, expected))
    return ChangedBytesError(
        f"{address} of {run.run_id} has other bytes now than you looked at: "
        f"it is take {asset.take}, md5 {asset.md5[:_SHOWN_DIGITS]}{by}{seen}",
        f"Look at it again, then decide: `gitassets review {run.run_id} {address.option}`.",
        [address],
    )


def _find_seen(project: Project, run: Run, address: Address, expected: str) -> Take | None:
    """Return the take that the user looked at; None if the history has none with these bytes."""
    from gitassets.runs.take_history import read_takes

    one = Selection(str(address.segment), ((address.segment, address.segment),))
    takes = (take for found in read_takes(project, run, AssetSelection({address.kind: one})) for take in found.takes)
    return next((take for take in takes if take.asset.md5.startswith(expected)), None)


def _tell_seen(seen: Take | None) -> str:
    return f"; what you looked at is take {seen.asset.take}" if seen else ""
