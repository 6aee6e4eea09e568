"""Prove approvals from the history of their run before they are used elsewhere.

Every use of an approval (a video, a file, another run, a publication) is checked here first: an approval made by a
commit that bypassed the hooks is not valid. The verified tip is saved, so that the next check reads only later commits.
Doubts are saved too, since commits never change, unless some are missing, which a fetch may bring.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from shlex import quote

from msgspec import Struct, field

from gitassets.adapters.git.repository import Git
from gitassets.adapters.state.verified_history import read_doubts, write_doubts
from gitassets.domain.commit_message import format_addresses, format_options, parse_message
from gitassets.domain.doubt import Doubt, Doubts, Fault, merge_doubts, update_doubts
from gitassets.domain.finding import Finding
from gitassets.domain.guard import RunState, state_from_bytes
from gitassets.domain.manifest import MANIFEST_NAME, Address, Manifest
from gitassets.domain.status import LOCKED
from gitassets.errors import ConflictError
from gitassets.runs.audit import HistoryAudit, VerifyResult
from gitassets.runs.audit_record import AuditRecord
from gitassets.runs.history import HistoryReader, ParentValues, RawCommit, find_cut
from gitassets.runs.project import Project, Run

_SHOWN = 5


class Unproven(Struct, frozen=True):
    """An approval that the history does not prove: the reason and a hint (empty: approve again)."""

    address: Address
    why: str
    hint: str


class HistoryJudgment(Struct, frozen=True):
    """The judgment of a run's history up to `commit`: its last manifest, and the approvals that are in doubt.

    `complete`: every commit could be read.
    """

    run_id: str
    commit: str
    manifest: Manifest | None
    doubts: Doubts = field(default_factory=Doubts)
    holds: bool = True
    complete: bool = True

    def find_unproven(self, manifest: Manifest, otherwise: Doubt) -> tuple[Unproven, ...]:
        """Return the approved assets of `manifest` that the history does not prove.

        `otherwise` is the doubt about assets that differ from those at the end of the history.
        """
        locked = (address for address, asset in manifest.assets() if asset.locked)
        found = ((one, self._find_doubt(manifest, one, otherwise)) for one in locked)
        return tuple(Unproven(one, doubt.why, doubt.hint) for one, doubt in found if doubt is not None)

    def _find_doubt(self, manifest: Manifest, address: Address, otherwise: Doubt) -> Doubt | None:
        is_same = self.manifest is not None and _record_same_asset(self.manifest, manifest, address)
        return self.doubts.find(address) if is_same else otherwise


def _record_same_asset(one: Manifest, other: Manifest, address: Address) -> bool:
    """Check whether both have the same asset there, except for its candidates, and the same text."""
    assets = [one.asset(address), other.asset(address)]
    if None in assets or one.segment_of(address).paragraph_text != other.segment_of(address).paragraph_text:
        return False
    fields = [[getattr(asset, name, None) for name in _DECIDED] for asset in assets]
    return fields[0] == fields[1]


_DECIDED = ("status", "md5", "approved_md5", "size", "path", "text_md5")


def find_unproven(
    project: Project, run: Run, commit: str, manifest: Manifest, addresses: Collection[Address] | None = None
) -> tuple[Unproven, ...]:
    """Return the approved assets, all or the named ones, that the run's history up to `commit` does not prove.

    `manifest` is the one read from the run: an approval that is in no commit is not proven either.
    """
    locked = {address for address, asset in manifest.assets() if asset.locked}
    wanted = locked if addresses is None else locked.intersection(addresses)
    if not wanted:
        return ()
    found = judge_run(project, run, commit).find_unproven(manifest, _uncommitted(run))
    return tuple(one for one in found if one.address in wanted)


def _uncommitted(run: Run) -> Doubt:
    why = f"{MANIFEST_NAME} was changed by hand, and the last commit says otherwise"
    undo = f"`git -C {quote(str(run.folder))} checkout HEAD -- {MANIFEST_NAME}` takes the change back."
    return Doubt(why, undo if run.folder else f"`gitassets verify {run.run_id}` says more.")


def require_proven(
    project: Project, run: Run, commit: str, manifest: Manifest, addresses: Collection[Address] | None, act: str
) -> None:
    """Raise ConflictError unless the history proves each approval. `act` names what is not done ("built")."""
    found = find_unproven(project, run, commit, manifest, addresses)
    if found:
        lines = "".join(f"\n  {line}" for line in describe_unproven(found))
        message = f"Run {run.run_id} is not {act}: its history does not prove what is approved:{lines}"
        raise ConflictError(message, " ".join(_iter_hints(run.run_id, found)))


def describe_unproven(found: Iterable[Unproven]) -> Iterator[str]:
    """Yield "image 1,3: why" for each reason, up to the first few."""
    by_reason: dict[str, list[Address]] = {}
    for one in found:
        by_reason.setdefault(one.why, []).append(one.address)
    for why, addresses in list(by_reason.items())[:_SHOWN]:
        yield f"{format_addresses(addresses)}: {why}"
    if len(by_reason) > _SHOWN:
        yield f"and {len(by_reason) - _SHOWN} more reasons"


def _iter_hints(run_id: str, found: Sequence[Unproven]) -> Iterator[str]:
    yield from dict.fromkeys(one.hint for one in found if one.hint)
    anew = format_options(one.address for one in found if not one.hint)
    if anew:
        yield f"`gitassets verify {run_id}` shows all that is wrong. Look at these assets again:"
        yield f"`gitassets reopen {run_id} {anew} --reason …`, then `gitassets approve {run_id} {anew}`."


def judge_run(project: Project, run: Run, commit: str) -> HistoryJudgment:
    """Judge the run's history up to `commit`. Only commits since the last verified one are judged."""
    record = AuditRecord(project, run)
    verified = record.read(commit)
    if verified is not None and verified.tip == commit:
        return HistoryJudgment(run.run_id, commit, _read_manifest(project.git, commit))
    cut = describe_cut(project, commit)
    if cut is not None:
        return HistoryJudgment(run.run_id, commit, _read_manifest(project.git, commit), Doubts(cut), holds=False)
    doubted = project.state_dir / "doubted" / f"{run.run_id}.json"
    doubts = read_doubts(doubted, record.key, commit)
    if doubts is not None:
        return HistoryJudgment(run.run_id, commit, _read_manifest(project.git, commit), doubts, holds=False)
    judged = _judge(project.git, run.run_id, commit, *record.audit(commit))
    if judged.complete and not judged.holds:
        write_doubts(doubted, record.key, commit, judged.doubts)
    return judged


def _read_manifest(git: Git, commit: str) -> Manifest | None:
    return state_from_bytes(git.read_blob(commit, MANIFEST_NAME), {}).manifest


def describe_cut(project: Project, commit: str) -> Doubt | None:
    """Return the doubt about a history that a shallow clone cuts, or None."""
    end = find_cut(project, commit)
    return None if end is None else _cut(f"this clone is shallow, and it ends with commit {end[:10]}")


def _cut(why: str) -> Doubt:
    return Doubt(f"the history is cut: {why}", "`git fetch --unshallow` gets the whole history.")


def judge_history(git: Git, run_id: str, commit: str) -> HistoryJudgment:
    """Judge the whole history up to `commit` in any repository."""
    result = VerifyResult()
    return _judge(git, run_id, commit, HistoryAudit(git, run_id, result).check(commit, []), result)


def _judge(git: Git, run_id: str, commit: str, tip: RunState, result: VerifyResult) -> HistoryJudgment:
    doubts = Doubts() if result.holds else _find_doubts(git, run_id, commit, result)
    return HistoryJudgment(run_id, commit, tip.manifest, doubts, result.holds, complete=not result.incomplete)


def _find_doubts(git: Git, run_id: str, commit: str, result: VerifyResult) -> Doubts:
    """Return what the findings leave in doubt at the end of the history."""
    everywhere = next((_doubt(one) for one in result.findings if not one.commit), None)
    if result.incomplete or everywhere is not None:
        return Doubts(everywhere or _cut(result.incomplete[0]))
    faults: dict[str, list[Fault]] = {}
    for one in result.findings:
        faults.setdefault(one.commit, []).append(Fault(one.subject, _doubt(one)))
    return _follow_history(git, run_id, commit, faults)


def _doubt(one: Finding) -> Doubt:
    return Doubt(one.sentence)


def _follow_history(git: Git, run_id: str, commit: str, faults: Mapping[str, Sequence[Fault]]) -> Doubts:
    reader = HistoryReader(git)
    oids = reader.list_commits([commit])
    inherited = ParentValues[tuple[Manifest, Doubts]](reader.read_parents(oids))
    doubts = Doubts()
    for one, state in reader.iter_states(oids):
        given = inherited.pop(one)
        # If the manifest is unreadable, the last readable one lists the assets.
        manifest = state.manifest or next((found for found, _ in given), Manifest(run_id=run_id))
        doubts = update_doubts(merge_doubts(given, manifest), faults.get(one.oid, ()), _list_approved(one, manifest))
        inherited.add(one, (manifest, doubts))
    return doubts


def _list_approved(commit: RawCommit, manifest: Manifest) -> list[Address]:
    """Return the assets whose approval the commit's message records. A merge only combines those of its sides."""
    message = parse_message(commit.message) if len(commit.parents) < 2 else None
    made = [one for one in message.transitions if one.after in LOCKED and one.before not in LOCKED] if message else []
    found = ((one.address, manifest.asset(one.address)) for one in made)
    return [address for address, asset in found if asset is not None and asset.approved]
