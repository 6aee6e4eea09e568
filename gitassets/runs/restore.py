"""Update the media files of a run after a checkout or merge by git."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitassets.adapters.counting import counted
from gitassets.adapters.files import is_folder, remove_incoming
from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, MEDIA_FOLDERS, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import require_known
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import find_runs
from gitassets.runs.missing_blobs import suggest_fetch
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.transaction import check_folders, keep_bytes


@dataclass(frozen=True)
class MediaUpdate:
    """The result of an update of media files.

    `missing` are paths whose bytes are not in the cache, and `hint` how to get them. `kept` maps paths whose old bytes
    nothing else records to their md5 in the cache.
    """

    missing: tuple[str, ...] = ()
    hint: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)


def update_run_media(top: Path, before: str | None) -> MediaUpdate:
    """Update the media files of the run at `top`. `before` is the commit that was checked out until now.

    Bytes that would be overwritten or removed are first added to the cache, so nothing is ever lost.
    """
    project = find_project(top)
    run = next((one for one in find_runs(project).values() if one.folder and one.folder.resolve() == top), None)
    if run is None or not (top / MANIFEST_NAME).is_file():
        return MediaUpdate()
    with project.lock_run(run.run_id, "check out"):
        return update_media(project, run, top, before)


def update_media(project: Project, run: Run, top: Path, before: str | None) -> MediaUpdate:
    """Do the same under the run's lock, which the caller holds."""
    for name in MEDIA_FOLDERS:
        remove_incoming(top / name)
    manifest = require_known(parse_manifest((top / MANIFEST_NAME).read_bytes(), str(top / MANIFEST_NAME)))
    index = project.stat_index(run)
    recorded = _read_before(top, before)
    wanted = {path: md5 for path, md5, _ in iter_folder_entries(manifest)}
    check_folders(top, [*recorded, *wanted])
    found = {path: index.hash(path) for path in counted(sorted({*recorded, *wanted}), "files compared")}
    for path in sorted(set(recorded) - set(wanted)):
        if keep_bytes(project, top, index, path) is not None:
            (top / path).unlink()
            with suppress(OSError):
                (top / path).parent.rmdir()
    missing = restore_files(project, top, index, manifest, wanted)
    for one in imply_dvc_files(manifest).values():
        project.blobs.add_listing(one.listing, one.md5)
    index.save()
    replaced = {path: md5 for path, md5 in found.items() if md5 and path not in missing}
    kept = {path: md5 for path, md5 in replaced.items() if md5 not in (recorded.get(path), wanted.get(path))}
    hint = suggest_fetch(project, run, {wanted[path] for path in missing}) if missing else ""
    return MediaUpdate(tuple(missing), hint, kept)


def _read_before(top: Path, before: str | None) -> dict[str, str]:
    """Return the md5 of each file of the previous commit, by path; none if it cannot be read."""
    data = None if before is None else Git(top).read_blob(before, MANIFEST_NAME)
    if data is None:
        return {}
    try:
        return {path: md5 for path, md5, _ in iter_folder_entries(parse_manifest(data))}
    except GitAssetsError:
        return {}


def restore_files(
    project: Project, top: Path, index: StatIndex, manifest: Manifest, wanted: Mapping[str, str]
) -> list[str]:
    """Put the wanted bytes at each path, read-only if locked, keep the old bytes, and return what is missing."""
    locked = {asset.path for _, asset in manifest.assets() if asset.locked}
    missing = []
    for path, md5 in counted(wanted.items(), "files put in place"):
        if index.hash(path) == md5:
            index.set_locked(path, md5, locked=path in locked)
        elif project.blobs.has(md5) and not is_folder(top / path):
            keep_bytes(project, top, index, path)
            project.blobs.place(md5, top / path, locked=path in locked)
            index.note(path, md5)
        else:
            missing.append(path)
    return missing
