"""What the locks cost: hooks, approvals, the proof over a long history, and reading.

Every line is a ratio of two things measured in turn in the same run of this script. Run: python benchmarks/locks.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from synthetic import git, import_history, isolate, make_project, make_run
from timing import Case, measure, show, time_command

from gitassets.actions.approve import approve
from gitassets.adapters.files import OPEN_MODE
from gitassets.domain.manifest import MANIFEST_NAME, Kind
from gitassets.domain.selection import AssetSelection, parse_selection
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run

PYTHON = sys.executable
GITASSETS = (PYTHON, "-m", "gitassets")
BARE_TYPER = (PYTHON, str(Path(__file__).with_name("bare_typer.py")))
COMMIT = ("git", "commit", "--quiet", "--all", "--message", "a change")
EMPTY_SH_HOOK = "#!/bin/sh\n"
EMPTY_PYTHON_HOOK = f"#!{PYTHON}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", choices=(*BENCHMARKS, "all"), default="all", help="which to run")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--commits", type=int, default=20_000, help="how long the verified history is")
    options = parser.parse_args()
    for name, benchmark in BENCHMARKS.items():
        if "all" in options.only or name in options.only:
            with tempfile.TemporaryDirectory() as folder:
                isolate(Path(folder))
                benchmark(Path(folder), options)


def bench_commits_outside(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    plain = _make_plain(folder / "plain", None, {"notes.txt": b"0"})
    (project.root / "notes.txt").write_text("0")
    git(project.root, "add", "notes.txt")
    cases = {"a plain repository": _commit_of_text(plain), "a project": _commit_of_text(project.root)}
    show("A commit outside of any run, in", measure(cases, options.rounds * 3), target=1.1)


def _commit_of_text(folder: Path) -> Case:
    count = 0

    def case() -> float:
        nonlocal count
        count += 1
        (folder / "notes.txt").write_text(str(count))
        return time_command(COMMIT, folder, os.environ)

    return case


def bench_commits_in_runs(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    for title, segments in (("A commit that approves 45 of 135 assets", 45), ("The same of 3,000 assets", 1000)):
        run = make_run(project, f"run{segments}", segments)
        before, after = _change(project, run, parse_options(("--audio", "1-45")))
        message = folder / f"message{segments}"
        message.write_text(git(run.require_folder(), "log", "-1", "--format=%B", "HEAD@{1}"))
        sh = _make_plain(folder / f"sh{segments}", EMPTY_SH_HOOK, before)
        python = _make_plain(folder / f"python{segments}", EMPTY_PYTHON_HOOK, before)
        cases = {
            "an empty sh hook": _commit_of_change(sh, before, after, message),
            "an empty Python hook": _commit_of_change(python, before, after, message),
            "the hooks": _commit_of_change(run.require_folder(), before, after, message),
        }
        show(f"{title}, under", measure(cases, options.rounds))


def _change(project: Project, run: Run, selection: AssetSelection) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The run's files before and after the selection is approved. The run itself is then as before."""
    before = _read_files(run)
    approve(project, run, selection)
    after = _read_files(run)
    _take_back(project, run)
    return before, after


def _take_back(project: Project, run: Run) -> None:
    """The last commit was never made, and no file is read-only."""
    git(run.require_folder(), "reset", "--quiet", "--hard", "HEAD~1")
    index = project.stat_index(run)
    for _, asset in read_manifest(project, run).assets():
        (run.require_folder() / asset.path).chmod(OPEN_MODE)
        index.note(asset.path, asset.md5)
    index.save()


def _read_files(run: Run) -> dict[str, bytes]:
    folder = run.require_folder()
    return {path: (folder / path).read_bytes() for path in git(folder, "ls-files").split()}


def _commit_of_change(
    folder: Path, before: dict[str, bytes], after: dict[str, bytes], message: Path | None = None
) -> Case:
    words = COMMIT if message is None else ("git", "commit", "--quiet", "--all", "--file", str(message))

    def case() -> float:
        (folder / MANIFEST_NAME).write_bytes(after[MANIFEST_NAME])
        taken = time_command(words, folder, os.environ)
        git(folder, "update-ref", "HEAD", "HEAD~1")
        git(folder, "read-tree", "HEAD")
        (folder / MANIFEST_NAME).write_bytes(before[MANIFEST_NAME])
        git(folder, "update-index", "--refresh")
        return taken

    return case


def _make_plain(root: Path, hook: str | None, files: dict[str, bytes]) -> Path:
    """A repository that holds the files and has this one hook, or none."""
    git(root.parent, "init", "--quiet", str(root))
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    git(root, "add", "--force", ".")
    git(root, "commit", "--quiet", "--message", "all")
    if hook is not None:
        path = root / ".git" / "hooks" / "pre-commit"
        path.write_text(hook)
        path.chmod(0o755)
    return root


def parse_options(chosen: Sequence[str]) -> AssetSelection:
    """What the options of a command choose."""
    pairs = zip(chosen[::2], chosen[1::2], strict=True)
    return AssetSelection({Kind(option.removeprefix("--")): parse_selection(text) for option, text in pairs})


def bench_approvals(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    small, large = make_run(project, "small", 45), make_run(project, "large", 500, (Kind.AUDIO, Kind.IMAGE))
    for title, run, chosen in (
        ("`approve` of 1 asset of 135", small, ("--audio", "1")),
        ("`approve` of 1 asset of 1,000", large, ("--audio", "1")),
        ("`approve` of 1,000 assets of 1,000", large, ("--audio", "all", "--image", "all")),
    ):
        before, after = _change(project, run, parse_options(chosen))
        plain = _make_plain(folder / f"plain-{run.run_id}-{chosen[1]}", EMPTY_PYTHON_HOOK, before)
        cases = {
            "a bare Typer program, then the commit under an empty Python hook": _bare(plain, before, after),
            "gitassets approve": _approve(project, run, chosen),
        }
        show(title, measure(cases, options.rounds), target=1.5)


def _bare(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> Case:
    commit = _commit_of_change(folder, before, after)
    return lambda: time_command(BARE_TYPER, folder, os.environ) + commit()


def _approve(project: Project, run: Run, chosen: Sequence[str]) -> Case:
    def case() -> float:
        taken = time_command((*GITASSETS, "approve", run.run_id, *chosen), project.root, os.environ)
        _take_back(project, run)
        return taken

    return case


def bench_reading(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    runs = [make_run(project, "small", 10), make_run(project, "large", 1000)]
    cases: dict[str, Case] = {"a bare Typer program": lambda: time_command(BARE_TYPER, project.root, os.environ)}
    for run in runs:
        argv = (*GITASSETS, "list", run.run_id, "--json")
        cases[f"gitassets list --json of {_count(project, run)} assets"] = _timed(argv, project.root)
    show("Reading", measure(cases, options.rounds))
    for verb in (("list", "--json"), ("approve", "--audio", "all")):
        for run in runs:
            argv = (*GITASSETS, verb[0], run.run_id, *verb[1:])
            count = _count_git_processes(argv, project.root, folder / "trace")
            print(f"  git processes of `{' '.join(verb)}` with {_count(project, run)} assets: {count}")


def _count(project: Project, run: Run) -> int:
    return sum(1 for _ in read_manifest(project, run).assets())


def _timed(argv: tuple[str, ...], folder: Path) -> Case:
    return lambda: time_command(argv, folder, os.environ)


def _count_git_processes(argv: tuple[str, ...], folder: Path, trace: Path) -> int:
    """Those that git itself starts count too."""
    trace.unlink(missing_ok=True)
    time_command(argv, folder, {**os.environ, "GIT_TRACE2_EVENT": str(trace)})
    return trace.read_text().count('"event":"start"') if trace.exists() else 0


def bench_verify(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    import_history(project, "long", 45, options.commits)
    cases: dict[str, Case] = {
        "git log with trailers": _timed(("git", "log", "--format=%H%(trailers)", "run/long"), project.root),
        "every manifest read and given to json.loads": lambda: _read_manifests(project),
        "gitassets verify --all": _timed((*GITASSETS, "verify", "--all"), project.root),
    }
    show(f"{options.commits:,} commits of 45 segments", measure(cases, 1))


def bench_log(folder: Path, options: argparse.Namespace) -> None:
    project = make_project(folder / "project")
    import_history(project, "long", 45, options.commits)
    log = _timed((*GITASSETS, "log", "long", "--json"), project.root)

    def first() -> float:
        (project.state_dir / "deviations" / "long.jsonl").unlink(missing_ok=True)
        return log()

    cases: dict[str, Case] = {
        "git log with trailers": _timed(("git", "log", "--format=%H%(trailers)", "run/long"), project.root),
        "gitassets log, where every commit is compared": first,
        "gitassets log, where they were compared before": log,
    }
    show(f"The log of {options.commits:,} commits", measure(cases, 1))


def _read_manifests(project: Project) -> float:
    import json

    start = time.perf_counter()
    oids = git(project.root, "rev-list", "run/long").split()
    for begin in range(0, len(oids), 200):
        names = [f"{oid}:{MANIFEST_NAME}" for oid in oids[begin : begin + 200]]
        for data in project.git.read_blobs(names).values():
            json.loads(data or b"null")
    return time.perf_counter() - start


BENCHMARKS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "outside": bench_commits_outside,
    "inside": bench_commits_in_runs,
    "approve": bench_approvals,
    "reading": bench_reading,
    "verify": bench_verify,
    "log": bench_log,
}

if __name__ == "__main__":
    main()
