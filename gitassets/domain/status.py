"""The states of an asset and the one table of their edges."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Status(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVISED = "revised"
    PUBLISHED = "published"

    # As of the text that it is: Enum has one of its own in Python, which is asked for every asset again and again.
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
    """The shortest legal way from `before` to `after`, both included; None when there is none.

    A locked asset goes back to review only where a reopen is recorded (`reopened`).
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
    """The status of an unlocked asset once it has other bytes: a rejected one is revised, any other stays as it is."""
    return Status.REVISED if status is Status.REJECTED else status
