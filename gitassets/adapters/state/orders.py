"""Record orders at services until their results are in the log of made assets, so that a kill loses none.

Every order is a folder that only its user can read: `order.json` describes the request, `job` the job at the service,
`result/` holds the file that arrived, and `receipt.json` the provider's account of that file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from gitassets.adapters.files import change_mode, remove_incoming, sync_folder, write_atomic

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_ORDER, _JOB, _RECEIPT = "order.json", "job", "receipt.json"


class Order:
    """One order, from before its request is sent until its result is safe. Also remembers the request's job."""

    def __init__(self, folder: Path, trash: Path) -> None:
        self.folder, self._trash = folder, trash
        self.result_dir = folder / "result"

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def is_under_way(self) -> bool:
        """Whether it is a job or a result to download already, so that nothing is to be bought."""
        return self.read() is not None

    def place(self, order: Mapping[str, Any]) -> None:
        """Write the request to disk and empty `result_dir`."""
        shutil.rmtree(self.result_dir, ignore_errors=True)
        self.result_dir.mkdir(parents=True)
        change_mode(self.folder, _PRIVATE_FOLDER)
        self._write(_ORDER, json.dumps(order))

    def read_order(self) -> dict[str, Any] | None:
        return _read_object(self.folder / _ORDER)

    def read(self) -> str | None:
        return _read_text(self.folder / _JOB)

    def write(self, job: str) -> None:
        self._write(_JOB, job)

    def write_price(self, cost_usd: float) -> None:
        """Replace the estimated cost by what the service says the job will cost."""
        placed = self.read_order()
        if placed is not None:
            expected = {**placed["expected"], "cost_usd": cost_usd}
            self._write(_ORDER, json.dumps({**placed, "cost_usd": cost_usd, "expected": expected}))

    def forget(self) -> None:
        (self.folder / _JOB).unlink(missing_ok=True)

    def write_receipt(self, receipt: Mapping[str, Any]) -> None:
        self._write(_RECEIPT, json.dumps(receipt))

    def read_receipt(self) -> dict[str, Any] | None:
        return _read_object(self.folder / _RECEIPT)

    def list_results(self) -> list[Path]:
        """Return the files that the provider has written."""
        return sorted(self.result_dir.glob("*"))

    def remove(self) -> None:
        """Remove the order atomically."""
        self._trash.mkdir(parents=True, exist_ok=True)
        gone = self._trash / uuid4().hex
        with suppress(FileNotFoundError):
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(OSError):
            self.folder.parent.rmdir()

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / name, text.encode(), mode=_PRIVATE_FILE)
        sync_folder(self.folder)


class OrderBook:
    """The orders of one run. Change them only under the run's lock for making; several threads may at once."""

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self._root, self._trash = state_dir / "orders", state_dir / "tmp"
        self.run_id = run_id

    def order(self, key: str) -> Order:
        return Order(self._root / self.run_id / key, self._trash)

    def __iter__(self) -> Iterator[Order]:
        for folder in sorted((self._root / self.run_id).glob("*/")):
            remove_incoming(folder)
            yield Order(folder, self._trash)

    def find_elsewhere(self, key: str) -> list[tuple[str, Order]]:
        """Return the orders of that key under way in other runs, each with its run's id."""
        folders = [one for one in sorted(self._root.glob(f"*/{key}")) if one.parent.name != self.run_id]
        found = [(folder.parent.name, Order(folder, self._trash)) for folder in folders]
        return [(run_id, order) for run_id, order in found if order.is_under_way]


def iter_receipts(state_dir: Path) -> Iterator[dict[str, Any]]:
    """Yield the receipts of all results, in any run, that are not yet in the log of made assets."""
    for path in sorted((state_dir / "orders").glob(f"*/*/{_RECEIPT}")):
        receipt = _read_object(path)
        if receipt is not None:
            yield receipt


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


def _read_object(path: Path) -> dict[str, Any] | None:
    text = _read_text(path)
    raw = None if text is None else json.loads(text)
    return raw if isinstance(raw, dict) else None
