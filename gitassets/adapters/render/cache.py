"""Cache of rendered files, keyed by everything that went into them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from gitassets.adapters.state.locks import acquire_lock
from gitassets.errors import BusyError


class RenderCache:
    """A folder of finished files, each named by the hash of its description and written atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files, self._work = folder / "files", folder / "work"

    def path(self, description: Mapping[str, object], suffix: str) -> Path:
        """Return the path that a file of this description has in the cache."""
        text = json.dumps(description, sort_keys=True)
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self._files / name[:2] / f"{name[2:]}{suffix}"

    def touch(self, path: Path) -> bool:
        """Return whether the file exists, and mark it as used now."""
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def put(self, finished: Path, path: Path) -> None:
        """Move the file into the cache as `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        finished.replace(path)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """Yield an empty folder on the same file system, and remove it afterwards.

        Folders of killed builds are removed first. The lock is acquired before the folder is made, so a folder whose
        lock is free belongs to no running build.
        """
        self.remove_abandoned()
        folder = self._work / uuid4().hex
        self._work.mkdir(parents=True, exist_ok=True)
        try:
            with acquire_lock(_lock_path(folder), -1):
                folder.mkdir()
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _lock_path(folder).unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        """Remove the workspaces of killed builds."""
        for folder in [path for path in self._work.glob("*") if path.is_dir()]:
            with suppress(BusyError):
                with acquire_lock(_lock_path(folder), 0):
                    shutil.rmtree(folder, ignore_errors=True)
                _lock_path(folder).unlink(missing_ok=True)

    def list_finished(self) -> dict[Path, int]:
        """Return the finished files with their sizes in bytes."""
        found: dict[Path, int] = {}
        for path in self._files.glob("*/*"):
            with suppress(FileNotFoundError):
                found[path] = path.stat().st_size
        return found

    def prune(self, limit_bytes: int, keep: set[Path]) -> None:
        """Delete the least recently used files until all files and workspaces fit into `limit_bytes`.

        Never delete files in `keep`, or workspaces.
        """
        used = [(path.stat(), path) for path in self._files.glob("*/*") if path.is_file()]
        excess = sum(stat.st_size for stat, _ in used) + _count_bytes(self._work) - limit_bytes
        for stat, path in sorted(used, key=lambda one: one[0].st_mtime_ns):
            if excess <= 0:
                break
            if path not in keep:
                path.unlink(missing_ok=True)
                excess -= stat.st_size


def _lock_path(workspace: Path) -> Path:
    return workspace.with_suffix(".lock")


def _count_bytes(folder: Path) -> int:
    """Return the size of all files below; one that vanishes meanwhile counts as empty."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
