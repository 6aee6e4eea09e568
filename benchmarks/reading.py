"""Reading: lists, histories and all runs, beside git and a program that parses the manifest as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ratio import Ratio
from benchmarks.synthetic import GITASSETS, git, import_histories, import_history, make_project, make_run, scratch
from benchmarks.timing import compare, time_command
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.runs.project import Project

SEGMENTS, COMMITS, RUNS = (100, 1_000, 10_000), (1_000, 20_000), (1, 200, 5_000)
_SEGMENTS_OF_HISTORY = 45
_READ_JSON = "import json, sys; print(len(json.load(open(sys.argv[1], 'rb'))['segments']))"
_LOG = ("git", "log", "--format=%H%(trailers)")
_REFS = ("git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/run/*")


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        return [
            *_measure_segments(folder, rounds),
            *_measure_commits(folder, min(rounds, 3)),
            *_measure_runs(folder, min(rounds, 3)),
        ]


def _measure_segments(folder: Path, rounds: int) -> list[Ratio]:
    project = make_project(folder / "segments")
    found = []
    for segments in SEGMENTS:
        run = make_run(project, f"run{segments}", segments)
        theirs = (sys.executable, "-c", _READ_JSON, str(run.require_folder() / MANIFEST_NAME))
        for words, limit in ((("list",), 1.0), (("list", "--json"), 1.0), (("show", "1"), None), (("summary",), None)):
            argv = (words[0], run.run_id, *words[1:])
            limit_cpu_sec = limit if segments == SEGMENTS[-1] else None
            found += _compare(
                project, argv, f"`{' '.join(words)}` of {segments:,} segments", "parsing the manifest as JSON", theirs,
                rounds, "Read segments", segments, "segments of three assets", limit_cpu_sec,
            )  # fmt: skip
    return found


def _measure_commits(folder: Path, rounds: int) -> list[Ratio]:
    project = make_project(folder / "commits")
    found = []
    for commits in COMMITS:
        run_id = f"run{commits}"
        import_history(project, run_id, _SEGMENTS_OF_HISTORY, commits)
        for words in (("log",), ("blame",), ("takes", "--segment", "1"), ("cost",)):
            found += _compare(
                project, (words[0], run_id, *words[1:]), f"`{words[0]}` over {commits:,} commits",
                "`git log` with trailers", (*_LOG, f"run/{run_id}"), rounds, "Read a history", commits, "commits",
            )  # fmt: skip
    return found


def _measure_runs(folder: Path, rounds: int) -> list[Ratio]:
    found = []
    for runs in RUNS:
        project = make_project(folder / f"runs{runs}")
        import_histories(project, [f"run{number}" for number in range(runs)], 5, 4)
        git(project.root, "pack-refs", "--all")
        for command in ("runs", "summary", "status"):
            found += _compare(
                project, (command,), f"`{command}` of {runs:,} runs", "`git for-each-ref`", _REFS, rounds,
                "Read all runs", runs, "runs",
            )  # fmt: skip
    return found


def _compare(
    project: Project,
    argv: Sequence[str],
    what: str,
    instead: str,
    theirs: Sequence[str],
    rounds: int,
    plot: str,
    size: int,
    size_unit: str,
    limit_cpu_sec: float | None = None,
) -> list[Ratio]:
    return compare(
        what,
        lambda: time_command((*GITASSETS, *argv), project.root),
        rounds,
        instead=instead,
        theirs=lambda: time_command(theirs, project.root),
        limit_cpu_sec=limit_cpu_sec,
        plot=plot,
        size=size,
        size_unit=size_unit,
    )
