"""Remember which commits of a run differ from their messages, so that each is compared once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.domain.commit_message import Transition
from gitassets.domain.manifest import Address, Kind

# Change it when commits are compared in another way: all are then compared again.
_VERSION = 2


class Deviation(Struct, frozen=True):
    """All transitions of one commit, and those (`by_hand`) that its message does not name."""

    transitions: tuple[Transition, ...]
    by_hand: tuple[Transition, ...]


class Deviations(Struct, frozen=True):
    """The deviations by commit. Every commit that `tip` reaches has been compared."""

    tip: str
    by_commit: Mapping[str, Deviation]


class DeviationsFile:
    """The deviations file of one run. It is valid in any repository, since commit ids name contents."""

    def __init__(self, state_dir: Path, run_id: str) -> None:
        self.path = state_dir / "deviations" / f"{run_id}.jsonl"

    def read(self) -> Deviations | None:
        """Return None if the file is missing, damaged or of another version."""
        try:
            head, *lines = [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]
            found = {one["commit"]: _parse(one) for one in lines}
            whole = (head["version"], head["count"]) == (_VERSION, len(found))
            return Deviations(str(head["tip"]), found) if whole else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, deviations: Deviations) -> None:
        write_atomic(self.path, "".join(f"{json.dumps(one)}\n" for one in _iter_lines(deviations)).encode())


def _iter_lines(deviations: Deviations) -> Iterator[dict[str, Any]]:
    yield {"version": _VERSION, "tip": deviations.tip, "count": len(deviations.by_commit)}
    for commit, one in deviations.by_commit.items():
        yield {"commit": commit, "transitions": _raw(one.transitions), "by_hand": _raw(one.by_hand)}


def _raw(transitions: tuple[Transition, ...]) -> list[list[Any]]:
    return [[one.address.kind.value, one.address.segment, one.before, one.after] for one in transitions]


def _parse(raw: Mapping[str, Any]) -> Deviation:
    return Deviation(_parse_transitions(raw["transitions"]), _parse_transitions(raw["by_hand"]))


def _parse_transitions(raw: list[list[Any]]) -> tuple[Transition, ...]:
    return tuple(
        Transition(Address(int(segment), Kind(kind)), str(before), str(after)) for kind, segment, before, after in raw
    )
