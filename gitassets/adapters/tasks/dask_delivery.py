"""Give each worker of a Dask cluster the files that no DVC remote has, once and before its first task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from gitassets import __version__
from gitassets.adapters.tasks.dask_entry import keep_files
from gitassets.adapters.tasks.order import Delivery, format_delivery, parse_answer
from gitassets.errors import CorruptError

_ON_THE_WAY_BYTES = 240_000_000
"""About how much may pass through the scheduler at a time."""


class Deliveries:
    """What each worker was given. `on_end` is called, perhaps in another thread, with each delivery that ended."""

    def __init__(
        self, client: Any, sizes: Mapping[str, int], paths: Mapping[str, Path], on_end: Callable[[Any], None]
    ) -> None:
        self._client, self._on_end = client, on_end
        delivery = Delivery(tools={"gitassets": __version__}, files=sizes)
        self._data = format_delivery(delivery, paths) if sizes else b""
        self._done: set[str] = set()
        self._under_way: dict[str, tuple[str, Any]] = {}

    @property
    def are_needed(self) -> bool:
        return bool(self._data)

    def reached(self, address: str) -> bool:
        return not self._data or address in self._done

    def give(self, addresses: Collection[str]) -> None:
        """Give the files to these workers, to some after others. Forget workers that are gone."""
        for key, (address, future) in list(self._under_way.items()):
            if address not in addresses:
                del self._under_way[key]
                future.cancel()
        busy = {address for address, _ in self._under_way.values()}
        waiting = [one for one in addresses if not self.reached(one) and one not in busy]
        most = max(1, _ON_THE_WAY_BYTES // max(1, len(self._data)))
        for address in waiting[: max(0, most - len(busy))]:
            self._start(address)

    def _start(self, address: str) -> None:
        key = f"gitassets-files-{uuid4().hex}"
        future = self._client.submit(keep_files, self._data, key=key, workers=[address], pure=False)
        self._under_way[key] = address, future
        future.add_done_callback(self._on_end)

    def has(self, ended: Any) -> bool:
        return str(ended.key).startswith("gitassets-files-")

    def take(self, ended: Any) -> tuple[str, str] | None:
        """Note that a delivery ended. Return the worker and the reason if it cannot take the files."""
        address, _ = self._under_way.pop(ended.key, (None, None))
        if address is None or ended.status in ("pending", "lost", "cancelled"):  # The worker is gone.
            return None
        problem = _read_problem(ended)
        if problem:
            return address, problem
        self._done.add(address)
        return None

    def cancel(self) -> None:
        if self._under_way:
            with suppress(Exception):
                self._client.cancel([future for _, future in self._under_way.values()], force=True)
        self._under_way.clear()


def _read_problem(ended: Any) -> str:
    """Return why the worker did not take the files; empty if it did."""
    if ended.status == "error":
        return repr(ended.exception())
    try:
        return parse_answer(ended.result())[0].unfit
    except CorruptError as error:
        return error.message
