"""Check paths of media files in a manifest: they must be valid on every system and must not clash."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from gitassets.domain.run_id import is_device_name

_ORDINARY_PATH = re.compile(r"(audio|images|video|takes|final)/[a-z]+_[0-9]{3,9}\.[a-z0-9]{1,5}\Z")


# A history has the same few paths again and again.
@lru_cache(maxsize=8192)
def find_path_problem(path: str) -> str | None:
    """Return why a path from a manifest must not be used, or None if it names a file in the run on any system."""
    if _ORDINARY_PATH.match(path):
        return None
    parts = path.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        return "does not name a file inside one of the run's folders"
    if any(unicodedata.category(char)[0] == "C" or char in '\\:*?"<>|' for char in path):
        return "holds a character that file names cannot hold everywhere"
    if any(part != part.strip() or part.endswith(".") or part.startswith(("-", ".")) for part in parts):
        return "has a part that begins with a dash, dot or space, or ends with a space or dot"
    if any(is_device_name(part) for part in parts):
        return "has a part that names a device on Windows"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode's composed form (NFC)"
    return "is too long" if any(len(part.encode()) > 240 for part in parts) else None


# Most versions of a manifest have the same paths as the previous one.
@lru_cache(maxsize=16)
def are_apart(paths: tuple[str, ...]) -> bool:
    """Check that no two paths are the same file if case is ignored, and that none is a folder of another."""
    files = {path.casefold() for path in paths}
    folders = {path.rpartition("/")[0] for path in files}
    above = {folder[:end] for folder in folders for end, char in enumerate(folder) if char == "/"}
    return len(files) == len(paths) and files.isdisjoint(folders | above)


def iter_path_clashes(entries: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield name, name of the earlier entry, and path of each (name, path) that clashes with an earlier one.

    If case is ignored, two paths may be the same file, or one may be a folder of the other.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name, path in entries:
        key = path.casefold()
        parents = [key[: match.start()] for match in re.finditer("/", key)]
        other = files.get(key) or folders.get(key) or next((files[one] for one in parents if one in files), None)
        if other is not None:
            yield name, other, path
            continue
        files[key] = name
        for one in parents:
            folders.setdefault(one, name)
