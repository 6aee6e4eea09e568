"""Walk a run's history and judge each commit against its parents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from gitassets.adapters.git.objects import ObjectReader
from gitassets.adapters.git.repository import Git
from gitassets.domain.changes import BY_HAND, UNNAMED, check_message
from gitassets.domain.finding import Finding
from gitassets.domain.guard import (
    RULES_UNKNOWN,
    RunState,
    Violation,
    check_dvc,
    check_state,
    check_step,
    find_unknown_rules,
    other_run,
)
from gitassets.domain.manifest import MANIFEST_NAME, iter_folder_entries
from gitassets.domain.merge.changes import check_merge_message
from gitassets.domain.merge.guard import check_merge, check_unrelated, merge_of_many
from gitassets.runs.commit_graph import CommitGraph
from gitassets.runs.history import (
    CommonStates,
    HistoryReader,
    RawCommit,
    allows_by_hand,
    format_time,
)
from gitassets.runs.progress import OnProgress, Progress, ignore_progress


@dataclass
class VerifyResult:
    """The result of a verification. Without `findings` and `incomplete` everything is valid.

    `commits_before` is how many of the `commits` were judged by an earlier verification. `unchecked` lists what was not
    checked. `mended` names .dvc files that a commit left outdated and a later one corrected; `by_hand` lists changes of
    assets that commit messages do not name, where that is allowed.
    """

    runs: list[str] = field(default_factory=list)
    commits: int = 0
    commits_before: int = 0
    files: int = 0
    blobs: int = 0
    findings: list[Finding] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    mended: list[Finding] = field(default_factory=list)
    by_hand: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings and not self.incomplete

    def extend(self, other: VerifyResult) -> None:
        """Add another result to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def make_finding(run_id: str, commit: RawCommit | None, one: Violation, *, mendable: bool = False) -> Finding:
    """Make a finding. In a commit it keeps its own hint only if `mendable`; else the hint is to drop the commit."""
    return Finding(
        run_id,
        commit.oid if commit else "",
        commit.author if commit else "",
        format_time(commit.time) if commit else "",
        one.code,
        one.subject,
        one.message,
        one.hint if commit is None or mendable or one.code in _WITH_HINT else _suggest_removal(run_id, one),
    )


_WITH_HINT = (BY_HAND, UNNAMED, RULES_UNKNOWN)
_LOCK_CODES = ("locked-removed", "locked-md5-changed", "locked-path-changed", "locked-size-changed", "lock-left")


def _suggest_removal(run_id: str, one: Violation) -> str:
    hint = "As long as nobody else has this commit, take it out of the branch: `git reset` or `git rebase -i`."
    if one.code not in _LOCK_CODES:
        return hint
    return f"{hint} What is approved may change after `gitassets reopen {run_id} --{one.subject} --reason …`."


def iter_with_hints(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield each finding with its hint. Drop repeated hints; keep the last."""
    for place, one in enumerate(findings):
        repeated = findings[place + 1 : place + 2] and findings[place + 1].hint == one.hint
        yield one, "" if repeated else one.hint


class HistoryAudit:
    """Judges each commit against its parents, parents first, and keeps a state only while it is needed.

    `mended_before` are .dvc files that commits before the range left outdated. With `collect_hashes`, `hashes` maps
    the md5 of every file that any commit named to its last path. Without `allow_by_hand`, git's configuration decides
    whether messages may leave approvals unnamed.
    """

    def __init__(
        self,
        git: Git,
        run_id: str,
        result: VerifyResult,
        *,
        mended_before: Sequence[Finding] = (),
        collect_hashes: bool = False,
        allow_by_hand: bool | None = None,
        on_progress: OnProgress = ignore_progress,
        objects: ObjectReader | None = None,
        graph: CommitGraph | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._reader = HistoryReader(git, objects, graph)
        self._git, self._run_id, self._result = git, run_id, result
        self._states: dict[str, RunState] = {}
        self._common = CommonStates(self._reader, self._states)
        self._needed: dict[str, tuple[str, ...]] = {}
        self._uses: Counter[str] = Counter()
        self._outdated: list[Finding] = [*mended_before]
        self._collect_hashes = collect_hashes
        self._allow_by_hand = allow_by_hand
        self._reported_unknown_rules = False
        self.hashes: dict[str, str] = {}

    def check(self, include: str, exclude: Sequence[str]) -> RunState:
        """Judge the commits in the range, add the findings to the result, and return the state of the last commit.

        The excluded commits themselves are not judged.
        """
        oids = self._reader.list_commits([include], exclude)
        self._count_uses(oids)
        state = None
        for number, (commit, state) in enumerate(self._reader.iter_states(oids), start=1):
            self._on_progress(Progress(number, len(oids), f"commits of {self._run_id}"))
            self._result.commits += 1
            self._judge(commit, state)
            self._remember(commit, state)
            if self._collect_hashes and state.manifest is not None:
                self.hashes |= {md5: path for path, md5, _ in iter_folder_entries(state.manifest)}
        tip = self._reader.read_state(include) if state is None else state
        if tip.manifest is None and tip.unreadable is None and not exclude:
            self._result.findings.append(make_finding(self._run_id, None, _no_run(self._run_id)))
        self._judge_tip(tip)
        return tip

    def _count_uses(self, oids: Sequence[str]) -> None:
        """Count the commits that need each state, as a parent or common ancestor, so that it can be dropped in time."""
        known = set(oids)
        for oid, parents in self._reader.read_parents(oids).items():
            whole = all(one in known or self._reader.objects.resolve(one) for one in parents)
            bases = self._common.find(*parents) if len(parents) == 2 and whole else []
            self._needed[oid] = (*parents, *bases)
            self._uses.update(self._needed[oid])

    def _remember(self, commit: RawCommit, state: RunState) -> None:
        # After an unreadable state the next step is judged from the last readable one.
        readable = state
        earlier = self._states.get(commit.parents[0]) if commit.parents else None
        if state.unreadable is not None and earlier is not None:
            readable = replace(state, manifest=earlier.manifest, unreadable=None)
        self._states[commit.oid] = readable
        for used in self._needed.pop(commit.oid):
            self._uses[used] -= 1
            if self._uses[used] <= 0:
                self._states.pop(used, None)

    def _judge(self, commit: RawCommit, state: RunState) -> None:
        found = [self._parent_state(commit, parent) for parent in commit.parents]
        parents = [one for one in found if one is not None]
        whole = len(parents) == len(found)
        for one in self._violations(commit, parents, state) if whole else check_state(state):
            if one.code == "dvc-not-implied" and _is_outdated(one.subject, parents, state):
                self._outdated.append(make_finding(self._run_id, commit, one, mendable=True))
            elif not self._is_reported(one):
                where = self._result.by_hand if self._is_note(one) else self._result.findings
                where.append(make_finding(self._run_id, commit, one))

    def _is_note(self, one: Violation) -> bool:
        if one.code == BY_HAND and self._allow_by_hand is None:
            self._allow_by_hand = allows_by_hand(self._git)
        return one.code == UNNAMED or (one.code == BY_HAND and bool(self._allow_by_hand))

    def _is_reported(self, one: Violation) -> bool:
        """Report unknown rules only once, since every later commit follows them too."""
        reported, is_unknown = self._reported_unknown_rules, one.code == RULES_UNKNOWN
        self._reported_unknown_rules |= is_unknown
        return reported and is_unknown

    def _violations(self, commit: RawCommit, parents: Sequence[RunState], state: RunState) -> Iterator[Violation]:
        if len(parents) < 2:
            yield from _check_one_step(commit, parents[0] if parents else None, state)
        elif len(parents) == 2:
            if not self._common.find(*commit.parents):
                yield from check_unrelated(state)
            yield from _check_merge(commit, self._common.read(*commit.parents), parents, state)
        else:
            yield merge_of_many(commit.oid[:10])

    def _parent_state(self, commit: RawCommit, parent: str) -> RunState | None:
        """Return the state of a parent; None if the history is cut, which the result reports."""
        if parent not in self._states:
            if not self._reader.objects.resolve(parent):
                note = f"{self._run_id}: {commit.oid[:10]} names a parent that is not here ({parent[:10]})"
                self._result.incomplete.append(note)
                return None
            self._states[parent] = self._reader.read_state(parent)
        return self._states[parent]

    def _judge_tip(self, tip: RunState) -> None:
        """Check the last state: it is of the branch's run, and no .dvc file is outdated."""
        if tip.manifest is not None and tip.manifest.run_id != self._run_id:
            self._result.findings.append(make_finding(self._run_id, None, other_run(self._run_id, tip.manifest.run_id)))
        wrong = {one.subject for one in check_dvc(tip)}
        for one in self._outdated:
            (self._result.findings if one.subject in wrong else self._result.mended).append(one)


def _no_run(run_id: str) -> Violation:
    text = f"The branch of {run_id} holds no {MANIFEST_NAME} of gitassets, so it is no run"
    return Violation("manifest-missing", MANIFEST_NAME, text, "Branches whose names begin with run/ are those of runs.")


def _is_outdated(name: str, parents: Sequence[RunState], state: RunState) -> bool:
    """Check whether the .dvc file is wrong because the commit left it unchanged, as merges without our driver do."""
    return any(parent.dvc_files.get(name) == state.dvc_files.get(name) for parent in parents)


def _check_one_step(commit: RawCommit, before: RunState | None, after: RunState) -> Iterator[Violation]:
    """Judge a commit that is no merge. Unnamed changes of an asset whose lock is broken are not reported too."""
    found = check_step(before, after)
    yield from found
    if after.manifest is None or find_unknown_rules(after) is not None:
        return
    violations = check_message(before.manifest if before else None, after.manifest, commit.message)
    yield from _skip_broken(found, violations)


def _check_merge(
    commit: RawCommit, base: RunState | None, parents: Sequence[RunState], after: RunState
) -> Iterator[Violation]:
    """Judge a merge of two, and the decisions in it that its message does not name."""
    found = check_merge(base, parents[0], parents[1], after)
    yield from found
    sides = [one.manifest for one in parents if one.manifest is not None]
    if after.manifest is None or len(sides) < 2 or find_unknown_rules(after) is not None:
        return
    violations = check_merge_message(lambda: base.manifest if base else None, sides, after.manifest, commit.message)
    yield from _skip_broken(found, violations)


def _skip_broken(found: Sequence[Violation], violations: Iterable[Violation]) -> Iterator[Violation]:
    broken = {one.subject for one in found}
    for one in violations:
        if one.code not in (BY_HAND, UNNAMED) or one.subject not in broken:
            yield one
