"""Walk a run's history and judge each commit against its parents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from gitassets.adapters.git.repository import Git
from gitassets.domain.changes import BY_HAND, UNNAMED, check_message
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
from gitassets.runs.history import (
    CommonStates,
    HistoryReader,
    RawCommit,
    allows_by_hand,
    format_time,
)


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold: in which commit (empty: in the files), by whom, which asset or path, what."""

    run_id: str
    commit: str
    author: str
    date: str
    code: str
    subject: str
    message: str
    hint: str

    @property
    def sentence(self) -> str:
        return f"commit {self.commit[:10]} by {self.author}: {self.message}" if self.commit else self.message


@dataclass
class VerifyResult:
    """`findings` is empty and `incomplete` too when all holds. `unchecked` says what was not looked at.

    `mended` names .dvc files that a commit left behind the manifest, and that are right again since; `by_hand` what
    commits did to assets without their messages saying so, where that may be.
    """

    runs: list[str] = field(default_factory=list)
    commits: int = 0
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


def make_finding(run_id: str, commit: RawCommit | None, one: Violation, *, mendable: bool = False) -> Finding:
    """`mendable`: its hint holds although a commit did it; else that can only be taken out of the history."""
    return Finding(
        run_id,
        commit.oid if commit else "",
        commit.author if commit else "",
        format_time(commit.time) if commit else "",
        one.code,
        one.subject,
        one.message,
        one.hint if commit is None or mendable or one.code in _WITH_HINT else _take_out(run_id, one),
    )


_WITH_HINT = (BY_HAND, UNNAMED, RULES_UNKNOWN)
_OF_LOCKS = ("locked-removed", "locked-md5-changed", "locked-path-changed", "locked-size-changed", "lock-left")


def _take_out(run_id: str, one: Violation) -> str:
    hint = "As long as nobody else has this commit, take it out of the branch: `git reset` or `git rebase -i`."
    if one.code not in _OF_LOCKS:
        return hint
    return f"{hint} What is approved may change after `gitassets reopen {run_id} --{one.subject} --reason …`."


def iter_told(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Each finding with the hint to tell: of several that follow each other with the same one, only the last has it."""
    for place, one in enumerate(findings):
        repeated = findings[place + 1 : place + 2] and findings[place + 1].hint == one.hint
        yield one, "" if repeated else one.hint


class HistoryAudit:
    """Walks commits, parents first, and judges each against its parents. Keeps a state only while it is needed.

    With `collect_hashes`, `hashes` are those of every file that any commit named, with its last path. Whether commits
    by hand are as good as any (`allow_by_hand`) git's configuration says, where the caller does not.
    """

    def __init__(
        self,
        git: Git,
        run_id: str,
        result: VerifyResult,
        *,
        collect_hashes: bool = False,
        allow_by_hand: bool | None = None,
    ) -> None:
        self._reader = HistoryReader(git)
        self._git, self._run_id, self._result = git, run_id, result
        self._states: dict[str, RunState] = {}
        self._common = CommonStates(self._reader, self._states)
        self._needed: dict[str, tuple[str, ...]] = {}
        self._uses: Counter[str] = Counter()
        self._left_behind: list[tuple[RawCommit, Violation]] = []
        self._collect_hashes = collect_hashes
        self._allow_by_hand = allow_by_hand
        self._told_unknown_rules = False
        self.hashes: dict[str, str] = {}

    def check(self, include: str, exclude: Sequence[str]) -> RunState:
        """The state of the last commit; every finding is in the result. The ends of the range are taken as they are."""
        oids = self._reader.list_commits([include], exclude)
        self._count_uses(oids)
        state = None
        for commit, state in self._reader.iter_states(oids):
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
        """How many of the commits need each state, as a parent's or a common ancestor's: then it can be let go."""
        known = set(oids)
        for oid, parents in self._reader.read_parents(oids).items():
            whole = all(one in known or self._git.has_object(one) for one in parents)
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
            if one.code == "dvc-not-implied" and _is_left_behind(one.subject, parents, state):
                self._left_behind.append((commit, one))
            elif not self._is_told_already(one):
                where = self._result.by_hand if self._is_note(one) else self._result.findings
                where.append(make_finding(self._run_id, commit, one))

    def _is_note(self, one: Violation) -> bool:
        if one.code == BY_HAND and self._allow_by_hand is None:
            self._allow_by_hand = allows_by_hand(self._git)
        return one.code == UNNAMED or (one.code == BY_HAND and bool(self._allow_by_hand))

    def _is_told_already(self, one: Violation) -> bool:
        """Rules that are not known here are told of once: every later commit follows them too."""
        told, is_one = self._told_unknown_rules, one.code == RULES_UNKNOWN
        self._told_unknown_rules |= is_one
        return told and is_one

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
        """None where the history is cut, which the result says."""
        if parent not in self._states:
            if not self._git.has_object(parent):
                note = f"{self._run_id}: {commit.oid[:10]} names a parent that is not here ({parent[:10]})"
                self._result.incomplete.append(note)
                return None
            self._states[parent] = self._reader.read_state(parent)
        return self._states[parent]

    def _judge_tip(self, tip: RunState) -> None:
        """What must be right in the end: the run is the one of the branch, and no .dvc file is left behind."""
        if tip.manifest is not None and tip.manifest.run_id != self._run_id:
            self._result.findings.append(make_finding(self._run_id, None, other_run(self._run_id, tip.manifest.run_id)))
        wrong = {one.subject for one in check_dvc(tip)}
        for commit, one in self._left_behind:
            found = self._result.findings if one.subject in wrong else self._result.mended
            found.append(make_finding(self._run_id, commit, one, mendable=True))


def _no_run(run_id: str) -> Violation:
    text = f"The branch of {run_id} holds no {MANIFEST_NAME} of gitassets, so it is no run"
    return Violation("manifest-missing", MANIFEST_NAME, text, "Branches whose names begin with run/ are those of runs.")


def _is_left_behind(name: str, parents: Sequence[RunState], state: RunState) -> bool:
    """Whether the .dvc file is wrong only since the commit has it as before, as merges without our driver do."""
    return any(parent.dvc_files.get(name) == state.dvc_files.get(name) for parent in parents)


def _check_one_step(commit: RawCommit, before: RunState | None, after: RunState) -> Iterator[Violation]:
    """What a commit that is no merge breaks. An asset whose lock it broke needs no second word on its message."""
    found = check_step(before, after)
    yield from found
    if after.manifest is None or find_unknown_rules(after) is not None:
        return
    said = check_message(before.manifest if before else None, after.manifest, commit.message)
    yield from _leave_out_broken(found, said)


def _check_merge(
    commit: RawCommit, base: RunState | None, parents: Sequence[RunState], after: RunState
) -> Iterator[Violation]:
    """What a merge of two breaks, and what its message does not say of what was settled in it."""
    found = check_merge(base, parents[0], parents[1], after)
    yield from found
    sides = [one.manifest for one in parents if one.manifest is not None]
    if after.manifest is None or len(sides) < 2 or find_unknown_rules(after) is not None:
        return
    said = check_merge_message(lambda: base.manifest if base else None, sides, after.manifest, commit.message)
    yield from _leave_out_broken(found, said)


def _leave_out_broken(found: Sequence[Violation], said: Iterable[Violation]) -> Iterator[Violation]:
    broken = {one.subject for one in found}
    for one in said:
        if one.code not in (BY_HAND, UNNAMED) or one.subject not in broken:
            yield one
