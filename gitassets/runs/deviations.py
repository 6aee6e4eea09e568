"""Compare a run's commits with their messages, each commit once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from gitassets.adapters.state.deviation_log import Deviation, Deviations, DeviationsFile
from gitassets.domain.changes import MessageComparison, compare_commit
from gitassets.domain.commit_message import parse_claims
from gitassets.domain.manifest import Manifest
from gitassets.domain.merge.changes import compare_merge
from gitassets.runs.history import CommonStates, HistoryReader, ParentValues, RawCommit, find_cut
from gitassets.runs.project import Project, Run

_WORTH_KEEPING = 100  # Comparing that many commits takes a tenth of a second; fewer are not saved.


def find_deviations(project: Project, run: Run) -> Mapping[str, Deviation]:
    """Return the commits of the branch whose transitions differ from their messages, by id.

    For a merge, only decisions count that neither side had made. The first call reads the whole history; later calls
    read only new commits, if the history is long enough to save the result.
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
        with suppress(OSError):  # In a read-only repository nothing is saved.
            file.write(Deviations(tip, found))
    return found


def _keep(reader: HistoryReader, known: Deviations | None, tip: str) -> Mapping[str, Deviation]:
    """Return the saved deviations of commits that are still in the branch, which may have been rewritten."""
    if known is None or not reader.objects.resolve(known.tip):
        return {}
    if reader.git.is_ancestor(known.tip, tip):
        return known.by_commit
    oids = set(reader.list_commits([tip]))
    return {oid: one for oid, one in known.by_commit.items() if oid in oids}


def _list_compared(reader: HistoryReader, known: Deviations | None) -> list[str]:
    return [known.tip] if known is not None and reader.objects.resolve(known.tip) else []


def _iter_new(reader: HistoryReader, oids: Sequence[str]) -> Iterator[tuple[str, Deviation]]:
    """Yield the deviations among these commits."""
    inherited = ParentValues[Manifest | None](reader.read_parents(oids))
    inside = set(oids)
    for commit, state in reader.iter_states(oids):
        whole = all(one in inside or reader.objects.resolve(one) for one in commit.parents)
        parents = inherited.pop(commit)
        if len(parents) < len(commit.parents) and whole:
            parents = [reader.read_last_manifest(one) for one in commit.parents]
        inherited.add(commit, state.manifest or next(iter(parents), None))
        if state.manifest is not None and whole:
            yield from _iter_deviation(commit, compare(reader, commit, parents, state.manifest))


def compare(
    reader: HistoryReader, commit: RawCommit, parents: Sequence[Manifest | None], after: Manifest
) -> MessageComparison:
    """Compare the commit's own changes with its message; of a merge, only decisions that neither side made."""
    if len(commit.parents) < 2:
        return compare_commit(next(iter(parents), None), after, commit.message)
    sides = [one for one in parents if one is not None]
    if len(sides) != 2 or len(commit.parents) != 2:
        return MessageComparison((), (), ())  # No merge of a run.
    return compare_merge(lambda: _read_base(reader, commit), sides, after, commit.message)


def _read_base(reader: HistoryReader, commit: RawCommit) -> Manifest | None:
    state = CommonStates(reader).read(*commit.parents)
    return state.manifest if state else None


def _iter_deviation(commit: RawCommit, found: MessageComparison) -> Iterator[tuple[str, Deviation]]:
    if found.by_hand or sorted(found.transitions, key=repr) != sorted(parse_claims(commit.message), key=repr):
        yield commit.oid, Deviation(found.transitions, found.by_hand)
