"""What Dask calls on a worker, by this name. A scheduler imports it too, so it imports nothing."""

from __future__ import annotations


def answer_order(order: bytes) -> bytes:
    """Do the task that a build elsewhere orders, and return the answer with the file. Both are plain bytes."""
    from gitassets.adapters.tasks.dask_worker import answer

    return answer(order)
