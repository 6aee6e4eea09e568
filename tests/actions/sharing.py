"""Several people share a run through a bare repository and a DVC remote, each in their own clone."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gitassets.actions.init import init
from gitassets.actions.pull import PullOptions, PullResult, pull
from gitassets.actions.push import PushOptions, PushResult, push
from gitassets.domain.manifest import Manifest, iter_folder_entries
from gitassets.domain.selection import parse_selection
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import git, ignore_progress
from tests.actions.locked_run import LockedRun
from tests.starter import run_program
from tests.storage import FolderStorage, Storage


@dataclass(frozen=True)
class Office:
    """A git server and a DVC remote."""

    server: Path
    store: Storage

    def tip(self, run_id: str = "ep1") -> str | None:
        """Return the commit of the run's branch on the server, if any."""
        found = git(self.server, "for-each-ref", "--format=%(objectname)", f"refs/heads/run/{run_id}").strip()
        return found or None

    def equip(self, root: Path, *, default: bool = True) -> None:
        """Configure both in the project and push its main branch."""
        git(root, "remote", "add", "origin", str(self.server))
        write_dvc_config(root, self.store, default=default)
        git(root, "commit", "--quiet", "--all", "--message", "A store")
        git(root, "push", "--quiet", "origin", "main")

    def clone(self, root: Path) -> Project:
        git(root.parent, "clone", "--quiet", str(self.server), root.name)
        init(root)
        write_keys(root, self.store)
        return find_project(root)


def make_office(folder: Path, store: Storage | None = None) -> Office:
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", "server.git")
    return Office(folder / "server.git", store or FolderStorage(folder / "store"))


def write_dvc_config(root: Path, store: Storage, *, default: bool = True, name: str = "store") -> None:
    """Write a DVC remote as `dvc remote add` does, with secrets in the uncommitted file."""
    options = {key: value for key, value in store.settings().options.items() if "access_key" not in key}
    lines = "".join(f"    {key} = {value}\n" for key, value in options.items())
    core = f"[core]\n    remote = {name}\n" if default else ""
    (root / ".dvc" / "config").write_text(f"{core}['remote \"{name}\"']\n{lines}")
    write_keys(root, store, name=name)


def write_keys(root: Path, store: Storage, *, name: str = "store") -> None:
    keys = {key: value for key, value in store.settings().options.items() if "access_key" in key}
    if keys:
        lines = "".join(f"    {key} = {value}\n" for key, value in keys.items())
        with (root / ".dvc" / "config.local").open("a") as file:
            file.write(f"['remote \"{name}\"']\n{lines}")


def push_run(person: LockedRun | Project, run_id: str = "ep1", **options: object) -> PushResult:
    project = person.project if isinstance(person, LockedRun) else person
    return push(project, find_run(project, run_id), PushOptions(**options), ignore_progress)  # type: ignore[arg-type]


def pull_run(person: LockedRun | Project, run_id: str = "ep1", **options: object) -> PullResult:
    project = person.project if isinstance(person, LockedRun) else person
    chosen = options.pop("segments", None)
    segments = parse_selection(str(chosen)) if chosen is not None else None
    return pull(project, run_id, PullOptions(segments=segments, **options), ignore_progress)  # type: ignore[arg-type]


def join(office: Office, root: Path) -> LockedRun:
    """Clone the project, pull the run, and return the colleague's run."""
    project = office.clone(root)
    pull_run(project)
    return LockedRun(project, find_run(project, "ep1"))


def named(manifest: Manifest) -> dict[str, str]:
    """Return path and hash of every file that the manifest names."""
    return {path: md5 for path, md5, _ in iter_folder_entries(manifest)}


def media_of(project: Project, run: Run) -> dict[str, bytes]:
    """Return the media files in the run's folder."""
    folder = run.require_folder()
    paths = named(read_manifest(project, run))
    return {path: (folder / path).read_bytes() for path in paths if (folder / path).is_file()}


def dvc(folder: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = run_program("dvc", args, folder=folder, environment=os.environ)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done
