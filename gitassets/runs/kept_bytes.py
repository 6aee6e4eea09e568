"""Find the recorded bytes of an asset, in the cache or the run's folder."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.files import hash_file
from gitassets.domain.manifest import Address, Asset
from gitassets.errors import CorruptError, Remedy
from gitassets.runs.missing_blobs import require_blob
from gitassets.runs.project import Project, Run


def require_bytes(project: Project, run: Run, address: Address, asset: Asset) -> Path:
    """Return the path of the intact blob. Raise NotFoundError if it is not here, CorruptError if it is damaged."""
    blobs = project.blobs
    if not blobs.has(asset.md5) and run.folder is not None:
        file = run.folder / asset.path
        if file.is_file() and hash_file(file) == asset.md5:
            blobs.copy_in(file, asset.md5)
    blob = require_blob(project, run, asset.md5, f"{address} of {run.run_id}")
    if not blobs.is_whole(asset.md5):
        raise CorruptError(f"The cached bytes of {address} of {run.run_id} are damaged: {blob}", Remedy("mend-bytes"))
    return blob
