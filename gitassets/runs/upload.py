"""Upload the bytes that a manifest names to a DVC remote, and check that they arrived.

A folder list is uploaded last, and only if all its files are on the remote: DVC treats a folder whose list is on a
remote as complete, and would never upload a missing file of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.adapters.counting import counted_of
from gitassets.adapters.state.stat_index import StatIndex
from gitassets.domain.dvc_file import DvcFolder, imply_dvc_files
from gitassets.domain.manifest import Manifest, iter_folder_entries
from gitassets.domain.wording import name_some
from gitassets.errors import ConflictError, RemoteError
from gitassets.runs.fetch import Wanted, list_wanted, make_reporter
from gitassets.runs.locked_blobs import name_locked
from gitassets.runs.progress import OnProgress
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import DvcRemote, open_dvc_remote

if TYPE_CHECKING:
    from gitassets.adapters.dvc.remote import Remote

_THREADS = 8
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """The result of an upload.

    `sent` and `sent_bytes` count what was uploaded, including folder lists (on a dry run: what would be); `there`
    counts what the remote had already. `replaced` are paths whose blobs had other bytes on the remote. `absent` are
    paths whose bytes are neither there nor here; `incomplete` are folders without a list there, which plain DVC cannot
    download completely. `unhashed` counts blobs of which the remote reports only the size, which is right.
    """

    sent: int = 0
    sent_bytes: int = 0
    there: int = 0
    unhashed: int = 0
    replaced: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


def upload(
    project: Project,
    run: Run,
    manifest: Manifest,
    remote: DvcRemote,
    on_progress: OnProgress,
    *,
    only_approved: bool = False,
    dry_run: bool = False,
) -> Uploaded:
    """Upload the bytes of the manifest, or of its locked assets only, that are here and not on the remote.

    Raise ConflictError if a locked asset's bytes are neither there nor here, RemoteError if they do not arrive.
    """
    opened = open_dvc_remote(project, remote)
    files, folders = list_wanted(iter_folder_entries(manifest)), list(imply_dvc_files(manifest).values())
    locked = name_locked(manifest)
    seen = opened.check_blobs({**{md5: one.size for md5, one in files.items()}, **_sizes(folders)})
    chosen = locked if only_approved else files
    lacking = [files[md5] for md5 in chosen if md5 not in seen.right]
    here = _find_here(project, run, lacking)
    _check_locked({md5: locked[md5] for md5 in locked if md5 not in seen.right and md5 not in here}, run, remote)
    right = {*seen.right, *here}
    whole = [one for one in folders if _is_whole(one, files.values(), right)]
    lists = {one.md5: one for one in whole if one.md5 not in seen.right}
    unhashed = seen.unhashed
    if not dry_run:
        unhashed |= _send(opened, here, on_progress)
        unhashed |= _send(opened, _write_listings(project, lists.values()), _ignore)
    return Uploaded(
        sent=len(here) + len(lists),
        sent_bytes=sum(files[md5].size for md5 in here) + sum(_sizes(lists.values()).values()),
        there=len([md5 for md5 in chosen if md5 in seen.right]),
        unhashed=len([md5 for md5 in chosen if md5 in unhashed]),
        replaced=tuple(sorted(files[md5].path for md5 in here if md5 in seen.wrong)),
        absent=tuple(sorted(one.path for one in lacking if one.md5 not in here)),
        incomplete=tuple(one.name for one in folders if one not in whole),
    )


def _ignore(_: object) -> None:
    pass


def _sizes(folders: Iterable[DvcFolder]) -> dict[str, int]:
    return {one.md5: len(one.listing) for one in folders}


def _is_whole(folder: DvcFolder, files: Iterable[Wanted], right: Collection[str]) -> bool:
    """Check whether every file of the folder is on the remote, or will be."""
    return all(one.md5 in right for one in files if one.path.startswith(f"{folder.name}/"))


def _find_here(project: Project, run: Run, wanted: Iterable[Wanted]) -> dict[str, Path]:
    """Return the intact blobs of the cache, after adding those that only the run's folder has."""
    blobs = project.blobs
    index = StatIndex(blobs.cache_dir, project.state_dir / "blob-index.json")
    folder = project.stat_index(run) if run.folder is not None else None

    def find(one: Wanted) -> Path | None:
        path = blobs.path(one.md5)
        if index.hash(blobs.relative(one.md5)) == one.md5 or blobs.is_whole(one.md5):
            return path
        if folder is None or run.folder is None or folder.hash(one.path) != one.md5:
            return None
        blobs.copy_in(run.folder / one.path, one.md5)
        return path

    some = list(wanted)
    with ThreadPoolExecutor(_THREADS) as pool:
        paths = counted_of(pool.map(find, some), len(some), "files compared")
        found = dict(zip((one.md5 for one in some), paths, strict=True))
    index.save()
    return {md5: path for md5, path in found.items() if path is not None}


def _check_locked(lacking: Mapping[str, str], run: Run, remote: DvcRemote) -> None:
    """Raise ConflictError if any is lacking: no branch on a server may name an approved blob that nobody can get."""
    if not lacking:
        return
    named = name_some(list(lacking.values()), _SHOWN)
    raise ConflictError(
        f"The approved bytes of {named} of run {run.run_id} are neither here nor on the "
        f"DVC remote {remote.settings.name}",
        "Whoever has them pushes first; `gitassets doctor` takes them from the run's files where those are whole.",
    )


def _send(opened: Remote, paths: Mapping[str, Path], on_progress: OnProgress) -> frozenset[str]:
    """Upload the blobs, check that they arrived, and return those of which the remote reports only the size."""
    if not paths:
        return frozenset()
    sizes = {name: path.stat().st_size for name, path in paths.items()}
    opened.upload(paths, make_reporter(sizes, on_progress))
    seen = opened.check_blobs(sizes)
    lost = sorted(set(paths) - seen.right)
    if lost:
        raise RemoteError(
            f"{len(lost)} of {len(paths)} blobs were sent to the DVC remote {opened.settings.name}, "
            f"but it does not hold them: {', '.join(lost[:_SHOWN])}",
            "Somebody may be deleting there. Run the command again.",
        )
    return seen.unhashed


def _write_listings(project: Project, folders: Iterable[DvcFolder]) -> dict[str, Path]:
    """Add the folder lists to the cache exactly as the manifest implies them, and return their paths."""
    blobs, written = project.blobs, {}
    for one in folders:
        if blobs.has(one.md5) and blobs.path(one.md5).read_bytes() != one.listing:
            blobs.remove(one.md5)
        blobs.add_listing(one.listing, one.md5)
        written[one.md5] = blobs.path(one.md5)
    return written
