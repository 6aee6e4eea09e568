"""Derive `.dvc` files and folder listings from a manifest, byte for byte as `dvc add FOLDER` writes them.

This uses only the standard library, so that a hook or a server can check them without DVC and without the cache.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import md5
from types import MappingProxyType

from msgspec import Struct

from gitassets.domain.manifest import (
    MEDIA_FOLDERS,
    SEGMENT_KINDS,
    Asset,
    Manifest,
    Segment,
    iter_changed_segments,
    iter_folder_entries,
)
from gitassets.errors import CorruptError, Remedy

DVC_FILES = tuple(f"{folder}.dvc" for folder in MEDIA_FOLDERS)
MAX_DVC_FILE_BYTES = 4096

_LINE = re.compile(r"(- |  )(md5|size|nfiles|hash|path): ([0-9A-Za-z._/-]+)\Z")
_LISTING_MD5 = re.compile(r"[0-9a-f]{32}\.dir\Z")
# A file may have up to 2**63 bytes, and a folder has the sum.
_WHOLE = re.compile(r"(0|[1-9][0-9]{0,24})\Z")


class DvcOut(Struct, frozen=True):
    """The content of a `.dvc` file: the listing's md5 (with ".dir"), the number of bytes and of files, the folder."""

    md5: str
    size: int
    nfiles: int
    path: str


class DvcFolder(Struct, frozen=True):
    """A tracked folder. The bytes of its listing belong in the cache under `md5` (with ".dir")."""

    name: str
    listing: bytes
    md5: str
    size: int
    nfiles: int

    @property
    def out(self) -> DvcOut:
        return DvcOut(self.md5, self.size, self.nfiles, self.name)

    @property
    def file_name(self) -> str:
        return f"{self.name}.dvc"

    @property
    def text(self) -> str:
        """The text of the folder's `.dvc` file."""
        return (
            f"outs:\n- md5: {self.md5}\n  size: {self.size}\n  nfiles: {self.nfiles}\n"
            f"  hash: md5\n  path: {self.name}\n"
        )


class DvcMismatch(Struct, frozen=True):
    """A `.dvc` file that differs from the manifest. `problem` is the rest of a sentence about it."""

    file_name: str
    problem: str


def folder_listing(entries: Iterable[tuple[str, str]]) -> bytes:
    """Return DVC's listing of a folder; `entries` are (path below the folder, md5)."""
    rows = [{"md5": digest, "relpath": path} for path, digest in sorted(entries)]
    return json.dumps(rows, sort_keys=True).encode()


_last: tuple[Manifest, Mapping[str, DvcFolder]] | None = None


def imply_dvc_files(manifest: Manifest) -> Mapping[str, DvcFolder]:
    """Return each folder that holds any of the manifest's files, by its name.

    One commit asks for the same manifest again and again, and most commits change no file, so the last answer is kept.
    """
    global _last
    known = _last
    if known is None or not have_same_files(known[0], manifest):
        _last = known = (manifest, MappingProxyType(_imply_folders(manifest)))
    return known[1]


def have_same_files(before: Manifest, after: Manifest) -> bool:
    """Check whether the segments that differ have the same files in both, so that their `.dvc` files are the same."""
    if before is after:
        return True
    numbers = iter_changed_segments(before, after)
    if before.final != after.final or _list_asset_files(before.music) != _list_asset_files(after.music):
        return False
    return all(_list_files(before.segments.get(one)) == _list_files(after.segments.get(one)) for one in numbers)


def _list_files(segment: Segment | None) -> list[tuple[str, str, int]]:
    assets = [segment.asset(kind) for kind in SEGMENT_KINDS] if segment else []
    return [file for asset in assets for file in _list_asset_files(asset)]


def _list_asset_files(asset: Asset | None) -> list[tuple[str, str, int]]:
    files = () if asset is None else (asset, *asset.takes.values())
    return [(one.path, one.md5, one.size) for one in files]


def name_dvc_files(manifest: Manifest) -> set[str]:
    """Return the names of the `.dvc` files that `imply_dvc_files` describes."""
    return {f"{folder}.dvc" for folder in {path.split("/", 1)[0] for path, _, _ in iter_folder_entries(manifest)}}


def _imply_folders(manifest: Manifest) -> dict[str, DvcFolder]:
    found: dict[str, list[tuple[str, str, int]]] = {}
    for path, digest, size in iter_folder_entries(manifest):
        folder, below = path.split("/", 1)
        found.setdefault(folder, []).append((below, digest, size))
    return {folder: _imply_folder(folder, tuple(found[folder])) for folder in MEDIA_FOLDERS if folder in found}


# Most commits of a run change few folders, so a walk over its history sees the same ones again and again.
@lru_cache(maxsize=64)
def _imply_folder(folder: str, entries: tuple[tuple[str, str, int], ...]) -> DvcFolder:
    listing = folder_listing((path, digest) for path, digest, _ in entries)
    digest = md5(listing, usedforsecurity=False).hexdigest()
    return DvcFolder(folder, listing, f"{digest}.dir", sum(size for _, _, size in entries), len(entries))


def parse_dvc_file(data: bytes, name: str) -> DvcOut:
    """Parse the `.dvc` file of one folder.

    Raise CorruptError unless it has just the five lines that DVC writes, in any order: no other key, no comment and
    none of YAML's other spellings. Anything that this reads differently than DVC could hide other bytes.
    """
    values = _parse_lines(data, name)
    if values.keys() != {"md5", "size", "nfiles", "hash", "path"} or values["hash"] != "md5":
        raise _not_dvc(name, "does not hold md5, size, nfiles, path and `hash: md5`, each once")
    if not _LISTING_MD5.match(values["md5"]):
        raise _not_dvc(name, "does not name the listing of a folder by an md5")
    if not _WHOLE.match(values["size"]) or not _WHOLE.match(values["nfiles"]):
        raise _not_dvc(name, "has a size or nfiles that is no whole number")
    return DvcOut(values["md5"], int(values["size"]), int(values["nfiles"]), values["path"])


def _parse_lines(data: bytes, name: str) -> dict[str, str]:
    if len(data) > MAX_DVC_FILE_BYTES or not data.isascii():
        raise _not_dvc(name, "is too long or holds other than plain letters")
    head, *lines = data.decode("ascii").removesuffix("\n").split("\n")
    values: dict[str, str] = {}
    for index, line in enumerate(lines):
        match = _LINE.match(line)
        if not match or (match[1] == "- ") != (index == 0) or match[2] in values:
            raise _not_dvc(name, f"holds the line {line!r}")
        values[match[2]] = match[3]
    if head != "outs:":
        raise _not_dvc(name, "does not begin with `outs:`")
    return values


def _not_dvc(name: str, problem: str) -> CorruptError:
    return CorruptError(
        f"{name} {problem}, which is not how DVC writes the file of one folder",
        Remedy("write-dvc-files"),
    )


def find_dvc_mismatch(manifest: Manifest, files: Mapping[str, bytes]) -> list[DvcMismatch]:
    """Return all differences between `files`, the `.dvc` files by path in the run, and what the manifest implies."""
    implied = {one.file_name: one for one in imply_dvc_files(manifest).values()}
    found = []
    for name in sorted({*implied, *files}):
        problem = _find_problem(name, implied.get(name), files.get(name))
        if problem:
            found.append(DvcMismatch(name, problem))
    return found


def _find_problem(name: str, implied: DvcFolder | None, data: bytes | None) -> str | None:
    if data is None:
        return "is missing, though the manifest names files in that folder"
    if implied is None:
        return "is there, though the manifest names no file in such a folder"
    if data == implied.text.encode():
        return None
    try:
        out = parse_dvc_file(data, name)
    except CorruptError as error:
        return error.message.removeprefix(f"{name} ")
    return _describe_difference(implied.out, out)


def _describe_difference(implied: DvcOut, found: DvcOut) -> str | None:
    names = ("md5", "size", "nfiles", "path")
    different = [
        f"{one} {getattr(found, one)} instead of {getattr(implied, one)}"
        for one in names
        if getattr(found, one) != getattr(implied, one)
    ]
    return f"has {', '.join(different)}" if different else None
