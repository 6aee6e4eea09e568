"""What Dask calls on a worker, by these names. A scheduler imports it too, so it imports nothing."""

from __future__ import annotations


def answer_order(order: bytes) -> bytes:
    """Do the task that a build elsewhere orders, and return the answer with the file. Both are plain bytes."""
    from gitassets.adapters.tasks.dask_worker import answer

    return answer(order)


def keep_files(delivery: bytes) -> bytes:
    """Keep the files that the orders which follow need, and return the answer."""
    from gitassets.adapters.tasks.dask_worker import keep

    return keep(delivery)
