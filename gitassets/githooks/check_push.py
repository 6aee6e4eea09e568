"""Check a push to a bare repository before git accepts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.domain.dvc_settings import RemoteSettings
from gitassets.domain.guard import RunState
from gitassets.domain.run_id import BRANCHES, find_ref_problem, find_twin, looks_like_run
from gitassets.runs.audit import HistoryAudit, VerifyResult, iter_with_hints, make_finding
from gitassets.runs.locked_blobs import find_missing_blobs, name_locked

_SHOWN = 20
_RUNS = f"{BRANCHES}run/"
# Until git accepts a push, its objects are in a quarantine that these variables name.
_QUARANTINE = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")

Say = Callable[[str, str], None]


def check_push(repository: Path, updates: Sequence[Sequence[str]], environment: Mapping[str, str], say: Say) -> int:
    """Return 0 if every pushed run branch keeps its locks and its history; else report each reason and return 1.

    `updates` are the lines of pre-receive: old id, new id, reference. An id of zeros means that there is none.
    """
    kept = {name: environment[name] for name in _QUARANTINE if name in environment}
    git = Git(repository, kept)
    bad = 0
    for old, new, ref in (update for update in updates if len(update) == 3):
        if looks_like_run(ref):
            bad += not (_check_name(git, old, new, ref, say) and _check_update(git, old, new, ref, say))
    return 1 if bad else 0


def _check_name(git: Git, old: str, new: str, ref: str, say: Say) -> bool:
    """Check that the branch name is a valid run id on every system. A deletion is judged later, whatever the name."""
    problem = find_ref_problem(ref) if new.strip("0") else None
    if problem is None and new.strip("0") and not old.strip("0"):
        others = [one.removeprefix(_RUNS) for one in git.list_refs(_RUNS)]
        twin = find_twin(ref.removeprefix(_RUNS), others)
        problem = None if twin is None else f"would be the same folder as run {twin} on many systems"
    if problem is not None:
        say(f"{ref!r} is refused: it {problem}", "Name it run/ and the run's id, such as run/20260207_101747.")
    return problem is None


def _check_update(git: Git, old: str, new: str, ref: str, say: Say) -> bool:
    run_id = ref.removeprefix(_RUNS)
    if not new.strip("0"):
        say(f"{ref} would be deleted, and with it the record of what was approved", "Delete it on the server itself.")
        return False
    exists = bool(old.strip("0"))
    if exists and not git.is_ancestor(old, new):
        say(f"{ref}: the push rewrites history that is here already", "Pull and merge, then push without --force.")
        return False
    result = VerifyResult()
    tip = HistoryAudit(git, run_id, result).check(new, [old] if exists else [])
    _check_blobs(git, run_id, tip, result)
    _report(run_id, result, say)
    return result.holds


def _check_blobs(git: Git, run_id: str, tip: RunState, result: VerifyResult) -> None:
    """Check that the locked blobs are on the DVC remote whose URL is in `git config gitassets.blobs`."""
    remote = git.read_config("gitassets.blobs")
    if not remote or tip.manifest is None:
        result.unchecked.append("the media files (`git config gitassets.blobs URL` names the DVC remote to check)")
        return
    settings = RemoteSettings(remote, {"url": remote})
    for one in find_missing_blobs(settings, name_locked(tip.manifest)):
        result.findings.append(make_finding(run_id, None, one))
    result.unchecked.append(f"the hashes of the blobs on {remote}; only their presence was checked")


def _report(run_id: str, result: VerifyResult, say: Say) -> None:
    for one, hint in iter_with_hints(result.findings[:_SHOWN]):
        say(f"{run_id}: {one.sentence}", hint)
    if len(result.findings) > _SHOWN:
        say(f"{run_id}: … and {len(result.findings) - _SHOWN} more", "")
    for text in result.incomplete:
        say(text, "")
    for one in result.by_hand[:_SHOWN]:
        say(f"{run_id}: noted: {one.sentence}", "")
    if result.holds:
        keep = "1 commit keeps" if result.commits == 1 else f"{result.commits} commits keep"
        say(f"{run_id}: {keep} the locks", "")
        for text in result.unchecked:
            say(f"{run_id}: not checked: {text}", "")
