"""Summarize every run for the page that lists them: what is decided, when it changed, how far the server is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gitassets.actions.summary import RunSummary, summarize_run
from gitassets.adapters.git.remote import compare_tips
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.manifest import Kind, Manifest
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import list_runs, read_tips
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run

UNDECIDED = frozenset({Status.DRAFT, Status.REVIEW, Status.REVISED})


class RunOverview(Struct, frozen=True):
    """A run as a card. `poster` is the md5 of its first picture or clip.

    `last_activity` is the time of its last commit, in seconds since 1970. `ahead` and `behind` compare with what was
    last fetched from the server; None: it has no such branch. `conflicts` counts assets that two branches decided
    differently.
    """

    summary: RunSummary
    assets: int
    decided: int
    poster: str | None
    poster_kind: Kind | None
    last_activity: int | None
    ahead: int | None
    behind: int | None
    conflicts: int = 0


def read_overview(project: Project) -> tuple[RunOverview, ...]:
    """Summarize all runs, the latest first. Contact no server."""
    times = _read_times(project)
    tips = read_tips(project)
    there = _find_server_refs(tips)
    rows = [_summarize(project, run, times, tips, there.get(run.run_id)) for run in list_runs(project)]
    return tuple(sorted(rows, key=lambda one: (one.last_activity or 0, one.summary.run_id), reverse=True))


def count_decided(counts: dict[str, int]) -> int:
    return sum(number for status, number in counts.items() if Status(status) not in UNDECIDED)


def _summarize(
    project: Project, run: Run, times: Mapping[str, int], tips: Mapping[str, str], server: str | None
) -> RunOverview:
    summary = summarize_run(project, run)
    manifest = None if run.old else _read_manifest(project, run)
    found = None if manifest is None else _find_poster(manifest)
    distance = (compare_tips(project.git, tips, run.ref, server) if server else None) or (None, None)
    return RunOverview(
        summary=summary,
        assets=sum(summary.counts.values()),
        decided=count_decided(summary.counts),
        poster=found[1] if found else None,
        poster_kind=found[0] if found else None,
        last_activity=times.get(run.ref),
        ahead=distance[0],
        behind=distance[1],
        conflicts=0 if manifest is None else sum(CONFLICT in asset.extra for _, asset in manifest.assets()),
    )


def _read_manifest(project: Project, run: Run) -> Manifest | None:
    try:
        return read_manifest(project, run)
    except GitAssetsError:
        return None


def _find_poster(manifest: Manifest) -> tuple[Kind, str] | None:
    for segment in manifest.segments.values():
        for kind, asset in ((Kind.IMAGE, segment.image), (Kind.VIDEO, segment.video)):
            if asset is not None and asset.status is not Status.REJECTED:
                return kind, asset.md5
    return None


def _read_times(project: Project) -> dict[str, int]:
    """Return the commit time of every branch of a run, by its full name."""
    patterns = (f"refs/heads/{BRANCH_PREFIX}*", f"refs/remotes/*/{BRANCH_PREFIX}*")
    return project.git.read_tip_times(*patterns)


def _find_server_refs(tips: Mapping[str, str]) -> dict[str, str]:
    return {ref.rsplit("/", 1)[1]: ref for ref in tips if ref.startswith("refs/remotes/")}
