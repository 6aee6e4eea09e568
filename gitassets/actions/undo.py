"""Undo a command on a run by a new commit."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitassets.actions.decide import check_bytes
from gitassets.adapters.git.repository import Commit
from gitassets.domain.commit_message import Transition, format_options, parse_message
from gitassets.domain.describe import describe_difference
from gitassets.domain.manifest import Manifest
from gitassets.domain.status import LOCKED
from gitassets.domain.undo import Undoing, undo_change
from gitassets.domain.undone import describe_undo, find_last_standing, find_refusal
from gitassets.errors import ConflictError, GitAssetsError, NoMatchError, NotFoundError
from gitassets.making.record import write_run
from gitassets.runs.history import HistoryReader, resolve_in_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run
from gitassets.runs.proof import require_proven
from gitassets.runs.transaction import Session


class UndoResult(Struct, frozen=True):
    """What was undone: the commit `undone`, with its `summary`, and what that changed, also in words (`lines`).

    `commit` is the new commit, None on a dry run.
    """

    run_id: str
    undone: str
    summary: str
    transitions: tuple[Transition, ...]
    segments: tuple[int, ...]
    lines: tuple[str, ...]
    commit: str | None
    dry_run: bool


def undo(project: Project, run: Run, commit: str | None = None, *, dry_run: bool = False) -> UndoResult:
    """Undo the run's last command, or that of an earlier `commit` if nothing of what it changed was changed since.

    An approval leads to review, with the reopen recorded. Refuse all that cannot be taken back: what was published,
    built, or done by somebody else.
    """
    if dry_run:
        return _plan(project, run, read_manifest(project, run), commit).result
    with write_run(project, run, "undo") as session:
        planned = _plan(project, run, session.manifest, commit)
        made = _commit(session, planned)
    return replace(planned.result, commit=made, dry_run=False)


class _Planned(Struct, frozen=True):
    target: Commit
    undoing: Undoing
    result: UndoResult


def _plan(project: Project, run: Run, now: Manifest, wanted: str | None) -> _Planned:
    target = _find_target(project, run, wanted)
    before, after = _read_step(project, target)
    try:
        undoing = undo_change(before, after, now)
    except GitAssetsError as error:
        raise type(error)(f"Cannot undo {_name(run, target)}: {error.message}", error.hint) from error
    if undoing.approved:
        require_proven(project, run, target.parents[0], before, undoing.approved, "approved again")
    lines = tuple(describe_difference(now, undoing.manifest))
    result = UndoResult(
        run_id=run.run_id,
        undone=target.oid,
        summary=_summarize(target),
        transitions=undoing.transitions,
        segments=undoing.segments,
        lines=lines,
        commit=None,
        dry_run=True,
    )
    return _Planned(target, undoing, result)


def _commit(session: Session, planned: _Planned) -> str:
    check_bytes(session, planned.undoing.approved)
    message = describe_undo(planned.undoing, planned.result.summary, planned.target.oid)
    return session.commit(planned.undoing.manifest, message)


def _find_target(project: Project, run: Run, wanted: str | None) -> Commit:
    """Return the commit to undo. Raise ConflictError if this user cannot undo it."""
    commits = list(project.git.iter_log(run.ref))
    target = _find_last(run, commits) if wanted is None else _find_named(project, run, commits, wanted)
    refusal = find_refusal(target.message, len(target.parents)) or _find_other_author(project, target)
    if refusal is not None:
        raise ConflictError(f"Cannot undo {_name(run, target)}: {refusal}", _suggest(run, target, wanted))
    return target


def _find_last(run: Run, commits: Sequence[Commit]) -> Commit:
    oid = find_last_standing((one.oid, one.message) for one in commits)
    found = next((one for one in commits if one.oid == oid), None)
    if found is None:
        raise NoMatchError(f"There is nothing to undo in {run.run_id}", "")
    return found


def _find_named(project: Project, run: Run, commits: Sequence[Commit], wanted: str) -> Commit:
    oid = resolve_in_run(project, run, wanted)
    found = next((one for one in commits if one.oid == oid), None)
    if found is None:
        raise NotFoundError(
            f"{wanted} is no commit of {run.run_id}", f"`gitassets log {run.run_id}` lists those of the run."
        )
    return found


def _find_other_author(project: Project, target: Commit) -> str | None:
    parsed = parse_message(target.message)
    reviewer = parsed.reviewed_by if parsed else ""
    if reviewer != project.reviewer:
        return f"{reviewer or target.author} decided it"
    return None if target.email == project.git.read_author_email() else f"{target.author} made it"


def _suggest(run: Run, target: Commit, wanted: str | None) -> str:
    """Suggest to reopen what the commit locked, and how to undo an earlier one."""
    parsed = parse_message(target.message)
    locked = [one.address for one in parsed.transitions if one.after in LOCKED] if parsed else []
    reopen = (
        f"`gitassets reopen {run.run_id} {format_options(locked)} --reason …` puts it in review. " if locked else ""
    )
    named = f"`gitassets undo {run.run_id} --commit ID`"
    earlier = f"{named} undoes an earlier command: `gitassets log {run.run_id}` lists them."
    return f"{reopen}{earlier if wanted is None else ''}".strip()


def _read_step(project: Project, target: Commit) -> tuple[Manifest, Manifest]:
    """Return the manifests before and after the commit."""
    reader = HistoryReader(project.git)
    before = reader.read_last_manifest(target.parents[0]) if target.parents else None
    after = reader.read_state(target.oid).manifest
    if before is None or after is None:
        raise NoMatchError(f"Cannot undo {target.oid[:10]}: there is no run before it", "")
    return before, after


def _name(run: Run, target: Commit) -> str:
    return f"“{_summarize(target)}” of {run.run_id} ({target.oid[:10]})"


def _summarize(target: Commit) -> str:
    parsed = parse_message(target.message)
    return f"{parsed.action} {parsed.what}".strip() if parsed else target.message.split("\n", 1)[0]
