"""List the reasons for which assets were rejected before in a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import find_runs
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


def read_reasons(project: Project, run: Run) -> tuple[str, ...]:
    """Return the reasons in the log of this run and in the manifests of all runs, those used most often first."""
    counted = Counter(_iter_logged(project, run))
    for one in find_runs(project).values():
        counted.update(_iter_current(project, one))
    return tuple(reason for reason, _ in counted.most_common())


def _iter_logged(project: Project, run: Run) -> Iterator[str]:
    from gitassets.domain.commit_message import parse_message

    for commit in project.git.iter_log(run.ref):
        parsed = parse_message(commit.message)
        if parsed is not None and parsed.action == "reject" and parsed.words:
            yield parsed.words


def _iter_current(project: Project, run: Run) -> Iterator[str]:
    try:
        manifest = read_manifest(project, run)
    except GitAssetsError:
        return
    for _, asset in manifest.assets():
        if asset.status is Status.REJECTED and asset.reason:
            yield asset.reason
