"""Parse the file of decisions that a sheet saves. It comes from anywhere, so all of it is hostile until checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from gitassets.domain.annotations import MAX_BODY, Region, Time
from gitassets.domain.commit_message import clean_name, clean_words
from gitassets.domain.manifest import MUSIC, Address, Kind, Md5
from gitassets.domain.run_id import is_run_id
from gitassets.errors import CorruptError, Remedy

FORMAT, VERSION = "gitassets-decisions", 1
MAX_BYTES = 16_000_000
MAX_DECISIONS, MAX_NOTES = 100_000, 5000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_NUMBER = Annotated[int, Meta(ge=1, le=999_999_999)]
_OR_MUSIC = Annotated[int, Meta(ge=0, le=999_999_999)]
_Text = Annotated[str, Meta(max_length=MAX_BODY)]
_Name = Annotated[str, Meta(max_length=200)]


class Verdict(StrEnum):
    """What a reviewer decided about an asset."""

    APPROVE = "approve"
    REJECT = "reject"


class SeenDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision on an asset, and the md5 of the bytes that were seen or heard."""

    segment: _OR_MUSIC
    kind: Kind
    md5: Md5
    action: Verdict
    reason: _Text = ""

    def __post_init__(self) -> None:
        if (self.segment == MUSIC.segment) != (self.kind is MUSIC.kind):
            raise ValueError("music, and only music, has the segment 0")

    @property
    def address(self) -> Address:
        return Address(self.segment, self.kind)


class SeenNote(Struct, frozen=True, forbid_unknown_fields=True):
    """A note on the bytes that were seen or heard, at a time in seconds or on a region in percent."""

    segment: _NUMBER
    kind: Kind
    md5: Md5
    text: Annotated[_Text, Meta(min_length=1)]
    time: Time | None = None
    region: Region | None = None

    @property
    def address(self) -> Address:
        return Address(self.segment, self.kind)


class DecisionsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """Decisions and notes of one person, `by`, on the run as it was at `commit`."""

    format: Literal["gitassets-decisions"]
    version: Literal[1]
    run_id: Annotated[str, Meta(max_length=200)]
    commit: Annotated[str, Meta(max_length=64)]
    decisions: Annotated[tuple[SeenDecision, ...], Meta(max_length=MAX_DECISIONS)]
    notes: Annotated[tuple[SeenNote, ...], Meta(max_length=MAX_NOTES)] = ()
    by: _Name = ""

    @property
    def digest(self) -> str:
        """The digest of what was decided, whoever says to have done it and however the file is written."""
        return sha256(msgspec.json.encode(msgspec.structs.replace(self, by=""))).hexdigest()[:32]


def parse_decisions(data: bytes, name: str) -> DecisionsFile:
    """Parse a file of decisions, with its texts cleaned. Raise CorruptError, which says what is wrong, for any other.

    `name` is the file's, for the error.
    """
    if len(data) > MAX_BYTES:
        raise _refuse(name, f"is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        found = msgspec.json.decode(data.removeprefix(_BYTE_ORDER_MARK), type=DecisionsFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refuse(name, f"is none: {error}") from error
    if not is_run_id(found.run_id) or not _COMMIT.match(found.commit):
        raise _refuse(name, "names no run and commit")
    twice = _find_twice(one.address for one in found.decisions)
    if twice is not None:
        raise _refuse(name, f"decides on {twice} twice")
    return _clean(found)


def _refuse(name: str, why: str) -> CorruptError:
    return CorruptError(f"{name} is not a file of decisions: it {why}", Remedy("save-decisions-again"))


def _find_twice(addresses: Iterable[Address]) -> Address | None:
    seen = set[Address]()
    for one in addresses:
        if one in seen:
            return one
        seen.add(one)
    return None


def _clean(found: DecisionsFile) -> DecisionsFile:
    notes = (msgspec.structs.replace(one, text=clean_words(one.text)) for one in found.notes)
    return msgspec.structs.replace(
        found,
        by=clean_name(found.by),
        decisions=tuple(msgspec.structs.replace(one, reason=_clean_reason(one)) for one in found.decisions),
        notes=tuple(dict.fromkeys(one for one in notes if one.text)),
    )


def _clean_reason(one: SeenDecision) -> str:
    """Return the reason. An approval has none."""
    return clean_words(one.reason) if one.action is Verdict.REJECT else ""


def make_note_id(file: DecisionsFile, note: SeenNote) -> str:
    """Return the note's id: the same each time, so that it is never written twice."""
    return sha256(msgspec.json.encode((file.run_id, file.commit, note))).hexdigest()[:24]
