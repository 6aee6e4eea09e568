"""Word lists for messages."""

from __future__ import annotations

from collections.abc import Sequence


def name_some(names: Sequence[str], at_most: int = 5) -> str:
    """Join the first names with commas, and say how many more there are."""
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest} more" if rest > 0 else "")
