"""Format changes to the index as git's own diff does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path


def format_staged(changes: Mapping[str, tuple[bytes | None, bytes | None]], like: str) -> str:
    """Format the output of `git diff-index --cached --no-abbrev HEAD` if exactly these files are staged.

    `changes` holds the bytes before and after; None: the file does not exist. `like` is any object id of the
    repository, which shows its hash algorithm.
    """
    lines = []
    for path, sides in sorted(changes.items(), key=lambda one: one[0].encode("utf-8", "surrogateescape")):
        modes = ["000000" if data is None else "100644" for data in sides]
        names = ["0" * len(like) if data is None else _hash_blob(data, like) for data in sides]
        letter = "A" if sides[0] is None else "D" if sides[1] is None else "M"
        lines.append(f":{' '.join((*modes, *names, letter))}\t{path}")
    return "\n".join(lines)


def hash_file(path: Path, wanted: str | None) -> str | None:
    """Return git's object id of the file's bytes. Return `wanted` also if only the line endings differ."""
    if path.is_symlink():
        return "a link"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        return "a folder"
    found = _hash_blob(data, wanted or "")
    return _hash_blob(data.replace(b"\r\n", b"\n"), wanted or "") if found != wanted else found


def _hash_blob(data: bytes, like: str) -> str:
    algorithm = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return algorithm(b"blob %d\0%b" % (len(data), data), usedforsecurity=False).hexdigest()
