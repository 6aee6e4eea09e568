"""Keep the blobs of DVC's cache under names of our own, so that DVC's commands cannot remove them.

No configuration of DVC names this folder. A kept blob is a hard link, so it takes no disk space. That is safe because
nobody writes into a blob: DVC and gitassets replace the file, and files in a run's folder are clones or copies
(cache.type = reflink,copy). Without hard links it is a reflink, or else, if it must not be lost, a copy.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from gitassets.adapters.files import INCOMING, copy_file, hash_file, sync_file

# Coarser than the time stamps of any file system: FAT's are two seconds.
_COARSEST_TIME_NS = 3_000_000_000
_NAME = re.compile(r"[0-9a-f]{30}")


class KeptBlobs:
    """Blobs in `folder`, by the md5 of their bytes. Folder lists are not kept: the manifest implies them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, md5: str) -> Path:
        return self._folder / md5[:2] / md5[2:]

    def has(self, md5: str) -> bool:
        return os.path.isfile(f"{self._folder}/{md5[:2]}/{md5[2:]}")  # noqa: PTH113 (as in BlobStore.has)

    def keep(self, blob: Path, md5: str, *, copy: bool = False) -> bool:
        """Keep an intact blob of the cache and return whether it is kept. Raise OSError if a `copy` fails."""
        if _NAME.fullmatch(md5[2:]) is None:
            return False
        try:
            return link_file(blob, self.path(md5), copy=copy)
        except OSError:
            if copy:
                raise
            return False

    def remove(self, md5: str) -> None:
        self.path(md5).unlink(missing_ok=True)

    def keep_new(self, cached: Path) -> None:
        """Keep the blobs that DVC has added to its blob folder `cached`. Reads no bytes.

        Skips folders without a change since the last call: their time stamps are equal.
        """
        with suppress(FileNotFoundError):
            for one in os.scandir(cached):
                if len(one.name) == 2:
                    self._keep_new_in(one.path, f"{self._folder}/{one.name}")

    def _keep_new_in(self, cached: str, kept: str) -> None:
        time_ns = os.stat(cached).st_mtime_ns  # noqa: PTH116 (as in BlobStore.has)
        if _read_time(kept) == time_ns:
            return
        with suppress(OSError):  # On a full disk the next command continues.
            Path(kept).mkdir(parents=True, exist_ok=True)
            known = {one.name: one.inode() for one in os.scandir(kept)}
            found = [one for one in os.scandir(cached) if _NAME.fullmatch(one.name)]
            new = (one for one in found if known.get(one.name) != one.inode())
            # Stops at the first that cannot be linked: the file system has no hard links.
            done = all(_keep_newest(Path(one.path), Path(kept) / one.name) for one in new)
            if done and time.time_ns() - time_ns > _COARSEST_TIME_NS:
                os.utime(kept, ns=(time_ns, time_ns))

    def iter_files(self) -> Iterator[tuple[str, Path]]:
        """Yield hash and path of every kept blob."""
        for path in sorted(self._folder.glob("??/*")):
            if _NAME.fullmatch(path.name):
                yield f"{path.parent.name}{path.name}", path

    def remove_incoming(self) -> None:
        """Remove the partial files of killed commands. No other command may be at work."""
        for path in self._folder.glob(f"??/{INCOMING}*"):
            path.unlink(missing_ok=True)


def _read_time(folder: str) -> int | None:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 (as in BlobStore.has)
    except FileNotFoundError:
        return None


def _keep_newest(blob: Path, kept: Path) -> bool:
    """Keep the blob and return whether it is kept.

    A newer cached file replaces the kept one if its hash is right: DVC has fetched it again.
    """
    try:
        is_newer = blob.stat().st_mtime_ns > kept.stat().st_mtime_ns
    except FileNotFoundError:
        return link_file(blob, kept)
    return not is_newer or hash_file(blob) != f"{kept.parent.name}{kept.name}" or link_file(blob, kept)


def link_file(source: Path, target: Path, *, copy: bool = False) -> bool:
    """Make `target` a hard link to `source`, or else a clone, or with `copy` a copy. Return False if none was possible.

    Replaces another file at `target`. Raise OSError if a copy fails.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        return target.samefile(source) or _replace(source, target, copy=copy)
    except FileNotFoundError:
        if target.parent.is_dir():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        return link_file(source, target, copy=copy)
    except OSError:
        return _replace(source, target, copy=copy)
    return True


def _replace(source: Path, target: Path, *, copy: bool) -> bool:
    temporary = target.with_name(f"{INCOMING}{uuid4().hex}")
    try:
        if not _link_or_clone(source, temporary):
            if not copy:
                return False
            copy_file(source, temporary)
            shutil.copymode(source, temporary)
            sync_file(temporary)
        temporary.replace(target)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _link_or_clone(source: Path, target: Path) -> bool:
    from dvc_objects.fs.system import reflink

    with suppress(OSError):
        target.hardlink_to(source)
        return True
    with suppress(OSError):
        reflink(str(source), str(target))  # type: ignore[no-untyped-call]
        shutil.copymode(source, target)
        sync_file(target)
        return True
    return False
