"""What a clean-up of the cache leaves."""

from __future__ import annotations

from enum import StrEnum


class KeepPolicy(StrEnum):
    """What stays: every hash that any run's history names, or only what is current or was ever locked."""

    HISTORY = "history"
    LOCKED = "locked"
