"""Remember the hash of each file with its `stat` values, so that unchanged files are not hashed again.

The rule is git's: an entry is valid while size, mtime, ctime and inode are the same, and is not trusted if the file was
changed so shortly before the entry was made that a later write could get the same time stamp. A program that has the
file mapped into memory writes without a new time stamp until the system flushes that part to disk, so the hash of a
file written in the last seconds is not saved, unless we wrote it ourselves.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path

import msgspec

from gitassets.adapters.files import change_mode, hash_file, lock_mode, open_mode, write_atomic

RACY_NS = 20_000_000  # Coarser than the clock tick of any kernel's file times (10 ms at most).
# Linux flushes pages older than 30 s and checks every 5 s (vm.dirty_expire_centisecs, vm.dirty_writeback_centisecs).
MAPPED_NS = 40_000_000_000

Signature = tuple[int, int, int, int]
Entry = tuple[int, int, int, int, str]
_entries = msgspec.json.Decoder(dict[str, Entry])


class Look(Enum):
    """What the size and times of a file say about its bytes. `TOUCHED`: nothing, since the times are new or unknown."""

    ABSENT = "absent"
    SAME = "same"
    ALTERED = "altered"
    TOUCHED = "touched"


class StatIndex:
    """The hashes of files below `root`, saved in `store`. An unreadable store counts as empty.

    Without a store every file is hashed.
    """

    def __init__(self, root: Path, store: Path | None) -> None:
        self._root, self._store = root, store
        self._entries: dict[str, Entry] = _read_entries(store) if store else {}
        self._fresh: set[str] = set()
        self._changed = False

    def hash(self, path: str) -> str | None:
        """Return the file's current md5; None if it is no regular file. Follows no symbolic link."""
        # pathlib takes longer than the system call itself.
        full = f"{self._root}/{path}"
        signature = _read_signature(full)
        if signature is None:
            return None
        entry = self._entries.get(path)
        if entry is not None and entry[:4] == signature:
            return entry[4]
        return self._hash_now(path, full, signature)

    def look(self, path: str, size: int, digest: str) -> Look:
        """Compare the file with a recorded size and md5, without hashing. One call of `stat`."""
        try:
            found = os.lstat(f"{self._root}/{path}")
        except OSError:
            return Look.ABSENT
        if found.st_size != size or not stat.S_ISREG(found.st_mode):
            return Look.ALTERED
        entry = self._entries.get(path)
        if entry is None:
            return Look.TOUCHED
        # The change time alone is new when a file was renamed, or its mode changed.
        if entry[1] == found.st_mtime_ns and entry[4] == digest:
            return Look.SAME
        return Look.ALTERED if entry[:4] == _make_signature(found) else Look.TOUCHED

    def _hash_now(self, path: str, full: str, signature: Signature) -> str:
        digest = hash_file(Path(full))
        self._entries.pop(path, None)
        age_ns = time.time_ns() - signature[1]
        if min(age_ns, time.time_ns() - signature[2]) > RACY_NS and _read_signature(full) == signature:
            self._entries[path] = (*signature, digest)
            self._set_fresh(path, fresh=age_ns <= MAPPED_NS)
        self._changed = True
        return digest

    def _set_fresh(self, path: str, *, fresh: bool) -> None:
        """Set whether the entry is valid only while this index is in use, and must not be saved."""
        (self._fresh.add if fresh else self._fresh.discard)(path)

    def note(self, path: str, digest: str) -> None:
        """Record `digest` as the hash of a file that the caller itself just wrote."""
        signature = _read_signature(f"{self._root}/{path}")
        if signature is not None:
            self._entries[path] = (*signature, digest)
            self._set_fresh(path, fresh=False)
            self._changed = True

    def set_locked(self, path: str, digest: str, *, locked: bool) -> None:
        """Make the file read-only or writable if its hash is `digest`, without forgetting the hash."""
        if self.hash(path) != digest:
            return
        full = f"{self._root}/{path}"
        before = stat.S_IMODE(os.lstat(full).st_mode)
        after = lock_mode(before) if locked else open_mode(before)
        if after != before:
            known, fresh = path in self._entries, path in self._fresh
            change_mode(full, after)
            if known:
                self.note(path, digest)
                self._set_fresh(path, fresh=fresh)

    def save(self) -> None:
        """Save the index, if the disk allows: losing it costs only time for hashing."""
        if self._changed and self._store is not None:
            with suppress(OSError):
                kept = {path: entry for path, entry in self._entries.items() if path not in self._fresh}
                write_atomic(self._store, _encode(kept), durable=False)
                self._changed = False


def _read_signature(path: str) -> Signature | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _make_signature(found) if stat.S_ISREG(found.st_mode) else None


def _make_signature(found: os.stat_result) -> Signature:
    # On Windows ctime is the time of creation and says nothing about changes.
    ctime_ns = 0 if os.name == "nt" else found.st_ctime_ns
    return found.st_size, found.st_mtime_ns, ctime_ns, found.st_ino


def _encode(entries: Mapping[str, Entry]) -> bytes:
    """Encode the entries without those of files whose names are no UTF-8: they are hashed again each time."""
    try:
        return msgspec.json.encode(entries)
    except UnicodeEncodeError:
        readable = {path: entry for path, entry in entries.items() if path.encode("utf-8", "replace").decode() == path}
        return msgspec.json.encode(readable)


def _read_entries(store: Path) -> dict[str, Entry]:
    try:
        return _entries.decode(store.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
