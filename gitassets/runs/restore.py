"""After a checkout or merge by git: the media files of the run are those of its manifest again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitassets.adapters.files import is_folder, remove_incoming
from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_file import imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, MEDIA_FOLDERS, Manifest, iter_folder_entries
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import require_known
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import find_runs
from gitassets.runs.missing_blobs import how_to_get
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.transaction import check_folders, keep_bytes


@dataclass(frozen=True)
class Followed:
    """`missing` paths have bytes that are not in the cache. `kept` ones held bytes that nothing else records: path to
    the hash under which the cache has them now. `hint` says what gets those that are missing."""

    missing: tuple[str, ...] = ()
    hint: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)


def follow_manifest(top: Path, before: str | None) -> Followed:
    """The run's files are those of its manifest. `before` is the commit that was checked out until now.

    Bytes that would be overwritten or removed are put into the cache first, so nothing is ever lost.
    """
    project = find_project(top)
    run = next((one for one in find_runs(project).values() if one.folder and one.folder.resolve() == top), None)
    if run is None or not (top / MANIFEST_NAME).is_file():
        return Followed()
    with project.lock_run(run.run_id, "check out"):
        return follow_files(project, run, top, before)


def follow_files(project: Project, run: Run, top: Path, before: str | None) -> Followed:
    """The same, for who holds the run's lock."""
    for name in MEDIA_FOLDERS:
        remove_incoming(top / name)
    manifest = require_known(parse_manifest((top / MANIFEST_NAME).read_bytes(), str(top / MANIFEST_NAME)))
    index = project.stat_index(run)
    recorded = _read_before(top, before)
    wanted = {path: md5 for path, md5, _ in iter_folder_entries(manifest)}
    check_folders(top, [*recorded, *wanted])
    found = {path: index.hash(path) for path in sorted({*recorded, *wanted})}
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
    hint = how_to_get(project, run, {wanted[path] for path in missing}) if missing else ""
    return Followed(tuple(missing), hint, kept)


def _read_before(top: Path, before: str | None) -> dict[str, str]:
    """The tracked files of the state that was left, by path; none when it cannot be read."""
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
    """Each wanted path has its bytes, read-only where locked; what lay there is kept. Returns what is missing."""
    locked = {asset.path for _, asset in manifest.assets() if asset.locked}
    missing = []
    for path, md5 in wanted.items():
        if index.hash(path) == md5:
            index.set_locked(path, md5, locked=path in locked)
        elif project.blobs.has(md5) and not is_folder(top / path):
            keep_bytes(project, top, index, path)
            project.blobs.place(md5, top / path, locked=path in locked)
            index.note(path, md5)
        else:
            missing.append(path)
    return missing
