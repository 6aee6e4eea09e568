"""Judge a run's history from where an earlier verification ended, if everything held up to there.

Commits never change, so what holds in the history of a commit holds for ever, by the same rules.
"""

from __future__ import annotations

from pathlib import Path

from gitassets import __version__
from gitassets.adapters.process import CommandError
from gitassets.adapters.state.verified_history import Key, VerifiedHistory, read_verified, write_verified
from gitassets.domain.guard import RunState
from gitassets.domain.rules import KNOWN_RULES
from gitassets.runs.audit import HistoryAudit, VerifyResult
from gitassets.runs.commit_graph import CommitGraph
from gitassets.runs.history import allows_by_hand
from gitassets.runs.progress import OnProgress, ignore_progress
from gitassets.runs.project import Project, Run

RECORDS = "held"
"""The folder of the records, in that of the project's state."""


class AuditRecord:
    """What is known of a run's history from earlier verifications."""

    def __init__(
        self, project: Project, run: Run, *, allow_by_hand: bool | None = None, graph: CommitGraph | None = None
    ) -> None:
        self._project, self._run, self._graph = project, run, graph
        self._allow_by_hand = allows_by_hand(project.git) if allow_by_hand is None else allow_by_hand

    @property
    def key(self) -> Key:
        return {
            "run_id": self._run.run_id,
            "rules": KNOWN_RULES,
            "gitassets": __version__,
            "allow_by_hand": self._allow_by_hand,
        }

    @property
    def _path(self) -> Path:
        return self._project.state_dir / RECORDS / f"{self._run.run_id}.json"

    def read(self, commit: str) -> VerifiedHistory | None:
        """Return the verified history that the one of `commit` begins with; None if there is none."""
        found = read_verified(self._path, self.key)
        return found if found is not None and self._descends(found.tip, commit) else None

    def audit(self, commit: str, on_progress: OnProgress = ignore_progress) -> tuple[RunState, VerifyResult]:
        """Judge the history up to `commit`, and return the state there. Only what is new is read.

        If everything holds, the record is brought up to date.
        """
        known, result = self.read(commit), VerifyResult()
        if known is not None:
            result.commits = result.commits_before = known.commits
            result.by_hand += known.by_hand
        tip = HistoryAudit(
            self._project.git,
            self._run.run_id,
            result,
            mended_before=known.mended if known else (),
            allow_by_hand=self._allow_by_hand,
            on_progress=on_progress,
            objects=self._project.objects,
            graph=self._graph,
        ).check(commit, [known.tip] if known else [])
        if result.holds:
            self._write(commit, result)
        return tip, result

    def _write(self, commit: str, result: VerifyResult) -> None:
        verified = VerifiedHistory(
            key=dict(self.key), tip=commit, commits=result.commits, mended=result.mended, by_hand=result.by_hand
        )
        write_verified(self._path, verified)

    def _descends(self, old: str, new: str) -> bool:
        """Check whether `new` descends from `old`, which may be gone after a rewrite of the branch."""
        if old == new:
            return True
        if self._graph is not None and self._graph.knows([new]):
            return self._graph.descends(old, new)
        try:
            return self._project.git.is_ancestor(old, new)
        except CommandError:
            return False
