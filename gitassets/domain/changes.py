"""Derive the changes of a commit from the manifests before and after, and compare them with its message.

A commit may combine several transitions of an asset, as a squash does: its trailers for the asset, in their order, are
then a walk from the status before to the status after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from gitassets.domain.commit_message import NOTHING, Transition, parse_claims, parse_message, parse_segments
from gitassets.domain.guard import Violation
from gitassets.domain.manifest import Address, Asset, Manifest, iter_addresses, iter_changed_segments
from gitassets.domain.reopened import count_reopens
from gitassets.domain.rules import TRAILERS_NAME_ALL
from gitassets.domain.status import LOCKED, Status, find_path
from gitassets.errors import Remedy

BY_HAND = "by-hand"
"""The violation code of an approval, publication or reopen that no trailer names."""
UNNAMED = "unnamed"
"""The violation code of any other transition that no trailer names: only a note."""


class Change(Struct, frozen=True):
    """One asset that a commit changed. `before` and `after` are its statuses, "none" without an asset.

    `differs`: status or bytes changed. `reopened`: a locked status was left. `decided`: it was approved, published or
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
        """Whether a message has to name the change."""
        return self.differs or self.decided

    @property
    def walk(self) -> tuple[Transition, ...]:
        """The shortest walk that shows the whole change."""
        statuses = [self.before, *self._iter_passed(), self.after]
        steps = [pair for pair in pairwise(statuses) if pair[0] != pair[1]] or [(self.before, self.after)]
        return tuple(Transition(self.address, before, after) for before, after in steps)

    def _iter_passed(self) -> Iterator[str]:
        if self.reopened and self.after != NOTHING:
            yield from () if self.before in LOCKED else (Status.APPROVED.value,)
            yield Status.REVIEW.value


def iter_changes(before: Manifest | None, after: Manifest) -> Iterator[Change]:
    """Yield every asset that differs in any way, in the order of `iter_addresses`."""
    numbers = iter_changed_segments(before, after) if before else after.segments
    for address in iter_addresses(numbers):
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
    """Check for a reopen, also of an asset locked again, by its records. A new asset has the records of its origin."""
    if old is None:
        return False
    if new is None or (old.locked and not new.locked):
        return old.locked
    return count_reopens(new.reopened) > count_reopens(old.reopened)


def _is_decided(old: Asset | None, new: Asset) -> bool:
    was_approved = old is not None and old.approved and old.md5 == new.md5
    was_published = old is not None and old.status is Status.PUBLISHED
    return (new.approved and not was_approved) or (new.status is Status.PUBLISHED and not was_published)


class MessageComparison(Struct, frozen=True):
    """The changes of a commit compared with its message.

    `transitions` are those that the manifests show, as the message names them if it agrees. `unnamed` are changes that
    the message does not name, `false` are claims that the manifests contradict, each with the asset's change, if any.
    """

    transitions: tuple[Transition, ...]
    unnamed: tuple[Change, ...]
    false: tuple[tuple[tuple[Transition, ...], Change | None], ...]

    @property
    def by_hand(self) -> tuple[Transition, ...]:
        """The transitions that the message does not name, or names wrongly."""
        changes = [*self.unnamed, *(change for _, change in self.false if change is not None and change.visible)]
        return tuple(one for change in changes for one in change.walk)


def compare_commit(before: Manifest | None, after: Manifest, text: str) -> MessageComparison:
    """Compare a commit with its message `text`."""
    # For a moved asset, version 0.1.0 named only the segment it came from.
    claims, segments = parse_claims(text), parse_segments(text)
    named = {one.address for one in claims}
    changes = (
        one
        for one in iter_changes(before, after)
        if one.decided or one.after != NOTHING or one.address in named or one.address.segment not in segments
    )
    return compare_changes(changes, claims)


def compare_changes(changes: Iterable[Change], claims: Sequence[Transition]) -> MessageComparison:
    """Compare changes with the transitions that a message claims."""
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
    return MessageComparison(tuple(transitions), tuple(unnamed), tuple(false))


def fits(change: Change, claimed: Sequence[Transition]) -> bool:
    """Check whether the claimed transitions can explain the change."""
    if (claimed[0].before, claimed[-1].after) != (change.before, change.after) or not _is_walk(claimed):
        return False
    # Nothing records the transitions of an asset before it appeared, or reappeared, or before it went out of a lock
    # and was removed.
    unrecorded = any(one.before == NOTHING for one in claimed) or (change.after == NOTHING and not change.reopened)
    return unrecorded or any(map(_is_reopen, claimed)) == change.reopened


def _leads_back(claimed: Sequence[Transition]) -> bool:
    """Check whether an unchanged asset can have made these transitions: back to the first status, without a reopen."""
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
    """Yield wrong claims and omissions of a commit's message, by the rules that the manifest `after` names."""
    if after.rules < TRAILERS_NAME_ALL:
        yield from _check_own_message(before, after, text)
        return
    yield from iter_message_violations(compare_commit(before, after, text))


def iter_message_violations(compared: MessageComparison) -> Iterator[Violation]:
    """Yield a violation for each false claim and each unnamed change."""
    for claimed, change in compared.false:
        problem = f"The message says that {_describe(claimed)}, the manifest {_contradict(change)}"
        yield Violation("trailer-disagrees", str(claimed[0].address), problem)
    for one in compared.unnamed:
        problem = f"{_describe(one.walk)}, which the message does not say"
        yield Violation(BY_HAND if one.decided else UNNAMED, str(one.address), problem, Remedy("name-in-message"))


def _describe(walk: Sequence[Transition]) -> str:
    """Return a text such as "image 3 went from draft to approved"."""
    return f"{walk[0].address} went from {' to '.join((walk[0].before, *(one.after for one in walk)))}"


def _contradict(change: Change | None) -> str:
    return "does not" if change is None else f"that {_describe(change.walk)}"


def _check_own_message(before: Manifest | None, after: Manifest, text: str) -> Iterator[Violation]:
    """Check by the first rules, which apply only to messages that gitassets wrote."""
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
