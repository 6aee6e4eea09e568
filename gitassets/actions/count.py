"""Count what loops in the layers below do, for a front end that shows how long they will take."""

from __future__ import annotations

from gitassets.adapters.counting import counting

__all__ = ["counting"]
