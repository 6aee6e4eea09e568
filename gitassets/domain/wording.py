"""Word lists for messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5  # So many items of a long list are shown, unless a caller says otherwise.


def and_more(total: int, shown: int = SHOWN) -> str:
    """Return " and 3 more" if only the first of a list are shown, else nothing."""
    return f" and {total - shown} more" if total > shown else ""


def name_some(names: Sequence[str], shown: int = SHOWN) -> str:
    """Join the first names of a list: "a, b and 3 more"."""
    return f"{', '.join(names[:shown])}{and_more(len(names), shown)}"
