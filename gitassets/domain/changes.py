"""What a commit did to the assets, from the manifests before and after alone, and how much of it its message says.

A commit may put several transitions of an asset into one, as a squash does: what its trailers name of an asset, in
their order, is then a walk from the status before to the status after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from gitassets.domain.commit_message import NOTHING, Transition, parse_claims, parse_message, parse_segments
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_changed_segments
from gitassets.domain.reopened import count_reopens
from gitassets.domain.rules import TRAILERS_NAME_ALL
from gitassets.domain.status import LOCKED, Status, find_path
from gitassets.errors import Remedy

BY_HAND = "by-hand"
"""The code of an approval, publication or reopen that no trailer names."""
UNNAMED = "unnamed"
"""The code of another transition that no trailer names: worth a note."""


class Change(Struct, frozen=True):
    """One asset that a commit changed. `before` and `after` are its statuses, "none" where there is no such asset.

    `differs`: in its status or bytes. `reopened`: a lock was left on the way. `decided`: it was approved, published or
    reopened.
    """

    address: Address
    before: str
    after: str
    differs: bool
    reopened: bool
    decided: bool

    @property
    def visible(self) -> bool:
        """Whether a message has to name it."""
        return self.differs or self.decided

    @property
    def walk(self) -> tuple[Transition, ...]:
        """The shortest way that shows all of it."""
        stations = [self.before, *self._iter_stations(), self.after]
        steps = [pair for pair in pairwise(stations) if pair[0] != pair[1]] or [(self.before, self.after)]
        return tuple(Transition(self.address, before, after) for before, after in steps)

    def _iter_stations(self) -> Iterator[str]:
        if self.reopened and self.after != NOTHING:
            yield from () if self.before in LOCKED else (Status.APPROVED.value,)
            yield Status.REVIEW.value


def iter_changes(before: Manifest | None, after: Manifest) -> Iterator[Change]:
    """Every asset that differs in any way, in the order of segments, then audio, image, video."""
    numbers = iter_changed_segments(before, after) if before else after.segments
    for address in (Address(number, kind) for number in numbers for kind in Kind):
        old, new = before.asset(address) if before else None, after.asset(address)
        if old != new:
            yield compare_asset(address, old, new)


def compare_asset(address: Address, old: Asset | None, new: Asset | None) -> Change:
    reopened = _leaves_lock(old, new)
    decided = reopened or (new is not None and _is_decided(old, new))
    before, after = (NOTHING if one is None else one.status.value for one in (old, new))
    differs = before != after or (old is not None and new is not None and old.md5 != new.md5)
    return Change(address, before, after, differs, reopened, decided)


def _leaves_lock(old: Asset | None, new: Asset | None) -> bool:
    """Also of an asset that is locked again: each reopen leaves its record. A new asset brings those of its origin."""
    if old is None:
        return False
    if new is None or (old.locked and not new.locked):
        return old.locked
    return count_reopens(new.reopened) > count_reopens(old.reopened)


def _is_decided(old: Asset | None, new: Asset) -> bool:
    was_approved = old is not None and old.approved and old.md5 == new.md5
    was_published = old is not None and old.status is Status.PUBLISHED
    return (new.approved and not was_approved) or (new.status is Status.PUBLISHED and not was_published)


class Told(Struct, frozen=True):
    """What a commit did: `transitions` as the manifests show them, in the words of its message where these fit.

    `unnamed` are the changes that the message is silent about, `false` the claims that the manifests do not bear out,
    each with the change of that asset, if there is one.
    """

    transitions: tuple[Transition, ...]
    unnamed: tuple[Change, ...]
    false: tuple[tuple[tuple[Transition, ...], Change | None], ...]

    @property
    def by_hand(self) -> tuple[Transition, ...]:
        """Those of the transitions that the message does not name, or names wrongly."""
        changes = [*self.unnamed, *(change for _, change in self.false if change is not None and change.visible)]
        return tuple(one for change in changes for one in change.walk)


def tell_commit(before: Manifest | None, after: Manifest, text: str) -> Told:
    """What a commit with the message `text` did."""
    # Of an asset that it moved away version 0.1.0 named the segment alone.
    claims, segments = parse_claims(text), parse_segments(text)
    named = {one.address for one in claims}
    changes = (
        one
        for one in iter_changes(before, after)
        if one.decided or one.after != NOTHING or one.address in named or one.address.segment not in segments
    )
    return tell_changes(changes, claims)


def tell_changes(changes: Iterable[Change], claims: Sequence[Transition]) -> Told:
    """What the changes are, beside what a message claims."""
    by_address: dict[Address, list[Transition]] = {}
    for one in claims:
        by_address.setdefault(one.address, []).append(one)
    transitions: list[Transition] = []
    unnamed: list[Change] = []
    false: list[tuple[tuple[Transition, ...], Change | None]] = []
    for change in changes:
        claimed = by_address.pop(change.address, [])
        agrees = bool(claimed) and fits(change, claimed)
        transitions += claimed if agrees else change.walk if change.visible else ()
        unnamed += [change] if change.visible and not claimed else []
        false += [(tuple(claimed), change)] if claimed and not agrees else []
    false += [(tuple(one), None) for one in by_address.values() if not _leads_back(one)]
    return Told(tuple(transitions), tuple(unnamed), tuple(false))


def fits(change: Change, claimed: Sequence[Transition]) -> bool:
    """Whether the asset may have gone this way."""
    if (claimed[0].before, claimed[-1].after) != (change.before, change.after) or not _is_walk(claimed):
        return False
    # Of what an asset went through before it came here, or came back, there is no record.
    appears = any(one.before == NOTHING for one in claimed)
    return appears or any(map(_is_reopen, claimed)) == change.reopened


def _leads_back(claimed: Sequence[Transition]) -> bool:
    """Whether an asset that did not change may have gone this way: there and back again, and never out of a lock."""
    return (
        len(claimed) > 1
        and claimed[0].before == claimed[-1].after
        and _is_walk(claimed)
        and not any(map(_is_reopen, claimed))
    )


def _is_walk(claimed: Sequence[Transition]) -> bool:
    follows = all(one.after == other.before for one, other in pairwise(claimed))
    return follows and all(map(_is_legal, claimed))


def _is_legal(one: Transition, *, reopened: bool = True) -> bool:
    if NOTHING in (one.before, one.after):
        return reopened or one.before not in LOCKED
    try:
        return find_path(Status(one.before), Status(one.after), reopened=reopened) is not None
    except ValueError:
        return False


def _is_reopen(one: Transition) -> bool:
    return one.before in LOCKED and not _is_legal(one, reopened=False)


def check_message(before: Manifest | None, after: Manifest, text: str) -> Iterator[Violation]:
    """What the message of a commit says wrongly, or leaves out, by the rules that the manifest `after` names."""
    if after.rules < TRAILERS_NAME_ALL:
        yield from _check_own_message(before, after, text)
        return
    yield from iter_told_wrongly(tell_commit(before, after, text))


def iter_told_wrongly(told: Told) -> Iterator[Violation]:
    """Each false claim and each change that is not named."""
    for claimed, change in told.false:
        problem = f"The message says that {_describe(claimed)}, the manifest {_contradict(change)}"
        yield Violation("trailer-disagrees", str(claimed[0].address), problem)
    for one in told.unnamed:
        problem = f"{_describe(one.walk)}, which the message does not say"
        yield Violation(BY_HAND if one.decided else UNNAMED, str(one.address), problem, Remedy("name-in-message"))


def _describe(walk: Sequence[Transition]) -> str:
    """ "image 3 went from draft to approved"."""
    return f"{walk[0].address} went from {' to '.join((walk[0].before, *(one.after for one in walk)))}"


def _contradict(change: Change | None) -> str:
    return "does not" if change is None else f"that {_describe(change.walk)}"


def _check_own_message(before: Manifest | None, after: Manifest, text: str) -> Iterator[Violation]:
    """By the first rules, which hold no message to anything but those of gitassets."""
    message = parse_message(text)
    if message is None or not message.action:
        return
    claimed = {(one.address, one.before, one.after) for one in message.transitions}
    changes = [one for one in iter_changes(before, after) if one.after != NOTHING]
    shown = {(one.address, one.before, one.after) for one in changes}
    loose = {(one.address, one.before, one.after) for one in changes if not one.differs}
    for address, old, new in sorted(claimed - shown):
        problem = f"The message says that {address} went from {old} to {new}, the manifest does not"
        yield Violation("trailer-disagrees", str(address), problem)
    for address, old, new in sorted(shown - claimed - loose):
        problem = f"{address} went from {old} to {new}, which the message does not say"
        yield Violation("trailer-disagrees", str(address), problem)
