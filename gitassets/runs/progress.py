"""How far a long work is, as an action tells whoever called it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True):
    """How far a long work is, and what it has spent."""

    done: int
    total: int
    what: str
    spent_usd: float = 0.0


OnProgress = Callable[[Progress], None]
