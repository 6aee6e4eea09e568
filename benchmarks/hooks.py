"""Hooks: commits in a project and in a run, beside plain repositories without hooks and with empty ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.decisions import EMPTY_HOOK, make_plain, read_change
from benchmarks.ratio import Ratio
from benchmarks.synthetic import git, make_project, make_run, scratch
from benchmarks.timing import Case, Sample, compare, time_command
from gitassets.domain.manifest import MANIFEST_NAME

_COMMIT = ("git", "commit", "--quiet", "--all")
_SIZES = (45, 1_000, 10_000)


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        return [*_measure_outside(folder, rounds * 3), *_measure_inside(folder, rounds)]


def _measure_outside(folder: Path, rounds: int) -> list[Ratio]:
    project = make_project(folder / "outside")
    (project.root / "notes.txt").write_text("0")
    git(project.root, "add", "notes.txt")
    return compare(
        "`git commit` in a project, outside of any run",
        _commit_text(project.root),
        rounds,
        instead="`git commit` in a plain repository",
        theirs=_commit_text(make_plain(folder / "plain", {"notes.txt": b"0"})),
        target=1.1,
    )


def _commit_text(folder: Path) -> Case:
    count = 0

    def case() -> Sample:
        nonlocal count
        count += 1
        (folder / "notes.txt").write_text(str(count))
        return time_command((*_COMMIT, "--message", "a change"), folder)

    return case


def _measure_inside(folder: Path, rounds: int) -> list[Ratio]:
    project = make_project(folder / "project")
    found = []
    for segments in _SIZES:
        run = make_run(project, f"run{segments}", segments)
        before, after = read_change(project, run, ("--audio", "1-45"))
        message = folder / f"message{segments}"
        message.write_text(git(run.require_folder(), "log", "-1", "--format=%B", "HEAD@{1}"))
        found += compare(
            f"`git commit` that approves 45 of {segments * 3:,} assets",
            _commit_change(run.require_folder(), before, after, message),
            rounds,
            instead="under an empty Python hook",
            theirs=_commit_change(make_plain(folder / f"{segments}", before, EMPTY_HOOK), before, after, message),
            plot="git commit under the hooks",
            size=segments * 3,
            size_unit="assets",
        )
    return found


def _commit_change(folder: Path, before: Mapping[str, bytes], after: Mapping[str, bytes], message: Path) -> Case:
    def case() -> Sample:
        (folder / MANIFEST_NAME).write_bytes(after[MANIFEST_NAME])
        taken = time_command((*_COMMIT, "--file", str(message)), folder)
        git(folder, "update-ref", "HEAD", "HEAD~1")
        git(folder, "read-tree", "HEAD")
        (folder / MANIFEST_NAME).write_bytes(before[MANIFEST_NAME])
        git(folder, "update-index", "--refresh")
        return taken

    return case
