"""Compares what the commits of a run did with what their messages say, each commit once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from gitassets.adapters.state.deviation_log import Deviation, Deviations, DeviationsFile
from gitassets.domain.changes import Told, tell_commit
from gitassets.domain.commit_message import parse_claims
from gitassets.domain.manifest import Manifest
from gitassets.domain.merge.changes import tell_merge
from gitassets.runs.history import CommonStates, HandedOn, HistoryReader, RawCommit, find_cut
from gitassets.runs.project import Project, Run

_WORTH_KEEPING = 100  # So many commits take a tenth of a second; fewer leave no file behind.


def find_deviations(project: Project, run: Run) -> Mapping[str, Deviation]:
    """Each commit of the branch whose transitions are others than its message names, by its id.

    Those of a merge are what was decided in it, beyond what its sides had decided. The first time it reads the whole
    history. What was compared is remembered once it is worth it.
    """
    tip = project.git.resolve(run.ref)
    file = DeviationsFile(project.state_dir, run.run_id)
    known = file.read()
    if tip is None or (known is not None and known.tip == tip):
        return known.by_commit if known is not None else {}
    reader = HistoryReader(project.git)
    oids = reader.list_commits([tip], _list_compared(reader, known))
    found = {**_keep(reader, known, tip), **dict(_iter_new(reader, oids))}
    if len(oids) >= _WORTH_KEEPING and find_cut(project, tip) is None:
        with suppress(OSError):  # Whoever may only read the repository compares anew each time.
            file.write(Deviations(tip, found))
    return found


def _keep(reader: HistoryReader, known: Deviations | None, tip: str) -> Mapping[str, Deviation]:
    """What is remembered of commits that are in the branch: it may have been rewritten."""
    if known is None or not reader.objects.resolve(known.tip):
        return {}
    if reader.git.is_ancestor(known.tip, tip):
        return known.by_commit
    oids = set(reader.list_commits([tip]))
    return {oid: one for oid, one in known.by_commit.items() if oid in oids}


def _list_compared(reader: HistoryReader, known: Deviations | None) -> list[str]:
    return [known.tip] if known is not None and reader.objects.resolve(known.tip) else []


def _iter_new(reader: HistoryReader, oids: Sequence[str]) -> Iterator[tuple[str, Deviation]]:
    """The deviations among these commits."""
    handed = HandedOn[Manifest | None](reader.read_parents(oids))
    inside = set(oids)
    for commit, state in reader.iter_states(oids):
        whole = all(one in inside or reader.objects.resolve(one) for one in commit.parents)
        parents = handed.take(commit)
        if len(parents) < len(commit.parents) and whole:
            parents = [reader.read_last_manifest(one) for one in commit.parents]
        handed.give(commit, state.manifest or next(iter(parents), None))
        if state.manifest is not None and whole:
            yield from _iter_deviation(commit, tell(reader, commit, parents, state.manifest))


def tell(reader: HistoryReader, commit: RawCommit, parents: Sequence[Manifest | None], after: Manifest) -> Told:
    """What the commit did itself; of a merge, what it decided beyond bringing its sides together."""
    if len(commit.parents) < 2:
        return tell_commit(next(iter(parents), None), after, commit.message)
    sides = [one for one in parents if one is not None]
    if len(sides) != 2 or len(commit.parents) != 2:
        return Told((), (), ())  # No merge of a run.
    return tell_merge(lambda: _read_base(reader, commit), sides, after, commit.message)


def _read_base(reader: HistoryReader, commit: RawCommit) -> Manifest | None:
    state = CommonStates(reader).read(*commit.parents)
    return state.manifest if state else None


def _iter_deviation(commit: RawCommit, told: Told) -> Iterator[tuple[str, Deviation]]:
    if told.by_hand or sorted(told.transitions, key=repr) != sorted(parse_claims(commit.message), key=repr):
        yield commit.oid, Deviation(told.transitions, told.by_hand)
