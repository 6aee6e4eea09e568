"""List the runs here and on the server. Read only branches."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from gitassets.actions.summary import RunSummary, summarize_run
from gitassets.adapters.git.remote import compare_tips, fetch_branches
from gitassets.domain.run_id import BRANCH_PREFIX, is_run_id
from gitassets.errors import NotFoundError, RemoteError
from gitassets.runs.lookup import list_runs, read_tips
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import choose_git_remote


class Sync(StrEnum):
    """How the run here compares to the one on the server."""

    SAME = "in step"
    AHEAD = "ahead"
    BEHIND = "behind"
    DIVERGED = "ahead and behind"
    HERE = "only here"
    THERE = "only on the server"
    UNKNOWN = "unknown"


class RunRow(Struct, frozen=True):
    """A run as it is here, or on the server if it is only there.

    `ahead` counts the commits that only we have, `behind` those that only the server has.
    """

    summary: RunSummary
    sync: Sync
    ahead: int = 0
    behind: int = 0


class RunsResult(Struct, frozen=True):
    """The runs. `remote` is the server, None if there is none.

    `problem` says why it could not be reached; then `runs` shows its last known state.
    """

    remote: str | None
    runs: tuple[RunRow, ...]
    problem: str | None = None


def show_runs(project: Project, remote: str | None = None) -> RunsResult:
    """List every run here and on the server, after fetching its branches. Open none."""
    try:
        server = choose_git_remote(project, None, remote)
    except NotFoundError:
        if remote is not None:
            raise
        return _list(project, None, None)
    try:
        fetch_branches(project.git, server, f"{BRANCH_PREFIX}*", prune=True)
    except RemoteError as error:
        return _list(project, server, error.message)
    return _list(project, server, None)


def _list(project: Project, server: str | None, problem: str | None) -> RunsResult:
    tips = read_tips(project)
    there = _find_server_runs(tips, server) if server is not None else {}
    here = {run.run_id: run for run in list_runs(project) if not run.ref.startswith("refs/remotes/")}
    rows = [
        _row(project, tips, here[run_id], there.get(run_id)) if run_id in here else _server_row(project, there[run_id])
        for run_id in sorted({*here, *there})
    ]
    return RunsResult(server, tuple(rows), problem)


def _find_server_runs(tips: Mapping[str, str], server: str) -> dict[str, Run]:
    found = {ref.rsplit("/", 1)[1]: ref for ref in tips if ref.startswith(f"refs/remotes/{server}/{BRANCH_PREFIX}")}
    return {run_id: Run(run_id, None, ref) for run_id, ref in found.items() if is_run_id(run_id)}


def _server_row(project: Project, run: Run) -> RunRow:
    return RunRow(summarize_run(project, run), Sync.THERE)


def _row(project: Project, tips: Mapping[str, str], run: Run, there: Run | None) -> RunRow:
    summary = summarize_run(project, run)
    if there is None:
        return RunRow(summary, Sync.HERE)
    distance = None if run.old else compare_tips(project.git, tips, run.ref, there.ref)
    if distance is None:
        return RunRow(summary, Sync.UNKNOWN)
    ahead, behind = distance
    sync = {
        (False, False): Sync.SAME,
        (True, False): Sync.AHEAD,
        (False, True): Sync.BEHIND,
        (True, True): Sync.DIVERGED,
    }
    return RunRow(summary, sync[ahead > 0, behind > 0], ahead, behind)
