"""Format and parse the audit trail of a run for export: a line of JSON for each commit, and a readable text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from gitassets.domain.commit_message import Transition, clean_words, describe_transitions
from gitassets.domain.manifest import Address, Kind
from gitassets.domain.manifest_parsing import parse_json
from gitassets.errors import CorruptError

IMPORTED_TRAIL = "imported_audit.jsonl"
"""The file in an imported run's branch that has the trail of the run from which the bag was made."""
_TEXTS = ("run_id", "commit", "date", "author", "email", "action", "summary", "words")


class LogEntry(Struct, frozen=True):
    """One commit of a run: who, when, which transitions, why. `action` is empty if gitassets did not write the message.

    `by_hand` are the transitions that the message does not name. `reviewed_by` is who decided, if the author did not.
    """

    commit: str
    date: str
    author: str
    email: str
    action: str
    summary: str
    words: str
    transitions: tuple[Transition, ...]
    segments: tuple[int, ...]
    by_hand: tuple[Transition, ...] = ()
    reviewed_by: str = ""

    def describe(self) -> Iterator[str]:
        """Describe the transitions in words; those by hand are marked."""
        named = [one for one in self.transitions if one not in self.by_hand]
        yield from describe_transitions(named)
        yield from (f"by hand: {line}" for line in describe_transitions(self.by_hand))


def format_trail(run_id: str, entries: Iterable[LogEntry]) -> bytes:
    """Format one JSON object per line, in the given order."""
    return "".join(f"{json.dumps(_raw_entry(run_id, one), ensure_ascii=False)}\n" for one in entries).encode()


def _raw_entry(run_id: str, entry: LogEntry) -> dict[str, Any]:
    raw = {"transitions": _raw(entry.transitions), "segments": list(entry.segments), "by_hand": _raw(entry.by_hand)}
    values = {**asdict(entry), **raw}
    return {"run_id": run_id, **{name: _plain(value) for name, value in values.items()}}


def _raw(transitions: Iterable[Transition]) -> list[dict[str, Any]]:
    return [
        {"segment": one.address.segment, "kind": one.address.kind.value, "before": one.before, "after": one.after}
        for one in transitions
    ]


def _plain(value: Any) -> Any:
    """Replace what git could not read as UTF-8, since JSON cannot hold it."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def parse_trail(data: bytes, name: str) -> tuple[tuple[str, LogEntry], ...]:
    """Parse each line to a run id and an entry. Raise CorruptError, which names the invalid line."""
    lines = data.split(b"\n")
    if lines.pop():
        raise CorruptError(f"{name} is cut off in its last line", "Get the file again.")
    return tuple(_parse_line(line, f"{name}, line {number}") for number, line in enumerate(lines, start=1))


def _parse_line(line: bytes, name: str) -> tuple[str, LogEntry]:
    raw = parse_json(line, name)
    try:
        texts = {key: raw[key] for key in _TEXTS}
        transitions = tuple(map(_parse_transition, raw["transitions"]))
        segments = tuple(raw["segments"])
        # Version 0.1.0 did not record it.
        by_hand = tuple(map(_parse_transition, raw.get("by_hand", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"{name} is no entry of an audit trail: {error}", "Get the file again.") from error
    if not all(isinstance(one, str) for one in texts.values()) or not all(isinstance(one, int) for one in segments):
        raise CorruptError(f"{name} is no entry of an audit trail", "Get the file again.")
    run_id, reviewer = texts.pop("run_id"), raw.get("reviewed_by", "")
    return run_id, LogEntry(
        **texts, transitions=transitions, segments=segments, by_hand=by_hand, reviewed_by=str(reviewer)
    )


def _parse_transition(raw: Mapping[str, Any]) -> Transition:
    if not isinstance(raw["segment"], int):
        raise ValueError("a segment is no number")
    return Transition(Address(raw["segment"], Kind(raw["kind"])), str(raw["before"]), str(raw["after"]))


def format_trail_text(trail: Iterable[tuple[str, LogEntry]]) -> str:
    """Format the trail for reading: a paragraph for each commit, without terminal control characters."""
    return "\n".join("".join(f"{line}\n" for line in _describe(run_id, entry)) for run_id, entry in trail)


def _describe(run_id: str, entry: LogEntry) -> Iterator[str]:
    yield f"{_flat(entry.date).replace('T', ' ')}  {_flat(entry.author)} <{_flat(entry.email)}>"
    yield f"  {_flat(run_id)}: {_flat(entry.summary)}  ({_flat(entry.commit)[:10]})"
    if entry.reviewed_by:
        yield f"  reviewed by {_flat(entry.reviewed_by)}"
    yield from (f"    {line}".rstrip() for line in clean_words(entry.words).splitlines())
    yield from (f"  {_flat(line)}" for line in entry.describe())


def _flat(text: str) -> str:
    return " ".join(clean_words(text).split())
