"""Decisions: one asset and all assets approved in one commit, beside a bare Typer program and `git commit`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.ratio import Ratio
from benchmarks.synthetic import BARE_TYPER, GITASSETS, git, make_project, make_run, scratch
from benchmarks.timing import Case, Sample, add, compare, time_command
from gitassets.actions.approve import approve
from gitassets.adapters.files import OPEN_MODE
from gitassets.domain.manifest import MANIFEST_NAME, SEGMENT_KINDS, Kind
from gitassets.domain.selection import AssetSelection, parse_selection
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run

SIZES = (100, 1_000, 10_000)
_COMMIT = ("git", "commit", "--quiet", "--all", "--message", "a change")
EMPTY_HOOK = f"#!{sys.executable}\n"
_ONE = ("--audio", "1")
_ALL = tuple(word for kind in SEGMENT_KINDS for word in (f"--{kind}", "all"))


def measure(rounds: int) -> list[Ratio]:
    with scratch() as folder:
        project = make_project(folder / "project")
        found = []
        for segments in SIZES:
            run = make_run(project, f"run{segments}", segments)
            for what, words, limit in (("one asset", _ONE, None), ("all assets", _ALL, 3.0)):
                before, after = read_change(project, run, words)
                plain = make_plain(folder / f"plain-{segments}-{len(words)}", before, EMPTY_HOOK)
                found += compare(
                    f"`approve` of {what} of {segments:,} segments",
                    _approve(project, run, words),
                    rounds,
                    instead="a bare Typer program, then `git commit` under an empty Python hook",
                    theirs=_commit_plainly(plain, after),
                    limit_cpu_sec=limit if segments == SIZES[-1] else None,
                    plot=f"Approve {what}",
                    size=segments,
                    size_unit="segments of three assets",
                )
        return found


def _approve(project: Project, run: Run, words: Sequence[str]) -> Case:
    def case() -> Sample:
        taken = time_command((*GITASSETS, "approve", run.run_id, *words), project.root)
        _take_back(project, run)
        return taken

    return case


def read_change(project: Project, run: Run, words: Sequence[str]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the run's files before and after the approval. The run itself is then as before."""
    before = _read_files(run)
    approve(project, run, _parse_options(words))
    after = _read_files(run)
    _take_back(project, run)
    return before, after


def _parse_options(words: Sequence[str]) -> AssetSelection:
    return AssetSelection(dict(_iter_options(words)))


def _iter_options(words: Sequence[str]) -> Iterator[tuple[Kind, object]]:
    for option, text in zip(words[::2], words[1::2], strict=True):
        yield Kind(option.removeprefix("--")), parse_selection(text)


def _take_back(project: Project, run: Run) -> None:
    """The last commit was never made, and no file is read-only."""
    git(run.require_folder(), "reset", "--quiet", "--hard", "HEAD~1")
    index = project.stat_index(run)
    for _, asset in read_manifest(project, run).assets():
        path = run.require_folder() / asset.path
        if path.stat().st_mode & 0o777 != OPEN_MODE:
            path.chmod(OPEN_MODE)
            index.note(asset.path, asset.md5)
    index.save()


def _read_files(run: Run) -> dict[str, bytes]:
    folder = run.require_folder()
    return {path: (folder / path).read_bytes() for path in git(folder, "ls-files").split()}


def _commit_plainly(folder: Path, after: Mapping[str, bytes]) -> Case:
    def case() -> Sample:
        (folder / MANIFEST_NAME).write_bytes(after[MANIFEST_NAME])
        taken = add(time_command(BARE_TYPER, folder), time_command(_COMMIT, folder))
        git(folder, "reset", "--quiet", "--hard", "HEAD~1")
        return taken

    return case


def make_plain(root: Path, files: Mapping[str, bytes], hook: str = "") -> Path:
    """Make a repository that holds the files and has this one hook, or none."""
    git(root.parent, "init", "--quiet", str(root))
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    git(root, "add", "--force", ".")
    git(root, "commit", "--quiet", "--message", "all")
    if hook:
        path = root / ".git" / "hooks" / "pre-commit"
        path.write_text(hook)
        path.chmod(0o755)
    return root
