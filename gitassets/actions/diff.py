"""Describe in words what changed between two commits of a run."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gitassets.domain.claude_studio.json import is_old_manifest
from gitassets.domain.describe import describe_difference, describe_manifest
from gitassets.domain.manifest import MANIFEST_NAME, Manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.errors import GitAssetsError, NotFoundError, UsageError
from gitassets.runs.history import resolve_in_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


class DiffResult(Struct, frozen=True):
    run_id: str
    before: str
    after: str
    lines: tuple[str, ...]


def diff(project: Project, run: Run, span: str | None = None) -> DiffResult:
    """Describe the changes in the range A..B. Without one: those of the last commit, and those not committed yet."""
    if span is None:
        before, after = f"{run.ref}~1", "the run's folder" if run.is_open else run.ref
        new = read_manifest(project, run)
        parent = project.git.resolve(before)
        old = None if parent is None else _read_at(project, parent, before)
    else:
        before, after = _parse_span(span)
        old, new = (_read_at(project, resolve_in_run(project, run, one), one) for one in (before, after))
    return DiffResult(run.run_id, before, after, tuple(describe_difference(old, new)))


def diff_runs(project: Project, run: Run, other: Run) -> DiffResult:
    """Describe how the `other` run differs, segment by segment."""
    before, after = read_manifest(project, run), read_manifest(project, other)
    return DiffResult(run.run_id, run.run_id, other.run_id, tuple(describe_difference(before, after)))


def is_span(text: str) -> bool:
    """Check whether a text names two commits rather than a run, which may be a folder."""
    return ".." in text and not text.startswith(".") and not Path(text).exists()


def _parse_span(span: str) -> tuple[str, str]:
    before, separator, after = span.partition("..")
    if not separator or not before or not after or after.startswith("."):
        raise UsageError(f"{span!r} is not a range of commits", "Write A..B, such as HEAD~3..HEAD or two commit ids.")
    return before, after


def _read_at(project: Project, oid: str, name: str) -> Manifest:
    data = project.git.read_blob(oid, MANIFEST_NAME)
    if data is None:
        raise NotFoundError(f"There is no manifest at {name}", "Name commits of the run's branch.")
    if is_old_manifest(data):
        return Manifest(run_id=name)  # An upgraded run begins with the files of claude-studio.
    return parse_manifest(data, f"{name}:{MANIFEST_NAME}")


def describe_file(path: Path) -> str:
    """Describe the manifest in `path` as text for `git diff`. Return the text of an unreadable one unchanged."""
    data = path.read_bytes()
    try:
        return "".join(f"{line}\n" for line in describe_manifest(parse_manifest(data, str(path))))
    except GitAssetsError:
        return data.decode("utf-8", "replace")
