"""Notice files that hold other bytes than the manifest records, by one `stat` each and without hashing."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.files import find_difference
from gitassets.adapters.state.stat_index import Look, StatIndex
from gitassets.domain.manifest import Asset, Manifest
from gitassets.runs.project import Project, Run

# A checkout, a copy of the project or `touch` gives files new times, but no new bytes. Such files, and those without
# recorded times, are compared with their blobs as long as that is fast, then by a few blocks.
_WHOLE_BYTES = 64 * 1024 * 1024
_MOST_COMPARED = 1000


class FolderCheck:
    """Compares the files in a run's folder with the manifest. Writes nothing."""

    def __init__(self, project: Project, run: Run) -> None:
        self._blobs = project.blobs
        self._index: StatIndex | None = None if run.folder is None else project.stat_index(run)
        self._folder = run.folder or Path()
        self._whole_bytes, self._compared = _WHOLE_BYTES, 0

    def look(self, asset: Asset) -> tuple[bool, bool]:
        """Return whether the asset's file is here, and whether it is known to hold other bytes."""
        if self._index is None:
            return False, False
        found = self._index.look(asset.path, asset.size, asset.md5)
        if found is Look.TOUCHED:
            return True, self._differs(asset)
        return found is not Look.ABSENT, found is Look.ALTERED

    def _differs(self, asset: Asset) -> bool:
        """Compare the file with its blob. Unless a difference is found, the file does not count as altered."""
        if self._compared >= _MOST_COMPARED or not self._blobs.has(asset.md5):
            return False
        self._compared += 1
        whole = asset.size <= self._whole_bytes
        self._whole_bytes -= asset.size if whole else 0
        return find_difference(self._folder / asset.path, self._blobs.path(asset.md5), whole=whole)


def count_altered(project: Project, run: Run, manifest: Manifest) -> int:
    """Return how many files of the run's assets are known to hold other bytes than recorded."""
    check = FolderCheck(project, run)
    return sum(check.look(asset)[1] for _, asset in manifest.assets())
