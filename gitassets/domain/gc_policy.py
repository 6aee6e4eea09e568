"""Define which blobs `gc` keeps in the cache."""

from __future__ import annotations

from enum import StrEnum


class KeepPolicy(StrEnum):
    """The blobs to keep: all that any run's history names, or only those that are current or were ever locked."""

    HISTORY = "history"
    LOCKED = "locked"
