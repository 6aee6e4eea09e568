"""Find out who made the contradicting decisions of a merge, for whoever settles them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gitassets.adapters.git.repository import Git
from gitassets.domain.conflict import (
    conflict_records,
    describe_record,
    iter_conflicts,
    iter_text_conflicts,
    text_records,
)
from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.manifest_format import raw_asset
from gitassets.runs.history import HistoryReader, RawCommit, format_time
from gitassets.runs.project import Project, Run

_LOOKED_AT = 500  # The number of latest commits that are searched.
_DECIDED = ("status", "md5", "approved_md5", "take", "reason", "reopened")


class Side(Struct, frozen=True):
    """One of the decisions, in words (`said`), with its author and commit; empty if unknown.

    `where` is "here" for the branch of the run, "there" for the branch being merged into it.
    """

    said: str
    where: str = ""
    author: str = ""
    date: str = ""
    commit: str = ""

    def describe(self) -> str:
        """Return a text such as "rejected, take 2, md5 0cc175b9c0f1 (too dark), by Bea Ott <bea@example.com>"."""
        return f"{self.said}, by {self.author}" if self.author else self.said


class Dispute(Struct, frozen=True):
    """The contradicting decisions on one asset, or on a segment's text if `kind` is None."""

    segment: int
    kind: Kind | None
    sides: tuple[Side, ...]

    def __str__(self) -> str:
        return f"the text of segment {self.segment}" if self.kind is None else str(Address(self.segment, self.kind))


class _Question(Struct, frozen=True):
    """A decision whose author is searched for."""

    segment: int
    kind: Kind | None
    record: Mapping[str, Any]

    def is_answered_by(self, manifest: Manifest | None) -> bool:
        """Check whether the manifest holds the decision."""
        segment = manifest.segments.get(self.segment) if manifest else None
        if segment is None:
            return False
        if self.kind is None:
            return segment.paragraph_text == self.record.get("paragraph_text")
        asset = segment.asset(self.kind)
        raw = raw_asset(replace(asset, takes={}, extra={})) if asset else {}
        return asset is not None and all(raw.get(name) == self.record.get(name) for name in _DECIDED)

    @property
    def said(self) -> str:
        return str(self.record.get("paragraph_text")) if self.kind is None else describe_record(self.record)


def find_disputes(project: Project, run: Run, manifest: Manifest) -> tuple[Dispute, ...]:
    """Return every conflict in the manifest with the authors of its decisions. Reads no history without conflicts."""
    disputes = [one for one in _iter_questions(manifest) if one]
    if not disputes:
        return ()
    reader = HistoryReader(project.git)
    tips = dict(zip(("here", "there"), _read_tips(project, run), strict=False))
    heads = {name: reader.read_state(oid).manifest for name, oid in tips.items()} if len(tips) > 1 else {}
    asked = [one for questions in disputes for one in questions]
    answers = _look_back(reader, list(tips.values()), asked)
    sides = iter([_answer(one, heads, answers.get(place)) for place, one in enumerate(asked)])
    return tuple(Dispute(one[0].segment, one[0].kind, _order(islice(sides, len(one)))) for one in disputes)


def _order(sides: Iterable[Side]) -> tuple[Side, ...]:
    return tuple(sorted(sides, key=lambda one: ("here", "there", "").index(one.where)))


def _answer(asked: _Question, heads: Mapping[str, Manifest | None], commit: RawCommit | None) -> Side:
    where = [name for name, manifest in heads.items() if asked.is_answered_by(manifest)]
    place = where[0] if len(where) == 1 else ""
    if commit is None:
        return Side(asked.said, place)
    return Side(asked.said, place, commit.author, format_time(commit.time), commit.oid)


def _iter_questions(manifest: Manifest) -> Iterator[list[_Question]]:
    for address, asset in iter_conflicts(manifest):
        yield [_Question(address.segment, address.kind, one) for one in conflict_records(asset)]
    for number in iter_text_conflicts(manifest):
        yield [_Question(number, None, one) for one in text_records(manifest.segments[number])]


def _read_tips(project: Project, run: Run) -> list[str]:
    """Return the tips of the histories that may hold the decisions: the run's branch and the one being merged."""
    merged = None if run.folder is None else Git(run.folder).resolve("MERGE_HEAD")
    return [one for one in (project.git.resolve(run.ref), merged) if one is not None]


def _look_back(reader: HistoryReader, tips: list[str], asked: list[_Question]) -> dict[int, RawCommit]:
    """Return the latest commit that made each decision, by the position of its question."""
    found: dict[int, RawCommit] = {}
    states: dict[str, Manifest | None] = {}
    for oid in reversed(reader.list_commits(tips)[-_LOOKED_AT:]):
        commit, state = next(reader.iter_states([oid]))
        parents = [_read(reader, states, one) for one in commit.parents]
        states.pop(oid, None)
        for place, one in enumerate(asked):
            made = one.is_answered_by(state.manifest) and not any(map(one.is_answered_by, parents))
            if place not in found and made:
                found[place] = commit
        if len(found) == len(asked):
            break
    return found


def _read(reader: HistoryReader, states: dict[str, Manifest | None], oid: str) -> Manifest | None:
    if oid not in states:
        states[oid] = reader.read_state(oid).manifest if reader.objects.resolve(oid) else None
    return states[oid]
