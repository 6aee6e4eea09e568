"""Define the statuses of an asset and the table of transitions between them."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Status(StrEnum):
    """The status of an asset."""

    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVISED = "revised"
    PUBLISHED = "published"

    # The hash of the string: Enum's own is written in Python and slow, and hashes are needed for every asset.
    __hash__ = str.__hash__

    @property
    def locked(self) -> bool:
        return self in LOCKED


LOCKED = frozenset({Status.APPROVED, Status.PUBLISHED})

EDGES: dict[Status, tuple[Status, ...]] = {
    Status.DRAFT: (Status.REVIEW,),
    Status.REVIEW: (Status.APPROVED, Status.REJECTED),
    Status.APPROVED: (Status.PUBLISHED, Status.REVIEW),
    Status.REJECTED: (Status.REVISED, Status.REVIEW),
    Status.REVISED: (Status.REVIEW,),
    Status.PUBLISHED: (Status.REVIEW,),
}


@lru_cache
def find_path(before: Status, after: Status, *, reopened: bool = False) -> tuple[Status, ...] | None:
    """Return the shortest path of legal transitions from `before` to `after`, both included, or None.

    A locked asset can only go back to review if a reopen is recorded (`reopened`).
    """
    paths: list[tuple[Status, ...]] = [(before,)]
    seen = {before}
    for path in paths:
        if path[-1] is after:
            return path
        for following in EDGES[path[-1]]:
            leaves_lock = path[-1] in LOCKED and following is Status.REVIEW
            if following not in seen and (reopened or not leaves_lock):
                seen.add(following)
                paths.append((*path, following))
    return None


def status_after_new_take(status: Status) -> Status:
    """Return the status of an unlocked asset after a new take: revised if it was rejected, else unchanged."""
    return Status.REVISED if status is Status.REJECTED else status
