"""Commit the decisions that a sheet saved, on the commit the sheet was made from, and merge them into the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.pull import check_can_merge
from gitassets.adapters.counting import counted
from gitassets.domain.annotations import (
    Annotation,
    State,
    annotation_entries,
    require_fitting,
    with_annotation,
)
from gitassets.domain.commit_message import CommitMessage, Transition, clean_name, format_addresses, format_message
from gitassets.domain.commit_message import parse_message as parse_commit_message
from gitassets.domain.conflict import iter_conflicts
from gitassets.domain.decision import Wish, decide_each
from gitassets.domain.decisions_file import (
    MAX_BYTES,
    DecisionsFile,
    SeenDecision,
    SeenNote,
    Verdict,
    make_note_id,
    parse_decisions,
)
from gitassets.domain.derived import derive
from gitassets.domain.manifest import MANIFEST_NAME, Address, Asset, Manifest, Segment
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.rules import follow_rules, require_known
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.status import Status
from gitassets.errors import ConflictError, NotFoundError, UsageError
from gitassets.making.plan import now
from gitassets.making.record import write_run
from gitassets.runs.disputes import Dispute, find_disputes
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.merge import merge_into_run
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import Session, check_allowed, peek

_TARGETS = {Verdict.APPROVE: Status.APPROVED, Verdict.REJECT: Status.REJECTED}
_NEW_SHEET = "look at it on a new sheet"


class Refused(Struct, frozen=True):
    """A decision or note that was not applied, and why, as the rest of a sentence."""

    address: Address
    what: str
    why: str


class AppliedDecisions(Struct, frozen=True, kw_only=True):
    """What became of a file of decisions that `by` made on the run at the commit `made_from`.

    `commit` records them, None if nothing was new. `merged`: the run had moved on, so a merge followed it. `merging`:
    that merge waits for the `conflicts` to be settled. `applied_before` is the commit of an earlier call with the same
    file, whose decisions and notes are not applied again.
    """

    run_id: str
    made_from: str
    by: str
    transitions: tuple[Transition, ...]
    noted: tuple[Address, ...]
    unchanged: tuple[Address, ...]
    refused: tuple[Refused, ...]
    commit: str | None
    merged: bool
    applied_before: str | None
    dry_run: bool
    merging: bool = False
    conflicts: tuple[Address, ...] = ()
    disputes: tuple[Dispute, ...] = ()


class _Earlier(Struct, frozen=True):
    """What an earlier call with the same file has applied."""

    commit: str | None = None
    decided: frozenset[Address] = frozenset()
    notes: frozenset[str] = frozenset()


class _Plan(Struct, frozen=True):
    """The manifest at the sheet's commit, and as it is with the decisions."""

    before: Manifest
    after: Manifest
    result: AppliedDecisions


def decide_by_file(
    project: Project, run: Run, path: Path, *, by: str | None = None, dry_run: bool = False
) -> AppliedDecisions:
    """Apply the file. `by` replaces the name in it. What was decided on other bytes is refused, asset by asset.

    The same file does nothing the second time. Raise CorruptError for anything but such a file.
    """
    name = str(path)
    file = _name_reviewer(parse_decisions(_read(path), name), name, by)
    _check_run(file, run, name)
    if dry_run:
        return _plan(peek(project, run), file, name).result
    with write_run(project, run, "decide") as session:
        head, plan = session.head, _plan(session, file, name)
        if plan.after == plan.before:
            return replace(plan.result, dry_run=False)
        commit = _commit(session, plan, file)
    merged = head != file.commit
    result = replace(plan.result, commit=commit, dry_run=False, merged=merged)
    return _merge(project, run, head, result) if merged else result


def _read(path: Path) -> bytes:
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise UsageError(f"{path} is not a file", "Name the file that the sheet saved.")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}", "Name the file that the sheet saved.") from error


def _name_reviewer(file: DecisionsFile, name: str, by: str | None) -> DecisionsFile:
    reviewer = clean_name(by) if by is not None else file.by
    if not reviewer:
        raise UsageError(f"{name} does not say who decided", "Name the reviewer with --by NAME.")
    return replace(file, by=reviewer)


def _check_run(file: DecisionsFile, run: Run, name: str) -> None:
    if file.run_id != run.run_id:
        raise ConflictError(
            f"{name} has decisions on run {file.run_id}, not on {run.run_id}",
            f"`gitassets decide {file.run_id} FILE` applies them there.",
        )


def _plan(session: Session, file: DecisionsFile, name: str) -> _Plan:
    base = _read_base(session, file, name)
    earlier = _find_earlier(session, file)
    refused: list[Refused] = []
    wishes = dict(_iter_wishes(session, base, file, earlier, refused))
    decision = decide_each(base, wishes)
    refused += [Refused(one.address, _name_verdict(wishes[one.address]), one.why) for one in decision.skipped]
    notes = list(_iter_notes(base, file, earlier, refused))
    after = _add_notes(decision.manifest, notes)
    result = AppliedDecisions(
        run_id=file.run_id,
        made_from=file.commit,
        by=file.by,
        transitions=decision.transitions,
        noted=tuple(one.address for one in notes),
        unchanged=decision.unchanged,
        refused=tuple(refused),
        commit=None,
        merged=False,
        applied_before=earlier.commit,
        dry_run=True,
    )
    return _Plan(base, after, result)


def _name_verdict(wish: Wish) -> str:
    return "approve" if wish.target is Status.APPROVED else "reject"


def _read_base(session: Session, file: DecisionsFile, name: str) -> Manifest:
    """Return the manifest at the sheet's commit. Raise an error unless that is a commit of the run."""
    git, run_id = session.project.git, session.run.run_id
    if git.resolve(file.commit) is None:
        raise NotFoundError(
            f"The sheet of {name} was made from commit {file.commit[:10]}, which is not here",
            f"`gitassets pull {run_id}` gets it if a server has it; if not, make a new sheet.",
        )
    if not git.is_ancestor(file.commit, session.head):
        raise ConflictError(
            f"The sheet of {name} was made from commit {file.commit[:10]}, which is not in the history of {run_id}",
            f"Make a new sheet with `gitassets sheet {run_id}`.",
        )
    data = git.read_blob(file.commit, MANIFEST_NAME)
    if data is None:
        raise ConflictError(
            f"Commit {file.commit[:10]} has no {MANIFEST_NAME}", f"Make a new sheet with `gitassets sheet {run_id}`."
        )
    return require_known(parse_manifest(data, f"{file.commit[:10]}:{MANIFEST_NAME}"))


def _find_earlier(session: Session, file: DecisionsFile) -> _Earlier:
    """Find what earlier calls with this file have applied since the sheet's commit."""
    git = session.project.git
    commits = list(git.iter_log(f"{file.commit}..{session.head}"))
    found = [
        (one.oid, parsed)
        for one in commits
        if (parsed := parse_commit_message(one.message)) is not None and parsed.decisions == file.digest
    ]
    if not found:
        return _Earlier()
    decided = frozenset(one.address for _, parsed in found for one in parsed.transitions)
    names = [f"{oid}:{MANIFEST_NAME}" for oid, _ in found]
    manifests = [parse_manifest(data, name) for name, data in git.read_blobs(names).items() if data is not None]
    notes = frozenset(one for each in manifests for part in each.segments.values() for one in annotation_entries(part))
    return _Earlier(found[0][0], decided, notes)


def _iter_wishes(
    session: Session, base: Manifest, file: DecisionsFile, earlier: _Earlier, refused: list[Refused]
) -> Iterator[tuple[Address, Wish]]:
    for one in counted(file.decisions, "files compared"):
        if one.address in earlier.decided:
            continue
        problem = _find_changed(session, base, one) or _find_unseen(session, one)
        if problem is not None:
            refused.append(Refused(one.address, one.action.value, problem))
        else:
            yield one.address, Wish(_TARGETS[one.action], one.reason or None)


def _find_changed(session: Session, base: Manifest, one: SeenDecision) -> str | None:
    """Return why the bytes that were seen are not those of the asset, then or now; None if they are both times."""
    then, present = base.asset(one.address), session.manifest.asset(one.address)
    if then is None or then.md5 != one.md5:
        return f"had other bytes when the sheet was made: {_NEW_SHEET}"
    if present is None:
        return "is not in the run any more"
    if present.md5 != one.md5:
        return f"has other bytes now (take {present.take}): {_NEW_SHEET}"
    return None


def _find_unseen(session: Session, one: SeenDecision) -> str | None:
    """Return why the bytes here are not those that were approved; None for a rejection, which needs no bytes."""
    asset = session.manifest.asset(one.address)
    if asset is None or one.action is Verdict.REJECT:
        return None
    found = session.hash(asset.path)
    if found is None and not session.project.blobs.has(asset.md5):
        return f"has no bytes here: `gitassets pull {session.run.run_id}` gets them"
    if found is None and not session.project.blobs.is_whole(asset.md5):
        return "has damaged bytes in the cache: `gitassets doctor` mends them"
    if found not in (None, asset.md5):
        chosen = f"{session.run.run_id} {one.address.option}"
        return f"was changed by hand: `gitassets restore {chosen}` gets the recorded bytes back"
    return None


def _iter_notes(base: Manifest, file: DecisionsFile, earlier: _Earlier, refused: list[Refused]) -> Iterator[Annotation]:
    created = now()
    for one in file.notes:
        note_id = make_note_id(file, one)
        if note_id in earlier.notes:
            continue
        asset = base.asset(one.address)
        problem = _find_misfit(asset, one)
        if asset is None or problem is not None:
            refused.append(Refused(one.address, "note", problem or ""))
        else:
            yield _make_note(one, note_id, asset, file.by, created)


def _find_misfit(asset: Asset | None, one: SeenNote) -> str | None:
    if asset is None or asset.md5 != one.md5:
        return f"had other bytes when the sheet was made: {_NEW_SHEET}"
    try:
        require_fitting(one.address, asset, one.time, one.region)
    except UsageError as error:
        return f"has no such place: {error.message}"
    return None


def _make_note(one: SeenNote, note_id: str, asset: Asset, by: str, created: str) -> Annotation:
    return Annotation(
        id=note_id,
        segment=one.segment,
        kind=one.kind,
        md5=one.md5,
        take=asset.take,
        time=one.time,
        region=one.region,
        body=one.text,
        author=by,
        created=created,
        state=State.OPEN,
    )


def _add_notes(manifest: Manifest, notes: Iterable[Annotation]) -> Manifest:
    changed: dict[int, Segment] = {}
    for one in notes:
        segment = changed.get(one.segment) or manifest.segments[one.segment]
        changed[one.segment] = with_annotation(segment, one)
    return manifest.with_segments(changed) if changed else manifest


def _commit(session: Session, plan: _Plan, file: DecisionsFile) -> str:
    """Commit the decisions in the run, or beside it if the run has moved on since the sheet was made."""
    message = _describe(plan, file)
    if session.head == file.commit:
        return session.commit(plan.after, message)
    check_can_merge(session.project)
    after = follow_rules(derive(plan.after))
    check_allowed(plan.before, after)
    with session.project.scratch() as scratch:
        return session.project.git.write_commit_beside(
            file.commit, MANIFEST_NAME, format_manifest(after), format_message(message), scratch
        )


def _describe(plan: _Plan, file: DecisionsFile) -> CommitMessage:
    result = plan.result
    decided = format_addresses(one.address for one in result.transitions)
    noted = format_addresses(sorted({*result.noted}))
    what = ", ".join(one for one in (decided, f"notes on {noted}" if noted else "") if one)
    return CommitMessage(
        file.run_id,
        "decide",
        what,
        "\n".join(_iter_reasons(result.transitions, {one.address: one.reason for one in file.decisions})),
        result.transitions,
        tuple(sorted({one.segment for one in result.noted})),
        file.by,
        file.digest,
    )


def _iter_reasons(transitions: Iterable[Transition], reasons: Mapping[Address, str]) -> Iterator[str]:
    """Yield each reason once, with the assets that were rejected for it."""
    grouped: dict[str, list[Address]] = {}
    for one in transitions:
        if reasons.get(one.address):
            grouped.setdefault(reasons[one.address], []).append(one.address)
    yield from (f"{format_addresses(addresses)}: {reason}" for reason, addresses in grouped.items())


def _merge(project: Project, run: Run, head: str, result: AppliedDecisions) -> AppliedDecisions:
    commit = result.commit or ""
    subject = f"Merge the decisions of {result.by} into {BRANCH_PREFIX}{run.run_id}"
    if merge_into_run(project, run, head, commit, subject):
        return result
    now_run = find_run(project, run.run_id)
    manifest = read_manifest(project, now_run)
    conflicts = tuple(address for address, _ in iter_conflicts(manifest))
    disputes = find_disputes(project, now_run, manifest)
    return replace(result, merging=True, conflicts=conflicts, disputes=disputes)
