"""Notice that a run has changed, by a few `stat` calls and without a process."""

from __future__ import annotations

from pathlib import Path

from gitassets.adapters.files import FileStamp, sign_file
from gitassets.adapters.git.work_trees import read_head
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.runs.project import Project, Run

Stamp = tuple[FileStamp | None, ...]
"""Equal as long as neither the run's branch nor its manifest was written. Compare it, and read nothing from it."""


def read_stamp(project: Project, run: Run) -> Stamp:
    """Return the stamp of the run: of its reference, loose or packed or in a table, and of its manifest."""
    manifest = () if run.folder is None else (run.folder / MANIFEST_NAME,)
    return _stamp(project, run.ref, *manifest)


def read_stamp_of_all(project: Project) -> Stamp:
    """Return the stamp of all runs' branches. git renames a file into their folder whenever it moves one."""
    return _stamp(project, f"refs/heads/{BRANCH_PREFIX}")


def _stamp(project: Project, reference: str, *more: Path) -> Stamp:
    packed = (project.git_dir / "packed-refs", project.git_dir / "reftable/tables.list")
    return tuple(sign_file(path) for path in (project.git_dir / reference, *packed, *more))


def find_head(project: Project, run: Run) -> str | None:
    """Return the commit of the run's branch; None if the run has none, as one of claude-studio."""
    found = None if run.folder is None else read_head(run.folder)
    return found or project.git.resolve(run.ref)
