"""Find a merge commit's own decisions, beyond the merge of its two sides, and compare them with its message.

Settling a conflict is a decision between the sides. The message of the merge names it like that of any commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from gitassets.domain.changes import (
    Change,
    MessageComparison,
    compare_asset,
    compare_changes,
    fits,
    iter_changes,
    iter_message_violations,
)
from gitassets.domain.commit_message import Transition, parse_claims
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Address, Manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.rules import TRAILERS_NAME_ALL
from gitassets.errors import ConflictError

ReadBase = Callable[[], Manifest | None]
_NOTHING = MessageComparison((), (), ())


def compare_merge(read_base: ReadBase, sides: Sequence[Manifest], after: Manifest, text: str) -> MessageComparison:
    """Compare a merge's decisions, beyond combining the two sides, with its message `text`.

    By the first rules no merge message named anything, so nothing is unnamed there. The common base is read only if it
    is needed.
    """
    claims = parse_claims(text)
    if not claims and not any(_iter_own(sides, after)):
        return _NOTHING
    try:
        merged = merge_manifests(read_base(), *sides).manifest
    except ConflictError:
        return _NOTHING
    compared = compare_changes(iter_changes(merged, after), claims)
    false = tuple(one for one in compared.false if not _fits_a_side(one[0], sides, after))
    return replace(compared, false=false, unnamed=compared.unnamed if after.rules >= TRAILERS_NAME_ALL else ())


def _iter_own(sides: Sequence[Manifest], after: Manifest) -> Iterator[Address]:
    """Yield the assets that differ from those of every side."""
    first, *others = sides
    for change in iter_changes(first, after):
        asset = after.asset(change.address)
        if all(one.asset(change.address) != asset for one in others):
            yield change.address


def _fits_a_side(claimed: Sequence[Transition], sides: Iterable[Manifest], after: Manifest) -> bool:
    """Check whether the claims fit the change from one of the sides, as in a message that repeats the merged ones."""
    address = claimed[0].address
    return any(fits(compare_asset(address, side.asset(address), after.asset(address)), claimed) for side in sides)


def check_merge_message(
    read_base: ReadBase, sides: Sequence[Manifest], after: Manifest, text: str
) -> Iterator[Violation]:
    """Yield wrong claims and omissions of a merge's message, by the rules that the manifest `after` names.

    An approval, publication or reopen that a side made for the same bytes is named there already.
    """
    if after.rules < TRAILERS_NAME_ALL:
        return
    compared = compare_merge(read_base, sides, after, text)
    unnamed = [one if _is_decided_here(one, sides, after) else replace(one, decided=False) for one in compared.unnamed]
    yield from iter_message_violations(replace(compared, unnamed=tuple(unnamed)))


def _is_decided_here(change: Change, sides: Iterable[Manifest], after: Manifest) -> bool:
    address = change.address
    found = (compare_asset(address, side.asset(address), after.asset(address)) for side in sides)
    return change.decided and all(one.decided for one in found)
