"""What tests of the page look at: the run behind it, and the words on it."""

from __future__ import annotations

from typing import Any

from gitassets.domain.annotations import Annotation, read_annotations
from gitassets.domain.manifest import Address, Asset, Kind, Manifest
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project
from tests.actions.checks import git

REVIEW = "/runs/pilot/review"
TICK_MS = 25
MOST_TICKS = 400


def read_pilot(project: Project) -> Manifest:
    fresh = Project(project.root, project.git_dir)
    return read_manifest(fresh, find_run(fresh, "pilot"))


def read_asset(project: Project, number: int, kind: str) -> Asset:
    found = read_pilot(project).asset(Address(number, Kind(kind)))
    assert found is not None
    return found


def read_text(project: Project, number: int) -> str:
    return read_pilot(project).segments[number].paragraph_text


def read_notes(project: Project, number: int) -> list[Annotation]:
    return list(read_annotations(number, read_pilot(project).segments[number]))


def count_commits(project: Project) -> int:
    return int(git(project.root, "rev-list", "--count", "run/pilot"))


def wait_commits(page: Any, project: Project, wanted: int) -> None:
    """Wait until the run has as many commits. The work tree shows a decision a moment before."""
    for _ in range(MOST_TICKS):
        if count_commits(project) >= wanted:
            break
        page.wait_for_timeout(TICK_MS)
    assert count_commits(project) == wanted


def wait_title(page: Any, text: str) -> None:
    page.locator("#asset-title", has_text=text).wait_for()


def wait_status(page: Any, project: Project, number: int, kind: str, status: Status) -> None:
    """Wait until a decision is committed; the screen has it before."""
    for _ in range(MOST_TICKS):
        if read_asset(project, number, kind).status is status:
            return
        page.wait_for_timeout(TICK_MS)
    assert read_asset(project, number, kind).status is status
