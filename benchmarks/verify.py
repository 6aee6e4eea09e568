"""Verifying: a history for the first time and after ten more commits, beside a program that reads all its manifests."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.ratio import Ratio
from benchmarks.synthetic import GITASSETS, git, import_history, make_project, scratch
from benchmarks.timing import Case, Sample, compare, time_command
from gitassets.domain.run_id import BRANCH_PREFIX
from gitassets.runs.audit_record import RECORDS
from gitassets.runs.project import Project

COMMITS = (100, 1_000, 20_000)
_SEGMENTS = 45
_NEW_COMMITS = 10
# The least that anybody does who judges each version of a manifest: read it from git, and parse it as JSON.
_READ_ALL = """
import json, subprocess, sys
wanted = subprocess.run(("git", "rev-list", sys.argv[1]), stdout=subprocess.PIPE, check=True).stdout.split()
names = b"".join(b"%b:asset_manifest.json\\n" % commit for commit in wanted)
with subprocess.Popen(("git", "cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
    for name in names.splitlines(keepends=True):
        reader.stdin.write(name)
        reader.stdin.flush()
        size = int(reader.stdout.readline().split()[2])
        json.loads(reader.stdout.read(size + 1))
    reader.stdin.close()
"""


def measure(rounds: int) -> list[Ratio]:
    found = []
    for commits in COMMITS:
        with scratch() as folder:
            project = make_project(folder / "project")
            import_history(project, "run", _SEGMENTS, commits)
            git(project.root, "gc", "--quiet")
            found += _measure(project, commits, min(rounds, 3) if commits == COMMITS[-1] else rounds)
    return found


def _measure(project: Project, commits: int, rounds: int) -> list[Ratio]:
    largest = commits == COMMITS[-1]
    records = project.state_dir / RECORDS
    first = compare(
        f"`verify --all` of {commits:,} commits",
        _verify(project, records, None),
        rounds,
        instead="reading and parsing each manifest",
        theirs=lambda: time_command((sys.executable, "-c", _READ_ALL, f"{BRANCH_PREFIX}run"), project.root),
        limit_cpu_sec=15 if largest else None,
        plot="Verify a history",
        size=commits,
        size_unit="commits of 45 segments",
    )
    again = compare(
        f"`verify --all` again, {_NEW_COMMITS} commits after {commits - _NEW_COMMITS:,}",
        _verify(project, records, _remember_all_but_the_newest(project, records)),
        rounds,
        limit_cpu_sec=1 if largest else None,
        plot="Verify a history",
        size=commits,
        size_unit="commits of 45 segments",
    )
    return [*first, *again]


def _remember_all_but_the_newest(project: Project, records: Path) -> Path:
    """Return a copy of what `verify` remembers of the history before its newest commits."""
    branch = f"refs/heads/{BRANCH_PREFIX}run"
    tip = git(project.root, "rev-parse", branch).strip()
    git(project.root, "update-ref", branch, f"{tip}~{_NEW_COMMITS}")
    time_command((*GITASSETS, "verify", "--all"), project.root)
    git(project.root, "update-ref", branch, tip)
    return Path(shutil.copytree(records, project.root.parent / "remembered"))


def _verify(project: Project, records: Path, remembered: Path | None) -> Case:
    def case() -> Sample:
        shutil.rmtree(records, ignore_errors=True)
        if remembered is not None:
            shutil.copytree(remembered, records)
        return time_command((*GITASSETS, "verify", "--all"), project.root)

    return case
