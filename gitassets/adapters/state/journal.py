"""Record what must survive a kill: the change being written, and the results not yet in the manifest."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from gitassets.adapters.files import write_atomic
from gitassets.errors import CorruptError


class TextChange(Struct, frozen=True):
    """The text of a file in git, before and after; None: the file does not exist."""

    before: str | None
    after: str | None


class MediaChange(Struct, frozen=True):
    """The md5 of a file that DVC tracks, before and after; None: the file does not exist."""

    before: str | None
    after: str | None
    locked: bool = False


class OpenMerge(Struct, frozen=True):
    """A merge of `theirs` in a run's work tree that waits for its conflicts to be settled.

    `message` is the one that git keeps for its commit.
    """

    theirs: str
    began_ns: int
    message: str


class Pending(Struct, frozen=True):
    """One transaction on a run: a commit of these files on `head` with this message.

    Within a `merge` git keeps the message, and the commit follows once no conflict is left.
    """

    head: str
    message: str
    texts: Mapping[str, TextChange]
    media: Mapping[str, MediaChange]
    merge: OpenMerge | None = None


class Journal:
    """The file with the current transaction of a run. It survives a kill and is removed when the transaction ends."""

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.path = state_dir / "journal" / f"{run_id}.json"

    def write(self, pending: Pending) -> None:
        write_atomic(self.path, _encode(pending))

    def read(self) -> Pending | None:
        try:
            raw = json.loads(self.path.read_bytes())
            return Pending(
                head=raw["head"],
                message=raw["message"],
                texts={path: TextChange(**one) for path, one in raw["texts"].items()},
                media={path: MediaChange(**one) for path, one in raw["media"].items()},
                merge=OpenMerge(**raw["merge"]) if raw.get("merge") else None,
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptError(f"{self.path} cannot be read: {error}", "Move it away and try again.") from error

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()

    def predates(self, file: Path) -> bool:
        """Check whether `file` was made during this transaction. False if either is gone."""
        try:
            return self.path.stat().st_mtime_ns <= file.stat().st_mtime_ns
        except FileNotFoundError:
            return False


def _encode(pending: Pending) -> bytes:
    """Encode both versions of a manifest of any size, in a tenth of the time that Python's own encoder takes."""
    with suppress(UnicodeEncodeError):
        return msgspec.json.encode(pending)
    # Halves of surrogate pairs stand for bytes of a text that is no UTF-8.
    return json.dumps(pending, default=asdict).encode()


class MadeTake(Struct, frozen=True):
    """A generated asset whose bytes are in the cache, and the md5 of the take it replaces (None: none).

    A `candidate` replaces nothing: it lies beside the current take.
    """

    segment: int
    kind: str
    base_md5: str | None
    action: str
    asset: Mapping[str, Any]
    candidate: bool = False


class Charge(Struct, frozen=True):
    """Money spent, or perhaps spent, that no asset records. `charge` is its unique id."""

    charge: str
    segment: int
    kind: str
    provider: str
    cost_usd: float
    at: str
    why: str


Line = TypeVar("Line", MadeTake, Charge)


class MadeLog:
    """The generated assets and charges of a run that no commit records yet: one JSON line each, durable once added.

    Several threads may add at once.
    """

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.path = state_dir / "made" / f"{run_id}.jsonl"
        self._adding = threading.Lock()

    def add(self, made: MadeTake) -> None:
        self._add(made)

    def add_charge(self, charge: Charge) -> None:
        self._add(charge)

    def read(self) -> list[MadeTake]:
        return list(self._iter_lines(MadeTake))

    def read_charges(self) -> list[Charge]:
        """Return each charge once, even if a killed command left a duplicate."""
        return list({one.charge: one for one in self._iter_lines(Charge)}.values())

    def _add(self, line: MadeTake | Charge) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._adding, self.path.open("a", encoding="utf-8") as file:
            # A kill or a full disk may have cut the previous line short.
            file.write(f"\n{json.dumps(line, default=asdict)}\n")
            file.flush()
            os.fsync(file.fileno())

    def _iter_lines(self, kind: type[Line]) -> Iterator[Line]:
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            # The asset of a line cut short is in the cache, but was never reported as made.
            with suppress(ValueError, TypeError):
                yield kind(**json.loads(line))

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()


class Merging(Struct, frozen=True):
    """A merge of `theirs` into `head` in a run's work tree."""

    head: str
    theirs: str


class MergeJournal:
    """The file with the merge that a command of ours began. It survives a kill and is removed when the merge ends."""

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.path = state_dir / "merging" / f"{run_id}.json"

    def write(self, merging: Merging) -> None:
        write_atomic(self.path, json.dumps(asdict(merging)).encode())

    def read(self) -> Merging | None:
        try:
            return Merging(**json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CorruptError(f"{self.path} cannot be read: {error}", "Move it away and try again.") from error

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()
