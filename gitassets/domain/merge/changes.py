"""What a merge commit decided itself: where it differs from what merging its two sides gives, and what it says of that.

Somebody who settles a conflict decides between the sides. The message of the merge names it as that of any commit does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from gitassets.domain.changes import (
    Change,
    Told,
    compare_asset,
    fits,
    iter_changes,
    iter_told_wrongly,
    tell_changes,
)
from gitassets.domain.commit_message import Transition, parse_claims
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Address, Manifest
from gitassets.domain.merge.manifests import merge_manifests
from gitassets.domain.rules import TRAILERS_NAME_ALL
from gitassets.errors import ConflictError

ReadBase = Callable[[], Manifest | None]
_NOTHING = Told((), (), ())


def tell_merge(read_base: ReadBase, sides: Sequence[Manifest], after: Manifest, text: str) -> Told:
    """What a merge of the two sides, with the message `text`, decided beyond bringing them together.

    By the first rules no message of a merge named anything, so nothing is unnamed there. The common base is read only
    where it is needed.
    """
    claims = parse_claims(text)
    if not claims and not any(_iter_own(sides, after)):
        return _NOTHING
    try:
        merged = merge_manifests(read_base(), *sides).manifest
    except ConflictError:
        return _NOTHING
    told = tell_changes(iter_changes(merged, after), claims)
    false = tuple(one for one in told.false if not _fits_a_side(one[0], sides, after))
    return replace(told, false=false, unnamed=told.unnamed if after.rules >= TRAILERS_NAME_ALL else ())


def _iter_own(sides: Sequence[Manifest], after: Manifest) -> Iterator[Address]:
    """The assets that are as no side has them."""
    first, *others = sides
    for change in iter_changes(first, after):
        asset = after.asset(change.address)
        if all(one.asset(change.address) != asset for one in others):
            yield change.address


def _fits_a_side(claimed: Sequence[Transition], sides: Iterable[Manifest], after: Manifest) -> bool:
    """Whether the asset went that way seen from one of the sides, as in a message that repeats those it merges."""
    address = claimed[0].address
    return any(fits(compare_asset(address, side.asset(address), after.asset(address)), claimed) for side in sides)


def check_merge_message(
    read_base: ReadBase, sides: Sequence[Manifest], after: Manifest, text: str
) -> Iterator[Violation]:
    """What the message of a merge says wrongly, or leaves out, by the rules that the manifest `after` names.

    An approval, publication or reopen that a side has made for these very bytes is named there already.
    """
    if after.rules < TRAILERS_NAME_ALL:
        return
    told = tell_merge(read_base, sides, after, text)
    unnamed = [one if _is_decided_here(one, sides, after) else replace(one, decided=False) for one in told.unnamed]
    yield from iter_told_wrongly(replace(told, unnamed=tuple(unnamed)))


def _is_decided_here(change: Change, sides: Iterable[Manifest], after: Manifest) -> bool:
    address = change.address
    found = (compare_asset(address, side.asset(address), after.asset(address)) for side in sides)
    return change.decided and all(one.decided for one in found)
