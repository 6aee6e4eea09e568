"""Checks and commands shared by the tests of actions."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.domain.changes import check_message
from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.guard import RunState, check_step, state_from_bytes
from gitassets.domain.manifest import MANIFEST_NAME, Address, Asset, Kind, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.selection import AssetSelection, parse_selection
from gitassets.runs.history import read_tree
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.progress import Progress
from gitassets.runs.project import Project, Run
from tests.starter import run_program

PACKAGE_ROOT = Path(__file__).parents[2]


def ignore_progress(progress: Progress) -> None:
    del progress


def git(folder: Path, *args: str, check: bool = True) -> str:
    done = subprocess.run(("git", *args), cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"git {' '.join(args)}: {done.stderr}")
    return done.stdout


def run_cli(folder: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return run_program("gitassets", args, folder=folder, environment=cli_environment(), stdin=stdin)


def cli_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}


def select(
    *, audio: str | None = None, image: str | None = None, video: str | None = None, segment: str | None = None
) -> AssetSelection:
    given = {Kind.AUDIO: audio, Kind.IMAGE: image, Kind.VIDEO: video}
    by_kind = {kind: parse_selection(text) for kind, text in given.items() if text is not None}
    return AssetSelection(by_kind, None if segment is None else parse_selection(segment))


def asset(project: Project, run: Run, kind: str, number: int) -> Asset:
    found = read_manifest(project, run).asset(Address(number, Kind(kind)))
    assert found is not None
    return found


def statuses(project: Project, run: Run) -> dict[str, str]:
    return {str(address): one.status.value for address, one in read_manifest(project, run).assets()}


def dvc_status(folder: Path) -> Mapping[str, object]:
    """Return what `dvc status` reports as changed in the folder."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        found: Mapping[str, object] = repo.status()
    return found


def subjects(run: Run) -> list[str]:
    """Return the subjects of the run's commits without their common prefix, newest first."""
    lines = git(run.require_folder(), "log", "--format=%s", run.ref).splitlines()
    return [line.removeprefix(f"assets({run.run_id}): ") for line in lines]


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file in the folder by path, without DVC's own files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith((".dvc/tmp", ".dvc/cache"))
    }


def snapshot(run: Run) -> tuple[str, str, str, dict[str, tuple[bytes, int]]]:
    """Return HEAD, index and files with permissions, which a refused command must not change."""
    folder = run.require_folder()
    files = {path: (data, (folder / path).stat().st_mode) for path, data in files_below(folder).items()}
    return git(folder, "rev-parse", "HEAD"), git(folder, "ls-files", "-s"), git(folder, "status", "--porcelain"), files


def assert_clean(project: Project, run: Run, *, quick: bool = False) -> None:
    """Check that git and DVC are clean, nothing is left over, and every commit is legal.

    `quick` skips DVC and the history, for use in loops.
    """
    folder = run.require_folder()
    assert git(project.root, "status", "--porcelain") == ""
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "symbolic-ref", "HEAD").strip() == f"refs/heads/run/{run.run_id}"
    assert (folder / MANIFEST_NAME).read_bytes() == format_manifest(read_manifest(project, run))
    assert_files_match(project, run)
    assert_no_leftovers(project, run)
    if not quick:
        assert_history_legal(folder)
        assert dvc_status(folder) == {}


def assert_files_match(project: Project, run: Run) -> None:
    """Check that the folder has exactly the manifest's files and the cache has their bytes and the folder lists."""
    folder = run.require_folder()
    expected = {path: md5 for path, md5, _ in iter_folder_entries(read_manifest(project, run))}
    found = [
        path
        for path in files_below(folder)
        if path.split("/")[0] in ("audio", "images", "video", "music", "takes", "final")
    ]
    assert found == sorted(expected)
    for path, md5 in expected.items():
        assert project.blobs.path(md5).read_bytes() == (folder / path).read_bytes()
    for name in DVC_FILES:
        if (folder / name).exists():
            listing = (folder / name).read_text().split("md5: ", 1)[1].split("\n", 1)[0]
            assert project.blobs.has(listing)


def assert_no_leftovers(project: Project, run: Run) -> None:
    assert not (project.state_dir / "journal" / f"{run.run_id}.json").exists()
    assert not (project.state_dir / "made" / f"{run.run_id}.jsonl").exists()
    assert list(run.require_folder().rglob(".incoming*")) == []


def assert_history_legal(folder: Path) -> None:
    """Check that every commit of the run's branch is legal and that its message names all it did."""
    before: RunState | None = None
    for line in git(folder, "log", "--reverse", "--topo-order", "--format=%H%x00%B%x01", "HEAD").split("\x01")[:-1]:
        commit, message = line.strip("\n").split("\0")
        after = read_state(folder, commit)
        assert check_step(before, after) == (), message
        if after.manifest is not None:
            assert list(check_message(before.manifest if before else None, after.manifest, message)) == [], message
        before = after


def read_state(folder: Path, commit: str) -> RunState:
    tree = read_tree(Git(folder), commit)
    names = [one.path for one in tree if one.path in (MANIFEST_NAME, *DVC_FILES)]
    blobs = Git(folder).read_blobs([f"{commit}:{name}" for name in names])
    files = {name: blobs[f"{commit}:{name}"] or b"" for name in names}
    return state_from_bytes(files.pop(MANIFEST_NAME), files, tree)


def lose_blobs(project: Project) -> None:
    """Delete every cached blob, so that only the run folders have the bytes."""
    for folder in (project.blobs.cache_dir / "files", project.state_dir / "kept-blobs"):
        shutil.rmtree(folder, ignore_errors=True)


def write_hook(project: Project, name: str, *lines: str) -> Path:
    """Write a user's git hook as a shell script."""
    hook = project.git_dir / "hooks" / name
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text("\n".join(("#!/bin/sh", *lines, "")))
    hook.chmod(0o755)
    return hook


def addresses(found: Sequence[object]) -> list[str]:
    """Format addresses, or objects that have one, as "image 3"."""
    return [str(getattr(one, "address", one)) for one in found]
